"""From a table to checked values: column by column, each distinct cell read once, every refusal kept."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from import_export.fields import Field

from accounts.importing import dates, numbers
from accounts.importing.customers import ATTRIBUTE_PREFIX, attribute_field
from accounts.importing.errors import ChoiceNeeded, Question
from accounts.importing.keys import word_keys
from accounts.importing.mapping import ColumnMap
from accounts.importing.tables import Cell, Table, is_blank
from accounts.importing.widgets import NO, YES, ColumnReading, DateWidget, ListWidget, NumberWidget

SHOWN_CHARACTERS = 100


@dataclass(frozen=True)
class Problem:
    """Why a row is refused: `column` is the header in the file, blank when it is about the whole row."""

    line: int
    column: str
    value: str
    message: str


@dataclass(frozen=True)
class Answers:
    """What a person has chosen; None leaves it to be found out."""

    number_style: str | None = None
    date_order: str | None = None
    list_separator: str | None = None


class Values(Mapping[str, list[Any]]):
    """The values of every row by column; `read` are those of each column's distinct cells."""

    def __init__(self, table: Table, positions: Mapping[str, int]) -> None:
        self.read: dict[str, dict[Cell, Any]] = {}
        self._table, self._positions = table, positions

    def __getitem__(self, column: str) -> list[Any]:
        return self.spread(column, self.read[column])

    def __iter__(self) -> Iterator[str]:
        return iter(self.read)

    def __len__(self) -> int:
        return len(self.read)

    def spread(self, column: str, by_cell: Mapping[Cell, Any]) -> list[Any]:
        """What stands for each distinct cell of a column, for every row."""
        return list(map(by_cell.__getitem__, self._table.column(self._positions[column])))


@dataclass
class Checked:
    """`values[column][i]` is row i's value; `problems[i]` says why row i is refused."""

    table: Table
    map: ColumnMap
    values: Values = field(init=False)
    problems: dict[int, list[Problem]] = field(default_factory=dict)
    readings: dict[str, ColumnReading] = field(default_factory=dict)
    new_attributes: dict[str, str] = field(default_factory=dict)
    number_style: str = numbers.POINT
    date_order: str = dates.DMY
    remarks: list[str] = field(default_factory=list)
    ragged: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.values = Values(self.table, self.map.positions)

    def refuse(self, row: int, column: str, value: Any, message: str) -> None:
        """Note one more reason against row `row`; `column` is ours.

        A row that does not fit the header has that one reason: its cells may stand in wrong columns.
        """
        if row in self.ragged:
            return
        shown = str(value)
        self.problems.setdefault(row, []).append(
            Problem(
                line=self.table.lines[row],
                column=self.map.headers.get(column, column),
                value=shown if len(shown) <= SHOWN_CHARACTERS else shown[:SHOWN_CHARACTERS] + "…",
                message=message,
            )
        )


def check_table(
    *,
    table: Table,
    column_map: ColumnMap,
    fields: Mapping[str, Field],
    attribute_kinds: Mapping[str, str],
    answers: Answers,
) -> Checked:
    """Read every mapped column. `attribute_kinds` are the custom attributes there are, by slug.

    Raises ChoiceNeeded when numbers or dates can be read in two ways and no answer is given.
    """
    checked = Checked(table=table, map=column_map, remarks=[*table.remarks, *column_map.remarks])
    distinct = {column: table.distinct[at] for column, at in column_map.positions.items()}
    columns = _with_attributes(checked, distinct, fields, attribute_kinds)
    _settle_readings(checked, distinct, columns, answers)
    _refuse_ragged(checked)
    for column, at in column_map.positions.items():
        _read_column(checked, column, at, columns[column], distinct[column])
    return checked


def _with_attributes(
    checked: Checked,
    distinct: Mapping[str, Mapping[Cell, Cell]],
    fields: Mapping[str, Field],
    attribute_kinds: Mapping[str, str],
) -> dict[str, Field]:
    """The field of every mapped column; an attribute nobody defined yet gets the kind its values have."""
    columns: dict[str, Field] = {}
    for column in checked.map.positions:
        if not column.startswith(ATTRIBUTE_PREFIX):
            columns[column] = fields[column]
            continue
        kind = attribute_kinds.get(column.removeprefix(ATTRIBUTE_PREFIX))
        if kind is None:
            kind = checked.new_attributes[column] = _kind_of(distinct[column])
        columns[column] = attribute_field(column, kind)
    return columns


