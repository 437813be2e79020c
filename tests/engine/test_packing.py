"""Packed columns come back exactly as they were, whatever is in them, and take few bytes."""

import base64
import zlib

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

# What the first version of the program packed.
FIRST = (
    "eJylkU1OwzAQhSeVOAA3KLP2In8SKBs4QS9QdeHGbmKR2JXtUCpUtadgxZI9h+gR4DCsCM4mMSKlC6xZeGY837wnA0ye508oac0xQ6o1ErwXkrlENvWSd7nJaeW6URgSLOjauCvB"
    "jWC2xCx2bcu72opWhhPMVSMtZgnB5dZyV7/ekZ6vGDvND0eG49SflsMwo5Z70v4rLC9pvRb+glVFC+xpUU+zuhmDJR7sgWsrnLABlpdK5J3ejdLMvZ7j8UUe33AxsuCUXH9Dodyj"
    "AW+49dmPLtl27F+MyLfcGKtq7n24kJYXXJvBdnrOdhR7RCYKbqwzkFvzF/XmrFf37Yu7HXwAfKUAyc94h8/bw346vYLZDNoggBZeLyYC4BIgAHfakTjs4RuNX+X1"
)
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
    assert each["arr"] < 3.3
    assert each["health"] < 0.9
    assert each["renewal_date"] < 1.35
    assert each["vertical"] < 0.5
    assert each["open_goals"] < 0.5


@pytest.mark.parametrize("data", [b"", b"no pack", pack(columns={}, integers={})[:-3]])
def test_what_is_no_pack_is_refused_with_a_sentence(data):
    with pytest.raises(UnreadablePack, match="What was kept cannot be read"):
        unpack(data)


def test_what_the_first_version_packed_is_still_read():
    found = unpack(base64.b64decode(FIRST))
    columns = found.columns
    assert found.version == 1
    assert bits(columns["arr"].values) == bits(np.array([1.25, np.nan, -3.0]))
    assert bits(columns["odd"].values) == bits(np.array([0.1 + 0.2, -0.0, np.nan]))
    assert bits(columns["on"].values) == bits(np.array([20000.0, 20001.0, np.nan]))
    assert isinstance(columns["on"], DateColumn)
    assert columns["champion"].values.tolist() == [-1, 0, 1]
    assert (columns["vertical"].codes.tolist(), columns["vertical"].vocabulary) == ([0, -1, 0], ("Ünï",))
    assert (columns["goals"].members.tolist(), columns["goals"].vocabulary) == (
        [[True, False], [False, False], [True, True]],
        ("x", "y"),
    )
    assert found.integers["customer"].tolist() == [5, 7, 70000]
    assert found.integers["digest:facts"].tolist() == [-(2**63), 2**63 - 1, 0]


def test_what_a_later_version_packed_is_refused_and_not_misread():
    plain = zlib.decompress(pack(columns={}, integers={"k": np.arange(3)}))
    with pytest.raises(UnreadablePack, match="later version"):
        unpack(zlib.compress(plain.replace(b'"version":2', b'"version":3')))


def size(**integers):
    return len(pack(columns={}, integers=integers))


def test_what_is_the_same_for_all_rises_by_one_or_repeats_another_column_takes_nothing_a_customer():
    chance = np.random.default_rng(5)
    count = 20_000
    few = chance.integers(0, 4, count)
    nearly = few.copy()
    nearly[chance.integers(0, count, 20)] = 3
    nothing = size(a=np.zeros(2, dtype=np.int64))
    assert size(a=np.full(count, 2**60)) < nothing + 60
    assert size(a=np.arange(10**12, 10**12 + count)) < nothing + 60
    assert size(a=few, b=nearly, c=few) < size(a=few) + 250
    wide = chance.integers(-(2**63), 2**63 - 1, 4)
    assert size(a=wide[few]) < size(a=few) + 100  # a table of four, and places in it
    assert size(a=chance.integers(0, 2**40, count)) < 5.05 * count


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    rows=st.lists(st.tuples(*[st.integers(-3, 3)] * 3, st.sampled_from([-(2**63), -5, 2**62, 2**63 - 1])), max_size=60),
    start=st.integers(-(2**63), 2**63 - 200),
)  # fmt: skip
def test_columns_that_resemble_one_another_come_back_each_as_itself(rows, start):
    a, b, c, wide = (
        np.array(column, dtype=np.int64) for column in (zip(*rows, strict=True) if rows else [()] * 4)
    )
    wanted = {
        "a": a,
        "like": a.copy(),
        "b": b,
        "keys": start + np.arange(len(rows)) * 2,
        "c": c,
        "wide": wide,
        "short": a[:1],
        "none": a[:0],
    }
    columns = {"flag": FlagColumn(np.clip(a, -1, 1)), "n": NumberColumn(b / 10)}
    found = unpack(pack(columns=columns, integers=wanted))
    assert {name: values.tolist() for name, values in found.integers.items()} == {
        name: values.tolist() for name, values in wanted.items()
    }
    assert found.columns["flag"].values.tolist() == np.clip(a, -1, 1).tolist()
    assert bits(found.columns["n"].values) == bits(b / 10)
