"""The re-tiering benchmark: ratios of the best rounds, and what counts as wrong."""

import argparse
import json
from datetime import date
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.services.playbooks import load_playbook
from benchmarks import places, retier, retier_loop, retier_script
from benchmarks.__main__ import parser
from benchmarks.filled import fill
from benchmarks.parts import Parts, parted
from benchmarks.retier_work import PARTS
from tests.factories import CustomerFactory

TIMES = {
    retier.PROPOSE: [(2.0, 1.0), (1.0, 0.5)],
    retier.APPLY: [(2.0, 1.0), (4.0, 3.0)],
    retier.SELECT: [(1.0, 0.5), (0.5, 0.5)],
    retier.UPDATE: [(1.0, 0.5), (1.5, 0.5)],
    retier.SAVE: [(400.0, 300.0), (500.0, 300.0)],
    retier.EXPORT: [(1.0, 0.5), (0.5, 0.5)],
    retier.SCRIPT: [(2.0, 1.0), (4.0, 1.0)],
    retier.READ: [(0.5, 0.25), (0.25, 0.25)],
    retier.DIGEST: [(0.125, 0.0), (0.125, 0.0)],
    retier.DECIDE: [(0.25, 0.0), (0.125, 0.0)],
    retier.PACK: [(0.5, 0.5), (0.25, 0.25)],
    retier.STORE: [(0.5, 0.25), (0.125, 0.0)],
}
KEPT = {"explain": 20.0, "undo": 5.0, "json": 400.0}
TOLD = {"outcome": "done", "times": TIMES, "moves": [4, 5], "faults": [], "kept": KEPT, "peak_mb": 99.0}
OPTIONS = SimpleNamespace(quick=True, customers=None, limit=None)


def test_a_run_is_both_its_parts_of_one_round_against_both_parts_of_the_floor():
    rows = {row["what"]: row for row in retier.judged(TIMES)}
    assert rows[retier.RUN]["seconds"] == 4
    assert rows[retier.FLOOR]["seconds"] == 2
    assert rows[retier.RUN]["ratio"] == 2
    assert rows[retier.PROPOSE]["ratio"] == 0.5


def test_what_only_changes_is_the_run_without_the_explanation_and_what_is_in_no_part_is_the_rest():
    rows = {row["what"]: row["seconds"] for row in retier.judged(TIMES)}
    assert rows[retier.CHANGED] == 3  # 4 without 0.5 and 0.5
    assert rows[retier.EXPLAIN] == 0.375
    assert rows[retier.REST] == 0.125


def test_a_million_is_for_postgresql_only():
    asked = parser().parse_args(["retier", "--customers", "100k", "1m"])
    assert places.sizes_on(places.SQLITE, asked, usual=(), quick=()) == [100_000]
    assert places.sizes_on(places.POSTGRES, asked, usual=(), quick=()) == [100_000, 1_000_000]
    with pytest.raises(argparse.ArgumentTypeError, match="no size"):
        places.customers_of("many")


def test_goals_are_those_of_the_database_and_the_size():
    found = retier.judged(TIMES)
    small = list(retier.goals_of(retier.POSTGRES, 10_000, found, KEPT, 99.0))
    assert [goal.verdict for goal in small] == ["aim reached", "must reached", "aim reached"]
    (sqlite, *_) = retier.goals_of(retier.SQLITE, 10_000, found, KEPT, 99.0)
    assert (sqlite.must, sqlite.value) == (2.5, 1.5)
    names = [goal.name for goal in retier.goals_of(retier.POSTGRES, 1_000_000, found, KEPT, 1_200.0)]
    assert [name.partition(",")[0] for name in names] == [
        "changed only ÷ floor", "whole run ÷ ORM save() loop", "changed only ÷ polars script",
        "changed only ÷ polars script with its export", "peak memory", "kept to explain ÷ a JSON each",
    ]  # fmt: skip


def test_growth_is_the_time_for_twice_as_many_between_two_sizes():
    rows = [
        {"what": retier.CHANGED, "database": retier.POSTGRES, "customers": customers, "seconds": seconds}
        for customers, seconds in ((10_000, 1.0), (40_000, 9.0))
    ]
    first, second = retier.growth_of(rows)
    assert (first["each"], first["twice"]) == (100, None)
    assert (second["each"], second["twice"]) == (225, 3)
    (goal,) = retier.growth_goals([first, second])
    assert goal.verdict == "MISSED"


def test_the_parts_of_proposing_are_where_the_benchmark_looks_for_them():
    with parted(PARTS):
        pass  # a name that is gone raises


