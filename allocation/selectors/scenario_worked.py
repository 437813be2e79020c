"""The answer of a scenario, worked out of today's customers and books in memory. Reads only (docs/scenarios.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np
from django.conf import settings

from allocation.engine.books import caps, propose_books
from allocation.engine.books_report import book_rows
from allocation.engine.facts.books import BookFacts, BookPolicy, BookProposal, BookRow
from allocation.engine.facts.scenarios import Question
from allocation.engine.facts.tiering import CustomerColumns, Integers, SetColumn
from allocation.engine.headcount import EVERY_POOL, full_time_heads, head_lines, heads_in_all, people
from allocation.engine.headcount_words import Head
from allocation.engine.packing import pack
from allocation.engine.scenario_facts import (
    TouchLines,
    altered_amounts,
    altered_cents,
    altered_goals,
    plan_minutes,
    wished_tiers,
    without_overrides,
)
from allocation.engine.scenario_figures import Spread, spread
from allocation.engine.scenario_people import Averages, altered_csms, altered_tiers
from allocation.engine.tiering import decide_tiers
from allocation.selectors.balance import carried, measured
from allocation.selectors.headcount import head_in_force
from allocation.selectors.scenario_definition import Understood
from allocation.snapshots.book_columns import LOOK, ROW, GivenCustomers, arr_cents_of
from allocation.snapshots.books import Snapshot as Books
from allocation.snapshots.books import book_policy, book_snapshot, named_tiers
from allocation.snapshots.covers import Covers, covers_on
from allocation.snapshots.customers import customer_snapshot
from allocation.snapshots.scenarios import base_policy, csm_averages, goals_differ, touch_lines, wishes_of

SEED = 1  # the same question gives the same books
NOBODY = -1
Step = Callable[[int, str], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Movers:
    """Who goes to another tier, in the order of their keys: tiers and CSM then as ids, -1 = none, -2 = one that was added."""

    customers: Integers
    external_ids: tuple[str, ...]
    before: Integers
    after: Integers
    csms: Integers


@dataclass(frozen=True, slots=True)
class Worked:
    """result: as it is stored. slugs: of the tiers, by id."""

    result: dict[str, Any]
    movers: Movers
    slugs: Mapping[int, str]

    def packed_movers(self) -> bytes:
        """``Scenario.movers``."""
        moved = self.movers
        columns = {
            "customer": moved.customers,
            "before": moved.before,
            "after": moved.after,
            "csm": moved.csms,
        }
        return pack(columns={}, integers=columns)

    def named_movers(self) -> list[dict[str, Any]]:
        """By external id and slugs."""
        moved = self.movers
        return [
            {
                "customer": customer,
                "external_id": external_id,
                "from": self.slugs.get(before, ""),
                "to": self.slugs.get(after, ""),
            }
            for customer, external_id, before, after in zip(
                moved.customers.tolist(),
                moved.external_ids,
                moved.before.tolist(),
                moved.after.tolist(),
                strict=True,
            )
        ]


@dataclass(frozen=True, slots=True)
class _Today:
    """What was read, once. rows: positions of the active customers in the facts of the tiering, in the order of the books;
    ``keys`` are theirs, ``before`` the tiers they hold; ``every_key``: of all customers, those that left too.
    """

    facts: CustomerColumns
    books: Books
    rows: Integers
    every_key: Integers
    keys: Integers
    before: Integers
    lines: TouchLines
    covers: Covers
    wishes: Integers
    usual: Averages


def worked_out(
    *, read: Understood, on: date, step: Step = lambda done, words: None, stop: Stop | None = None
) -> Worked:
    """The whole answer. Raises UnknownRate. step(done, words) says how far it is; stop ends the planning of books early.

    A fixed number of queries whatever the number of customers.
    """
    question, tiers = read.question, read.vocabulary.tiers
    today = _read(read, on)
    step(1, "Deciding customers")
    altered = _facts_then(question, today)
    after = _tiers_then(read, today, altered)
    facts = _books_then(read, today, altered, after)
    step(2, "Planning the books" if question.planned_anew else "Counting hours and heads")
    policy = today.books.policy
    proposal = (
        propose_books(facts=facts, policy=policy, seed=SEED, should_stop=stop)
        if question.planned_anew
        else None
    )
    step(3, "Counting hours and heads")
    head, cost = head_in_force(on=on, policy=base_policy(name=""))
    now_facts, now_policy = _as_today(read, today)
    now, then = (
        spread(
            before=today.before,
            after=there,
            minutes=books.customers.minutes,
            arr_cents=books.customers.arr_cents,
            tiers=tiers,
        )
        for there, books in ((today.before, now_facts), (after, facts))
    )
    rows = None if proposal is None else proposal.after
    result = {
        **_figures(then, facts, policy, today.covers, head, cost, rows),
        "books": None if proposal is None else _planned(proposal),
        "today": {**_figures(now, now_facts, now_policy, today.covers, head, cost, None), "books": None},
    }
    return Worked(
        result=result,
        movers=_movers(read, today, after, facts, proposal),
        slugs=dict(zip(read.vocabulary.tier_ids, (tier.slug for tier in tiers), strict=True)),
    )


def _read(read: Understood, on: date) -> _Today:
    """Customers are read once, for tiers and books alike."""
    base, question = settings.BASE_CURRENCY, read.question
    found = customer_snapshot(
        rules=read.rules,
        vocabulary=read.vocabulary,
        as_of=on,
        base=base,
        also=_fields(read),
    )
    facts, rows, lines = found.facts, np.flatnonzero(found.facts.active), touch_lines()
    there, before = [found.rows[row] for row in rows.tolist()], found.facts.held.current[rows]
    books = book_snapshot(
        as_of=on,
        policy=read.policy,
        with_digest=False,
        with_seats=question.planned_anew,  # as a plan, which counts with them; of today they are no part
        given=GivenCustomers(
            rows=there,
            minutes=plan_minutes(
                tier=before, goals=_goals(facts, rows), slugs=_slugs(read), lines=lines, changes={}
            ),
            arr_cents=_cents(facts, rows, there, on),
            with_plans=question.planned_anew,
        ),
    )
    return _Today(
        facts=facts,
        books=books,
        rows=rows,
        every_key=found.keys,
        keys=found.keys[rows],
        before=before,
        lines=lines,
        covers=covers_on(on=on),
        wishes=wishes_of(rows=found.rows),
        usual=csm_averages(on=on) if question.added else Averages(),
    )


def _fields(read: Understood) -> tuple[str, ...]:
    """Of each customer, beside what the rules read."""
    if read.question.planned_anew:
        return (*ROW, "wished_engagement")
    policies = (read.policy, base_policy(name=""))
    products = any(policy.product_fit != "ignore" for policy in policies)
    return (*LOOK, "wished_engagement", *(("products",) if products else ()))


def _slugs(read: Understood) -> list[str]:
    return [tier.slug for tier in read.vocabulary.tiers]


def _goals(facts: CustomerColumns, rows: Integers) -> SetColumn:
    goals = facts.columns["open_goals"]
    if not isinstance(goals, SetColumn):
        raise TypeError("open_goals is not a set")
    return goals.take(rows)


def _cents(facts: CustomerColumns, rows: Integers, there: Sequence[Mapping[str, Any]], on: date) -> Integers:
    """ARR of the active customers; where the rules read it, it was turned into the base currency already."""
    if "arr" not in facts.columns:
        return arr_cents_of(rows=there, as_of=on)
    return np.rint(np.nan_to_num(facts.numbers("arr")[rows]) * 100).astype(np.int64)


def _facts_then(question: Question, today: _Today) -> CustomerColumns:
    books = today.books.facts.customers
    facts = altered_amounts(facts=today.facts, changes=question.amounts, books=books, rows=today.rows)
    if not question.closed_goals and not question.opened_goals:
        return facts
    return altered_goals(
        facts=facts,
        question=question,
        books=books,
        rows=today.rows,
        differ=goals_differ(keys=today.every_key),
    )


def _tiers_then(read: Understood, today: _Today, facts: CustomerColumns) -> Integers:
    """Positions of the tiers of active customers under the changes."""
    question, tiers = read.question, read.vocabulary.tiers
    if not question.as_wished:
        return decide_tiers(facts=facts, rules=read.rules, tiers=tiers).guards.effective[today.rows]
    return wished_tiers(
        findings=decide_tiers(facts=without_overrides(facts), rules=read.rules, tiers=tiers),
        rules=read.rules,
        tiers=tiers,
        wishes=today.wishes,
        silent_take_highest=question.silent_take_highest,
    )[today.rows]


def _books_then(read: Understood, today: _Today, altered: CustomerColumns, after: Integers) -> BookFacts:
    """The books under the changes: who holds whom today, but for CSMs that are not there."""
    question, facts = read.question, today.books.facts
    customers = facts.customers
    slugs = _slugs(read)
    names = (*slugs, "")
    csm = customers.csm
    if question.without:
        csm = tuple("" if key in question.without else key for key in csm)
    return replace(
        facts,
        customers=replace(
            customers,
            tier=tuple(names[place] for place in after.tolist()),
            csm=csm,
            minutes=plan_minutes(
                tier=after,
                goals=_goals(altered, today.rows),
                slugs=slugs,
                lines=today.lines,
                changes=question.tiers,
            ),
            arr_cents=altered_cents(changes=question.amounts, books=customers),
        ),
        csms=altered_csms(csms=facts.csms, question=question, usual=today.usual),
        tiers=altered_tiers(tiers=facts.tiers, changes=question.tiers),
    )


def _as_today(read: Understood, today: _Today) -> tuple[BookFacts, BookPolicy]:
    """The books with nothing changed, under the policy in force."""
    facts, policy = today.books.facts, base_policy(name="")
    facts = replace(facts, csms=tuple(csm for csm in facts.csms if not csm.is_seat))
    if policy.pk == read.policy.pk:
        return facts, book_policy(policy=policy, max_moves_pct=None)
    keys = {pk: key for key, pk in today.books.csm_ids.items()}
    named = {keys[pk]: slugs for pk, slugs in named_tiers(policy=policy).items() if pk in keys}
    csms = tuple(replace(csm, tiers=named.get(csm.key, frozenset())) for csm in facts.csms)
    return replace(facts, csms=csms), book_policy(policy=policy, max_moves_pct=None)


def _figures(
    found: Spread,
    facts: BookFacts,
    policy: BookPolicy,
    covers: Covers,
    head: Head,
    cost: Any,
    rows: Sequence[BookRow] | None,
) -> dict[str, Any]:
    """The figures of a company under their stored keys. rows: of planned books; None = the books as they are."""
    lines = head_lines(facts=facts, policy=policy, net_minutes_a_head={EVERY_POOL: head.minutes})
    heads = heads_in_all(lines)
    if rows is None:
        rows = book_rows(
            customers=facts.customers,
            csms=facts.csms,
            tiers=facts.tiers,
            caps=caps(csms=facts.csms, tiers=facts.tiers, policy=policy),
            seats=facts.customers.csm,
        )
    there = people(facts.csms)
    return {
        "tiers": found.customers,
        "moves": found.moves,
        "minutes_asked": found.minutes,
        "minutes_there": sum(max(0, csm.capacity_minutes) for csm in there),
        "heads": heads,
        "heads_there": round(float(sum(full_time_heads(csm=csm, policy=policy) for csm in there)), 2),
        "cost_cents": None if cost is None else int(heads * cost * 100),
        "arr_cents_by_tier": found.arr_cents,
        "balance": asdict(measured(rows=carried(rows=rows, covers=covers)).utilisation),
        "flows": [
            {
                "from": flow.before,
                "to": flow.after,
                "customers": flow.customers,
                "arr_cents": flow.arr_cents,
                "minutes": flow.minutes,
            }
            for flow in found.flows
        ],
    }


def _planned(proposal: BookProposal) -> dict[str, Any]:
    return {
        "assigned": proposal.assigned,
        "unassigned": len(proposal.unassigned),
        "moves": len(proposal.moves),
        "shortages": [
            {
                "pool": one.pool,
                "customers": one.customers,
                "minutes": one.minutes,
                "heads": one.heads,
                "reason": one.reason,
            }
            for one in proposal.shortages
        ],
        "objective": proposal.objective,
        "bound": proposal.bound,
        "gap_pct": proposal.gap_pct,
    }


def _movers(
    read: Understood,
    today: _Today,
    after: Integers,
    facts: BookFacts,
    proposal: BookProposal | None,
) -> Movers:
    before = today.before
    moved = np.flatnonzero((before >= 0) & (before != after))
    ids = np.array([*read.vocabulary.tier_ids, NOBODY], dtype=np.int64)
    customers = facts.customers
    external_ids = tuple(customers.external_id[row] for row in moved.tolist())
    seats = [customers.csm[row] for row in moved.tolist()]
    if proposal is not None:
        seats = [proposal.assignment.get(one, "") for one in external_ids]
    return Movers(
        customers=today.keys[moved],
        external_ids=external_ids,
        before=ids[before[moved]],
        after=ids[after[moved]],
        csms=np.array(
            [NOBODY if not key else today.books.csm_ids.get(key, -2) for key in seats], dtype=np.int64
        ),
    )
