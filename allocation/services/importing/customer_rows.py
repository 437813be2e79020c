"""Compares a checked customer file with the database: the outcome of every row, nothing written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import compress
from typing import Any

from accounts.importing.checking import Checked, refuse_double_keys
from accounts.importing.customers import ATTRIBUTE_PREFIX
from accounts.importing.keys import word_key
from accounts.importing.numbers import currency_fits
from accounts.models import GoalKind, Tier, User
from allocation.services.importing import storing
from allocation.services.importing.columns import Column
from allocation.services.importing.customer_state import Digest, Directory
from allocation.services.importing.customer_texts import Texts
from allocation.services.importing.families import refuse_bad_families
from allocation.services.importing.rows import (
    CREATED,
    REJECTED,
    UNCHANGED,
    UPDATED,
    Compared,
    Progress,
    changed_only,
    plain,
)
from allocation.services.importing.slices import LETTERS, Slice
from allocation.services.importing.storing import Packer
from allocation.services.importing.vocabulary import (
    WORD_MODELS,
    People,
    UnknownReference,
    Words,
    find_slug,
    load_words,
    slugs_of,
)

SLICES_BETWEEN_TELLING = 4  # telling is a statement that waits for the disk
UNKNOWN = "This customer is unknown or not allowed."
NEW_VALUE = "This would be a new {what}, and new values are switched off."


@dataclass
class Comparison:
    """Everything needed while the rows of one file are compared."""

    checked: Checked
    user: User | None
    on: date
    base_currency: str
    allow_new_values: bool
    directory: Directory
    people: People
    words: dict[str, Words]
    columns: dict[str, Column] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    found: list[int | None] = field(default_factory=list)


def compare_customers(
    *,
    checked: Checked,
    user: User | None,
    on: date,
    base_currency: str,
    allow_new_values: bool,
    progress: Progress,
) -> Compared:
    """Every row with its outcome, the new values, and a digest of how the rows stand now."""
    comparison = Comparison(
        checked=checked,
        user=user,
        on=on,
        base_currency=base_currency,
        allow_new_values=allow_new_values,
        directory=Directory.load(user),
        people=People.load(),
        words={column: load_words(column) for column in WORD_MODELS if column in checked.values},
    )
    _find_customers(comparison)
    _resolve_columns(comparison)
    _refuse_incomplete(comparison)
    _refuse_foreign_signs(comparison)
    if "parent" in comparison.columns:  # last: children of refused parents are refused too
        parents = comparison.columns["parent"].values()
        refuse_bad_families(checked, comparison.keys, comparison.found, parents, comparison.directory)
        comparison.columns["parent"] = Column.of(parents)
    return _compare_rows(comparison, progress)


def _compare_rows(comparison: Comparison, progress: Progress) -> Compared:
    """Slice by slice: what a slice's rows would do, packed before the next one is looked at."""
    packer, digest, brought = Packer(), Digest(), Brought(comparison)
    texts = Texts(list(comparison.columns), comparison.on)
    size = storing.CHUNK_ROWS
    for start in range(0, len(comparison.found), size):
        if not start % (size * SLICES_BETWEEN_TELLING):
            progress(start, len(comparison.found))
        part = range(start, min(start + size, len(comparison.found)))
        rows, stored = _slice(comparison, part, texts)
        packer.add_slice(rows)
        digest.add_texts(rows.accepted_keys(), stored)
        brought.add(part)
    return Compared(packer.done(), brought.new_values(), digest.text())


def _slice(comparison: Comparison, part: range, texts: Texts) -> tuple[Slice, list[str | None]]:
    """The rows of a part of the file, and how those that are not refused stand now (None: not there yet)."""
    checked = comparison.checked
    within = slice(part.start, part.stop)
    found = comparison.found[within]
    columns = {name: column.part(within) for name, column in comparison.columns.items()}
    refused = {at - part.start for at in checked.problems.keys() & part} if checked.problems else set()
    there = [pk is not None and at not in refused for at, pk in enumerate(found)]
    new = [pk is None and at not in refused for at, pk in enumerate(found)]
    pks = [pk for pk in compress(found, there) if pk is not None]
    stored = texts.stored(pks) if pks else {}
    updated = _updated(columns, there, pks, stored, texts) if pks else {}
    ids = comparison.directory.external_ids
    rows = Slice(
        lines=checked.table.lines[within],
        keys=[
            ids[pk] if is_there and pk is not None else key
            for pk, key, is_there in zip(found, comparison.keys[within], there, strict=True)
        ],
        outcomes="".join(
            LETTERS[
                CREATED if is_new else REJECTED if at in refused else UPDATED if at in updated else UNCHANGED
            ]
            for at, is_new in enumerate(new)
        ),
        created=_created(columns, new),
        updated=updated,
        rejected={
            at: (checked.problems[part[at]], [str(cell) for cell in checked.table.row(part[at])])
            for at in sorted(refused)
        },
    )
    return rows, [stored[pk] if pk is not None else None for at, pk in enumerate(found) if at not in refused]


