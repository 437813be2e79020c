"""The benchmarks of planning from the database and of shared plans: what is set against what, and what counts as wrong."""

import json
import os
import time
from types import SimpleNamespace

import pytest

from benchmarks import planning, workers
from benchmarks.__main__ import parser
from benchmarks.companies import company
from benchmarks.planning_work import digest_of, digest_of_stored
from benchmarks.settled import settle
from benchmarks.workers_work import ALONE, faults_of, processor_seconds

TIMES = {planning.PLAN: [(3.0, 2.0), (4.0, 1.5)], planning.ENGINE: [(2.0, 1.0), (2.5, 1.25)], planning.APPLY: [(0.2, 0.1)] * 2}  # fmt: skip
PLANS = [
    {"processes": processes, "seconds": seconds, "digest": "a" * 64, "at_work": max(1, processes), "cpu": 4.0, "busiest": 4.0 / max(1, processes)}
    for processes, seconds in ((ALONE, 5.0), (1, 4.0), (2, 2.0), (4, 3.0), (ALONE, 4.0), (1, 6.0), (2, 2.5), (4, 2.0))
]  # fmt: skip
OPTIONS = SimpleNamespace(quick=True, size=None, limit=None)


def test_the_best_plan_is_set_against_the_best_of_the_engine_alone():
    plan, engine, _ = planning.judged(TIMES)
    assert (plan["ratio"], plan["cpu_ratio"]) == (1.5, 1.5)
    assert (engine["ratio"], plan["median"]) == (1, 3.5)


def test_a_large_company_is_planned_on_postgresql_only(monkeypatch):
    asked = []
    told = {"outcome": "done", "times": TIMES, "faults": [], "moves": 3, "rss_mb": 90.0}
    monkeypatch.setattr(planning, "_told", lambda *given: asked.append(given[:3]) or told)
    planning.run(parser().parse_args(["planning", "--size", "1000", "20000/100"]))
    assert asked == [
        ("SQLite", 1_000, 20),
        ("PostgreSQL", 1_000, 20),
        ("PostgreSQL", 20_000, 100),
    ]


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"outcome": "done", "times": TIMES, "faults": [], "moves": 3, "rss_mb": 90.0}, 0),
        ({"outcome": "done", "times": TIMES, "faults": ["not the engine's"], "moves": 3, "rss_mb": 90.0}, 2),
        ({"outcome": "not filled: no room"}, 2),
    ],
)
def test_another_plan_than_the_engines_is_wrong_and_slowness_is_not(monkeypatch, capsys, told, wrong):
    monkeypatch.setattr(planning, "_told", lambda *given: told)
    found = planning.run(OPTIONS)
    assert len(found["wrong"]) == wrong  # one a database
    assert json.loads(json.dumps(found)) == found
    if told["outcome"] == "done":
        assert "÷ engine" in capsys.readouterr().out


def test_worker_processes_are_set_against_one():
    rows = workers.judged(PLANS)
    assert [row["busiest"] for row in rows] == [4.0, 4.0, 2.0, 1.0]
    assert [(row["seconds"], row["ratio"], row["at_work"]) for row in rows] == [
        (4.0, 1.0, 1),
        (4.0, 1.0, 1),
        (2.0, 0.5, 2),
        (2.0, 0.5, 4),
    ]


def test_the_processor_seconds_of_a_process_are_those_it_says_itself():
    sum(range(3_000_000))
    told = processor_seconds(os.getpid())
    assert told == 0 or abs(told - time.process_time()) < 0.5
    assert processor_seconds(-1) == 0


def test_another_plan_than_that_of_one_process_is_wrong(monkeypatch, capsys):
    assert faults_of(PLANS) == []
    other = [*PLANS[:-1], {**PLANS[-1], "digest": "b" * 64}]
    assert len(faults_of(other)) == 1
    told = {"outcome": "done", "plans": other, "faults": faults_of(other)}
    monkeypatch.setattr(workers, "_told", lambda *given: told)
    assert len(workers.run(OPTIONS)["wrong"]) == 1
    assert "4 worker processes" in capsys.readouterr().out


@pytest.mark.django_db
def test_a_settled_company_is_read_back_as_it_was_made():
    from django.utils import timezone

    from allocation.engine.books import propose_books
    from allocation.models import AllocationPolicy
    from allocation.services import planning as plans
    from allocation.snapshots.books import book_snapshot

    made = company(family="band", customers=240, csms=12, seed=2)
    settle(family="band", customers=240, csms=12, seed=2, iterations=300)
    today = timezone.localdate()
    read = book_snapshot(as_of=today, policy=AllocationPolicy.objects.get())
    assert read.facts.customers.external_id == made.facts.customers.external_id
    for name in ("tier", "csm", "vertical", "region", "language"):
        assert getattr(read.facts.customers, name) == getattr(made.facts.customers, name)
    assert read.facts.customers.minutes.tolist() == made.facts.customers.minutes.tolist()
    assert read.facts.customers.arr_cents.tolist() == made.facts.customers.arr_cents.tolist()
    hours = {csm.key: csm.capacity_minutes for csm in made.facts.csms if csm.leaving == "no"}
    there = {csm.key: csm for csm in read.facts.csms if csm.leaving == "no"}
    assert all(0 <= there[key].capacity_minutes - minutes <= 1 for key, minutes in hours.items())

    plan = plans.queue_plan(as_of=today, seed=1, actor=None)
    plans.propose_plan(plan_id=plan.pk, owner="test", on=today, at=timezone.now())
    alone = propose_books(facts=read.facts, policy=read.policy, seed=1)
    assert digest_of_stored(plan.pk) == digest_of(alone)
