"""Questions that are asked often, as starting points of the form of a scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allocation.selectors.scenario_ground import Ground

USUAL_CAPS = (8, 20, 60)
HEADS = 2
CUT_PCT = -10


@dataclass(frozen=True, slots=True)
class Preset:
    """definition: what the form shows first. A preset without one has nothing to start from here."""

    key: str
    title: str
    words: str
    definition: dict[str, Any]
    icon: str = "scenario"


def presets(*, ground: Ground, vertical: str = "") -> tuple[Preset, ...]:
    """All that fit this installation. vertical: where the added CSMs are; "" or an unknown one: anywhere."""
    found = (_caps(ground), _heads(vertical if vertical in ground.verticals else ""), *_others())
    return tuple(preset for preset in found if preset.definition)


def _caps(ground: Ground) -> Preset:
    served = [tier for tier in ground.tiers if tier.has_csm]
    changed = {
        tier.slug: {"cap": cap} for tier, cap in zip(served, USUAL_CAPS, strict=False) if tier.cap != cap
    }
    names = ", ".join(tier.name for tier in served[: len(USUAL_CAPS)])
    title = "Caps " + " / ".join(str(cap) for cap in USUAL_CAPS[: len(served)])
    definition = {"tiers": changed, "books": "planned anew"} if changed else {}
    return Preset(
        "caps", title, f"So many customers a CSM in {names}; the books planned anew.", definition, "tier"
    )


def _heads(vertical: str) -> Preset:
    row: dict[str, Any] = {"heads": HEADS} | ({"verticals": [vertical]} if vertical else {})
    where = f" in {vertical}" if vertical else ""
    return Preset(
        "heads",
        f"Two more CSMs{where}",
        "As the CSMs that are here have on average; the books planned anew.",
        {"roster": {"add": [row]}, "books": "planned anew"},
        "people",
    )


def _others() -> tuple[Preset, ...]:
    return (
        Preset(
            "wishes",
            "Everyone gets the engagement they wish",
            "Who has said nothing keeps the tier of the model.",
            {"engagement": {"as": "wished", "without_a_wish": "keeps"}},
            "touch",
        ),
        Preset(
            "highest",
            "Customers choose their own segment",
            "Who has said nothing takes the highest touch, as most would.",
            {"engagement": {"as": "wished", "without_a_wish": "highest"}},
            "pyramid",
        ),
        Preset(
            "arr",
            f"ARR −{abs(CUT_PCT)} %",
            "Every customer pays a tenth less.",
            {"amounts": [{"attribute": "arr", "change_pct": CUT_PCT}]},
            "rates",
        ),
        Preset(
            "guards",
            "Guards run out",
            "What the model says once nothing holds anybody back.",
            {"model": {"guards": "run out"}},
            "lock",
        ),
    )