def _created(columns: Mapping[str, Column], new: Sequence[bool]) -> dict[str, list[Any]]:
    """The values of the rows that are new, by column."""
    if all(new):
        return {name: column.values() for name, column in columns.items()}
    return {name: column.chosen(new).values() for name, column in columns.items()} if any(new) else {}


def _updated(
    columns: Mapping[str, Column],
    there: Sequence[bool],
    pks: Sequence[int],
    stored: Mapping[int, str],
    texts: Texts,
) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """(values to write, what they replace) by place, of the customers that are there and would change."""
    if not columns:  # the file names customers and says nothing of them
        return {}
    if not all(there):
        columns = {name: column.chosen(there) for name, column in columns.items()}
    places = list(compress(range(len(there)), there))
    changes: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    for at, (pk, wanted) in enumerate(zip(pks, texts.wanted(columns), strict=True)):
        if wanted != stored[pk]:
            asked = {name: column.at(at) for name, column in columns.items()}
            change = changed_only(asked, texts.read(stored[pk]))
            if change[0]:  # texts may differ where values do not
                changes[places[at]] = change
    return changes


def _find_customers(comparison: Comparison) -> None:
    """Keys of the file and the customers they name; double and forbidden keys are refused."""
    checked = comparison.checked
    column = "external_id" if "external_id" in checked.values else "name"
    if column not in checked.values:
        column = "external_id"
        comparison.keys = [""] * len(checked.table)
    else:
        comparison.keys = [(value or "").strip() for value in checked.values[column]]
    if column == "name":
        checked.remarks.append("There is no external_id column: the customer's name is its external id.")
        _warn_of_known_names(comparison)
    directory = comparison.directory
    comparison.found = directory.find_all(comparison.keys)
    if directory.seen is not None or "" in comparison.keys:
        _refuse_keys(comparison, column)
    refuse_double_keys(checked, comparison.keys, column)


def _refuse_keys(comparison: Comparison, column: str) -> None:
    """Refuse blank keys, and those of customers that the person may not touch."""
    checked = comparison.checked
    for row, (key, pk) in enumerate(zip(comparison.keys, comparison.found, strict=True)):
        if not key and row not in checked.problems:
            checked.refuse(
                row, column, "", f"The {column} is blank, so it is not known which customer this is."
            )
        elif key and not comparison.directory.may_touch(pk):
            checked.refuse(row, column, key, UNKNOWN)


def _warn_of_known_names(comparison: Comparison) -> None:
    directory = comparison.directory
    known = sum(
        1
        for key in comparison.keys
        if key and directory.find(key) is None and word_key(key) in directory.names
    )
    if known:
        comparison.checked.remarks.append(
            f"{known:,} names belong to customers that have another external id; these rows would be new customers."
        )


def _resolve_columns(comparison: Comparison) -> None:
    """Every column as plain values: references found, unknown ones refused or noted as new."""
    checked = comparison.checked
    for column in checked.values:
        if column != "external_id":
            comparison.columns[column] = _resolve(comparison, column)
    for column in checked.new_attributes:
        if not comparison.allow_new_values:
            _refuse_new(comparison, column, "custom attribute")


def _resolve(comparison: Comparison, column: str) -> Column:
    """One column; each distinct cell is looked up once."""
    checked = comparison.checked
    resolve = _resolver(comparison, column)
    memo: dict[Any, Any] = {}
    refused: dict[Any, str] = {}
    read = checked.values.read[column]
    for cell, value in read.items():
        try:
            memo[cell] = resolve(value)
        except UnknownReference as unknown:
            memo[cell], refused[cell] = None, str(unknown)
    cells = checked.table.column(checked.map.positions[column])
    for row, cell in enumerate(cells) if refused else ():
        if cell in refused:
            value = read[cell]
            shown = ";".join(value) if isinstance(value, tuple) else value
            checked.refuse(row, column, shown, refused[cell])
    return Column(cells, memo)


