"""How many customers have another tier when one number of a model is a little different (docs/engine/sensitivity.md).

Every count is what ``decide_tiers`` gives with the changed rules. What a knob cannot change is kept, and only customers
are decided again for whom some condition gives another answer than before; tests hold both to the same results.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from allocation.engine.conditions import holds, moved_group
from allocation.engine.derived import with_scores
from allocation.engine.facts.knobs import Knob, KnobKind
from allocation.engine.facts.rules import Clause, Condition, DeadBand, Group, PercentileScale, TieringRules
from allocation.engine.facts.tiering import (
    NO_TIER,
    CustomerColumns,
    Flags,
    Integers,
    TierFacts,
)
from allocation.engine.guards import guard_tiers
from allocation.engine.scoring import Crowd, criterion_points, score_cents, undecidable
from allocation.engine.tiering import SCORE_ATTRIBUTES, band_of, decide_tiers, suggest_tiers
from allocation.engine.turning import condition_at, turned

SHARE = 100  # one customer in so many is "1 %"
# What guards read beside the rules' own attributes.
READ_BY_GUARDS = ("days_to_renewal", "first_renewal_done")


@dataclass(frozen=True, slots=True)
class Tally:
    """Customers that have another tier, which way they go, and their ARR."""

    customers: int = 0
    up: int = 0
    down: int = 0
    arr_cents: int = 0


NOBODY = Tally()


@dataclass(frozen=True, slots=True)
class Moves:
    """Who has another tier when a knob is turned by ``steps``: in force, and suggested by the rules, guards aside."""

    steps: int
    effective: Tally = NOBODY
    suggested: Tally = NOBODY


@dataclass(frozen=True, slots=True)
class Ends:
    """The smallest change found that moves enough, down and up; None: none that was tried does."""

    down: Moves | None
    up: Moves | None


@dataclass(frozen=True, slots=True)
class KnobFindings:
    """moves: the six changes, as ``Knob.probes``. first, share: what moves one customer, and 1 % of them, in force.

    first_suggested, share_suggested: the same of suggested tiers.
    """

    knob: Knob
    moves: tuple[Moves, ...]
    first: Ends
    share: Ends
    first_suggested: Ends
    share_suggested: Ends


Count: TypeAlias = Callable[[Moves], int]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Tiers of ``rows``; all others are as they were. suggested: -1 for who left or cannot be decided."""

    rows: Integers
    effective: Integers
    suggested: Integers


