"""Packed columns come back exactly as they were, whatever is in them, and take few bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation.engine.facts.tiering import (
    ChoiceColumn,
    DateColumn,
    FlagColumn,
    NumberColumn,
    SetColumn,
)
from allocation.engine.packing import UnreadablePack, pack, unpack

NUMBERS = st.one_of(
    st.just(np.nan),
    st.integers(-(10**15), 10**15).map(lambda cents: cents / 100),
    st.floats(allow_nan=False, width=64),
    st.sampled_from([0.0, -0.0, 0.1 + 0.2, 2.0**53, -(2.0**53) - 2, 1e308, float("inf"), 5e-324]),
)


def bits(values):
    """As whole numbers, so that nought and minus nought differ; every NaN is one."""
    return np.where(np.isnan(values), np.nan, values).view(np.int64).tolist()


@settings(deadline=None, max_examples=300, derandomize=True)
@given(values=st.lists(NUMBERS, max_size=40))
def test_numbers_and_dates_come_back_bit_for_bit(values):
    column = np.array(values, dtype=np.float64)
    found = unpack(pack(columns={"n": NumberColumn(column), "d": DateColumn(column)}, integers={})).columns
    assert bits(found["n"].values) == bits(found["d"].values) == bits(column)
    assert isinstance(found["d"], DateColumn)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(values=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=40), rising=st.booleans())
def test_whole_numbers_come_back(values, rising):
    wanted = sorted(set(values)) if rising else values
    found = unpack(pack(columns={}, integers={"k": np.array(wanted, dtype=np.int64)}))
    assert found.integers["k"].tolist() == wanted


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([None, "Finance", "Telco", "Ünïcode 🚀", ""]),
            st.sampled_from([-1, 0, 1]),
            st.sets(st.sampled_from(["a", "b", "c"])),
        ),
        max_size=30,
    )
)
def test_choices_flags_and_sets_come_back_by_their_words(rows):
    words = ("never used", "Telco", "Finance", "", "Ünïcode 🚀")
    codes = np.array([-1 if word is None else words.index(word) for word, _, _ in rows], dtype=np.int64)
    members = np.array([[each in found for each in "xabc"] for _, _, found in rows], dtype=np.bool_)
    found = unpack(
        pack(
            columns={
                "choice": ChoiceColumn(codes, words),
                "flag": FlagColumn(np.array([flag for _, flag, _ in rows], dtype=np.int64)),
                "set": SetColumn(members.reshape(len(rows), 4), tuple("xabc")),
            },
            integers={},
        )
    ).columns
    choice, sets = found["choice"], found["set"]
    assert [None if code < 0 else choice.vocabulary[code] for code in choice.codes] == [
        row[0] for row in rows
    ]
    assert found["flag"].values.tolist() == [row[1] for row in rows]
    assert [
        {word for word, there in zip(sets.vocabulary, row, strict=True) if there} for row in sets.members
    ] == [row[2] for row in rows]
    assert "never used" not in choice.vocabulary  # a chunk keeps the words it needs, not everybody's


def test_the_same_columns_give_the_same_bytes():
    column = {"arr": NumberColumn(np.array([1.25, np.nan, 3.0]))}
    assert pack(columns=column, integers={}) == pack(columns=column, integers={})


def test_amounts_points_words_and_days_of_two_thousand_customers_take_a_few_bytes_each():
    chance = np.random.default_rng(3)
    count = 2000
    columns = {
        "arr": NumberColumn(np.round(chance.lognormal(10.8, 1.5, count), 2)),
        "health": NumberColumn(np.round(chance.beta(2, 3, count) * 100)),
        "renewal_date": DateColumn(20_000.0 + chance.integers(0, 365, count)),
        "vertical": ChoiceColumn(chance.integers(-1, 8, count), tuple("abcdefgh")),
        "open_goals": SetColumn(chance.random((count, 9)) < 0.05, tuple("abcdefghi")),
    }
    each = {name: len(pack(columns={name: column}, integers={})) / count for name, column in columns.items()}
    assert each["arr"] < 4
    assert each["health"] < 1.2
    assert each["renewal_date"] < 1.6
    assert each["vertical"] < 0.6
    assert each["open_goals"] < 0.7


@pytest.mark.parametrize("data", [b"", b"no pack", pack(columns={}, integers={})[:-3]])
def test_what_is_no_pack_is_refused_with_a_sentence(data):
    with pytest.raises(UnreadablePack, match="What was kept cannot be read"):
        unpack(data)
