"""Columns as a few bytes a customer and back, exactly: what a run keeps of its facts and outcomes.

A pack is zlib over a JSON head (what lies where) and the raw numbers behind it. Every number takes the narrowest whole
number that gives it back bit for bit (amounts as cents, say), else its eight bytes; equal bytes of neighbours are laid
side by side, since they compress best so. Words of choices and sets are kept as far as they are used.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allocation.engine.facts.tiering import (
    MISSING_CODE,
    ChoiceColumn,
    Column,
    DateColumn,
    FlagColumn,
    Flags,
    Floats,
    Integers,
    NumberColumn,
    SetColumn,
)

LEVEL = 6
HEAD = 4  # bytes of the head's length
SCALES = (1, 100, 10_000, 1_000_000)
EXACT = 2.0**53
WIDTHS = (np.int8, np.int16, np.int32, np.int64)


class UnreadablePack(ValueError):
    """The bytes are no pack of ours."""


@dataclass(frozen=True, slots=True)
class Pack:
    """columns as the engine reads them; integers: plain whole numbers (keys, digests). One entry a customer each."""

    columns: Mapping[str, Column]
    integers: Mapping[str, Integers]


def pack(*, columns: Mapping[str, Column], integers: Mapping[str, Integers]) -> bytes:
    """The bytes of these columns; the same columns give the same bytes."""
    head: list[dict[str, Any]] = []
    blocks: list[bytes] = []
    for name, column in columns.items():
        entry, raw = _packed_column(column)
        head.append({"name": name, **entry, "bytes": len(raw)})
        blocks.append(raw)
    for name, whole in integers.items():
        entry, raw = _packed_integers(whole)
        head.append({"name": name, "kind": "integers", **entry, "bytes": len(raw)})
        blocks.append(raw)
    written = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return zlib.compress(b"".join((len(written).to_bytes(HEAD, "big"), written, *blocks)), LEVEL)


def unpack(data: bytes | memoryview) -> Pack:
    """What was packed. Raises UnreadablePack."""
    try:
        plain = zlib.decompress(data)
        start = HEAD + int.from_bytes(plain[:HEAD], "big")
        columns: dict[str, Column] = {}
        integers: dict[str, Integers] = {}
        for entry in json.loads(plain[HEAD:start]):
            raw = plain[start : start + entry["bytes"]]
            start += entry["bytes"]
            if entry["kind"] == "integers":
                integers[entry["name"]] = _whole(entry, raw)
            else:
                columns[entry["name"]] = _COLUMNS[entry["kind"]](entry, raw)
    except (zlib.error, ValueError, KeyError) as fault:
        raise UnreadablePack(f"What was kept cannot be read: {fault}.") from fault
    return Pack(columns, integers)


def _packed_column(column: Column) -> tuple[dict[str, Any], bytes]:
    if isinstance(column, NumberColumn | DateColumn):
        entry, raw = _packed_floats(column.values)
        return {"kind": "date" if isinstance(column, DateColumn) else "number", **entry}, raw
    if isinstance(column, FlagColumn):
        entry, raw = _packed_integers(column.values)
        return {"kind": "flag", **entry}, raw
    if isinstance(column, ChoiceColumn):
        used = np.unique(column.codes[column.codes >= 0])
        codes = np.where(column.codes < 0, MISSING_CODE, np.searchsorted(used, column.codes))
        entry, raw = _packed_integers(codes)
        return {"kind": "choice", "words": [column.vocabulary[code] for code in used], **entry}, raw
    used = np.flatnonzero(column.members.any(axis=0))
    words = [column.vocabulary[place] for place in used]
    raw = np.packbits(column.members[:, used].T).tobytes()  # one word's yes and no side by side
    return {"kind": "set", "words": words, "count": len(column.members)}, raw


def _packed_floats(values: Floats) -> tuple[dict[str, Any], bytes]:
    """As whole numbers of 1, 1/100, … where that is exact, else the eight bytes of each."""
    missing = np.isnan(values)
    known = values[~missing]
    largest = float(np.abs(known).max(initial=0))
    for scale in [scale for scale in SCALES if largest < EXACT / scale]:
        exact = np.rint(known * scale).astype(np.int64)
        if _same_bits(exact / scale, known):  # a minus nought is not, and keeps its eight bytes
            whole = np.zeros(len(values), dtype=np.int64)
            whole[~missing] = exact
            entry, raw = _packed_integers(whole)
            gaps = np.packbits(missing).tobytes() if missing.any() else b""
            return {"scale": scale, "gaps": len(gaps), **entry}, gaps + raw
    return {"scale": 0, "count": len(values)}, _side_by_side(values.astype("<f8"))


def _same_bits(given: Floats, wanted: Floats) -> bool:
    return bool((given.view(np.int64) == wanted.astype(np.float64).view(np.int64)).all())


def _packed_integers(values: Integers) -> tuple[dict[str, Any], bytes]:
    """In the narrowest width; keys that rise are kept as steps from one to the next."""
    values = values.astype(np.int64)
    steps = len(values) > 1 and bool((values[1:] > values[:-1]).all()) and bool(abs(values).max() < EXACT)
    kept = np.diff(values, prepend=0) if steps else values
    for width in WIDTHS:
        limits = np.iinfo(width)
        if not len(kept) or (kept.min() >= limits.min and kept.max() <= limits.max):
            size = np.dtype(width).itemsize
            raw = _side_by_side(kept.astype(np.dtype(width).newbyteorder("<")))
            return {"width": size, "steps": steps, "count": len(values)}, raw
    raise OverflowError("a whole number of more than 64 bits")  # int64 holds every int64


def _side_by_side(values: NDArray[Any]) -> bytes:
    """First bytes of all, then second bytes of all, …"""
    return bytes(values.view(np.uint8).reshape(len(values), values.itemsize).T.tobytes())


def _in_turn(raw: bytes, count: int, kind: str) -> NDArray[Any]:
    laid = np.frombuffer(raw, dtype=np.uint8).reshape(np.dtype(kind).itemsize, count)
    return np.ascontiguousarray(laid.T).view(kind).reshape(count)


def _whole(entry: Mapping[str, Any], raw: bytes) -> Integers:
    values = _in_turn(raw, entry["count"], f"<i{entry['width']}").astype(np.int64)
    return np.asarray(np.cumsum(values), dtype=np.int64) if entry["steps"] else values


def _floats(entry: Mapping[str, Any], raw: bytes) -> Floats:
    if not entry["scale"]:
        return _in_turn(raw, entry["count"], "<f8").astype(np.float64)
    gaps = raw[: entry["gaps"]]
    values = _whole(entry, raw[entry["gaps"] :]) / entry["scale"]
    if gaps:
        values[_bits(gaps, entry["count"])] = np.nan
    return np.asarray(values, dtype=np.float64)


def _bits(raw: bytes, count: int) -> Flags:
    return np.unpackbits(np.frombuffer(raw, dtype=np.uint8), count=count).astype(np.bool_)


def _set(entry: Mapping[str, Any], raw: bytes) -> SetColumn:
    words = tuple(entry["words"])
    members = _bits(raw, len(words) * entry["count"]).reshape(len(words), entry["count"]).T
    return SetColumn(np.ascontiguousarray(members), words)


_COLUMNS: Mapping[str, Callable[[Mapping[str, Any], bytes], Column]] = {
    "number": lambda entry, raw: NumberColumn(_floats(entry, raw)),
    "date": lambda entry, raw: DateColumn(_floats(entry, raw)),
    "flag": lambda entry, raw: FlagColumn(_whole(entry, raw)),
    "choice": lambda entry, raw: ChoiceColumn(_whole(entry, raw), tuple(entry["words"])),
    "set": _set,
}
