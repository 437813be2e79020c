"""Columns as a few bytes a customer and back, exactly: what a run keeps of its facts and outcomes.

A pack is zlib over a JSON head (what lies where) and the raw numbers behind it. A number is a whole number of the largest unit
that gives it back bit for bit (amounts as cents, say), else its eight bytes. Whole numbers are counted from the lowest; those that
rise are kept as steps, a few different ones as places in a table, what is the same for all once, and what nearly repeats an
earlier column as where it differs. Equal bytes of neighbours are laid side by side, and each such row is a block of
its own for zlib, with a code of its own. Words of choices and sets are kept as far as they are used.
"""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
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

VERSION = 2
LEVEL = 1
HEAD = 4  # bytes of the head's length
SCALES = (1, 10, 100, 1_000, 10_000, 1_000_000)
EXACT = 2.0**53
WORD = 8  # bytes of a whole number
MOST_IN_TABLE = 256
LOOKED_AT = 512  # the first of a column tell whether it has few different values
ALIKE = (
    8  # a column that differs from an earlier one in less than one of so many rows is kept as the difference
)

Bytes = NDArray[np.uint8]


class UnreadablePack(ValueError):
    """The bytes are no pack of ours."""


@dataclass(frozen=True, slots=True)
class Pack:
    """columns as the engine reads them; integers: plain whole numbers (keys, digests). One entry a customer each.

    version: of the program's way to pack, which is also that of the digests.
    """

    columns: Mapping[str, Column]
    integers: Mapping[str, Integers]
    version: int = VERSION


