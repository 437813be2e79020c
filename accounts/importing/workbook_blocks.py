"""Cells of a workbook as JSON carries them to the process that asked: some thousand rows at a time, by column.

Shared by both ends. A block is a list of columns. A column is a list of cells, or, where a few words stand in it again and
again, {"of": its different cells, "at": one of SIGNS for each row}. A number is a JSON number, a date ["d", ISO], an unusable
cell ["e", shown, why].
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from accounts.importing.workbook_archive import FORMULA, Refused

BLOCK_ROWS = 2_000
PLAIN = {str, float}
HIDDEN = "_xFFF"  # the beginning of the two escapes that the parser leaves as they are
SIGNS = [chr(code) for code in range(0x20, 0x100) if chr(code) not in '"\\']  # JSON keeps each as it is

Marks = Mapping[int, Mapping[int, str]]  # row -> column -> why the cell cannot be used


def block(rows: Sequence[Sequence[object]], limits: dict[str, int], marks: Marks) -> list[Any]:
    """Rows, all of one width, as columns; `marks` count both from the first row and column of these."""
    columns = list(zip(*rows, strict=True))
    marked = {column for row in marks.values() for column in row}
    made = [
        _column(values, limits) if at not in marked else [_plain(value, limits) for value in values]
        for at, values in enumerate(columns)
    ]
    for row, why_of in marks.items():
        for column, why in why_of.items():
            made[column][row] = ["e", "formula" if why == FORMULA else "error", why]
    return made


def check_extent(width: int, height: int, limits: dict[str, int]) -> None:
    """Raises Refused for more columns, rows or cells than are accepted."""
    if width > limits["columns"]:
        raise Refused(f"The sheet has {width:,} columns; at most {limits['columns']} are accepted.")
    if height - 1 > limits["rows"]:
        raise Refused(f"The sheet has more than {limits['rows']:,} rows; send it in parts.")
    if width * height > limits["cells"]:
        raise Refused(f"The sheet has more than {limits['cells']:,} cells; send it in parts.")


def _column(values: Sequence[object], limits: dict[str, int]) -> Any:
    """Some cells of a column; plain ones, which are nearly all, together."""
    if not set(map(type, values)) <= PLAIN:  # of all cells: 1 and True are equal
        return [_plain(value, limits) for value in values]
    different = dict.fromkeys(values)
    if not _in_order([value for value in different if isinstance(value, str)], limits):
        return [_plain(value, limits) for value in values]
    if len(different) > len(SIGNS) or len(different) * 2 > len(values):
        return values
    signs = dict(zip(different, SIGNS, strict=False))
    return {"of": list(different), "at": "".join(map(signs.__getitem__, values))}


def _in_order(texts: Collection[str], limits: dict[str, int]) -> bool:
    """None is too long and none hides an escape."""
    together = "".join(texts)
    most = limits["cell_characters"]
    return HIDDEN not in together and (len(together) <= most or max(map(len, texts)) <= most)


def _plain(value: object, limits: dict[str, int]) -> Any:
    """A cell as JSON can carry it without loss."""
    if isinstance(value, str):
        if len(value) > limits["cell_characters"]:
            raise Refused(f"A cell has more than {limits['cell_characters']:,} characters.")
        # The parser decodes every escaped character (_x0007_) but these two.
        return value.replace("_xFFFE_", "\ufffe").replace("_xFFFF_", "\uffff")
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    return _moment(value)


def _moment(value: object) -> Any:
    if isinstance(value, datetime):
        return ["d", value.date().isoformat()] if value.time() == time(0) else value.isoformat(" ")
    if isinstance(value, date):
        return ["d", value.isoformat()]
    if isinstance(value, time | timedelta):
        return str(value)
    return value
