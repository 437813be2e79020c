"""The re-tiering benchmark: ratios of the best rounds, and what counts as wrong."""

import argparse
import json
from types import SimpleNamespace

import pytest

from benchmarks import places, retier
from benchmarks.__main__ import parser
from benchmarks.filled import fill

TIMES = {
    retier.PROPOSE: [(2.0, 1.0), (1.0, 0.5)],
    retier.APPLY: [(2.0, 1.0), (4.0, 3.0)],
    retier.SELECT: [(1.0, 0.5), (0.5, 0.5)],
    retier.UPDATE: [(1.0, 0.5), (1.5, 0.5)],
    retier.SAVE: [(400.0, 300.0), (500.0, 300.0)],
}
KEPT = {"explain": 20.0, "undo": 5.0, "json": 400.0}
TOLD = {"outcome": "done", "times": TIMES, "moves": [4, 5], "faults": [], "kept": KEPT, "rss_mb": 99.0}
OPTIONS = SimpleNamespace(quick=True, customers=None, limit=None)


def test_a_run_is_both_its_parts_of_one_round_against_both_parts_of_the_floor():
    rows = {row["what"]: row for row in retier.judged(TIMES)}
    assert rows[retier.RUN]["seconds"] == 4
    assert rows[retier.FLOOR]["seconds"] == 2
    assert rows[retier.RUN]["ratio"] == 2
    assert rows[retier.PROPOSE]["ratio"] == 0.5


def test_a_million_is_for_postgresql_only():
    asked = parser().parse_args(["retier", "--customers", "100k", "1m"])
    assert places.sizes_on(places.SQLITE, asked, usual=(), quick=()) == [100_000]
    assert places.sizes_on(places.POSTGRES, asked, usual=(), quick=()) == [100_000, 1_000_000]
    with pytest.raises(argparse.ArgumentTypeError, match="no size"):
        places.customers_of("many")


def test_goals_are_those_of_the_database():
    goals = list(retier.goals_of(retier.POSTGRES, "here", retier.judged(TIMES), KEPT))
    assert [goal.verdict for goal in goals] == ["must reached", "must reached", "must reached", "aim reached"]
    (sqlite, *_) = retier.goals_of(retier.SQLITE, "here", retier.judged(TIMES), KEPT)
    assert sqlite.must == 2.5


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
