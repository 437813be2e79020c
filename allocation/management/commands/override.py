"""`override request|approve|decline|withdraw|list`: ask for an override, decide it, take it back."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from accounts.management.base import DoorCommand, day
from accounts.models import Customer, Tier, User
from allocation.models import Override
from allocation.selectors import wording
from allocation.selectors.overrides import listed_overrides, override_answer, override_or_none
from allocation.services.overrides import (
    UnableToDecideOverride,
    UnableToRequestOverride,
    UnableToWithdrawOverride,
    approve_override,
    decline_override,
    request_override,
    withdraw_override,
)
from allocation.tasks.overrides import follow

ACTIONS = ("request", "approve", "decline", "withdraw", "list")
DECISIONS = {"approve": approve_override, "decline": decline_override, "withdraw": withdraw_override}


class Command(DoorCommand):
    help = (
        "Ask for an override (request EXTERNAL_ID TIER), approve, decline or withdraw one (ID), or list them."
    )

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=ACTIONS)
        parser.add_argument("about", nargs="*", metavar="EXTERNAL_ID TIER | ID", help="What it is about.")
        parser.add_argument("--words", default="", help="Why.")
        parser.add_argument(
            "--reason", choices=Override.Reason.values, help="The kind of reason; request needs it."
        )
        parser.add_argument("--evidence", default="", help="What it rests on.")
        parser.add_argument("--starts", type=day, metavar="DATE", help="Its first day; today if not given.")
        parser.add_argument("--expires", type=day, metavar="DATE", help="The first day it no longer holds.")
        parser.add_argument("--status", choices=Override.Status.values, help="list: only those.")

    def handle(self, *args: Any, **options: Any) -> None:
        actor, today = self.actor(options), timezone.localdate()
        if options["action"] == "list":
            self.list(actor, options)
            return
        if actor is None:
            self.refuse(
                "Name the acting person with --as EMAIL: an override has an asker and a second pair of eyes."
            )
        try:
            override_id = self.act(actor, options, today, timezone.now())
        except (UnableToRequestOverride, UnableToDecideOverride, UnableToWithdrawOverride) as refusal:
            self.refuse(str(refusal))
        found = override_or_none(pk=override_id)
        if found is not None:
            self.answer(override_answer(found), [line_of(found)])

    def act(self, actor: User, options: Mapping[str, Any], today: date, now: datetime) -> int:
        """One service call, and a goals run where it changes what decides the tier. The override's id."""
        action = options["action"]
        if action == "request":
            return self.request(actor, options, today, now)
        override_id = self.number(options["about"])
        if override_or_none(pk=override_id, user=actor) is None:
            self.refuse(f"There is no override {override_id}.")
        act = DECISIONS[action]
        changed = act(override_id=override_id, actor=actor, words=options["words"], on=today, at=now)
        run = follow([changed], on=today, at=now, actor_id=actor.pk)
        if run is not None:
            self.tell(f"Run {run.pk} proposes what follows for the tier.")
        return override_id

    def request(self, actor: User, options: Mapping[str, Any], today: date, now: datetime) -> int:
        customer, tier = self.subject(actor, options["about"])
        if options["reason"] is None or options["expires"] is None:
            self.refuse(
                "Say why with --reason KIND and until when with --expires DATE (the first day it no longer holds)."
            )
        return request_override(
            customer_id=customer.pk,
            tier_id=tier.pk,
            reason_kind=options["reason"],
            words=options["words"],
            evidence=options["evidence"],
            starts_on=options["starts"] or today,
            expires_on=options["expires"],
            actor=actor,
            on=today,
            at=now,
        ).pk

    def subject(self, actor: User, about: Sequence[str]) -> tuple[Customer, Tier]:
        """The customer, of those the person may see, and the tier, by its slug or name."""
        if len(about) != 2:
            self.refuse("Name the customer by its external id and the tier: request EXTERNAL_ID TIER.")
        customer = Customer.objects.visible_to(actor).filter(external_id=about[0]).first()
        if customer is None:
            self.refuse(f"There is no customer {about[0]}.")
        tier = (
            Tier.objects.filter(slug=about[1]).first() or Tier.objects.filter(name__iexact=about[1]).first()
        )
        if tier is None:
            known = ", ".join(
                Tier.objects.filter(retired=False).order_by("rank").values_list("slug", flat=True)
            )
            self.refuse(f"There is no tier {about[1]}. There are: {known}.")
        return customer, tier

    def number(self, about: Sequence[str]) -> int:
        # No id is longer; int() also takes digits of other scripts, and a database has no room for more.
        if len(about) != 1 or not (about[0].isascii() and about[0].isdecimal() and len(about[0]) < 16):
            self.refuse("Name one override by its number; `override list` shows them.")
        return int(about[0])

    def list(self, actor: User | None, options: Mapping[str, Any]) -> None:
        found = listed_overrides(user=actor, status=options["status"] or "")
        self.answer(
            {"overrides": [override_answer(override) for override in found]},
            [line_of(override) for override in found] or ["There is no override."],
        )


def line_of(override: Override) -> str:
    """ "Override 3: C0001 → Global, approved until 22 Nov 2026; asked by …, decided by …"."""
    return " ".join(_parts(override))


def _parts(override: Override) -> Iterator[str]:
    yield f"Override {override.pk}: {override.customer.external_id} → {override.tier},"
    yield f"{override.get_status_display().lower()}, {wording.day(override.starts_on)} to"
    yield f"{wording.day(override.expires_on)}; asked for by {override.asked_by}"
    if override.decided_by:
        yield f"and decided by {override.decided_by}"
    yield f"({override.get_reason_kind_display()}: {' '.join(override.words.split())})"
