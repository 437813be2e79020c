"""Published assignment instances: read, verified, compared."""

import json

import numpy as np
import pytest

from benchmarks import gap
from benchmarks.gap import Unreadable, best_known, cost, flaws, judged, read

# Two agents, three jobs: costs, needs, capacities.
TEXT = "2 3\n 1 5 9\n 2 4 3\n\n 2 2 2\n 3 3 3\n 4 6\n"


def test_a_file_is_read_by_rows():
    instance = read(TEXT)
    assert instance.costs.tolist() == [[1, 5, 9], [2, 4, 3]]
    assert instance.needs.tolist() == [[2, 2, 2], [3, 3, 3]]
    assert instance.capacities.tolist() == [4, 6]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2",
        "2 3 1 5 9",  # cut off
        TEXT + " 7",  # one number too many
        TEXT.replace("9", "nine"),
        "0 3",  # no agents
    ],
)
def test_a_file_of_another_format_is_refused(text):
    with pytest.raises(Unreadable):
        read(text)


@pytest.mark.parametrize(
    ("assignment", "found"),
    [
        ([0, 0, 1], []),  # 4 of 4, 3 of 6
        ([0, 0, 0], ["agent 0 has 6 of 4"]),
        ([1, 1, 1], ["agent 1 has 9 of 6"]),
        ([0, 0], ["3 jobs, but 2 answers"]),
        ([0, 2, 1], ["job 1 has no agent"]),
        ([0, -1, 1], ["job 1 has no agent"]),
    ],
)
def test_answers_are_verified(assignment, found):
    assert flaws(read(TEXT), assignment) == found


def test_the_cost_is_that_of_each_job_with_its_agent():
    assert cost(read(TEXT), [0, 0, 1]) == 1 + 5 + 3


def test_the_smaller_of_value_and_certificate_is_the_best_known():
    assert best_known({"best_known": 24567, "bound": 24563}) == 24563
    assert best_known({"best_known": 24567}) == 24567


def test_a_missing_answer_leaves_no_mean():
    rows = [{"cost": 10, "excess_pct": 0.0}, {"cost": None, "excess_pct": None}]
    infeasible, mean = judged(rows)
    assert (infeasible.value, infeasible.verdict) == (1.0, "MISSED")
    assert mean.value is None
    assert mean.verdict.startswith("MISSED")


def test_the_child_solves_and_verifies(tmp_path):
    (tmp_path / "small").write_text(TEXT)
    events = []
    found = gap.work({"path": str(tmp_path / "small"), "limit": 20.0}, events.append)
    # Each job with its cheapest agent: 1 with agent 1, 4 and 3 with agent 2 (needs 3 + 3 of 6).
    assert (found["cost"], found["flaws"]) == (8, [])
    assert found["bound"] == pytest.approx(8, abs=1e-4)
    assert [event["event"] for event in events] == ["started", "worked"]


def test_an_instance_without_room_has_no_answer(tmp_path):
    (tmp_path / "full").write_text(TEXT.replace(" 4 6", " 3 3"))
    found = gap.work({"path": str(tmp_path / "full"), "limit": 0.5}, [].append)
    assert found == {"cost": None, "bound": None, "flaws": ["no answer"]}


def test_without_files_the_instances_are_left_out_in_a_sentence(monkeypatch, capsys):
    monkeypatch.delenv(gap.INPUTS, raising=False)
    assert gap.run(None)["wrong"] == []
    assert capsys.readouterr().out.count("Left out: ") == 1


def test_the_published_instances_can_be_read(inputs):
    records = json.loads((inputs / "gap" / "best_known.json").read_text(encoding="utf-8"))
    assert records
    for name, record in records.items():
        instance = read((inputs / "gap" / name).read_text(encoding="utf-8"))
        assert instance.costs.shape == (record["agents"], record["jobs"])
        # The cheapest agent of each job is below any plan, so also below the best known.
        assert instance.costs.min(axis=0).sum() <= best_known(record)
        assert np.all(instance.needs > 0)
