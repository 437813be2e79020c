"""One tier, customers divided evenly: the answers that even-split must give."""

import random
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.playbooks.door import Company, answer
from tests.playbooks.imagined import customers, email, with_random_csms
from tests.playbooks.limits import by_country, by_region, by_vertical, check, check_answer


@pytest.fixture
def playbook(company) -> Company:
    return company("even-split")


def sizes():
    return {book["csm"]: book["customers"] for book in answer("workload_balance")["csms"]}


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_a_customer_is_there_is_one_tier(playbook, seed):
    chance = random.Random(seed)
    rows = [
        {
            "external_id": f"C{number}",
            "arr": chance.choice(["", 0, round(chance.lognormvariate(10, 3), 2)]),
            "vertical": chance.choice(["", "Finance", "Retail"]),
            "loss_felt": chance.choice(["", "yes", "no"]),
            "goals": chance.choice(["", "risk-mitigation"]),
            "health": chance.choice(["", 5, 95]),
        }
        for number in range(120)
    ]
    playbook.customers(rows)
    run = playbook.retier()
    assert (run["decided"], run["undecided"], run["tiers"]) == (120, 0, {"everyone": 120})
    # another year, other numbers: nothing moves
    playbook.customers([{**row, "arr": round(chance.lognormvariate(10, 3), 2)} for row in rows])
    assert playbook.retier()["moves"] == []


def test_books_differ_by_one_customer_at_most(playbook):
    playbook.customers([{"external_id": f"C{number}", "arr": 1_000 * number} for number in range(50)])
    playbook.csms([{"name": name} for name in ("Ada", "Ben", "Cem", "Dia")])
    playbook.retier()
    playbook.plan()
    assert sorted(sizes().values()) == [12, 12, 13, 13]


