"""Steps of a search as bytes and back: nothing is lost on the way, and the plan is the same wherever they are carried out."""

import pickle
import zlib
from dataclasses import replace

import numpy as np
import pytest

from allocation.engine.assignment_solver import Stop
from allocation.engine.assignment_steps import (
    Begin,
    Deepen,
    UnreadableStep,
    carry_out,
    pack_group,
    pack_step,
    pack_work,
    unpack_group,
    unpack_step,
    unpack_work,
)
from allocation.engine.books import propose_books
from benchmarks.companies import company


def elsewhere(go, steps):
    """As another process does it: all that it knows came as bytes."""
    answers = []
    for step in steps:
        read = unpack_step(pack_step(step), unpack_group(pack_group(step.group)))
        answers.append(unpack_work(pack_work(carry_out(read, stop=Stop())), step.group))
    return answers


@pytest.mark.parametrize(
    ("family", "customers", "csms", "changed"),
    [
        ("band", 300, 12, {}),
        ("no-band", 240, 12, {}),
        ("overlap", 200, 10, {}),  # one group, with the budget of moves inside
        ("band", 300, 12, {"max_moves_pct": 1.0, "max_moves_arr_pct": 2.0}),  # the budget binds
    ],
)
def test_a_plan_whose_steps_are_carried_out_elsewhere_is_the_same(family, customers, csms, changed):
    made = company(family=family, customers=customers, csms=csms, seed=4)
    policy = replace(made.policy, search_iterations=800, **changed)
    here = propose_books(facts=made.facts, policy=policy, seed=1)
    there = propose_books(facts=made.facts, policy=policy, seed=1, spread=elsewhere)
    assert repr(there) == repr(here)
    assert here.iterations > 0


@pytest.fixture(scope="module")
def steps():
    """The first steps of a search, and one of the second round."""
    made, seen = company(family="band", customers=240, csms=12, seed=1), []

    def watched(go, steps):
        seen.extend(steps)
        return [go(step) for step in steps]

    propose_books(
        facts=made.facts, policy=replace(made.policy, search_iterations=6000), seed=1, spread=watched
    )
    return seen


def test_bytes_give_back_every_number_and_how_it_lies_in_memory(steps):
    group = steps[0].group
    turned = replace(group, costs=np.asfortranarray(group.costs))
    for given in (group, turned):
        back = unpack_group(pack_group(given))
        assert back.costs.tobytes("A") == given.costs.tobytes("A")
        assert back.costs.flags.c_contiguous == given.costs.flags.c_contiguous
        assert np.isinf(back.costs).sum() == np.isinf(given.costs).sum()
    assert {type(step) for step in steps} == {Begin, Deepen}
    for step in steps:
        assert pack_step(unpack_step(pack_step(step), step.group)) == pack_step(step)


def test_the_same_step_gives_the_same_bytes(steps):
    assert pack_step(steps[-1]) == pack_step(steps[-1])
    assert pack_group(steps[0].group) == pack_group(unpack_group(pack_group(steps[0].group)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no pack",
        zlib.compress(b"\0\0\0\2{}"),
        zlib.compress(b"\0\0\0\x40" + b"{}"),
        zlib.compress(b'\0\0\0\x17{"head":{},"columns":[]}'),
        pickle.dumps({"step": "begin"}),
    ],
)
def test_what_is_no_step_is_refused(steps, data):
    for read in (unpack_step, unpack_work):
        with pytest.raises(UnreadableStep):
            read(data, steps[0].group)
    with pytest.raises(UnreadableStep):
        unpack_group(data)


def test_columns_are_numbers_only(steps):
    raw = zlib.decompress(pack_step(steps[0])).replace(b'"<i8"', b'"|O8"')
    with pytest.raises(UnreadableStep, match="no step"):
        unpack_step(zlib.compress(raw), steps[0].group)
