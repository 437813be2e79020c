"""Sharing hours: the formulas of design section 8, and the laws that hold for any book."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from allocation.engine.attention import (
    attention_weight,
    base_minutes,
    compare_bases,
    hours_of,
    nearness,
    net_hours,
    net_minutes,
    share_attention,
)
from allocation.engine.facts.attention import (
    BASES,
    AttentionFinding,
    AttentionRules,
    Basis,
    CareFacts,
    CareShare,
)


def care(external_id: str = "a", base: int = 0, **given: object) -> CareFacts:
    return CareFacts(external_id=external_id, base_minutes=base, **given)  # type: ignore[arg-type]


def test_net_hours_are_hours_times_ramp_less_overhead_less_leave() -> None:
    # 160 h × 50 % × 75 % = 60 h; a third of the month away leaves 40 h.
    minutes = net_minutes(
        hours_per_month=Decimal(160), ramp_pct=Decimal(50), overhead_pct=Decimal(25), days_away=10, days=30
    )
    assert minutes == 40 * 60


def test_base_hours_are_a_twelfth_of_the_touch_plan() -> None:
    # 4 × 5 h + 26 × 1 h + 1 × 2 h = 48 h a year = 4 h a month.
    plan = [(Decimal(4), Decimal(5)), (Decimal(26), Decimal(1)), (Decimal(1), Decimal(2))]
    assert base_minutes(activities=plan) == 240
    assert base_minutes(activities=[]) == 0


@pytest.mark.parametrize(
    ("days", "near"), [(0, Fraction(1)), (90, Fraction(1, 2)), (180, 0), (181, 0), (400, 0), (None, None)]
)
def test_a_renewal_is_near_from_180_days_on(days: int | None, near: Fraction | None) -> None:
    assert nearness(days_to_renewal=days) == near


@pytest.mark.parametrize(
    ("basis", "customer", "weight"),
    [
        # health 40 → 0.6, sentiment 1 → 1, adoption 80 → 0.2, renewal in 45 days → 0.75: mean 2.55 / 4
        (
            "need",
            care(health=Decimal(40), sentiment=1, adoption=Decimal(80), days_to_renewal=45),
            Fraction(255, 400),
        ),
        ("need", care(sentiment=5), Fraction(0)),  # only what is known counts: (5 − 5) ÷ 4
        ("need", care(health=Decimal(50)), Fraction(1, 2)),
        ("need", care(), Fraction(0)),
        ("expansion", care(arr=Decimal(100), potential_arr=Decimal(350)), Fraction(250)),
        ("expansion", care(arr=Decimal(100), potential_arr=Decimal(50)), Fraction(0)),
        ("expansion", care(arr=Decimal(100)), Fraction(0)),
        ("advocacy", care(reputation=Decimal(60)), Fraction(3, 5)),
        ("advocacy", care(reputation=Decimal(60), champion=True), Fraction(9, 10)),
        ("advocacy", care(champion=True), Fraction(0)),
        # 1000 × 0.6 × 0.5 = 300, and expansion 500 × 0.5 without a champion
        (
            "return",
            care(arr=Decimal(1000), potential_arr=Decimal(1500), health=Decimal(40), days_to_renewal=90),
            Fraction(550),
        ),
        (
            "return",
            care(
                arr=Decimal(1000),
                potential_arr=Decimal(1500),
                health=Decimal(40),
                days_to_renewal=90,
                champion=True,
            ),
            Fraction(800),
        ),
        ("return", care(arr=Decimal(1000), days_to_renewal=0), Fraction(0)),
        ("even", care(), Fraction(1)),
    ],
)
def test_the_weight_of_a_customer(basis: Basis, customer: CareFacts, weight: Fraction) -> None:
    assert attention_weight(customer=customer, basis=basis) == weight


def test_what_is_left_is_shared_by_weight_on_top_of_the_base() -> None:
    book = [
        care("a", 60, arr=Decimal(0), potential_arr=Decimal(300)),
        care("b", 60, arr=Decimal(0), potential_arr=Decimal(100)),
        care("c", 60),
    ]
    found = share_attention(net=580, customers=book, rules=AttentionRules(basis="expansion"))
    # 580 − 180 = 400, shared 3 : 1 : 0.
    assert [(one.external_id, one.minutes) for one in found.shares] == [("a", 360), ("b", 160), ("c", 60)]
    assert found.unallocated_minutes == 0


def test_without_any_weight_the_rest_is_shared_evenly_and_ties_go_by_external_id() -> None:
    found = share_attention(net=100, customers=[care("b"), care("c"), care("a")], rules=AttentionRules())
    assert [(one.external_id, one.share_minutes) for one in found.shares] == [("a", 34), ("b", 33), ("c", 33)]


def test_a_book_over_capacity_is_shown_and_never_scaled() -> None:
    found = share_attention(net=100, customers=[care("a", 80), care("b", 70)], rules=AttentionRules())
    assert found.over_capacity
    assert [one.minutes for one in found.shares] == [80, 70]
    assert found.unallocated_minutes == 0


def test_exactly_full_is_not_over_capacity() -> None:
    assert not share_attention(
        net=150, customers=[care("a", 80), care("b", 70)], rules=AttentionRules()
    ).over_capacity


def test_the_cap_sends_the_rest_to_others_and_what_all_caps_leave_is_unallocated() -> None:
    book = [care("a", reputation=Decimal(90)), care("b", reputation=Decimal(10))]
    capped = share_attention(
        net=100, customers=book, rules=AttentionRules(basis="advocacy", cap_pct=Decimal(60))
    )
    assert [one.share_minutes for one in capped.shares] == [60, 40]
    tight = share_attention(
        net=100, customers=book, rules=AttentionRules(basis="advocacy", cap_pct=Decimal(30))
    )
    assert [one.share_minutes for one in tight.shares] == [30, 30]
    assert tight.unallocated_minutes == 40


def test_the_floor_is_a_part_of_an_even_share() -> None:
    book = [care("a", reputation=Decimal(100)), care("b", reputation=Decimal(0))]
    found = share_attention(
        net=100, customers=book, rules=AttentionRules(basis="advocacy", floor_pct=Decimal(40))
    )
    # An even share is 50, 40 % of it is 20.
    assert [one.share_minutes for one in found.shares] == [80, 20]


def test_an_empty_book_leaves_all_hours() -> None:
    assert share_attention(net=90, customers=[], rules=AttentionRules()).unallocated_minutes == 90


def test_hours_have_two_decimals() -> None:
    assert hours_of(100) == Decimal("1.67")


books = some.lists(
    some.tuples(some.integers(0, 300), some.one_of(some.none(), some.integers(0, 100))),
    min_size=1,
    max_size=12,
)


@given(books, some.integers(0, 5000), some.integers(0, 100), some.integers(0, 100))
def test_minutes_add_up_and_keep_floor_and_cap(
    book: list[tuple[int, int | None]], net: int, floor: int, cap: int
) -> None:
    customers = [
        care(f"c{n:02}", base, reputation=None if voice is None else Decimal(voice))
        for n, (base, voice) in enumerate(book)
    ]
    rules = AttentionRules(basis="advocacy", floor_pct=Decimal(floor), cap_pct=Decimal(cap))
    found = share_attention(net=net, customers=customers, rules=rules)
    assert found == share_attention(net=net, customers=customers[::-1], rules=rules)
    total = sum(one.minutes for one in found.shares)
    if found.over_capacity:
        assert total == sum(base for base, _ in book) > net
        return
    assert total + found.unallocated_minutes == net
    left = net - sum(base for base, _ in book)
    even = left / len(book) * floor / 100
    for one in found.shares:
        assert one.share_minutes <= left * cap / 100 + 1e-9
        assert one.share_minutes >= min(even, left * cap // 100) - 1


@given(some.integers(0, 99), some.integers(1, 50))
def test_a_weaker_customer_never_gets_less(health: int, worse: int) -> None:
    book = [care("a", health=Decimal(health)), care("b", health=Decimal(max(0, health - worse)))]
    first, second = share_attention(net=1000, customers=book, rules=AttentionRules(basis="need")).shares
    assert second.share_minutes >= first.share_minutes - 1


facts = some.fixed_dictionaries(
    {
        "base": some.integers(0, 200),
        "health": some.one_of(some.none(), some.integers(0, 100).map(Decimal)),
        "sentiment": some.one_of(some.none(), some.integers(1, 5)),
        "reputation": some.one_of(some.none(), some.integers(0, 100).map(Decimal)),
        "champion": some.sampled_from([None, True, False]),
        "arr": some.one_of(some.none(), some.decimals(0, 10**6, places=2)),
        "potential_arr": some.one_of(some.none(), some.decimals(0, 10**6, places=2)),
        "days_to_renewal": some.one_of(some.none(), some.integers(-30, 300)),
    }
)
whole_books = some.lists(facts, min_size=1, max_size=10).map(
    lambda rows: [care(f"c{n:02}", **row) for n, row in enumerate(rows)]
)
per_cent = some.integers(0, 100).map(Decimal)


@given(whole_books, some.integers(0, 4000), some.sampled_from(BASES), per_cent, per_cent)
def test_minutes_sum_exactly_under_every_basis_and_over_capacity_is_the_base_under_each(
    book: list[CareFacts], net: int, basis: Basis, floor: Decimal, cap: Decimal
) -> None:
    rules = AttentionRules(basis, floor, cap)
    found = compare_bases(net=net, customers=book, in_force=rules)
    assert tuple(found.by_basis) == BASES
    assert found.in_force == found.by_basis[basis] == share_attention(net=net, customers=book, rules=rules)
    assert found == compare_bases(net=net, customers=book[::-1], in_force=rules)
    base = sum(one.base_minutes for one in book)
    for one in found.by_basis.values():
        total = sum(share.minutes for share in one.shares)
        assert one.over_capacity == (base > net)
        assert (one.base_minutes, one.missing_minutes) == (base, max(base - net, 0))
        if one.over_capacity:
            assert (total, one.unallocated_minutes, one.left_minutes) == (base, 0, 0)
            assert not any(share.share_minutes or share.bound for share in one.shares)
            assert one == found.in_force or one.moved(found.in_force) == 0
        else:
            assert total + one.unallocated_minutes == net
            assert one.left_minutes == net - base


@given(whole_books, some.integers(0, 4000), some.sampled_from(BASES), per_cent, per_cent)
def test_floor_and_cap_hold_under_every_basis_and_bind_whom_they_name(
    book: list[CareFacts], net: int, basis: Basis, floor: Decimal, cap: Decimal
) -> None:
    """Floor and cap to try stand in for those in force."""
    found = compare_bases(
        net=net, customers=book, in_force=AttentionRules(basis), floor_pct=floor, cap_pct=cap
    )
    for kind, one in found.by_basis.items():
        assert one == share_attention(net=net, customers=book, rules=AttentionRules(kind, floor, cap))
        if one.over_capacity:
            continue
        assert one.floor_minutes <= one.cap_minutes <= one.left_minutes * cap / 100
        for share in one.shares:
            assert int(one.floor_minutes) <= share.share_minutes <= one.cap_minutes
            if share.bound == "cap":
                assert share.share_minutes == one.cap_minutes
            if share.bound == "floor":
                assert share.share_minutes - one.floor_minutes < 1
        held = sum((_bound(one, share) for share in one.shares if share.bound), Fraction(0))
        assert one.free_minutes <= one.left_minutes - held
        free = [share for share in one.shares if not share.bound]
        if one.all_even:
            assert one.free_weight == len(free)
        else:
            assert one.free_weight == sum((share.weight for share in free), Fraction(0))


def _bound(found: AttentionFinding, share: CareShare) -> Fraction:
    return found.floor_minutes if share.bound == "floor" else Fraction(found.cap_minutes)


@given(whole_books, some.integers(0, 4000), some.sampled_from(BASES), some.sampled_from(BASES))
def test_what_some_gain_others_lose(book: list[CareFacts], net: int, basis: Basis, other: Basis) -> None:
    found = compare_bases(net=net, customers=book, in_force=AttentionRules(basis))
    changes = found.by_basis[other].differences(found.in_force)
    assert sum(changes.values()) == 0
    assert found.by_basis[other].moved(found.in_force) == sum(
        change for change in changes.values() if change > 0
    )
    assert found.by_basis[basis].moved(found.in_force) == 0


def test_what_a_cap_sets_free_counts_as_moved_once() -> None:
    book = [care("a", reputation=Decimal(90)), care("b", reputation=Decimal(10))]
    before = share_attention(net=100, customers=book, rules=AttentionRules("advocacy"))
    after = share_attention(net=100, customers=book, rules=AttentionRules("advocacy", cap_pct=Decimal(30)))
    # 90 and 10 become 30 and 30; 60 go away from the first, 20 to the second and 40 to nobody.
    assert after.moved(before) == 60 == before.moved(after)


@pytest.mark.parametrize(
    ("ramp", "overhead", "away", "steps"),
    [
        (100, 25, 0, (9600, 9600, 7200, 7200)),
        (50, 25, 10, (9600, 4800, 3600, 2400)),
        (100, 0, 45, (9600, 9600, 9600, 0)),  # longer away than the month
        (33, 33, 1, (9600, 3168, 2123, 2052)),  # 2122.56, and 29/30 of it 2051.8
    ],
)
def test_net_hours_step_by_step_end_in_the_net_minutes(
    ramp: int, overhead: int, away: int, steps: tuple[int, ...]
) -> None:
    given: dict[str, object] = {
        "hours_per_month": Decimal(160), "ramp_pct": Decimal(ramp), "overhead_pct": Decimal(overhead),
        "days_away": away, "days": 30,
    }  # fmt: skip
    found = net_hours(**given)  # type: ignore[arg-type]
    assert (found.contract, found.after_ramp, found.after_overhead, found.net) == steps
    assert net_minutes(**given) == steps[-1]  # type: ignore[arg-type]
