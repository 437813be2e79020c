"""What the database holds for the rows a file names: who is who, and a fingerprint of how they stand."""

import hashlib
import json
import marshal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from accounts.importing.keys import word_key, word_keys
from accounts.models import Customer, User

_ENCODER = json.JSONEncoder(separators=(",", ":"))


@dataclass
class Directory:
    """Every customer by key. `seen` are the ids this person may see; None means all."""

    exact: dict[str, int] = field(default_factory=dict)
    external_ids: dict[int, str] = field(default_factory=dict)
    seen: frozenset[int] | None = None

    @classmethod
    def load(cls, user: User | None) -> "Directory":
        """Two queries at most. `user` None is the installation itself (a command without --as)."""
        rows = Customer.objects.values_list("external_id", "pk").iterator(chunk_size=5_000)
        exact = dict(rows)
        directory = cls(exact, dict(zip(exact.values(), exact, strict=True)))
        if user is not None and not user.is_ops:
            directory.seen = frozenset(Customer.objects.visible_to(user).values_list("pk", flat=True))
        return directory

    # All are read or made when first asked for: most files name every customer as it is written.
    @cached_property
    def parents(self) -> dict[str, str]:
        """External ids of parents by those of their children."""
        rows = Customer.objects.filter(parent__isnull=False).values_list("external_id", "parent__external_id")
        return dict(rows.iterator(chunk_size=5_000))

    @cached_property
    def folded(self) -> dict[str, list[int]]:
        """Customers by external id, whatever its case and Unicode form."""
        return _by_word(self.external_ids)

    @cached_property
    def names(self) -> dict[str, list[int]]:
        """Customers by name, whatever its case and Unicode form."""
        return _by_word(dict(Customer.objects.values_list("pk", "name").iterator(chunk_size=5_000)))

    def find(self, key: str) -> int | None:
        """The customer with this external id: as written, else in another case or Unicode form."""
        found = self.exact.get(key)
        if found is None and self.exact:
            alike = self.folded.get(word_key(key), [])
            found = alike[0] if len(alike) == 1 else None
        return found

    def find_all(self, keys: Iterable[str]) -> list[int | None]:
        """`find` for every key; a blank one is nobody."""
        found = list(map(self.exact.get, keys))
        if None not in found or not self.exact:
            return found
        return [self.find(key) if pk is None and key else pk for key, pk in zip(keys, found, strict=True)]

    def may_touch(self, pk: int | None) -> bool:
        """Whether the person may change this customer, or (pk None) make a new one."""
        return self.seen is None or pk in self.seen


def _by_word(texts: Mapping[int, str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for pk, key in zip(texts, word_keys(list(texts.values())), strict=True):
        found.setdefault(key, []).append(pk)
    return found


class Digest:
    """One fingerprint of how the named rows stand, fed in the order of the file."""

    def __init__(self) -> None:
        self._total = hashlib.sha256()

    def add(self, key: str, state: dict[str, Any] | None) -> None:
        """`state` None: no such row yet."""
        self._total.update(_ENCODER.encode([key, state]).encode())

    def add_texts(self, keys: Sequence[str], texts: Sequence[str | None]) -> None:
        """A slice of customers as texts. Fed in the same slices, the same texts give the same digest."""
        # Version 2 depends on nothing but the values; it is never read back.
        self._total.update(marshal.dumps([list(keys), list(texts)], 2))

    def text(self) -> str:
        """64 hexadecimal digits."""
        return self._total.hexdigest()
