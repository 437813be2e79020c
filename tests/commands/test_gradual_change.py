"""People come and go: a newcomer's book grows with the ramp, a leaver's book is spread, each with few changes of CSM.

Everything goes through the commands, but for the last day of a leaver, which people enter in the admin.
"""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import CSM
from tests.playbooks.door import Company, answer

pytestmark = pytest.mark.django_db

RAMPS = (25, 50, 75, 100)
ARR = {"scale": 60_000, "enterprise": 300_000, "global": 900_000}


@pytest.fixture
def company(tmp_path: Path) -> Callable[[dict[str, int], int], Company]:
    """A company of the playbook `three-axis`: so many customers a tier, given to so many CSMs by a first plan."""

    def build(customers: dict[str, int], csms: int, **more: Any) -> Company:
        made = Company(tmp_path, "three-axis")
        made.customers(
            {"external_id": f"{tier}-{n:03d}", "arr": ARR[tier] + 500 * (n % 7), **more}
            for tier, count in customers.items()
            for n in range(count)
        )
        made.csms({"name": f"Old{n}"} for n in range(csms))
        made.retier()
        made.plan()
        return made

    return build


def books() -> dict[str, dict[str, Any]]:
    return {book["name"]: book for book in answer("workload_balance")["csms"]}


def chosen(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [move for move in plan["moves"] if not move["forced"]]


@pytest.mark.parametrize(
    ("customers", "csms"),
    [({"scale": 180}, 5), ({"enterprise": 60}, 5), ({"global": 20}, 5), ({"scale": 80, "enterprise": 30}, 4)],
    ids=["scale", "enterprise", "global", "mixed"],
)
def test_a_newcomers_book_grows_with_the_ramp_by_few_moves(company, customers, csms):
    made = company(customers, csms)
    everybody = sum(customers.values())
    sizes, paths = [0], []
    for ramp in RAMPS:
        made.csms([{"name": "New", "ramp_pct": ramp}])
        plan = made.plan()
        book = books()["New"]
        share = ramp / (100 * csms + ramp)  # of the hours that all have: what would be even
        assert book["hours"] <= book["capacity"]
        assert book["customers"] >= max(1, sizes[-1])  # 2.6 and 1.8 customers are both two
        assert 0.5 * share * everybody - 1 <= book["customers"] <= 1.25 * share * everybody + 1
        # Few: hardly more than the newcomer gains, within the budget, nobody forced, and nobody goes back and forth.
        assert len(chosen(plan)) == len(plan["moves"]) <= everybody // 10
        assert len(plan["moves"]) <= 1.5 * (book["customers"] - sizes[-1]) + 1
        paths += [move["external_id"] for move in plan["moves"]]
        sizes.append(book["customers"])
    assert sizes[-1] >= 3 * sizes[1]
    assert max(Counter(paths).values()) <= 2
    assert answer("plan_books")["unassigned"] == []


def test_a_newcomer_who_does_not_ramp_up_is_left_alone(company):
    made = company({"enterprise": 60}, 5)
    made.csms([{"name": "New", "ramp_pct": 50}])
    made.plan()
    assert made.plan()["moves"] == []


def test_a_ramp_of_nought_is_no_book_yet(company):
    made = company({"enterprise": 40}, 4)
    made.csms([{"name": "New", "ramp_pct": 0}])
    assert made.plan()["moves"] == []
    assert books()["New"]["customers"] == 0


def test_a_ramp_scales_the_hours_and_not_the_cap(company):
    """Design: caps go by the share of full time; while somebody ramps up the hours bind."""
    made = company({"global": 12}, 2)
    made.csms([{"name": "New", "ramp_pct": 25}])
    made.plan()
    new = books()["New"]
    assert (new["capacity"], new["cap_room"]["global"] + new["by_tier"]["global"]) == (30.0, 6)
    # A Global customer asks for 16 hours: a second one would not fit into 30.
    assert new["by_tier"]["global"] == 1


def leave(name: str, days: int) -> None:
    CSM.objects.filter(name=name).update(leaves_on=timezone.localdate() + timedelta(days=days))


def test_a_leavers_book_is_spread_over_several_and_nobody_else_moves(company):
    made = company({"scale": 100, "enterprise": 40}, 5)
    held = books()["Old2"]["customers"]
    leave("Old2", 30)
    plan = made.plan()
    takers = Counter(move["to"] for move in plan["moves"])
    assert {move["from"] for move in plan["moves"]} == {"old2@x.example"}
    assert (len(plan["moves"]), chosen(plan), plan["unassigned"]) == (held, [], [])
    assert len(takers) == 4
    assert max(takers.values()) <= held // 2
    rest = [book for name, book in books().items() if name != "Old2"]
    assert max(book["utilisation"] for book in rest) <= 1.15 * min(book["utilisation"] for book in rest)
    assert {move["reason"] for move in plan["moves"]} == {"Old2 leaves."}
    assert made.plan()["moves"] == []


def test_the_most_similar_take_over_first_where_they_have_room(tmp_path):
    """Ada leaves seven customers to three colleagues of equal books: two each, and one more to Zoe, who is of her region."""
    made = Company(tmp_path, "three-axis")
    regions = {"Ada": "North", "Bea": "South", "Cem": "South", "Zoe": "North"}
    made.csms({"name": name, "regions": region} for name, region in regions.items())
    held = [name for name in ("Ada", "Bea", "Cem", "Zoe") for _ in range(7)]
    made.customers(
        {"external_id": f"E{n:02d}", "arr": ARR["enterprise"], "csm": f"{name.lower()}@x.example"}
        for n, name in enumerate(held)
    )
    made.retier()
    leave("Ada", 30)
    takers = Counter(move["to"] for move in made.plan()["moves"])
    assert takers == {"bea@x.example": 2, "cem@x.example": 2, "zoe@x.example": 3}


def test_a_leaver_and_a_newcomer_at_once_change_hands_directly_where_that_fits(company):
    made = company({"enterprise": 50}, 5)
    held = books()["Old2"]["customers"]
    made.csms([{"name": "New"}])
    leave("Old2", 30)
    plan = made.plan()
    forced = [move for move in plan["moves"] if move["forced"]]
    assert len(forced) == held
    # Everybody else keeps the CSM: the newcomer's room is the leaver's book.
    assert len(chosen(plan)) <= 2
    assert Counter(move["to"] for move in forced)["new@x.example"] >= 0.7 * held
    assert plan["unassigned"] == []
