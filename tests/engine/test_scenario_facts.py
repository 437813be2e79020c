"""Facts as a scenario has them: amounts within their limits, goals by where, wishes by level, plans by tier and goals."""

from decimal import Decimal

import numpy as np
import pytest

from allocation.engine.attention import base_minutes
from allocation.engine.facts.attributes import TOUCH_LEVELS
from allocation.engine.facts.books import CustomerColumns as BookColumns
from allocation.engine.facts.scenarios import (
    AddedHeads,
    AmountChange,
    OpenedGoal,
    Question,
    TierChange,
    Where,
)
from allocation.engine.facts.tiering import SetColumn, TierFacts
from allocation.engine.scenario_facts import (
    altered_amounts,
    altered_cents,
    altered_goals,
    chosen,
    plan_minutes,
    wished_tiers,
)
from allocation.engine.scenario_figures import spread
from allocation.engine.scenario_people import Averages, altered_csms
from allocation.engine.tiering import decide_tiers
from tests.engine.tiering_facts import BY_ARR, TIERS, facts, rules

EVERYBODY = Where()


def books(count, **columns):
    words = {
        name: tuple(columns.get(name, ("",) * count)) for name in ("tier", "vertical", "region", "country")
    }
    return BookColumns(
        external_id=tuple(f"C{n}" for n in range(count)),
        csm=("",) * count,
        minutes=np.zeros(count, dtype=np.int64),
        arr_cents=np.array(columns.get("arr_cents", [0] * count), dtype=np.int64),
        language=("",) * count,
        products=(frozenset(),) * count,
        family=("",) * count,
        hold=("",) * count,
        **words,
    )


def rows(count):
    return np.arange(count, dtype=np.int64)


def test_all_that_is_named_must_hold():
    there = books(4, vertical=("Telco", "Telco", "Finance", ""), tier=("a", "b", "a", "a"))
    assert chosen(where=Where(vertical=("Telco", "Finance"), tier=("a",)), books=there).tolist() == [
        True, False, True, False,
    ]  # fmt: skip
    assert chosen(where=EVERYBODY, books=there).all()


@pytest.mark.parametrize(
    ("attribute", "before", "pct", "after"),
    [
        ("arr", 100.01, -10, 90.01),  # 90.009, to the cent
        ("arr", 0.0, 50, 0.0),
        ("health", 80.0, 50, 100.0),  # not above 100
        ("health", 80.0, -100, 0.0),
        ("adoption", 50.0, 10, 55.0),
        ("employees", 15.0, -10, 14.0),  # 13.5, whole, half to even
        ("complexity", float("nan"), 50, float("nan")),  # unknown stays unknown
    ],
)
def test_an_amount_changes_by_its_per_cent_within_what_it_can_be(attribute, before, pct, after):
    known = facts([{attribute: None if np.isnan(before) else before}])
    found = altered_amounts(
        facts=known,
        changes=[AmountChange(attribute, Decimal(pct))],
        books=books(1),
        rows=rows(1),
    )
    assert found.numbers(attribute)[0] == pytest.approx(after, nan_ok=True, abs=1e-9)
    assert known.numbers(attribute)[0] == pytest.approx(before, nan_ok=True)


def test_cents_of_the_books_change_as_the_facts_do_and_only_for_arr():
    there = books(2, arr_cents=[10001, 20000], vertical=("Telco", ""))
    only = AmountChange("arr", Decimal(-10), Where(vertical=("Telco",)))
    assert altered_cents(changes=[only], books=there).tolist() == [9001, 20000]
    assert altered_cents(changes=[AmountChange("health", Decimal(9))], books=there).tolist() == [10001, 20000]


def test_goals_are_closed_for_all_and_opened_where_they_are_meant():
    known = facts([{"open_goals": ("adoption",)}, {"open_goals": ("adoption", "risk")}, {"open_goals": ()}])
    question = Question(
        closed_goals=frozenset({"adoption"}),
        opened_goals=(OpenedGoal("new", Where(vertical=("Telco",))), OpenedGoal("risk", EVERYBODY)),
    )
    found = altered_goals(
        facts=known,
        question=question,
        books=books(3, vertical=("Telco", "", "")),
        rows=rows(3),
        differ=lambda row, kinds: kinds != {"risk"},
    )
    goals = found.columns["open_goals"]
    has = [
        {word for word, there in zip(goals.vocabulary, row, strict=True) if there}
        for row in goals.members.tolist()
    ]
    assert has == [{"new", "risk"}, {"risk"}, {"risk"}]
    assert found.held.goals_changed.tolist() == [True, False, False]


