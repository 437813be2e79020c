"""What the database holds for the customers a file names: who is who, and how each stands now."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from accounts.importing.customers import ATTRIBUTE_PREFIX
from accounts.importing.keys import word_key
from accounts.models import Customer, Goal, User
from allocation.services.importing.rows import plain

CHUNK = 500  # well under SQLite's limit of parameters in a statement
_ENCODER = json.JSONEncoder(separators=(",", ":"))
SLICE = 2_000  # rows compared at a time: what the database holds for a whole file need not fit into memory

# Where a column of the file lives; the others live in the field of their own name.
PATHS = {
    "parent": "parent__external_id",
    "vertical": "vertical__name",
    "region": "region__name",
    "language": "language__name",
    "paid_tier": "paid_tier__slug",
}


@dataclass
class Directory:
    """Every customer by key. `seen` are the ids this person may see; None means all."""

    exact: dict[str, int] = field(default_factory=dict)
    external_ids: dict[int, str] = field(default_factory=dict)
    written_names: dict[int, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    seen: frozenset[int] | None = None

    @classmethod
    def load(cls, user: User | None) -> "Directory":
        """Two queries at most. `user` None is the installation itself (a command without --as)."""
        directory = cls()
        rows = Customer.objects.values_list("pk", "external_id", "name", "parent__external_id")
        for pk, external_id, name, parent in rows.iterator(chunk_size=5_000):
            directory.exact[external_id] = pk
            directory.external_ids[pk] = external_id
            directory.written_names[pk] = name
            if parent is not None:
                directory.parents[external_id] = parent
        if user is not None and not user.is_ops:
            directory.seen = frozenset(Customer.objects.visible_to(user).values_list("pk", flat=True))
        return directory

    # Both are made when first asked for: most files name every customer as it is written.
    @cached_property
    def folded(self) -> dict[str, list[int]]:
        """Customers by external id, whatever its case and Unicode form."""
        return _by_word(self.external_ids)

    @cached_property
    def names(self) -> dict[str, list[int]]:
        """Customers by name, whatever its case and Unicode form."""
        return _by_word(self.written_names)

    def find(self, key: str) -> int | None:
        """The customer with this external id: as written, else in another case or Unicode form."""
        found = self.exact.get(key)
        if found is None and self.exact:
            alike = self.folded.get(word_key(key), [])
            found = alike[0] if len(alike) == 1 else None
        return found

    def may_touch(self, pk: int | None) -> bool:
        """Whether the person may change this customer, or (pk None) make a new one."""
        return self.seen is None or pk in self.seen


def _by_word(texts: Mapping[int, str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for pk, text in texts.items():
        found.setdefault(word_key(text), []).append(pk)
    return found


def current_values(pks: Sequence[int], columns: Sequence[str], on: date) -> dict[int, dict[str, Any]]:
    """How customers stand now, by id, in the columns named and in the form of `rows.plain`."""
    fields = [column for column in columns if column not in ("csm", "goals") and not _is_attribute(column)]
    paths = [PATHS.get(column, column) for column in fields]
    attributes = [column for column in columns if _is_attribute(column)]
    found: dict[int, dict[str, Any]] = {}
    width = len(fields)
    people = ["csm__email", "csm__name"] if "csm" in columns else []
    stored = ["attributes"] if attributes else []
    blanks = [
        column for column in fields if column in PATHS
    ]  # references that are not there read as in a file
    for pk, *row in _select(pks, ["pk", *paths, *people, *stored]):
        values = {
            column: value if value is None or type(value) is str else plain(value)
            for column, value in zip(fields, row, strict=False)
        }
        for column in blanks:
            values[column] = values[column] or ""
        if people:
            values["csm"] = row[width] or row[width + 1] or ""
        for column in attributes:
            values[column] = row[-1].get(column.removeprefix(ATTRIBUTE_PREFIX))
        found[pk] = values
    if "goals" in columns:
        _add_goals(found, on)
    return found


def _is_attribute(column: str) -> bool:
    return column.startswith(ATTRIBUTE_PREFIX)


def _select(pks: Sequence[int], paths: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(pks), CHUNK):
        yield from Customer.objects.filter(pk__in=pks[start : start + CHUNK]).values_list(*paths)


def _add_goals(found: dict[int, dict[str, Any]], on: date) -> None:
    for values in found.values():
        values["goals"] = []
    pks = list(found)
    for start in range(0, len(pks), CHUNK):
        goals = Goal.objects.open_on(on).filter(customer_id__in=pks[start : start + CHUNK])
        for pk, slug in goals.values_list("customer_id", "kind__slug"):
            found[pk]["goals"].append(slug)
    for values in found.values():
        values["goals"] = sorted(set(values["goals"]))


class Digest:
    """One fingerprint of how the named rows stand, fed row by row in the order of the file."""

    def __init__(self) -> None:
        self._total = hashlib.sha256()

    def add(self, key: str, state: dict[str, Any] | None) -> None:
        """`state` None: no such row yet."""
        self._total.update(_ENCODER.encode([key, state]).encode())

    def text(self) -> str:
        """64 hexadecimal digits."""
        return self._total.hexdigest()