def _resolver(comparison: Comparison, column: str) -> Callable[[Any], Any]:
    """What turns a cleaned value of this column into its plain form."""
    if column in WORD_MODELS:
        return lambda text: _word(comparison, column, text)
    if column.startswith(ATTRIBUTE_PREFIX):
        return attribute_value
    slugs: dict[str, str]
    if column == "paid_tier":
        slugs = slugs_of(Tier)
        return lambda text: find_slug(text, slugs, "tier") if text else ""
    if column == "goals":
        slugs = slugs_of(GoalKind)
        return lambda items: sorted({find_slug(item, slugs, "goal kind") for item in items})
    if column == "csm":
        return lambda text: _csm(comparison, text)
    if column == "currency":
        return lambda code: code or comparison.base_currency
    return plain


def _word(comparison: Comparison, column: str, text: str) -> str:
    if not text:
        return ""
    name, is_new = comparison.words[column].find(text)
    if is_new and not comparison.allow_new_values:
        raise UnknownReference(NEW_VALUE.format(what=column))
    return name


def _csm(comparison: Comparison, text: str) -> str:
    if not text.strip():
        return ""
    key, is_new = comparison.people.find(text)
    if is_new and not comparison.allow_new_values:
        raise UnknownReference(NEW_VALUE.format(what="CSM"))
    if key in comparison.people.seats:
        raise UnknownReference(
            "This is an open seat that nobody has yet: fill the seat first, or name somebody who is here."
        )
    return key


def attribute_value(value: Any) -> Any:
    """A custom attribute as its JSON column keeps it: numbers as numbers, a blank as nothing."""
    if value is None or value == "":
        return None
    if hasattr(value, "as_tuple"):
        return int(value) if value == value.to_integral_value() else float(value)
    return plain(value)


def _refuse_new(comparison: Comparison, column: str, what: str) -> None:
    for row, value in enumerate(comparison.columns[column].values()):
        if value is not None:
            comparison.checked.refuse(row, column, value, NEW_VALUE.format(what=what))


def _refuse_incomplete(comparison: Comparison) -> None:
    """A customer has a name: a new one needs it, a known one cannot lose it."""
    checked = comparison.checked
    column = comparison.columns.get("name")
    if column is not None and all(column.by_cell.values()):
        return
    names = None if column is None else column.values()
    for row, pk in enumerate(comparison.found):
        if row in checked.problems:
            continue
        if names is None and pk is None:
            checked.refuse(
                row,
                "name",
                comparison.keys[row],
                "A new customer needs a name, and the file has no name column.",
            )
        elif names is not None and not str(names[row] or "").strip():
            checked.refuse(row, "name", "", "The name is blank; a customer needs one.")


def _refuse_foreign_signs(comparison: Comparison) -> None:
    """An amount that says € in a row whose currency is USD is refused, not taken for dollars."""
    checked = comparison.checked
    for column, at in checked.map.positions.items():
        signs = checked.readings[column].signs
        if not signs:
            continue
        currencies = _currencies(comparison)
        for row, cell in enumerate(checked.table.column(at)):
            sign = signs.get(cell)
            if sign and row not in checked.problems and not currency_fits(sign, currencies[row]):
                checked.refuse(
                    row,
                    column,
                    cell,
                    f"The amount says {sign}, but the currency of the row is {currencies[row]}.",
                )


def _currencies(comparison: Comparison) -> list[str]:
    """The currency each row ends up with."""
    if "currency" in comparison.columns:
        return [code or comparison.base_currency for code in comparison.columns["currency"].values()]
    pks = [pk for pk in comparison.found if pk is not None]
    texts = Texts(["currency"], comparison.on)
    now = {pk: texts.read(text)["currency"] for pk, text in texts.stored(pks).items()}
    return [now[pk] if pk is not None else comparison.base_currency for pk in comparison.found]


class Brought:
    """What accepted rows bring that is not there yet, by column, in the order of the file."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison
        self.new = {column: set(words.new.values()) for column, words in comparison.words.items()}
        if "csm" in comparison.columns:
            self.new["csm"] = set(comparison.people.new.values())
        self.attributes = comparison.checked.new_attributes if comparison.allow_new_values else {}
        self.found: dict[str, dict[str, None]] = {column: {} for column in self.new}

    def add(self, part: range) -> None:
        """Note what the accepted rows of this part are the first to bring."""
        refused = self.comparison.checked.problems
        for column, new in self.new.items():
            if new:
                values = self.comparison.columns[column].part(slice(part.start, part.stop)).values()
                brought = [
                    value
                    for at, value in zip(part, values, strict=True)
                    if value in new and at not in refused
                ]
                self.found[column].update(dict.fromkeys(brought))

    def new_values(self) -> dict[str, list[str]]:
        """{column: [value]}; a new custom attribute is listed with its kind."""
        brought = {column: list(values) for column, values in self.found.items() if values}
        return brought | {column: [kind] for column, kind in self.attributes.items()}
