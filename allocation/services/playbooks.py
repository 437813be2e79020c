"""Ready-made set-ups: load one as a draft, or put it in force; and publish a version of the tiering model.

Loading a playbook a second time changes nothing, unless its file has changed: then it makes a new version. What
people edited after loading stays as they left it. Tiers that a published playbook does not have are retired.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.models import GoalKind, Tier, TouchActivity
from allocation.engine.rules import UnusableRules, read_rules
from allocation.models import (
    OPEN_STATUSES,
    AllocationPolicy,
    AttentionPolicy,
    RetierRun,
    RunStatus,
    TieringModel,
    Touch,
)
from allocation.snapshots.vocabulary import model_vocabulary

FOLDER = Path(__file__).resolve().parent.parent / "playbooks"
AT_ONCE = "Somebody else loaded or published at the same moment; look at what is there now and try again."
TIER_FIELDS = ("name", "rank", "touch_level", "cap", "description")


class UnableToLoadPlaybook(ValueError):
    """There is no such playbook, or its file is not usable; the message says which."""


class UnableToPublishModel(ValueError):
    """The version is not a draft any more, or its rules have faults."""


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


def definition_digest(*, definition: object) -> str:
    """The same rules give the same digest, whatever the order of their keys."""
    return hashlib.sha256(json.dumps(definition, sort_keys=True).encode()).hexdigest()


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
    file = _read(slug)
    try:
        return _load(file, publish=publish, at=at, actor_id=actor_id)
    except (IntegrityError, UnableToPublishModel) as clash:
        sentence = AT_ONCE if isinstance(clash, IntegrityError) else str(clash)
        raise UnableToLoadPlaybook(sentence) from clash


def _load(file: Mapping[str, Any], *, publish: bool, at: datetime, actor_id: int | None) -> LoadedPlaybook:
    """All of it or nothing; keys that two loads at once would write twice stop the second."""
    slug = file["slug"]
    with transaction.atomic():
        model = TieringModel.objects.filter(playbook=slug).order_by("-number").first()
        digest = definition_digest(definition=file["model"])
        if model is not None and model.digest == digest and (model.status == "published" or not publish):
            return _loaded(file, model.number, model.status)
        _add_goal_kinds(file)
        _add_tiers(file)
        if publish:
            _put_goal_kinds_in_force(file)
            _put_tiers_in_force(file)
        if model is None or model.digest != digest or model.status != TieringModel.Status.DRAFT:
            model = _draft(file, digest, actor_id)
        policies = [
            _policy(AllocationPolicy, file["allocation_policy"]),
            _policy(AttentionPolicy, file["attention_policy"]),
        ]
        if publish:
            for policy in policies:
                _activate(policy)
            publish_model(model_id=model.pk, at=at, actor_id=actor_id)
    return _loaded(file, model.number, "published" if publish else "draft")


def publish_model(*, model_id: int, at: datetime, actor_id: int | None = None) -> None:
    """Make a draft the published version; the one before is retired and its open runs become stale.

    Raises UnableToPublishModel.
    """
    try:
        with transaction.atomic():
            _publish(model_id=model_id, at=at, actor_id=actor_id)
    except IntegrityError as clash:
        raise UnableToPublishModel(AT_ONCE) from clash


def _publish(*, model_id: int, at: datetime, actor_id: int | None) -> None:
    """Inside the caller's transaction."""
    model = TieringModel.objects.get(pk=model_id)
    _check_rules(model.definition, UnableToPublishModel)
    published = TieringModel.objects.filter(status=TieringModel.Status.PUBLISHED)
    published.exclude(pk=model_id).update(status=TieringModel.Status.RETIRED)
    changed = TieringModel.objects.filter(pk=model_id, status=TieringModel.Status.DRAFT).update(
        status=TieringModel.Status.PUBLISHED,
        digest=definition_digest(definition=model.definition),
        published_at=at,
        published_by=actor_id,
    )
    if changed != 1:
        raise UnableToPublishModel(
            f"Version {model.number} is {model.status}; only a draft can be published."
        )
    RetierRun.objects.filter(status__in=OPEN_STATUSES).exclude(tiering_model_id=model_id).update(
        status=RunStatus.STALE, message=f"Version {model.number} of the model was published since."
    )


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
    GoalKind.objects.bulk_create(
        GoalKind(**{**kind, "name": _free_name(kind["name"], names, file)})
        for kind in file["goal_kinds"]
        if kind["slug"] not in known
    )


def _put_goal_kinds_in_force(file: Mapping[str, Any]) -> None:
    """A kind that asks for no touch level gets what the playbook says, since its rules count on it."""
    for kind in file["goal_kinds"]:
        if kind.get("asks_for"):
            GoalKind.objects.filter(slug=kind["slug"], asks_for="").update(asks_for=kind["asks_for"])


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
    """Every tier gets its values; ranks are unique, so all first go below the last one and come back in order."""
    slugs = [tier["slug"] for tier in file["tiers"]]
    below = max(_lowest_rank(), *(int(tier["rank"]) for tier in file["tiers"]))
    for place, pk in enumerate(Tier.objects.order_by("rank").values_list("pk", flat=True), start=1):
        Tier.objects.filter(pk=pk).update(rank=below + place)
    others = Tier.objects.exclude(slug__in=slugs)
    others.update(retired=True)
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
            defaults={field: str(touch[field]) for field in ("times_a_year", "hours_each", "channel")},
        )
        keep.append(row.pk)
    others = TouchActivity.objects.filter(tier=tier).exclude(pk__in=keep)
    planned = Touch.objects.filter(activity__in=others).values_list("activity_id", flat=True)
    others.filter(pk__in=list(planned)).update(times_a_year=0)
    others.exclude(pk__in=list(planned)).delete()


def _draft(file: Mapping[str, Any], digest: str, actor_id: int | None) -> TieringModel:
    _check_rules(file["model"], UnableToLoadPlaybook)
    last = TieringModel.objects.aggregate(last=Max("number"))["last"] or 0
    return TieringModel.objects.create(
        number=last + 1,
        name=file["name"],
        playbook=file["slug"],
        definition=file["model"],
        digest=digest,
        created_by_id=actor_id,
    )


def _check_rules(definition: object, refusal: type[ValueError]) -> None:
    vocabulary = model_vocabulary()
    try:
        read_rules(
            definition=definition,
            attributes=vocabulary.attributes,
            tiers=vocabulary.tiers,
            goal_kinds=vocabulary.goal_kinds,
        )
    except UnusableRules as faults:
        raise refusal(str(faults)) from faults


def _policy(model: type[Any], values: Mapping[str, Any]) -> Any:
    """The policy of that name; made with the file's values if there is none yet, else as people left it."""
    others = {field: value for field, value in values.items() if field != "name"}
    return model.objects.get_or_create(name=values["name"], defaults=others)[0]


def _activate(policy: Any) -> None:
    type(policy).objects.filter(is_active=True).exclude(pk=policy.pk).update(is_active=False)
    type(policy).objects.filter(pk=policy.pk).update(is_active=True)
