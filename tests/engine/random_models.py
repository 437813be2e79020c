"""Random models and random customers, from a seed: what laws and the scalar reference are tried on."""

import datetime
from typing import Any

import numpy as np

from allocation.engine.facts.attributes import TOUCH_LEVELS
from tests.engine.tiering_facts import AS_OF

GOAL_KINDS = {"adoption": "low", "care": "self_service", "growth": "mid", "nurture": "", "risk": "high"}
VERTICALS = ("Finance", "Retail", "Telco")
PRODUCTS = ("Core", "Edge", "Reports")
SLUGS = ("global", "enterprise", "scale")
FLAGS = ("champion", "loss_felt", "first_renewal_done", "has_parent")
# Bounds that facts also take, so that "exactly at the bound" happens often.
ROUND = {
    "arr": (0, 1000, 50000, 150000, 750000),
    "expansion_potential": (0, 5000, 100000),
    "arr_percentile": (10, 50, 80),
    "arr_share_above": (25, 50, 90),
    "health": (0, 20, 50, 80),
    "adoption": (30, 50, 70),
    "sentiment": (1, 2, 3, 4),
    "goal_count": (1, 2),
    "product_count": (1, 2),
    "days_to_renewal": (0, 30, 90),
    "health_age": (10, 60, 200),
    "score": (20, 40, 50, 60),
    "score_percentile": (20, 50, 75),
}
FACTS = tuple(name for name in ROUND if not name.startswith("score"))