@pytest.mark.parametrize("count", [48, 53])
def test_another_csm_is_given_just_what_evening_out_needs(playbook, count):
    playbook.customers([{"external_id": f"C{number}", "arr": 1_000 * number} for number in range(count)])
    playbook.csms([{"name": name} for name in ("Ada", "Ben", "Cem")])
    playbook.retier()
    playbook.plan()
    before = {key: row["csm"] for key, row in playbook.export().items()}
    playbook.csms([{"name": "Dia"}])
    playbook.plan()
    after = {key: row["csm"] for key, row in playbook.export().items()}
    moved = {key for key in before if before[key] != after[key]}
    assert max(sizes().values()) - min(sizes().values()) <= 1
    assert {after[key] for key in moved} == {"dia@x.example"}
    assert len(moved) in {count // 4, -(-count // 4)}


def generalists(count, **facts):
    return [{"name": f"csm{number:02d}", "hours_per_month": 160, **facts} for number in range(count)]


def spread(sizes_of):
    return max(sizes_of) - min(sizes_of)


# Fewer customers than CSMs, as many, one over, one under, primes, full books.
@pytest.mark.parametrize(
    ("count", "team"),
    [(0, 3), (1, 1), (1, 4), (3, 7), (6, 6), (7, 6), (11, 6), (30, 4), (97, 5), (101, 8), (150, 3), (200, 4), (389, 11)],
)  # fmt: skip
def test_counts_differ_by_at_most_one_whatever_the_numbers(playbook, count, team):
    rows = customers(count, count)
    people = generalists(team)
    if rows:
        playbook.customers(rows)
    playbook.csms(people)
    playbook.retier()
    plan = playbook.plan()
    check(playbook, "even-split", plan, rows=rows, team=people)
    assert sum(sizes().values()) == count
    assert spread(sizes().values()) <= 1
    again = playbook.plan()
    assert again["moves"] == []
    check_answer(again)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_history_however_uneven_is_evened_out(playbook, seed):
    chance = random.Random(seed)
    count, team = chance.randrange(30, 160), chance.randrange(4, 7)
    people = generalists(team)
    playbook.csms(people)
    rows = customers(seed, count)
    playbook.customers(with_random_csms(rows, people[:2], seed))
    playbook.retier()
    before = playbook.sizes()
    plan = playbook.plan()
    check(playbook, "even-split", plan, rows=rows, team=people)
    after = playbook.sizes()
    assert spread(after.values()) <= 1
    # whoever gains only gains, and nobody moves who need not
    assert len(plan["moves"]) == sum(max(0, after[one] - before[one]) for one in after)


@pytest.mark.parametrize(("count", "team"), [(40, 2), (59, 3), (100, 4), (141, 7), (240, 8)])
def test_people_come_and_go_and_only_what_is_needed_moves(playbook, count, team):
    rows, people = customers(count, count), generalists(team)
    playbook.customers(rows)
    playbook.csms(people)
    playbook.retier()
    playbook.plan()
    before, old = playbook.owners(), playbook.sizes()
    people = generalists(team + 1)
    playbook.csms(people)
    plan = playbook.plan()
    check(playbook, "even-split", plan, rows=rows, team=people)
    after, new = playbook.owners(), playbook.sizes()
    assert spread(new.values()) <= 1
    newcomer = email(people[-1])
    moved = {key for key in before if before[key] != after[key]}
    assert {after[key] for key in moved} == {newcomer}
    assert len(moved) == new[newcomer] == len(plan["moves"])
    assert all(old[one] >= new[one] for one in old)
    # one of the others leaves: the book is divided, and nobody else moves
    leaver = email(people[0])
    playbook.leaves(people[0]["name"], timezone.localdate() + timedelta(days=30))
    plan = playbook.plan()
    check_answer(plan)
    left = playbook.owners()
    assert {key for key in after if after[key] != left[key]} == {key for key in after if after[key] == leaver}
    assert {move["from"] for move in plan["moves"]} == {leaver}
    staying = {one: size for one, size in playbook.sizes().items() if one != leaver}
    assert spread(staying.values()) <= 1
    assert sum(staying.values()) == count


@pytest.mark.parametrize("seed", [1, 2])
def test_where_capacities_differ_customers_follow_them(playbook, seed):
    chance = random.Random(seed)
    people = [
        {"name": f"csm{number}", "hours_per_month": hours}
        for number, hours in enumerate([160, chance.choice([80, 120]), 40, 160])
    ]
    full_time = sum(csm["hours_per_month"] for csm in people) / 160
    count = chance.randrange(60, int(45 * full_time))
    rows = customers(seed, count)
    playbook.customers(rows)
    playbook.csms(people)
    playbook.retier()
    plan = playbook.plan()
    check(playbook, "even-split", plan, rows=rows, team=people)
    found = playbook.sizes()
    for csm in people:
        assert abs(found[email(csm)] - count * csm["hours_per_month"] / 160 / full_time) < 1


SWITCHES = {
    "country": ("countries", "country", ["Germany", "France", "Norway"], {"country_law": True}, by_country),
    "vertical": ("verticals", "vertical", ["Finance", "Telco", "Retail"], {"vertical_fit": "hard"}, by_vertical),
    "geography": ("regions", "region", ["North", "South", "East"], {"region_fit": "hard"}, by_region),
}  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("switch", SWITCHES)
def test_switched_on_country_vertical_or_geography_stays_even_inside_each_pool(playbook, switch, seed):
    skill, fact, pools, policy, able = SWITCHES[switch]
    playbook.policy(**policy)
    chance = random.Random(f"{switch}{seed}")
    people, rows = [], []
    for pool in pools:
        team = [{"name": f"{pool}-{number}", skill: pool} for number in range(chance.randrange(1, 5))]
        people += [{**csm, "hours_per_month": 160} for csm in team]
        rows += [
            {"external_id": f"{pool}-{number}", fact: pool}
            for number in range(chance.randrange(1, 45 * len(team)))
        ]
    chance.shuffle(rows)
    playbook.customers(rows)
    playbook.csms(people)
    playbook.retier()
    plan = playbook.plan()
    check(playbook, "even-split", plan, rows=rows, team=people, able=able)
    assert plan["unassigned"] == []
    found = playbook.sizes()
    for pool in pools:
        assert spread([size for one, size in found.items() if one.startswith(pool.lower())]) <= 1
    # one more in the first pool: only customers of that pool move, to the newcomer
    newcomer = {"name": f"{pools[0]}-new", skill: pools[0], "hours_per_month": 160}
    playbook.csms([newcomer])
    plan = playbook.plan()
    check(playbook, "even-split", plan, rows=rows, team=[*people, newcomer], able=able)
    assert {move["to"] for move in plan["moves"]} <= {email(newcomer)}
    assert {move["external_id"].split("-")[0] for move in plan["moves"]} <= {pools[0]}
    found = playbook.sizes()
    assert spread([size for one, size in found.items() if one.startswith(pools[0].lower())]) <= 1
