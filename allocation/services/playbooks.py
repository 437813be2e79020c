"""Ready-made set-ups: load one as a draft, or put it in force.

Loading a playbook a second time changes nothing, unless its file has changed: then it makes a new version. What
people edited after loading stays as they left it. Tiers that a published playbook does not have are retired.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import Max

from accounts.changes import logged, update_logged
from accounts.models import GoalKind, Tier, TouchActivity
from allocation.engine.facts.tiering import TierFacts
from allocation.models import AllocationPolicy, AttentionPolicy, TieringModel, Touch
from allocation.querysets.versions import day_of, definition_digest
from allocation.selectors.model_checks import faults_of, refusal_to_publish, tiers_led_to
from allocation.selectors.model_preview import PlaybookInForce

FOLDER = Path(__file__).resolve().parent.parent / "playbooks"
AT_ONCE = "Somebody else loaded or published at the same moment; look at what is there now and try again."
TIER_FIELDS = ("name", "rank", "touch_level", "cap", "description")


class UnableToLoadPlaybook(ValueError):
    """There is no such playbook, its file is not usable, or a lock holds; the message says which."""


@dataclass(frozen=True, slots=True)
class LoadedPlaybook:
    """tiers: slugs from the highest down, tier_names likewise. model_version: None when it was never loaded."""

    slug: str
    name: str
    idea: str
    source: str
    tiers: tuple[str, ...]
    tier_names: tuple[str, ...]
    model_version: int | None
    status: str


def available_playbooks() -> list[LoadedPlaybook]:
    """Every playbook that ships with the product, and whether it was loaded."""
    versions = {
        playbook: (number, status)
        for playbook, number, status in TieringModel.objects.exclude(playbook="")
        .order_by("number")
        .values_list("playbook", "number", "status")
    }
    found = []
    for path in sorted(FOLDER.glob("*.json")):
        file = _read(path.stem)
        number, status = versions.get(path.stem, (None, "not loaded"))
        found.append(_loaded(file, number, status))
    return found


def load_playbook(*, slug: str, publish: bool, at: datetime, actor_id: int | None = None) -> LoadedPlaybook:
    """Load a playbook as a draft; with ``publish`` put it in force. Raises UnableToLoadPlaybook.

    A draft adds the tiers and goal kinds that are missing and changes none that exist; publishing gives tiers and
    touch plans their values, and goal kinds a touch level to ask for where they have none; it retires the other
    tiers, and makes the policies the active ones.
    """
    return _load(_read(slug), publish=publish, at=at, actor_id=actor_id)


def playbook_in_force(*, slug: str) -> PlaybookInForce | None:
    """The tiers and goal kinds as publishing this playbook would put them; None when none of that name ships."""
    if slug not in {path.stem for path in FOLDER.glob("*.json")}:
        return None
    file = _read(slug)
    tiers = sorted(file["tiers"], key=lambda tier: int(tier["rank"]))
    return PlaybookInForce(
        tiers=tuple(
            TierFacts(tier["slug"], int(tier["rank"]), tier["touch_level"], tier["name"]) for tier in tiers
        ),
        goal_touch={kind["slug"]: kind.get("asks_for", "") for kind in file["goal_kinds"]},
    )


def publish_loaded(*, model_id: int, at: datetime, actor_id: int | None = None) -> LoadedPlaybook:
    """Put the draft that a playbook was loaded as in force, with the playbook's tiers and policies around it.

    As `load_playbook` with ``publish``, but with the rules as people edited them. Raises UnableToLoadPlaybook.
    """
    model = TieringModel.objects.get(pk=model_id)
    if model.status != TieringModel.Status.DRAFT:
        raise UnableToLoadPlaybook(
            f"Version {model.number} is {model.status}; only a draft can be published."
        )
    file = {**_read(model.playbook), "model": model.definition}
    return _load(file, publish=True, at=at, actor_id=actor_id, draft=model)


def _load(
    file: Mapping[str, Any],
    *,
    publish: bool,
    at: datetime,
    actor_id: int | None,
    draft: TieringModel | None = None,
) -> LoadedPlaybook:
    """All of it or nothing, one load or publishing after the other."""
    slug = file["slug"]
    with TieringModel.objects.in_turn(UnableToLoadPlaybook(AT_ONCE)):
        model = TieringModel.objects.filter(playbook=slug).order_by("-number").first()
        digest = definition_digest(definition=file["model"])
        same = draft is None and model is not None and model.digest == digest
        if model is not None and same and (model.status == "published" or not publish):
            return _loaded(file, model.number, model.status)
        _add_goal_kinds(file)
        _add_tiers(file)
        if publish:
            _put_goal_kinds_in_force(file)
            _put_tiers_in_force(file)
        if draft is not None:
            model = draft
        elif model is None or model.digest != digest or model.status != TieringModel.Status.DRAFT:
            model = _draft(file, actor_id)
        policies = [
            _policy(AllocationPolicy, file["allocation_policy"]),
            _policy(AttentionPolicy, file["attention_policy"]),
        ]
        if publish:
            for policy in policies:
                type(policy).objects.put_in_force(policy.pk)
            _publish(model, at=at, actor_id=actor_id)
    return _loaded(file, model.number, "published" if publish else "draft")


def _publish(model: TieringModel, *, at: datetime, actor_id: int | None) -> None:
    """As services.models publishes a version: what is written stands once, in the queryset."""
    refusal = refusal_to_publish(definition=model.definition, on=day_of(at))
    if refusal:
        raise UnableToLoadPlaybook(refusal)
    if not TieringModel.objects.put_in_force(model, at=at, published_by_id=actor_id):
        raise UnableToLoadPlaybook(AT_ONCE)


def _read(slug: str) -> dict[str, Any]:
    path = FOLDER / f"{slug}.json"
    known = sorted(each.stem for each in FOLDER.glob("*.json"))
    if slug not in known:
        raise UnableToLoadPlaybook(f"There is no playbook “{slug}”; there are: {', '.join(known)}.")
    file: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return file


def _loaded(file: Mapping[str, Any], number: int | None, status: str) -> LoadedPlaybook:
    tiers = sorted(file["tiers"], key=lambda tier: int(tier["rank"]))
    return LoadedPlaybook(
        slug=file["slug"],
        name=file["name"],
        idea=file["idea"],
        source=file["source"],
        tiers=tuple(tier["slug"] for tier in tiers),
        tier_names=tuple(tier["name"] for tier in tiers),
        model_version=number,
        status=status,
    )


def _add_goal_kinds(file: Mapping[str, Any]) -> None:
    """Goal kinds that are missing. Rules go by the slug, so where only the name is taken it says whose it is."""
    known = set(GoalKind.objects.values_list("slug", flat=True))
    names = {name.casefold() for name in GoalKind.objects.values_list("name", flat=True)}
    for kind in file["goal_kinds"]:
        if kind["slug"] not in known:
            GoalKind.objects.create(**{**kind, "name": _free_name(kind["name"], names, file)})


def _put_goal_kinds_in_force(file: Mapping[str, Any]) -> None:
    """A kind that asks for no touch level gets what the playbook says, since its rules count on it."""
    for kind in file["goal_kinds"]:
        if kind.get("asks_for"):
            silent = GoalKind.objects.filter(slug=kind["slug"], asks_for="")
            update_logged(silent, asks_for=kind["asks_for"])


def _free_name(name: str, taken: Collection[str], file: Mapping[str, Any]) -> str:
    return f"{name} ({file['name']})"[:100] if name.casefold() in taken else name


def _add_tiers(file: Mapping[str, Any]) -> None:
    """Tiers that are missing, below all others until the playbook is published."""
    known = set(Tier.objects.values_list("slug", flat=True))
    lowest = _lowest_rank()
    for place, tier in enumerate(file["tiers"], start=1):
        if tier["slug"] in known:
            continue
        name = tier["name"]
        if Tier.objects.filter(name__iexact=name).exists():
            name = f"{name} ({file['name']})"
        values = {field: tier.get(field, "") for field in TIER_FIELDS}
        added = Tier.objects.create(slug=tier["slug"], **{**values, "name": name, "rank": lowest + place})
        _set_touch_plan(added, tier)


def _lowest_rank() -> int:
    return int(Tier.objects.aggregate(lowest=Max("rank"))["lowest"] or 0)


def _put_tiers_in_force(file: Mapping[str, Any]) -> None:
    """Every tier gets its values, logged as one change each."""
    with logged(Tier.objects.all()):
        _write_tiers(file)


def _write_tiers(file: Mapping[str, Any]) -> None:
    """Ranks are unique, so all first go below the last one and come back in order."""
    slugs = [tier["slug"] for tier in file["tiers"]]
    below = max(_lowest_rank(), *(int(tier["rank"]) for tier in file["tiers"]))
    for place, pk in enumerate(Tier.objects.order_by("rank").values_list("pk", flat=True), start=1):
        Tier.objects.filter(pk=pk).update(rank=below + place)
    others = Tier.objects.exclude(slug__in=slugs)
    others.exclude(slug__in=tiers_led_to(definition=file["model"])).update(retired=True)
    names = {tier["name"].casefold() for tier in file["tiers"]}
    for clash in [tier for tier in others if tier.name.casefold() in names]:
        Tier.objects.filter(pk=clash.pk).update(name=f"{clash.name} (retired {clash.slug})"[:100])
    for tier in file["tiers"]:
        row = Tier.objects.get(slug=tier["slug"])
        values = {field: tier[field] for field in TIER_FIELDS if field in tier}
        Tier.objects.filter(pk=row.pk).update(retired=False, **values)
        _set_touch_plan(row, tier)


def _set_touch_plan(tier: Tier, wanted: Mapping[str, Any]) -> None:
    """The touch plan as the file says. An activity with touches planned stays, at nought times a year."""
    kinds = dict(GoalKind.objects.values_list("slug", "pk"))
    keep = []
    for touch in wanted["touches"]:
        kind = kinds[touch["goal_kind"]] if touch.get("goal_kind") else None
        row, _ = TouchActivity.objects.update_or_create(
            tier=tier,
            goal_kind_id=kind,
            name=touch["name"],
            defaults={
                "times_a_year": Decimal(str(touch["times_a_year"])),
                "hours_each": Decimal(str(touch["hours_each"])),
                "channel": touch["channel"],
            },
        )
        keep.append(row.pk)
    others = TouchActivity.objects.filter(tier=tier).exclude(pk__in=keep)
    planned = Touch.objects.filter(activity__in=others).values_list("activity_id", flat=True)
    update_logged(others.filter(pk__in=list(planned)), times_a_year=0)
    others.exclude(pk__in=list(planned)).delete()


def _draft(file: Mapping[str, Any], actor_id: int | None) -> TieringModel:
    faults = faults_of(definition=file["model"])
    if faults:
        raise UnableToLoadPlaybook(" ".join(faults))
    draft: TieringModel = TieringModel.objects.draft(
        name=file["name"], playbook=file["slug"], definition=file["model"], created_by_id=actor_id
    )
    return draft


def _policy(model: type[Any], values: Mapping[str, Any]) -> Any:
    """The policy of that name; made with the file's values if there is none yet, else as people left it."""
    others = {field: value for field, value in values.items() if field != "name"}
    return model.objects.get_or_create(name=values["name"], defaults=others)[0]
