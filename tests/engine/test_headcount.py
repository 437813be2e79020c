"""Lines of heads: what is asked, what a head holds, who is there; and the whole."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from allocation.engine.facts.books import BookPolicy, TierFacts
from allocation.engine.headcount import (
    EVERY_POOL,
    HeadLine,
    caps_in_all,
    exact_in_all,
    full_time_heads,
    head_lines,
    heads_in_all,
    hours_in_all,
    people,
)
from allocation.engine.headcount_words import Head, head_steps, line_sentence, line_steps, whole_sentences
from tests.engine.books_cast import ALONE, ENTERPRISE, TIERS, company, csm
from tests.engine.test_headcount_seats import generated

POLICY = BookPolicy()
# 1 800 h × 65 % = 1 170 h a year = 97.5 h a month; 75 h a customer and year = 6.25 h a month.
HEAD = Head(paid_hours=Fraction(1800), spent_pct=Fraction(65))
EACH = 375


def lines(rows: list[dict[str, Any]], csms: list[Any], **given: Any) -> tuple[HeadLine, ...]:
    facts = company(rows, csms, **given)
    return head_lines(facts=facts, policy=POLICY, net_minutes_a_head={EVERY_POOL: HEAD.minutes})


def enterprise(number: int, **given: Any) -> list[dict[str, Any]]:
    return [{"tier": "enterprise", "minutes": EACH, **given} for _ in range(number)]


def test_an_enterprise_csm_holds_15_6_customers_step_by_step() -> None:
    (line,) = lines(enterprise(47), [csm("ada")], tiers=[replace(ENTERPRISE, cap=20)])
    assert HEAD.minutes == 5850
    assert line.head_minutes / EACH == 15.6
    assert (line.customers, line.minutes_asked, line.cap, line.heads_needed) == (47, 47 * EACH, 20, 4)
    # 47 ÷ 15.6 = 3.0128…
    assert line.by_hours == pytest.approx(3.0128, abs=1e-4)
    assert line.by_cap == 47 / 20
    assert [(step.step, step.value) for step in line_steps(line, HEAD)] == [
        ("paid_hours", 1800.0), ("spent_hours", 1170.0), ("hours_a_customer", 75.0), ("customers_by_hours", 15.6),
        ("customers_a_head", 15.6), ("heads_exact", 3.0128), ("heads_needed", 4.0), ("heads_there", 1.0),
    ]  # fmt: skip
    assert line_sentence(line, HEAD) == (
        "1,800 h × 65 % = 1,170 h a year ÷ 75 h = 15.6 customers a head; cap 20; so 15.6; 47 customers ÷ 15.6 = 3.01 → 4 heads."
    )


@pytest.mark.parametrize(
    ("customers", "cap", "needed"),
    [
        (0, None, None),  # no line at all
        (15, None, 1),  # 0.96
        (16, None, 2),  # 1.03
        (30, 15, 2),  # the cap to the last place: exactly 2 is not rounded up
        (31, 15, 3),
        (30, 16, 2),  # 15.6 by hours is fewer than 16
        (32, 16, 3),  # 2.05
        (5, 0, 1),  # a cap of 0 cannot be met by hiring: by hours
    ],
)
def test_heads_are_the_larger_of_hours_and_cap_rounded_up(
    customers: int, cap: int | None, needed: int | None
) -> None:
    found = lines(enterprise(customers), [csm("ada")], tiers=[replace(ENTERPRISE, cap=cap)])
    assert [line.heads_needed for line in found] == ([] if needed is None else [needed])


def test_leave_lessens_the_net_hours_of_a_head() -> None:
    head = replace(HEAD, leave_days=Fraction(26))
    # 1 170 h × 234 ÷ 260 = 1 053 h = 87.75 h a month
    assert head.net_hours == 1053
    assert head.minutes == 5265
    assert [step.value for step in head_steps(head)] == [1800, 1170, 1053]
    assert "Less 26 of 260 working days of leave: 1,170 h × 234 ÷ 260 = 1,053 h a year." in [
        step.words for step in head_steps(head)
    ]


def test_a_tier_without_hours_counts_by_its_cap_and_without_either_needs_nobody() -> None:
    quiet = TierFacts(slug="quiet", name="Quiet", touch_level="tech", cap=100)
    free = TierFacts(slug="free", name="Free", touch_level="tech", cap=None)
    rows = [{"tier": slug, "minutes": 0} for slug in ("quiet", "free") for _ in range(101)]
    capped, alone = lines(rows, [csm("ada")], tiers=[quiet, free])
    assert (capped.heads_needed, alone.heads_needed) == (2, 0)
    assert line_sentence(capped, HEAD) == (
        "this tier asks no hours; cap 100; so 100; 101 customers ÷ 100 = 1.01 → 2 heads."
    )
    assert line_sentence(alone, HEAD) == "this tier asks no hours; no cap; so no head is needed."


def test_self_service_and_the_untiered_are_no_line() -> None:
    rows = [{"tier": ALONE.slug, "minutes": 60}, {"tier": "", "minutes": 60}, *enterprise(1)]
    assert [line.tier for line in lines(rows, [csm("ada")])] == ["enterprise"]


def test_lines_are_pools_in_the_order_of_tiers() -> None:
    rows = [*enterprise(1, vertical="Telco"), *enterprise(1), {"tier": "global", "minutes": 1}]
    found = lines(rows, [csm("ada", verticals=["Telco"])])
    assert [(line.tier, line.pool) for line in found] == [
        ("global", "everyone else · Global"),
        ("enterprise", "Telco · Enterprise"),
        ("enterprise", "everyone else · Enterprise"),
    ]


def test_who_is_there_is_shared_by_where_the_minutes_of_the_book_lie() -> None:
    rows = [
        *enterprise(2, csm="ada"),  # 750 minutes
        {"tier": "scale", "minutes": 250, "csm": "ada"},
        {"tier": "scale", "minutes": 250},
    ]
    found = {line.tier: line for line in lines(rows, [csm("ada"), csm("half", contract_minutes=80 * 60)])}
    # Ada 750 : 250; the empty book of half a head as the lines ask, 750 : 500.
    assert found["enterprise"].heads_there == pytest.approx(0.75 + 0.5 * 0.6)
    assert found["scale"].heads_there == pytest.approx(0.25 + 0.5 * 0.4)


def test_an_empty_book_counts_where_its_csm_is_able() -> None:
    policy = BookPolicy(vertical_fit="hard")
    rows = [*enterprise(3, vertical="Telco"), *enterprise(3, vertical="Bank")]
    facts = company(rows, [csm("tel", verticals=["Telco"]), csm("ban", verticals=["Bank"])])
    found = head_lines(facts=facts, policy=policy, net_minutes_a_head={EVERY_POOL: HEAD.minutes})
    assert {line.pool: line.heads_there for line in found} == {
        "Bank · Enterprise": 1.0,
        "Telco · Enterprise": 1.0,
    }


def test_neither_an_open_seat_nor_who_is_gone_or_has_no_hours_is_there() -> None:
    csms = [
        csm("ada"),
        csm("seat", is_seat=True),
        csm("gone", leaving="gone"),
        csm("away", capacity_minutes=0),
    ]
    (line,) = lines(enterprise(3), csms)
    assert line.heads_there == 1.0
    assert [one.key for one in people(csms)] == ["ada", "away"]


@pytest.mark.parametrize("seed", range(8))
def test_the_lines_add_up_to_the_full_time_heads_there_are(seed: int) -> None:
    facts = generated(seed, customers=120, csms=9, minutes=(0, 300), held=0.6)
    found = head_lines(facts=facts, policy=POLICY, net_minutes_a_head={EVERY_POOL: 6000})
    there = sum(full_time_heads(csm=one, policy=POLICY) for one in people(facts.csms))
    assert sum(line.heads_there for line in found) == pytest.approx(float(there))
    served = {tier.slug for tier in TIERS if tier.served}
    rows = [row for row, slug in enumerate(facts.customers.tier) if slug in served]
    assert sum(line.customers for line in found) == len(rows)
    assert sum(line.minutes_asked for line in found) == int(facts.customers.minutes[rows].sum())


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_customers_and_csms_changes_nothing(seed: int) -> None:
    facts = generated(seed, customers=60, csms=5, minutes=(10, 300), held=0.6)
    columns = facts.customers
    order = list(reversed(range(len(columns))))
    turned = replace(
        facts,
        csms=facts.csms[::-1],
        customers=replace(
            columns,
            **{
                name: tuple(getattr(columns, name)[row] for row in order)
                for name in columns.__slots__
                if name not in ("minutes", "arr_cents")
            },
            minutes=columns.minutes[order],
            arr_cents=columns.arr_cents[order],
        ),
    )
    one = head_lines(facts=facts, policy=POLICY)
    other = head_lines(facts=turned, policy=POLICY)
    assert [replace(line, heads_there=round(line.heads_there, 9)) for line in one] == [
        replace(line, heads_there=round(line.heads_there, 9)) for line in other
    ]


def test_without_given_hours_a_head_has_what_the_able_csms_have_on_average() -> None:
    facts = company(
        enterprise(3), [csm("ada", capacity_minutes=100 * 60), csm("ben", capacity_minutes=60 * 60)]
    )
    (line,) = head_lines(facts=facts, policy=POLICY)
    assert line.head_minutes == 80 * 60


def test_a_pool_may_have_hours_of_its_own() -> None:
    rows = [*enterprise(1), {"tier": "scale", "minutes": 60}]
    facts = company(rows, [csm("ada")])
    given = {"everyone else · Scale": 600, EVERY_POOL: 6000}
    found = head_lines(facts=facts, policy=POLICY, net_minutes_a_head=given)
    assert [line.head_minutes for line in found] == [6000, 600]


def test_a_head_without_hours_is_refused() -> None:
    facts = company(enterprise(1), [csm("ada")])
    with pytest.raises(ValueError, match="no hours"):
        head_lines(facts=facts, policy=POLICY, net_minutes_a_head={EVERY_POOL: 0})


def head_line(tier: str, customers: int, minutes: int, cap: int | None) -> HeadLine:
    return HeadLine(tier, f"{tier} pool", customers, minutes, cap, 6000, minutes / 6000, 0.0, 0, 0.0)


def test_the_whole_is_rounded_once() -> None:
    # 0.5 + 0.4 heads: one, not two.
    assert heads_in_all([head_line("a", 5, 3000, None), head_line("b", 4, 2400, None)]) == 1


def test_hours_of_all_lines_add_up_and_caps_only_within_a_tier() -> None:
    # a: by cap 2.5 + 1.5 = 4 heads though it asks few hours; b asks 3 heads of hours.
    found = [head_line("a", 25, 600, 10), head_line("a", 15, 600, 10), head_line("b", 30, 18000, None)]
    assert hours_in_all(found) == Fraction(16, 5)
    assert caps_in_all(found) == {"a": Fraction(4)}
    assert exact_in_all(found) == 4
    assert heads_in_all(found) == 4
    assert heads_in_all([]) == 0


def test_the_whole_is_told_with_its_numbers() -> None:
    found = (head_line("a", 25, 600, 10), head_line("b", 30, 18000, None))
    assert whole_sentences(found, tiers={"a": "Alpha"}, there=2.5) == (
        "The hours of all lines together ask 3.1 heads.",
        "Of the caps, that of Alpha asks the most: 2.5 heads.",
        "The larger, rounded up once: 4 heads. 2.5 full-time heads are there.",
        "With books of one line only it would be 5.5; who is at the cap of one tier has hours for another.",
    )