class Chance:
    """Seeded choices; the same seed gives the same models and customers."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)

    def one(self, values: Any) -> Any:
        return values[int(self.random.integers(len(values)))]

    def some(self, values: Any, least: int = 1) -> list[Any]:
        count = int(self.random.integers(least, len(values) + 1))
        return [values[at] for at in sorted(self.random.permutation(len(values))[:count].tolist())]

    def happens(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def number(self, low: float, high: float, places: int = 2) -> float:
        return round(float(self.random.uniform(low, high)), places)


def random_model(seed: int) -> dict[str, Any]:
    """A model that `read_rules` takes with GOAL_KINDS and the usual three tiers."""
    chance = Chance(seed)
    has_touch = chance.happens(0.5)
    segments = [f"S{place}" for place in range(chance.random.integers(3))]
    model: dict[str, Any] = {
        "segments": [
            *({"name": name, "when": when(chance, FACTS)} for name in segments),
            {"name": "Rest", "when": []},
        ],
        "criteria": [criterion(chance, place) for place in range(chance.random.integers(5))],
        "tiers": [],
        "guards": guards(chance),
    }
    names = (*FACTS, "score", "score_percentile") if model["criteria"] else FACTS
    if chance.happens(0.5):
        model["goals"] = chance.some(tuple(GOAL_KINDS))
    if has_touch:
        levels = [chance.one(TOUCH_LEVELS) for _ in range(1 + chance.random.integers(3))]
        rules = [{"touch": level, "when": when(chance, names, segments)} for level in levels]
        model["touch"] = [*rules, {"touch": chance.one(TOUCH_LEVELS), "when": []}]
    for _ in range(1 + chance.random.integers(4)):
        conditions = when(chance, names, segments)
        if has_touch and chance.happens(0.6):
            conditions.insert(0, condition("touch", chance.one(("in", "not_in")), chance.some(TOUCH_LEVELS)))
        model["tiers"].append({"tier": chance.one(SLUGS), "when": conditions})
    model["tiers"].append({"tier": chance.one(SLUGS), "when": []})
    return model


def condition(attribute: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"attribute": attribute, "op": op, "value": value}


def when(chance: Chance, names: Any, segments: Any = (), depth: int = 0) -> list[dict[str, Any]]:
    """One to three conditions or groups; never none, since that would take everyone."""
    found: list[dict[str, Any]] = []
    for _ in range(1 + chance.random.integers(3)):
        if depth < 2 and chance.happens(0.25):
            found.append({chance.one(("any", "all")): when(chance, names, segments, depth + 1)})
        elif chance.happens(0.6):
            found.append(bound(chance, chance.one(names)))
        else:
            found.append(word(chance, segments))
    # one bound an attribute: two may exclude each other, which is refused
    return list({each.get("attribute", place): each for place, each in enumerate(found)}.values())


def bound(chance: Chance, name: str) -> dict[str, Any]:
    values = ROUND[name]
    if chance.happens(0.1):
        return condition(name, chance.one(("known", "missing")))
    if chance.happens(0.1):
        return condition(name, "between", [values[0], values[-1]])
    if chance.happens(0.15):
        return condition(name, chance.one(("=", "!=")), chance.one(values))
    op = chance.one((">=", ">", "<=", "<"))
    return condition(name, op, chance.one(values if op in {">=", "<="} else values[1:] or [values[0] + 1]))


def word(chance: Chance, segments: Any) -> dict[str, Any]:
    kind = chance.random.integers(6)
    if kind == 0:
        return condition("vertical", chance.one(("in", "not_in")), chance.some(VERTICALS))
    if kind == 1:
        return condition(chance.one(FLAGS), "is", chance.happens(0.5))
    if kind == 2:
        return condition(
            "open_goals", chance.one(("any_of", "all_of", "none_of")), chance.some(tuple(GOAL_KINDS))
        )
    if kind == 3:
        return condition("goal", chance.one(("in", "not_in")), chance.some(tuple(GOAL_KINDS)))
    if kind == 4 and segments:
        return condition("segment", chance.one(("in", "not_in")), chance.some(segments))
    return condition(
        "goals_ask_for", chance.one(("in", "not_in", "known", "missing")), chance.some(TOUCH_LEVELS)
    )


def criterion(chance: Chance, place: int) -> dict[str, Any]:
    attribute, scale = chance.one(
        (
            ("arr", {"kind": "log", "low": 1000, "high": 750000}),
            ("arr", {"kind": "percentile", "within": chance.one(("everyone", "segment"))}),
            ("health", {"kind": "linear", "low": 0, "high": 100}),
            (
                "health",
                {"kind": "percentile", "reverse": True, "within": chance.one(("everyone", "segment"))},
            ),
            ("adoption", {"kind": "linear", "low": 80, "high": 20}),
            ("sentiment", {"kind": "steps", "steps": [[2, 30], [4, 90]], "below": 5}),
            ("vertical", {"kind": "choices", "points": {"finance": 80, "Telco": 20}}),
            ("vertical", {"kind": "choices", "points": {"Retail": 65.5}, "other": 10}),
            ("champion", {"kind": "choices", "points": {"yes": 100, "no": 0}}),
            ("open_goals", {"kind": "choices", "points": {"risk": 90, "growth": 50}, "other": 0}),
            ("goals_ask_for", {"kind": "choices", "points": {"high": 100, "mid": 50}, "other": 10}),
            ("segment", {"kind": "choices", "points": {"Rest": 30}, "other": 70}),
        )
    )
    missing = chance.one(("share_out", "share_out", "points", "undecided"))
    return {
        "name": f"C{place}",
        "attribute": attribute,
        "weight": chance.one((0.001, 0.5, 1, 3, 7.25)),
        "scale": scale,
        "missing": missing,
        **({"points": chance.number(0, 100)} if missing == "points" else {}),
    }


def guards(chance: Chance) -> dict[str, Any]:
    found: dict[str, Any] = {"paid_floor": chance.happens(0.5), "dead_band": None}
    if chance.happens(0.6):
        found["dead_band"] = {"points": chance.one((0, 1, 2, 7.5)), "percent": chance.one((0, 5, 20))}
    if chance.happens(0.4):
        found["first_year"] = {"touch_levels": chance.some(("mid", "tech"))}
    if chance.happens(0.4):
        found["minimum_stay"] = {"days": chance.one((1, 90, 180))}
    if chance.happens(0.4):
        found["renewal_freeze"] = {"days": chance.one((1, 30, 90))}
    return found


def random_rows(seed: int, count: int) -> list[dict[str, Any]]:
    """Customers as dicts, with what they hold; a tenth of each value is missing, many lie exactly at a bound."""
    chance = Chance(seed)
    return [row(chance, place) for place in range(count)]


def row(chance: Chance, place: int) -> dict[str, Any]:
    values: dict[str, Any] = {
        "arr": chance.one((chance.one(ROUND["arr"]), chance.number(0, 1_000_000), chance.number(0, 60_000))),
        "potential_arr": chance.number(0, 1_200_000),
        "health": chance.one((chance.one(ROUND["health"]), chance.number(0, 100))),
        "adoption": chance.one((chance.one(ROUND["adoption"]), chance.number(0, 100))),
        "sentiment": chance.one((1, 2, 3, 4, 5, 3.5)),
        "vertical": chance.one((*VERTICALS, "telco", "Mining")),
        **{flag: chance.happens(0.5) for flag in FLAGS},
        "renewal_date": AS_OF + datetime.timedelta(days=chance.one((-1, 0, 1, 30, 31, 90, 91, 300))),
        "health_on": AS_OF - datetime.timedelta(days=chance.one((0, 10, 11, 60, 200, 400))),
    }
    known = {name: value for name, value in values.items() if not chance.happens(0.1)}
    held = {
        "current": chance.one((-1, 0, 1, 2)),
        "paid": chance.one((-1, -1, -1, 0, 1, 2)),
        "override": chance.one((-1,) * 9 + (0, 1, 2)),
        "goals_changed": chance.happens(0.2),
        "override_ended": chance.happens(0.1),
        "left": chance.happens(0.05),
    }
    if chance.happens(0.8):
        held["since"] = AS_OF - datetime.timedelta(days=chance.one((0, 1, 89, 90, 179, 180, 500)))
    sets = {
        "open_goals": chance.some(tuple(GOAL_KINDS), least=0) if chance.happens(0.6) else [],
        "products": chance.some(PRODUCTS, least=0),
    }
    return {"id": place, **known, **held, **sets}