def wished(arr, wish, *, tiers=TIERS, highest=False, **more):
    known = facts([{"arr": arr, **more}])
    model = rules(BY_ARR)
    found = wished_tiers(
        findings=decide_tiers(facts=known, rules=model, tiers=tiers),
        rules=model,
        tiers=tiers,
        wishes=np.array([-1 if wish is None else TOUCH_LEVELS.index(wish)], dtype=np.int64),
        silent_take_highest=highest,
    )
    return tiers[int(found[0])].slug


@pytest.mark.parametrize(
    ("wish", "gets"),
    [
        ("high", "global"),
        ("mid", "enterprise"),
        ("tech", "scale"),
        ("low", "enterprise"),  # no tier of it; mid and tech lie as near, the higher is taken
        ("self_service", "scale"),
        (None, "scale"),
    ],
)
def test_everybody_gets_the_level_wished_or_the_nearest_there_is(wish, gets):
    assert wished(1, wish) == gets


def test_who_is_silent_can_be_taken_to_wish_the_highest():
    assert wished(1, None, highest=True) == "global"


def test_of_two_tiers_of_a_level_the_one_nearest_to_the_model_is_taken():
    two = (
        TierFacts("global", 1, "high", "A"),
        TierFacts("enterprise", 2, "high", "B"),
        TierFacts("scale", 3, "low", "C"),
    )
    assert wished(1, "high", tiers=two) == "enterprise"
    assert wished(800_000, "high", tiers=two) == "global"


def test_a_retired_tier_is_given_to_nobody():
    gone = (TIERS[0], TierFacts("enterprise", 2, "mid", "Enterprise", retired=True), TIERS[2])
    assert wished(1, "mid", tiers=gone) == "global"  # of high and (low, tech) the nearer level


LINES = {
    "global": [("", Decimal(12), Decimal(2)), ("adoption", Decimal(4), Decimal("1.5")), ("risk", Decimal(1), Decimal(7))],
    "scale": [("", Decimal(1), Decimal("0.5"))],
}  # fmt: skip


def test_minutes_are_those_of_the_touch_plan_for_each_tier_and_set_of_goals():
    rng = np.random.default_rng(3)
    words, slugs = ("adoption", "fun", "risk"), ["global", "none", "scale"]
    members = rng.random((200, 3)) < 0.4
    tier = rng.integers(-1, 3, 200)
    found = plan_minutes(tier=tier, goals=SetColumn(members, words), slugs=slugs, lines=LINES, changes={})
    for row in range(200):
        has = {"", *(word for word, there in zip(words, members[row], strict=True) if there)}
        plan = LINES.get(slugs[tier[row]], ()) if tier[row] >= 0 else ()
        assert found[row] == base_minutes(
            activities=[(times, each) for kind, times, each in plan if kind in has]
        )


def test_hours_of_a_tier_given_by_the_scenario_stand_for_its_whole_plan():
    goals = SetColumn(np.array([[True], [False]]), ("adoption",))
    found = plan_minutes(
        tier=np.array([0, 1]), goals=goals, slugs=["global", "scale"], lines=LINES,
        changes={"global": TierChange(minutes=77)},
    )  # fmt: skip
    assert found.tolist() == [77, base_minutes(activities=[(Decimal(1), Decimal("0.5"))])]


def test_flows_add_up_and_self_service_asks_no_hours():
    tiers = (
        TIERS[0],
        TierFacts("self", 2, "self_service", "Self"),
        TierFacts("old", 3, "low", "Old", retired=True),
    )
    found = spread(
        before=np.array([0, 0, -1, 1]),
        after=np.array([0, 1, 0, 1]),
        minutes=np.array([10, 20, 30, 40]),
        arr_cents=np.array([1, 2, 3, 4]),
        tiers=tiers,
    )
    assert (found.customers, found.arr_cents) == ({"global": 2, "self": 2}, {"global": 4, "self": 6})
    assert (found.moves, found.minutes) == (1, 40)
    assert [(flow.before, flow.after, flow.customers, flow.arr_cents, flow.minutes) for flow in found.flows] == [
        ("", "global", 1, 3, 30), ("global", "global", 1, 1, 10), ("global", "self", 1, 2, 0), ("self", "self", 1, 4, 0),
    ]  # fmt: skip


def test_added_csms_are_as_the_others_are_where_nothing_is_said():
    usual = Averages(4, Decimal(100), Decimal(40), Decimal(50))
    plain, given = altered_csms(
        csms=(),
        question=Question(added=(AddedHeads(1), AddedHeads(1, seniority=1, ramp_pct=Decimal(100)))),
        usual=usual,
    )
    assert (plain.seniority, plain.contract_minutes, plain.capacity_minutes) == (4, 6000, 1800)
    assert (given.seniority, given.capacity_minutes) == (1, 3600)
    assert plain.key != given.key
