"""The scenario benchmark: the best of each kind against the best dry run, and what counts as wrong."""

from types import SimpleNamespace

import pytest

from benchmarks import scenario

TIMES = {scenario.DRY_RUN: [(2.0, 1.0), (1.0, 0.5), (3.0, 0.8)], scenario.NOTHING: [(1.5, 0.9), (4.0, 0.4), (2.0, 0.6)]}  # fmt: skip
OPTIONS = SimpleNamespace(quick=True, size=None, limit=None)


def test_the_best_of_each_is_set_against_the_best_dry_run():
    dry, plain = scenario.judged(10, TIMES)
    assert (dry["ratio"], dry["cpu_ratio"]) == (1, 1)
    assert (plain["seconds"], plain["median"], plain["cpu"]) == (1.5, 2.0, 0.4)
    assert (plain["ratio"], plain["cpu_ratio"]) == (1.5, 0.8)


def test_a_scenario_that_plans_the_books_is_set_against_a_dry_run_and_a_plan():
    times = {**TIMES, scenario.PLAN: [(2.0, 1.0), (4.0, 0.5)], scenario.ANEW: [(6.0, 3.0), (9.0, 2.0)]}
    *_, anew = scenario.judged(10, times)
    assert (anew["ratio"], anew["cpu_ratio"]) == (2.0, 2.0)
    assert scenario.of_what(anew) == "plain dry run and plan"


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"outcome": "done", "times": TIMES, "faults": []}, 0),
        ({"outcome": "done", "times": TIMES, "faults": ["moves of a scenario are 3, of the dry run 4."]}, 1),
        ({"outcome": "died before it had started: no room"}, 1),
    ],
)
def test_other_decisions_or_no_answer_are_wrong_and_slowness_is_not(monkeypatch, capsys, told, wrong):
    monkeypatch.setattr(scenario, "measured", lambda job, limit: told)
    found = scenario.run(OPTIONS)
    assert len(found["wrong"]) == wrong
    if told["outcome"] == "done":
        assert [goal["verdict"] for goal in found["goals"]] == ["must reached"]
        assert "÷ dry run" in capsys.readouterr().out
