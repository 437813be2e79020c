"""`attention CSM`: an e-mail, or the name of a CSM who has none."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts.management.base import DoorCommand
from accounts.models import CSM
from allocation.engine.facts.attention import AttentionFinding
from allocation.selectors.attention import attention_answer, book_attention
from allocation.selectors.wording import hours_and_minutes as clock
from allocation.snapshots.money import UnknownRate


class Command(DoorCommand):
    help = "How a CSM's hours of the month are shared over the book."

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("csm", metavar="CSM", help="E-mail or name.")

    def handle(self, *args: Any, **options: Any) -> None:
        csm = self.csm(options)
        today = timezone.localdate()
        try:
            shared = book_attention(csm=csm, as_of=today)
            found = attention_answer(csm=csm, found=shared, as_of=today, user=self.actor(options))
        except UnknownRate as refusal:
            self.refuse(str(refusal))
        self.answer(found, self.lines(found, shared, today))

    def csm(self, options: Mapping[str, Any]) -> CSM:
        actor, key = self.actor(options), options["csm"].strip()
        seen = CSM.objects.all() if actor is None else CSM.objects.visible_to(actor)
        named = list(seen.filter(Q(email__iexact=key) | Q(name__iexact=key)).order_by("pk")[:2])
        if not named:
            self.refuse(f"There is no CSM {key}.")
        if len(named) > 1:
            self.refuse(f"There are several CSMs called {key}: use the e-mail.")
        return named[0]

    def lines(self, found: Mapping[str, Any], shared: AttentionFinding, today: date) -> Iterator[str]:
        """To the minute, so that base and share add up as they are read."""
        yield f"{found['csm']}: {clock(shared.net_minutes)} net hours in the thirty days from {today:%-d %b %Y}"
        if found["covered_by"]:
            yield f"Away: the hours of the own book count with {found['covered_by']}, who covers."
        if found["covers"]:
            yield f"With the customers of {', '.join(found['covers'])}, whom this CSM covers."
        if found["over_capacity"]:
            yield "The base hours alone are more than that: the book is over capacity, nothing is left to share."
        for one, share in zip(found["customers"], shared.shares, strict=True):
            parts = f"{clock(share.base_minutes)} base + {clock(share.share_minutes)} share"
            yield f"  {one['external_id']}: {clock(share.minutes)} hours ({parts})"
        if shared.unallocated_minutes:
            yield f"Not allocated: {clock(shared.unallocated_minutes)} hours"