class Sensitivity:
    """The customers under a model as it is, ready to be asked about any knob of it.

    arr_cents: of each customer, in the base currency; unknown is 0.
    """

    def __init__(
        self,
        *,
        facts: CustomerColumns,
        rules: TieringRules,
        tiers: Sequence[TierFacts],
        arr_cents: Integers,
    ) -> None:
        self.facts, self.rules, self.tiers, self.arr_cents = facts, rules, tiers, arr_cents
        # To and from no tier (-1 reaches the last entry), or one that was retired, is neither up nor down.
        self.in_use = np.array([*(not tier.retired for tier in tiers), False], dtype=np.bool_)
        found = decide_tiers(facts=facts, rules=rules, tiers=tiers)
        self.reads = rules.attributes()
        self.reads_score = bool(self.reads & SCORE_ATTRIBUTES)
        self.undecided = undecidable(found.scores, reads_score=self.reads_score)
        self.findings = found
        self.known = _slim(found.derived, [*self.reads, *READ_BY_GUARDS])
        self.effective = found.guards.effective
        self.suggested = _suggested(found.suggestions.tier, self.undecided, facts.active)
        self.crowd = Crowd(
            facts=found.derived,
            segments=found.suggestions.segment,
            rows=np.arange(len(facts), dtype=np.int64),
            people=found.people,
        )
        self.weights = np.array([each.weight for each in rules.criteria], dtype=np.int64)
        self.scored = [each for each in rules.conditions() if each.attribute.name in SCORE_ATTRIBUTES]
        self.answers = [self._answers(each, self.known) for each in self.scored]
        self.segments_score = any(
            each.attribute.name == "segment"
            or (isinstance(each.scale, PercentileScale) and each.scale.within_segment)
            for each in rules.criteria
        )

    @property
    def customers(self) -> int:
        """Active ones."""
        return int(self.facts.active.sum())

    @property
    def share(self) -> int:
        """How many customers are 1 % of the active ones, rounded up, one at least."""
        return max(1, -(-self.customers // SHARE))

    def ask(self, knob: Knob) -> KnobFindings:
        """Everything about one knob."""
        asked = {0: Moves(0)}
        moves = tuple(self._moves(knob, steps, asked) for steps in knob.probes())
        return KnobFindings(
            knob,
            moves,
            first=self._ends(knob, 1, _in_force, asked),
            share=self._ends(knob, self.share, _in_force, asked),
            first_suggested=self._ends(knob, 1, _suggests, asked),
            share_suggested=self._ends(knob, self.share, _suggests, asked),
        )

    def moves(self, knob: Knob, steps: int) -> Moves:
        """Who moves when the knob is turned by so many steps; by none, nobody."""
        return self._moves(knob, steps, {0: Moves(0)})

    def _moves(self, knob: Knob, steps: int, asked: dict[int, Moves]) -> Moves:
        if steps not in asked:
            asked[steps] = self._counted(steps, self._outcome(knob, steps))
        return asked[steps]

    def _ends(self, knob: Knob, least: int, count: Count, asked: dict[int, Moves]) -> Ends:
        down, up = (self._smallest(knob, end, least, count, asked) for end in (knob.least, knob.most))
        return Ends(down, up)

    def _smallest(
        self, knob: Knob, end: int, least: int, count: Count, asked: dict[int, Moves]
    ) -> Moves | None:
        """The smallest change found that moves ``least`` customers, on the side of ``end``; one step less moves fewer."""
        if not end:
            return None
        sign = 1 if end > 0 else -1
        tries = sorted({abs(end), *_doubling(abs(end)), *(abs(at) for at in asked if at * sign > 0)})
        below = 0
        for steps in tries:
            if count(self._moves(knob, sign * steps, asked)) >= least:
                above = steps
                break
            below = steps
        else:
            return None
        while above - below > 1:
            middle = (above + below) // 2
            if count(self._moves(knob, sign * middle, asked)) >= least:
                above = middle
            else:
                below = middle
        return asked[sign * above]

    def _counted(self, steps: int, outcome: _Outcome) -> Moves:
        rows = outcome.rows
        return Moves(
            steps,
            effective=self._tally(rows, self.effective[rows], outcome.effective),
            suggested=self._tally(rows, self.suggested[rows], outcome.suggested),
        )

    def _tally(self, rows: Integers, before: Integers, after: Integers) -> Tally:
        moved = before != after
        ranked = moved & self.in_use[before] & self.in_use[after]
        return Tally(
            customers=int(moved.sum()),
            up=int((ranked & (after < before)).sum()),
            down=int((ranked & (after > before)).sum()),
            arr_cents=int(self.arr_cents[rows[moved]].sum()),
        )

    def _outcome(self, knob: Knob, steps: int) -> _Outcome:
        rules = turned(rules=self.rules, knob=knob, steps=steps)
        if knob.kind is KnobKind.GUARD:
            return self._guarded(rules)
        if knob.kind is KnobKind.BOUND:
            return self._with_bound(knob, rules)
        return self._scored_anew(knob, rules)

    def _guarded(self, rules: TieringRules) -> _Outcome:
        """Other guards: the suggestions stay."""
        rows = np.arange(len(self.facts), dtype=np.int64)
        band = band_of(self.known, rules)
        guards = guard_tiers(
            facts=self.known,
            suggested=self.findings.suggestions.tier,
            undecidable=self.undecided,
            band=band,
            rules=rules.guards,
            tiers=self.tiers,
        )
        return _Outcome(rows, guards.effective, self.suggested)

    def _with_bound(self, knob: Knob, rules: TieringRules) -> _Outcome:
        """Another bound: only customers for whom it gives another answer can move."""
        before = self._answers(condition_at(rules=self.rules, knob=knob), self.known)
        after = self._answers(condition_at(rules=rules, knob=knob), self.known)
        rows = np.flatnonzero(_differ(before, after))
        if len(rows) and knob.place[0] == "segments" and self.segments_score:
            return self._whole(rules)
        return self._decided(rules, self.known, rows, self.undecided)

    def _scored_anew(self, knob: Knob, rules: TieringRules) -> _Outcome:
        """Other scores: only customers for whom a condition on the score gives another answer can move."""
        place = int(knob.place[1])
        points, weights = self.findings.scores.points, self.weights
        if knob.kind is KnobKind.WEIGHT:
            weights = weights.copy()
            weights[place] = rules.criteria[place].weight
        else:
            points = points.copy()
            points[:, place] = criterion_points(
                criterion=rules.criteria[place],
                facts=self.findings.derived,
                segments=self.crowd.segments,
                crowd=self.crowd,
            )
        scores = replace(self.findings.scores, cents=score_cents(points=points, weights=weights))
        people = {key: kept for key, kept in self.crowd.people.items() if key[0] != "score"}
        counted = replace(self.crowd, people=people)
        known = with_scores(self.known, scores, crowd=scores, counted=counted, reads=self.reads)
        undecided = undecidable(scores, reads_score=self.reads_score)
        other = undecided != self.undecided
        for condition, before in zip(self.scored, self.answers, strict=True):
            other = other | _differ(before, self._answers(condition, known))
        return self._decided(rules, known, np.flatnonzero(other), undecided)

    def _whole(self, rules: TieringRules) -> _Outcome:
        """Everything anew: where segments change what is scored."""
        found = decide_tiers(facts=self.facts, rules=rules, tiers=self.tiers)
        undecided = undecidable(found.scores, reads_score=self.reads_score)
        rows = np.arange(len(self.facts), dtype=np.int64)
        suggested = _suggested(found.suggestions.tier, undecided, self.facts.active)
        return _Outcome(rows, found.guards.effective, suggested)

    def _decided(
        self, rules: TieringRules, known: CustomerColumns, rows: Integers, undecided: Flags
    ) -> _Outcome:
        """The rules and guards for some customers, by facts and scores that are known already."""
        if not len(rows):
            return _Outcome(rows, rows, rows)
        some = known.take(rows)
        suggestions = suggest_tiers(facts=some, rules=rules)
        guards = guard_tiers(
            facts=some,
            suggested=suggestions.tier,
            undecidable=undecided[rows],
            band=band_of(some, rules),
            rules=rules.guards,
            tiers=self.tiers,
        )
        return _Outcome(rows, guards.effective, _suggested(suggestions.tier, undecided[rows], some.active))

    def _answers(self, condition: Condition, facts: CustomerColumns) -> tuple[Flags, ...]:
        """Yes or no of each customer: plain and, with a dead band, loosened and tightened by it."""
        band = self.rules.guards.dead_band
        asked: tuple[Clause, ...] = (condition, *_moved(condition, band))
        return tuple(holds(each, facts) for each in asked)


def _moved(condition: Condition, band: DeadBand | None) -> Iterable[Group]:
    if band is None:
        return ()
    alone = Group(any_of=False, parts=(condition,))
    return (moved_group(alone, band, loosened=True), moved_group(alone, band, loosened=False))


def _differ(before: Sequence[Flags], after: Sequence[Flags]) -> Flags:
    return np.asarray(np.logical_or.reduce([a != b for a, b in zip(before, after, strict=True)]))


def _suggested(tier: Integers, undecided: Flags, active: Flags) -> Integers:
    return np.where(undecided | ~active, NO_TIER, tier)


def _slim(facts: CustomerColumns, names: Iterable[str]) -> CustomerColumns:
    """Only the columns that are read, so that rows are taken quickly."""
    columns = {name: facts.columns[name] for name in dict.fromkeys(names) if name in facts.columns}
    return replace(facts, columns=columns)


def _doubling(end: int) -> list[int]:
    """1, 2, 4, 8, … up to the end."""
    return [1 << power for power in range(end.bit_length()) if 1 << power <= end]


def _in_force(moves: Moves) -> int:
    return moves.effective.customers


def _suggests(moves: Moves) -> int:
    return moves.suggested.customers


def by_weight(findings: Iterable[KnobFindings]) -> list[KnobFindings]:
    """The knobs that deserve most debate first: by who moves at the small, the middle and the large change, added up.

    Of both ways the one counts in which more move. What is in force comes before what is suggested only; then by name.
    """

    def weight(each: KnobFindings, count: Count) -> int:
        return sum(max(count(each.moves[2 - at]), count(each.moves[3 + at])) for at in range(3))

    return sorted(
        findings,
        key=lambda each: (
            -weight(each, _in_force),
            -weight(each, _suggests),
            each.knob.name,
            str(each.knob.place),
        ),
    )


def is_near(findings: KnobFindings) -> bool:
    """Whether any of the six changes moves anybody, now or once guards have run out."""
    return any(_in_force(moves) or _suggests(moves) for moves in findings.moves)