class _Writer:
    """Blocks behind a head; narrow ones are remembered, for what repeats them."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.blocks: list[bytes] = []
        self.narrow: list[Bytes] = []

    def whole(self, values: Integers, *, few: bool = False) -> dict[str, Any]:
        """few: perhaps there are few different ones, however large."""
        count = {} if len(values) == self.rows else {"count": len(values)}
        if not len(values):
            return count
        low, high = int(values.min()), int(values.max())
        if low == high:
            return {**count, "same": low}
        if few and high - low >= 2**16 and (table := _table(values)) is not None:
            self.blocks.append(table.astype("<i8").tobytes())
            places = np.searchsorted(table, values)
            return {**count, "table": len(table), **self._counted(places, 0, len(table) - 1)}
        if bool((values[1:] > values[:-1]).all()):
            steps = np.diff(values.view(np.uint64)).view(np.int64) - 1
            return {**count, "first": low, **self._steps(steps)}
        return {**count, **self._counted(values, low, high)}

    def _steps(self, steps: Integers) -> dict[str, Any]:
        if not steps.any():
            return {}
        low = int(steps.min())
        wide = low < 0  # a step of more than half of all there are
        laid = (
            self._laid(steps.view(np.uint64), WORD, 0)
            if wide
            else self._counted(steps, low, int(steps.max()))
        )
        return {"steps": 1, **laid}

    def _counted(self, values: Integers, low: int, high: int) -> dict[str, Any]:
        width = max(1, ((high - low).bit_length() + 7) // 8)
        return self._laid(values.view(np.uint64) - np.uint64(low % 2**64), width, low)

    def _laid(self, values: NDArray[np.uint64], width: int, low: int) -> dict[str, Any]:
        entry: dict[str, Any] = ({} if width == 1 else {"width": width}) | ({} if not low else {"low": low})
        lanes = _lanes(values.astype("<u8"), width)
        if width == 1:
            like = self._like(lanes[0])
            self.narrow.append(lanes[0])
            if like is not None:
                self.blocks.append((lanes[0] ^ self.narrow[like]).tobytes())
                return {**entry, "like": like}
        self.blocks.extend(lane.tobytes() for lane in lanes)
        return entry

    def _like(self, lane: Bytes) -> int | None:
        """The earlier column that differs least, if it is nearly the same."""
        if len(lane) != self.rows:
            return None
        differing = [
            int(np.count_nonzero(lane != other)) if len(other) == len(lane) else len(lane)
            for other in self.narrow
        ]
        least = min(range(len(differing)), key=differing.__getitem__, default=None)
        return least if least is not None and differing[least] * ALIKE < len(lane) else None

    def numbers(self, values: Floats) -> dict[str, Any]:
        """As whole numbers of 1, 1/10, … where that is exact, else the eight bytes of each."""
        missing = np.isnan(values)
        gaps = bool(missing.any())
        known = values[~missing] if gaps else values
        largest = float(np.abs(known).max(initial=0))
        for scale in [scale for scale in SCALES if largest < EXACT / scale]:
            exact = np.rint(known * scale).astype(np.int64)
            if not _same_bits(exact / scale, known):  # a minus nought is not, and keeps its eight bytes
                continue
            entry = {"scale": scale} if scale > 1 else {}
            if not gaps:
                return {**entry, **self.whole(exact)}
            whole = np.full(len(values), exact.min(initial=0), dtype=np.int64)
            whole[~missing] = exact
            self.blocks.append(np.packbits(missing).tobytes())
            return {**entry, "gaps": 1, **self.whole(whole)}
        lanes = _lanes(values.astype("<f8").view("<u8"), WORD)
        self.blocks.extend(lane.tobytes() for lane in lanes)
        return {"scale": 0, "count": len(values)}

    def column(self, column: Column) -> dict[str, Any]:
        if isinstance(column, NumberColumn | DateColumn):
            return {"kind": "d" if isinstance(column, DateColumn) else "n", **self.numbers(column.values)}
        if isinstance(column, FlagColumn):
            return {"kind": "f", **self.whole(column.values)}
        if isinstance(column, ChoiceColumn):
            there = np.zeros(len(column.vocabulary) + 1, dtype=np.bool_)
            there[column.codes] = True  # missing (-1) is the last
            used = np.flatnonzero(there[:-1])
            places = np.full(len(there), MISSING_CODE, dtype=np.int64)
            places[used] = np.arange(len(used))
            words = [column.vocabulary[code] for code in used.tolist()]
            return {"kind": "c", "words": words, **self.whole(places[column.codes])}
        used = np.flatnonzero(column.members.any(axis=0))
        # One word's yes and no side by side.
        self.blocks.append(np.packbits(column.members[:, used].T).tobytes())
        words = [column.vocabulary[place] for place in used.tolist()]
        return {"kind": "s", "words": words, "count": len(column.members)}


def pack(*, columns: Mapping[str, Column], integers: Mapping[str, Integers]) -> bytes:
    """The bytes of these columns; the same columns give the same bytes."""
    lengths = [*map(_length, columns.values()), *map(len, integers.values())]
    writer = _Writer(lengths[0] if lengths else 0)
    entries = [{"name": name, **writer.column(column)} for name, column in columns.items()]
    for name, whole in integers.items():
        entries.append({"name": name, "kind": "i", **writer.whole(whole.astype(np.int64), few=True)})
    head = {"version": VERSION, "rows": writer.rows, "entries": entries}
    written = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    # Numbers side by side repeat themselves or not at all: looking further back only takes time.
    to = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    parts = []
    for block in (len(written).to_bytes(HEAD, "big") + written, *writer.blocks):
        parts += [to.compress(block), to.flush(zlib.Z_BLOCK)]
    return b"".join((*parts, to.flush()))


def _length(column: Column) -> int:
    if isinstance(column, ChoiceColumn):
        return len(column.codes)
    return len(column.members) if isinstance(column, SetColumn) else len(column.values)


def _table(values: Integers) -> Integers | None:
    """The different values where they are few, rising."""
    if len(np.unique(values[:LOOKED_AT])) * 2 > min(len(values), LOOKED_AT):
        return None
    found = np.unique(values)
    return found if len(found) <= MOST_IN_TABLE else None


def _same_bits(given: Floats, wanted: Floats) -> bool:
    return bool((given.view(np.int64) == wanted.astype(np.float64).view(np.int64)).all())


def _lanes(values: NDArray[Any], width: int) -> Sequence[Bytes]:
    """First bytes of all, then second bytes of all, …: the lowest ``width`` of each."""
    return list(np.ascontiguousarray(values.view(np.uint8).reshape(len(values), WORD).T[:width]))


def unpack(data: bytes | memoryview) -> Pack:
    """What was packed, also by an earlier version. Raises UnreadablePack."""
    try:
        plain = zlib.decompress(data)
        start = HEAD + int.from_bytes(plain[:HEAD], "big")
        head = json.loads(plain[HEAD:start])
        if isinstance(head, list):
            return _unpacked_first(head, plain, start)
        if head["version"] != VERSION:
            raise UnreadablePack(f"What was kept is of a later version of the program ({head['version']}).")
        return _unpacked(head, _Reader(plain, start, head["rows"]))
    except UnreadablePack:
        raise
    except (zlib.error, ValueError, KeyError, TypeError, IndexError) as fault:
        raise UnreadablePack(f"What was kept cannot be read: {fault}.") from fault


def _unpacked(head: Mapping[str, Any], reader: "_Reader") -> Pack:
    columns: dict[str, Column] = {}
    integers: dict[str, Integers] = {}
    for entry in head["entries"]:
        if entry["kind"] == "i":
            integers[entry["name"]] = reader.whole(entry)
        else:
            columns[entry["name"]] = reader.column(entry)
    return Pack(columns, integers)


class _Reader:
    """The blocks behind a head, in their order."""

    def __init__(self, plain: bytes, start: int, rows: int) -> None:
        self.plain, self.at, self.rows = plain, start, rows
        self.narrow: list[Bytes] = []

    def taken(self, count: int) -> Bytes:
        found = np.frombuffer(self.plain, dtype=np.uint8, count=count, offset=self.at)
        self.at += count
        return found

    def bits(self, count: int) -> Flags:
        return np.unpackbits(self.taken((count + 7) // 8), count=count).astype(np.bool_)

    def lanes(self, count: int, width: int) -> NDArray[np.uint64]:
        laid = np.zeros((count, WORD), dtype=np.uint8)
        laid[:, :width] = self.taken(count * width).reshape(width, count).T
        return laid.view("<u8").reshape(count).astype(np.uint64)

    def whole(self, entry: Mapping[str, Any]) -> Integers:
        count = entry.get("count", self.rows)
        if not count:
            return np.zeros(0, dtype=np.int64)
        if "same" in entry:
            return np.full(count, entry["same"], dtype=np.int64)
        if "table" in entry:
            table = self.taken(entry["table"] * WORD).view("<i8").astype(np.int64)
            return np.asarray(table[self._counted(entry, count)])
        if "first" in entry:
            return self._risen(entry, count)
        return self._counted(entry, count)

    def _risen(self, entry: Mapping[str, Any], count: int) -> Integers:
        steps = np.ones(count, dtype=np.int64)
        if "steps" in entry:
            steps[1:] += self._counted(entry, count - 1)
        steps[0] = entry["first"]
        return np.cumsum(steps, dtype=np.int64)

    def _counted(self, entry: Mapping[str, Any], count: int) -> Integers:
        width = entry.get("width", 1)
        if width > 1:
            values = self.lanes(count, width)
        else:
            lane = self.taken(count)
            lane = lane ^ self.narrow[entry["like"]] if "like" in entry else lane
            self.narrow.append(lane)
            values = lane.astype(np.uint64)
        return (values + np.uint64(entry.get("low", 0) % 2**64)).view(np.int64)

    def numbers(self, entry: Mapping[str, Any]) -> Floats:
        count, scale = entry.get("count", self.rows), entry.get("scale", 1)
        if not scale:
            return self.lanes(count, WORD).view(np.float64)
        missing = self.bits(count) if "gaps" in entry else None
        values = np.asarray(self.whole(entry) / scale, dtype=np.float64)
        if missing is not None:
            values[missing] = np.nan
        return values

    def column(self, entry: Mapping[str, Any]) -> Column:
        kind, words = entry["kind"], tuple(entry.get("words", ()))
        if kind in ("n", "d"):
            values = self.numbers(entry)
            return NumberColumn(values) if kind == "n" else DateColumn(values)
        if kind == "f":
            return FlagColumn(self.whole(entry))
        if kind == "c":
            return ChoiceColumn(self.whole(entry), words)
        if kind != "s":
            raise UnreadablePack(f"What was kept cannot be read: there is no column of the kind {kind!r}.")
        return _members(self.bits(len(words) * entry["count"]), entry["count"], words)


def _members(bits: Flags, count: int, words: tuple[str, ...]) -> SetColumn:
    return SetColumn(np.ascontiguousarray(bits.reshape(len(words), count).T), words)


# The first version: every number in 1, 2, 4 or 8 bytes, the whole in one go.
def _unpacked_first(head: Sequence[Mapping[str, Any]], plain: bytes, start: int) -> Pack:
    columns: dict[str, Column] = {}
    integers: dict[str, Integers] = {}
    for entry in head:
        raw = plain[start : start + entry["bytes"]]
        start += entry["bytes"]
        if entry["kind"] == "integers":
            integers[entry["name"]] = _whole_first(entry, raw)
        else:
            columns[entry["name"]] = _COLUMNS_FIRST[entry["kind"]](entry, raw)
    return Pack(columns, integers, version=1)


def _in_turn(raw: bytes, count: int, kind: str) -> NDArray[Any]:
    laid = np.frombuffer(raw, dtype=np.uint8).reshape(np.dtype(kind).itemsize, count)
    return np.ascontiguousarray(laid.T).view(kind).reshape(count)


def _whole_first(entry: Mapping[str, Any], raw: bytes) -> Integers:
    values = _in_turn(raw, entry["count"], f"<i{entry['width']}").astype(np.int64)
    return np.asarray(np.cumsum(values), dtype=np.int64) if entry["steps"] else values


def _floats_first(entry: Mapping[str, Any], raw: bytes) -> Floats:
    if not entry["scale"]:
        return _in_turn(raw, entry["count"], "<f8").astype(np.float64)
    gaps = raw[: entry["gaps"]]
    values = _whole_first(entry, raw[entry["gaps"] :]) / entry["scale"]
    if gaps:
        values[_bits_first(gaps, entry["count"])] = np.nan
    return np.asarray(values, dtype=np.float64)


def _bits_first(raw: bytes, count: int) -> Flags:
    return np.unpackbits(np.frombuffer(raw, dtype=np.uint8), count=count).astype(np.bool_)


def _set_first(entry: Mapping[str, Any], raw: bytes) -> SetColumn:
    words = tuple(entry["words"])
    return _members(_bits_first(raw, len(words) * entry["count"]), entry["count"], words)


_COLUMNS_FIRST: Mapping[str, Callable[[Mapping[str, Any], bytes], Column]] = {
    "number": lambda entry, raw: NumberColumn(_floats_first(entry, raw)),
    "date": lambda entry, raw: DateColumn(_floats_first(entry, raw)),
    "flag": lambda entry, raw: FlagColumn(_whole_first(entry, raw)),
    "choice": lambda entry, raw: ChoiceColumn(_whole_first(entry, raw), tuple(entry["words"])),
    "set": _set_first,
}
