"""Pools of a policy before anything is planned: customers, hours, who is able, who has nobody."""

import pytest

from allocation.engine.facts.books import BookPolicy
from allocation.engine.pools import Pools, pools
from tests.engine.books_cast import company, csm


def found(rows: list[dict[str, object]], csms: list[object], **policy: object) -> Pools:
    return pools(facts=company(rows, csms), policy=BookPolicy(**policy))


def test_customers_hours_and_csms_of_each_pool_are_counted() -> None:
    known = found(
        [
            {"vertical": "Finance", "minutes": 600},
            {"vertical": "Finance", "minutes": 300},
            {"vertical": "Retail", "minutes": 120},
            {"tier": "global", "minutes": 60},
            {"tier": "self", "minutes": 999},  # self-service is in nobody's book
            {"tier": "", "minutes": 999},
        ],
        [csm("ann", verticals=["Finance"]), csm("bob"), csm("gone", leaving="gone")],
    )
    # Specialists first: Ann serves Finance, Bob is a generalist and may serve everybody.
    assert [(line.pool, line.customers, line.minutes, line.able) for line in known.lines] == [
        ("Finance · Scale", 2, 900, 2),
        ("everyone else · Global", 1, 60, 2),
        ("everyone else · Scale", 1, 120, 1),
    ]
    assert [line.minutes_there for line in known.lines] == [2 * 128 * 60, 2 * 128 * 60, 128 * 60]
    assert (known.customers, known.minutes, known.minutes_there) == (4, 1080, 2 * 128 * 60)
    assert known.nobody == ()


@pytest.mark.parametrize("closed", [{"accepting": False}, {"leaving": "soon"}, {"capacity_minutes": 0}])
def test_who_takes_nobody_new_is_able_but_not_open(closed: dict[str, object]) -> None:
    (line,) = found([{}], [csm("ann"), csm("bob", **closed)]).lines
    assert (line.able, line.open) == (2, 1)


def test_whom_nobody_may_serve_is_named_with_the_reason() -> None:
    known = found(
        [
            {"id": "b", "country": "Peru", "language": "Spanish"},  # alike in what counts here
            {"id": "a", "country": "Peru"},
            {"id": "c", "country": "Chile"},
            {"id": "d"},
        ],
        [csm("ann", countries=["Chile"]), csm("bob")],
        country_law=True,
    )
    (alone,) = known.nobody
    assert (alone.customers, alone.external_ids, alone.pool) == (
        2,
        ("a", "b"),
        "everyone else · Scale · Peru",
    )
    assert alone.reason == "2 × does not cover the country Peru."
    assert [(line.pool, line.able, line.nobody) for line in known.lines] == [
        ("everyone else · Scale", 2, 0),
        ("everyone else · Scale · Chile", 1, 0),
        ("everyone else · Scale · Peru", 0, 2),
    ]


def test_tiers_named_for_a_csm_count() -> None:
    known = found([{"tier": "global"}, {}], [csm("ann", tiers=frozenset({"scale"}))])
    assert [(line.able, line.nobody) for line in known.lines] == [(0, 1), (1, 0)]
    assert known.nobody[0].reason == "1 × is not named for this tier in the policy."


def test_without_csms_or_customers_it_says_so() -> None:
    assert found([{}], []).nobody[0].reason == "There is no CSM."
    assert found([], [csm("ann")]).lines == ()


def test_customers_alike_are_looked_at_once_and_counted_each() -> None:
    many = found([{"minutes": 10} for _ in range(5000)], [csm("ann")])
    assert [(line.customers, line.minutes) for line in many.lines] == [(5000, 50_000)]