def _kind_of(cells: Mapping[Cell, Cell]) -> str:
    """number, yes_no or date if every cell reads as such, else choice (any text)."""
    given = [cell for cell in cells if not is_blank(cell)]
    texts = [cell.strip() for cell in given if isinstance(cell, str)]
    if given and all(not isinstance(cell, str) or numbers.take_apart(cell.strip()) for cell in given):
        return "date" if all(hasattr(cell, "isoformat") for cell in given) else "number"
    if texts and len(texts) == len(given) and all(text.casefold() in YES | NO for text in texts):
        return "yes_no"
    if given and all(
        hasattr(cell, "isoformat") or dates.looks_like_date(str(cell).strip()) for cell in given
    ):
        return "date"
    return "choice"


def _settle_readings(
    checked: Checked,
    distinct: Mapping[str, Mapping[Cell, Cell]],
    columns: Mapping[str, Field],
    answers: Answers,
) -> None:
    """One number style and one date order for the file; magnitude and list separator by column."""
    headers = checked.map.headers
    texts = {
        column: [cell.strip() for cell in distinct[column] if isinstance(cell, str)]
        for column, field_ in columns.items()
        if isinstance(field_.widget, NumberWidget | DateWidget | ListWidget)
    }
    number_columns = [column for column, field_ in columns.items() if isinstance(field_.widget, NumberWidget)]
    date_columns = [column for column, field_ in columns.items() if isinstance(field_.widget, DateWidget)]
    questions: list[Question] = []
    style = answers.number_style
    if style is None:
        found = numbers.find_style((headers[column], texts[column]) for column in number_columns)
        questions += [found.question] if found.question else []
        style = found.answer
    order = answers.date_order
    if order is None:
        found = dates.find_order((headers[column], texts[column]) for column in date_columns)
        questions += [found.question] if found.question else []
        order = found.answer
    if questions or style is None or order is None:
        raise ChoiceNeeded(questions)
    checked.number_style, checked.date_order = style, order
    for column, field_ in columns.items():
        checked.readings[column] = reading = ColumnReading(style=numbers.Style(style), date_order=order)
        if isinstance(field_.widget, NumberWidget) and field_.widget.money:
            _settle_magnitude(checked, column, reading, texts[column], style)
        elif isinstance(field_.widget, ListWidget):
            _settle_separator(checked, column, reading, texts[column], answers.list_separator)


def _settle_magnitude(
    checked: Checked, column: str, reading: ColumnReading, texts: Sequence[str], style: str
) -> None:
    carries, stated = numbers.find_magnitude(texts)
    if carries:
        reading.style = numbers.Style(style, magnitude=True)
        checked.remarks.append(f"Amounts of “{checked.map.headers[column]}” are read with {stated}.")


def _settle_separator(
    checked: Checked, column: str, reading: ColumnReading, texts: Sequence[str], chosen: str | None
) -> None:
    """Lists are separated by semicolons; a column with commas and no semicolon by commas, and it says so."""
    reading.separator = chosen or ";"
    if chosen is None and not any(";" in text for text in texts) and any("," in text for text in texts):
        reading.separator = ","
        checked.remarks.append(
            f"“{checked.map.headers[column]}” has commas and no semicolon: it is read as a list separated by commas."
        )


def _refuse_ragged(checked: Checked) -> None:
    width = len(checked.table.headers)
    for at, row in checked.table.ragged.items():
        few_or_many = "too many" if len(row) > width else "too few"
        checked.refuse(
            at,
            "",
            "",
            f"The row has {few_or_many} fields: {len(row)}, but there are {width} headers; "
            "a delimiter inside a text needs quotation marks around the text.",
        )
        checked.ragged.add(at)


def _read_column(
    checked: Checked, column: str, at: int, field_: Field, distinct: Mapping[Cell, Cell]
) -> None:
    """Read the distinct cells; their values are spread over the rows when somebody asks for them."""
    read, refused = field_.widget.clean_all(distinct, checked.readings[column])
    checked.values.read[column] = read
    if refused:
        for row, cell in enumerate(checked.table.column(at)):
            if cell in refused:
                checked.refuse(row, column, cell, refused[cell])


def refuse_double_keys(checked: Checked, keys: Sequence[str], column: str) -> None:
    """Refuse every row whose key stands on another line too; which one is right is not ours to say."""
    compared = word_keys(keys)
    if len(set(compared)) == len(keys):
        return
    lines: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        if key and row not in checked.ragged:
            lines.setdefault(compared[row], []).append(row)
    for rows in lines.values():
        if len(rows) > 1:
            named = _named([checked.table.lines[row] for row in rows])
            for row in rows:
                checked.refuse(
                    row, column, keys[row], f"The same {column} stands on lines {named}; keep one."
                )


def _named(lines: Sequence[int]) -> str:
    shown = [str(line) for line in lines[:10]]
    if len(lines) > 10:
        return ", ".join(shown) + f" and {len(lines) - 10} more"
    return ", ".join(shown[:-1]) + " and " + shown[-1]
