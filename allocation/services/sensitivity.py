"""Which numbers of a model deserve debate: asked for by CS ops, computed in the background, kept beside the model.

Customers, the model and everything else are read only; the answer is the one thing that is written (docs/engine/sensitivity.md).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.leases import lease_kept
from accounts.models import Customer, User
from accounts.querysets.jobs import CancelAsked
from allocation.engine import sensitivity as engine
from allocation.engine.facts.knobs import SIZES, Knob, KnobKind
from allocation.engine.facts.rules import Group, TieringRules, conditions_in
from allocation.engine.facts.tiering import Integers
from allocation.engine.knobs import knobs_of
from allocation.engine.rules import UnusableRules
from allocation.models import Sensitivity, TieringModel
from allocation.models.scenarios import AnswerStatus
from allocation.selectors.amounts import in_base_cents
from allocation.selectors.knob_words import short_words
from allocation.selectors.model_checks import faults_of, rules_of_definition
from allocation.selectors.stopping import stopped_by
from allocation.snapshots.customers import Snapshot, customer_snapshot
from allocation.snapshots.money import UnknownRate
from allocation.snapshots.vocabulary import model_vocabulary

MESSAGE = "Turning one number after the other"


class UnableToAskSensitivity(ValueError):
    """It cannot be asked, or not computed; the message says why and what to do."""


class UnableToCancelSensitivity(ValueError):
    """There is nothing to be stopped, or not by this person; the message says why."""


class _ClaimLost(Exception):
    """Somebody else has taken the row over; whatever this runner still holds is void."""


def ask_sensitivity(*, model_id: int, actor: User | None, on: date, at: datetime) -> Sensitivity:
    """Write down that the sensitivity of a version, draft or not, is to be computed. Raises UnableToAskSensitivity.

    Once at a time for each version; one that has faults is refused with a sentence each. actor: None for the operator
    of the machine.
    """
    if actor is not None and not actor.is_ops:
        raise UnableToAskSensitivity("Only CS ops may ask for the sensitivity of a model.")
    model = TieringModel.objects.filter(pk=model_id).first()
    if model is None:
        raise UnableToAskSensitivity("There is no such version of the model; choose one of the list.")
    faults = faults_of(definition=model.definition)
    if faults:
        raise UnableToAskSensitivity(f"Version {model.number} cannot be used: {' '.join(faults)}")
    try:
        with transaction.atomic():
            return Sensitivity.objects.create(tiering_model=model, as_of=on, requested_by=actor, queued_at=at)
    except IntegrityError as error:
        raise UnableToAskSensitivity(
            f"The sensitivity of version {model.number} is being computed already; wait for it, or cancel it."
        ) from error


def compute_sensitivity(
    *, sensitivity_id: int, owner: str, on: date, should_stop: Callable[[], bool] | None = None
) -> bool:
    """Compute one that waits (or whose runner died), on the customers as they are on the day ``on``.

    False: somebody else has it, it needs no computing, was cancelled meanwhile, or ``should_stop`` said so; then its claim
    lapses and it is taken up again. Raises UnableToAskSensitivity after marking it as failed.
    """
    fence = Sensitivity.objects.claim(
        sensitivity_id, owner=owner, waiting=[AnswerStatus.QUEUED], working=AnswerStatus.COMPUTING
    )
    if fence is None:
        return False
    this = Sensitivity.objects.select_related("tiering_model").get(pk=sensitivity_id)
    try:
        with lease_kept(Sensitivity, sensitivity_id, fence=fence):
            result = _computed(this, fence, on, should_stop)
    except _ClaimLost:
        return False
    except CancelAsked:
        _end_cancelled(this.pk, fence)
        return False
    except (UnknownRate, UnusableRules) as refusal:
        Sensitivity.objects.finish(this.pk, fence=fence, status=AnswerStatus.FAILED, message=str(refusal))
        raise UnableToAskSensitivity(str(refusal)) from refusal
    return Sensitivity.objects.finish(
        this.pk,
        fence=fence,
        status=AnswerStatus.DONE,
        message=short_words(result)[:500],
        as_of=on,
        result=result,
    )


def cancel_sensitivity(*, sensitivity_id: int, actor: User | None, at: datetime) -> str:
    """Stop one that waits or is computed; nothing of it is kept. The sentence says when. Raises UnableToCancelSensitivity."""
    if actor is not None and not actor.is_ops:
        raise UnableToCancelSensitivity("Only CS ops may cancel it.")
    by = actor.pk if actor is not None else None
    with transaction.atomic():
        row = Sensitivity.objects.select_for_update().filter(pk=sensitivity_id).first()
        if row is None:
            raise UnableToCancelSensitivity("There is no such sensitivity.")
        if Sensitivity.objects.ask_to_cancel(row.pk, by_id=by, at=at):
            return "It is stopped within a few seconds, and discarded."
        if Sensitivity.objects.mark_unheld(row.pk, by_id=by, at=at):
            return _end_cancelled(row.pk, row.fence)
    if row.is_being_stopped:
        raise UnableToCancelSensitivity(
            f"{stopped_by(row)} asked for that already: it is stopped within seconds."
        )
    raise UnableToCancelSensitivity(
        f"It is {row.get_status_display().lower()}: only what waits or is computed can be cancelled."
    )


def _end_cancelled(pk: int, fence: int) -> str:
    with transaction.atomic():
        locked = Sensitivity.objects.select_for_update(of=("self",)).select_related("cancel_asked_by")
        message = f"Cancelled by {stopped_by(locked.get(pk=pk))}; nothing of it was kept."
        Sensitivity.objects.end_cancelled(pk, fence=fence, status=AnswerStatus.DISCARDED, message=message)
    return message


def _computed(
    this: Sensitivity, fence: int, on: date, should_stop: Callable[[], bool] | None
) -> dict[str, Any]:
    vocabulary = model_vocabulary()
    rules = rules_of_definition(definition=this.tiering_model.definition, vocabulary=vocabulary)
    base = settings.BASE_CURRENCY
    snapshot = customer_snapshot(rules=rules, vocabulary=vocabulary, as_of=on, base=base)
    cents, problem = _arr(snapshot, on)
    knobs = knobs_of(rules=rules, tiers=vocabulary.tiers, facts=snapshot.facts)
    _still_mine(this, fence, 0, len(knobs), should_stop)
    asking = engine.Sensitivity(facts=snapshot.facts, rules=rules, tiers=vocabulary.tiers, arr_cents=cents)
    found = []
    for done, knob in enumerate(knobs, 1):
        found.append(asking.ask(knob))
        _still_mine(this, fence, done, len(knobs), should_stop)
    return {
        "customers": asking.customers,
        "share": asking.share,
        "currency": base,
        "arr_problem": problem,
        "digest": this.tiering_model.digest,
        "knobs": [
            {**_knob_json(each), "what_if": _what_if(rules, each.knob)} for each in engine.by_weight(found)
        ],
    }


def _still_mine(
    this: Sensitivity, fence: int, done: int, total: int, should_stop: Callable[[], bool] | None
) -> None:
    if should_stop is not None and should_stop():
        raise _ClaimLost
    if not Sensitivity.objects.heartbeat(this.pk, fence=fence, done=done, total=total, message=MESSAGE):
        raise _ClaimLost


def _arr(snapshot: Snapshot, on: date) -> tuple[Integers, str]:
    """ARR in cents of each customer of the snapshot, unknown as 0, and what currency had no rate."""
    rows = {
        pk: (arr, currency) for pk, arr, currency in Customer.objects.values_list("pk", "arr", "currency")
    }
    amounts = [rows.get(pk, (None, "")) for pk in snapshot.keys.tolist()]
    cents, problem = in_base_cents(amounts=amounts, as_of=on)
    return np.array(cents, dtype=np.int64), problem


def _what_if(rules: TieringRules, knob: Knob) -> dict[str, str] | None:
    """How a scenario names this number (docs/scenarios.md); None where it has no name of its own there."""
    part, place = knob.place[0], knob.place[1]
    if knob.kind is KnobKind.WEIGHT:
        return {"part": "weights", "name": knob.owner}
    if knob.kind is not KnobKind.BOUND or part == "touch":
        return None
    named: list[tuple[str, Group]] = (
        [(rule.name, rule.when) for rule in rules.segments]
        if part == "segments"
        else [(rule.slug, rule.when) for rule in rules.tiers]
    )
    name, when = named[int(place)]
    every = [*(rule.name for rule in rules.segments), *(rule.slug for rule in rules.tiers)]
    bounds = [each for each in conditions_in(when) if each.attribute.name == knob.attribute]
    if every.count(name) > 1 or len(bounds) > 1:
        return None
    return {"part": "bounds", "rule": name, "attribute": knob.attribute}


def _knob_json(found: engine.KnobFindings) -> dict[str, Any]:
    knob = found.knob
    sizes = (*reversed(SIZES), *SIZES)
    return {
        "kind": knob.kind.value,
        "place": list(knob.place),
        "name": knob.name,
        "owner": knob.owner,
        "attribute": knob.attribute,
        "value": _written(knob, 0),
        "step": f"{knob.step.normalize():f}",
        "measure": knob.measure.value,
        "moves": [
            {"size": size, **_moves_json(knob, moves)} for size, moves in zip(sizes, found.moves, strict=True)
        ],
        "effective": {"first": _ends_json(knob, found.first), "share": _ends_json(knob, found.share)},
        "suggested": {
            "first": _ends_json(knob, found.first_suggested),
            "share": _ends_json(knob, found.share_suggested),
        },
        "looked_at": {"down": _written(knob, knob.least), "up": _written(knob, knob.most)},
    }


def _ends_json(knob: Knob, ends: engine.Ends) -> dict[str, Any]:
    return {
        side: None if moves is None else _moves_json(knob, moves)
        for side, moves in (("down", ends.down), ("up", ends.up))
    }


def _moves_json(knob: Knob, moves: engine.Moves) -> dict[str, Any]:
    return {
        "value": _written(knob, moves.steps),
        "effective": asdict(moves.effective),
        "suggested": asdict(moves.suggested),
    }


def _written(knob: Knob, steps: int) -> str:
    """The number as text, exact, without zeros at its end."""
    return f"{knob.at(steps).normalize():f}"
