"""The search of a plan, spread over whoever is free: steps become rows, and this runner takes those that nobody else has.

So a plan is done even where no other worker ever hears of it, and a worker that dies costs the time of its lease. A step gives
the same answer anywhere, and answers are put together in the order of the steps: who did which, and when, decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from hashlib import sha256

from django.db import transaction

from allocation.engine.assignment import Group
from allocation.engine.assignment_search import Work
from allocation.engine.assignment_steps import Begin, Step, pack_group, pack_step, pack_work, unpack_work
from allocation.models import AnswerStatus, PlanPiece
from allocation.services.planning.pulse import BEAT_SECONDS, Pulse, on_threads

LOOK_SECONDS = 0.1
GRACE_SECONDS = 5.0
"""Where somebody wants the best so far, others may take so long to answer."""
WORTH_SHARING = 20_000
"""Pairs of a group from which on its first prices are worth a row; a search always is."""
TOO_LARGE = 5_000_000
"""Pairs of a group that are some forty megabytes a copy: such a group stays with who has the plan."""
PATIENCE_SECONDS = 0.5
"""A broker that takes longer to hear of a piece is not told of the others of the round; the sweep rings for them."""

Call = Callable[[int], None]


@dataclass(slots=True)
class _Round:
    """Steps of one round. ``waiting``: places by the piece that stands for them, until its answer is here."""

    steps: Sequence[Step]
    works: dict[int, Work] = field(default_factory=dict)
    local: list[int] = field(default_factory=list)
    waiting: dict[int, int] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        return len(self.works) == len(self.steps)


@dataclass(frozen=True, slots=True)
class _Own:
    """A step under way on a thread of this process; ``piece`` None where it has no row."""

    place: int
    piece: int | None = None
    fence: int = 0


@dataclass(slots=True)
class Sharing:
    """``spread`` of `propose_books` for a plan whose runner has the claim."""

    pulse: Pulse
    owner: str
    call: Call
    threads: ThreadPoolExecutor
    hands: int
    written: int = field(init=False, default=0)
    # Which piece has the bytes of a group, and their digest. The group is kept, so that its identity stays its own.
    holders: dict[int, tuple[Group, int, str]] = field(init=False, default_factory=dict)

    def __call__(self, go: Callable[[Step], Work], steps: Sequence[Step]) -> list[Work]:
        """The answers, in the order of the steps."""
        shared = [place for place, step in enumerate(steps) if _is_worth_sharing(step)]
        if len(steps) == 1 or not shared or self.pulse.stop():
            return on_threads(self.threads, self.pulse, go, steps)
        this = _Round(steps, local=[place for place in range(len(steps)) if place not in set(shared)])
        this.waiting = dict(zip(self._write([steps[place] for place in shared]), shared, strict=False))
        this.local += shared[len(this.waiting) :]  # nothing is written where the claim is lost
        self._tell(this)
        self._work(go, this)
        return [this.works[place] for place in range(len(steps))]

    def _write(self, steps: Sequence[Step]) -> list[int]:
        """Rows for the steps, unless a runner before us wrote the same: then those, with what came of them."""
        first = self.written
        self.written += len(steps)
        with transaction.atomic():
            if not self.pulse.look():
                return []
            ours = PlanPiece.objects.filter(plan_id=self.pulse.plan_id)
            known = dict(ours.filter(number__gte=first).values_list("number", "digest"))
            made = []
            for number, step in enumerate(steps, first):
                made.append(self._piece(number, step, known))
            return made

    def _piece(self, number: int, step: Step, known: dict[int, str]) -> int:
        ours = PlanPiece.objects.filter(plan_id=self.pulse.plan_id)
        held = self.holders.get(id(step.group))
        group = pack_group(step.group) if held is None else None
        of_group = sha256(group).hexdigest() if group is not None else held[2] if held is not None else ""
        asked = pack_step(step)
        digest = sha256(of_group.encode() + asked).hexdigest()
        if known.get(number) not in (None, digest):
            ours.filter(number__gte=number).delete()  # of other facts: nothing of it is of use
            known.clear()
        if number in known:
            pk = ours.values_list("pk", flat=True).get(number=number)
        else:
            pk = PlanPiece.objects.create(
                plan_id=self.pulse.plan_id,
                number=number,
                group=group,
                group_of_id=None if held is None else held[1],
                asked=asked,
                digest=digest,
            ).pk
        if held is None:
            self.holders[id(step.group)] = (step.group, pk, of_group)
        return int(pk)

    def _tell(self, this: _Round) -> None:
        """The largest is this runner's own; of the others any worker may hear."""
        for piece in list(this.waiting)[self.hands :] or list(this.waiting)[1:]:
            begun = time.monotonic()
            self.call(piece)
            if time.monotonic() - begun > PATIENCE_SECONDS:
                return

    def _work(self, go: Callable[[Step], Work], this: _Round) -> None:
        own: dict[Future[Work], _Own] = {}
        kept = asked_to_end = time.monotonic()
        while not this.is_done:
            for one in self._free(this, own):
                own[self.threads.submit(go, this.steps[one.place])] = one
            if own:
                wait(own, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED)
            else:
                time.sleep(LOOK_SECONDS)
            for future in [one for one in own if one.done()]:
                self._keep_own(this, own.pop(future), future.result())
            self._collect(this)
            self.pulse.beat()
            now = time.monotonic()
            if now - kept > BEAT_SECONDS:
                kept = now
                self._keep_leases(own.values())
            if not self.pulse.stop():
                asked_to_end = now
            elif self.pulse.lost or now - asked_to_end > GRACE_SECONDS:
                # Steps end at once now. Whoever has a piece finds out by itself.
                this.local += this.waiting.values()
                this.waiting.clear()

    def _free(self, this: _Round, own: dict[Future[Work], _Own]) -> Iterator[_Own]:
        """What this runner takes up next, as far as its threads go."""
        hands = self.hands - len(own)
        while this.local and hands > 0:
            hands -= 1
            yield _Own(this.local.pop(0))
        for piece in _takeable(this) if hands > 0 else ():
            if hands <= 0:
                return
            fence = PlanPiece.objects.claim(
                piece, owner=self.owner, waiting=[AnswerStatus.QUEUED], working=AnswerStatus.COMPUTING
            )
            if fence is not None:
                hands -= 1
                yield _Own(this.waiting[piece], piece, fence)
            elif PlanPiece.objects.filter(pk=piece).given_up().exists():
                hands -= 1
                yield _Own(this.waiting.pop(piece))

    def _keep_own(self, this: _Round, one: _Own, work: Work) -> None:
        this.works[one.place] = work
        if one.piece is None:
            return
        this.waiting.pop(one.piece, None)
        if not self.pulse.stop():  # for whoever takes the plan over
            PlanPiece.objects.finish(
                one.piece, fence=one.fence, status=AnswerStatus.DONE, answer=pack_work(work)
            )

    def _collect(self, this: _Round) -> None:
        if not this.waiting:
            return
        rows = PlanPiece.objects.filter(pk__in=list(this.waiting), status=AnswerStatus.DONE)
        for piece, answer, repeatable in rows.values_list("pk", "answer", "repeatable"):
            place = this.waiting.pop(piece)
            this.works[place] = unpack_work(bytes(answer), this.steps[place].group)
            # Whoever was told to stop heard it of the same row as this runner, maybe sooner.
            self.pulse.stopped = self.pulse.stopped or not repeatable

    def _keep_leases(self, own: Iterable[_Own]) -> None:
        for one in own:
            if one.piece is not None:
                PlanPiece.objects.keep(one.piece, fence=one.fence)


def _is_worth_sharing(step: Step) -> bool:
    pairs = step.group.costs.size
    return pairs <= TOO_LARGE and (pairs >= WORTH_SHARING or not isinstance(step, Begin))


def _takeable(this: _Round) -> list[int]:
    """In the order of their numbers."""
    rows = PlanPiece.objects.filter(pk__in=list(this.waiting)).takeable()
    return list(rows.order_by("number").values_list("pk", flat=True)) if this.waiting else []