def test_a_part_has_its_own_time_without_that_of_the_parts_it_calls(monkeypatch):
    now = iter(range(100))
    monkeypatch.setattr("benchmarks.parts.time.perf_counter", lambda: next(now))
    monkeypatch.setattr("benchmarks.parts.time.process_time", lambda: 0)
    parts = Parts(["outer", "inner"])
    inner = parts.watched("inner", lambda: 7)
    assert parts.watched("outer", lambda: inner() + inner())() == 14
    assert {name: seconds for name, (seconds, _) in parts.spent.items()} == {"outer": 3, "inner": 2}


def test_the_script_and_the_loop_move_whom_a_run_moves(tmp_path):
    """Their rules are those of the playbook: a bound, the dead band around it, money at the rate of its currency."""
    rows = [
        "id,external_id,status,currency,tier,arr,potential_arr,health,adoption,reputation",
        "1,a,active,USD,scale,750000,,50,50,",  # up by two
        "2,b,active,USD,enterprise,780000,800000,50,50,50",  # inside the dead band
        "3,c,active,EUR,scale,149999,,,,",  # at 0.5 it is twice as much
        "4,d,left,USD,scale,750000,,,,",
        "5,e,active,USD,scale,10,20,1,2,3",
    ]
    (tmp_path / "in.csv").write_text("\n".join(rows) + "\n")
    retier_script.main(str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), {"EUR": 0.5})
    found = [line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()[1:]]
    assert [row[:4] for row in found] == [["1", "a", "scale", "0"], ["3", "c", "scale", "1"]]
    assert found == looped(rows, {"EUR": 0.5})


def looped(rows, rates):
    """The same lines as the loop would have them, without a database."""
    names, *values = (row.split(",") for row in rows)
    made = []
    for row in values:
        said = dict(zip(names, row, strict=True))
        numbers = {name: float(said[name]) if said[name] else None for name in names[5:]}
        customer = SimpleNamespace(**{**said, **numbers})
        arr, potential = (
            retier_loop.in_base(numbers[name], said["currency"], rates) for name in ("arr", "potential_arr")
        )
        given = retier_loop.rank(arr, retier_script.RANKS[said["tier"]])
        if said["status"] == "active" and given != retier_script.RANKS[said["tier"]]:
            points = retier_loop.score(customer, arr, potential)
            made.append([said["id"], said["external_id"], said["tier"], str(given), str(points)])
    return made


@pytest.mark.django_db
def test_the_loop_saves_everybody_and_gives_the_tier_with_its_day():
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    scale, today = Tier.objects.get(slug="scale"), date(2026, 11, 28)
    up, new, left = (
        CustomerFactory(arr=800_000, currency="USD", tier=tier, status=status, tier_since=since)
        for tier, status, since in (
            (scale, "active", date(2026, 1, 1)),
            (None, "active", None),
            (scale, "left", date(2026, 1, 1)),
        )
    )
    with CaptureQueriesContext(connection) as asked:
        assert set(retier_loop.retier_each(rates={}, on=today)) == {up.pk}  # a first tier is no move
    assert sum('UPDATE "accounts_customer"' in one["sql"] for one in asked) == 3
    held = Customer.objects.order_by("pk").values_list("pk", "tier__slug", "tier_since")
    assert list(held) == [
        (up.pk, "global", today),
        (new.pk, "global", today),
        (left.pk, "scale", date(2026, 1, 1)),
    ]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        (TOLD, 0),
        ({**TOLD, "faults": ["Round 1 moved nobody."]}, 2),
        ({"outcome": "not filled: no room"}, 2),
    ],
)
def test_a_run_that_moves_nobody_or_gives_no_figures_is_wrong_and_slowness_is_not(
    monkeypatch, capsys, told, wrong
):
    monkeypatch.setattr(retier, "_told", lambda *given: told)
    found = retier.run(OPTIONS)
    assert len(found["wrong"]) == wrong  # one a database
    assert json.loads(json.dumps(found)) == found
    assert "÷ floor" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_company_is_filled_up_and_everybody_has_a_tier(monkeypatch):
    from accounts.models import Customer, Goal
    from benchmarks import filled

    monkeypatch.setattr(filled, "FIRST", 40)
    assert fill(customers=100, csms=4, seed=1)["Customer"] == 100
    assert not Customer.objects.filter(tier=None).exists()
    assert Goal.objects.filter(customer__external_id__endswith="-2").count() > 0
    assert Customer.objects.values("arr").distinct().count() > 80
