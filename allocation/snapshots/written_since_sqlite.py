"""Who was written since a run read, as the triggers of SQLite noted it (allocation.triggers.written).

A run moves the number of readings on before it reads; whoever is noted with that number or a later one is to be compared again.
Nobody is missed: SQLite has one writer at a time, and whoever writes sees what was committed before it began to (a transaction that
has read what is old by then is refused). So one that is not over when the number moves on has not written yet, and will note the new number;
and what was over before is what the run reads.
"""

from __future__ import annotations

import json
import secrets

import numpy as np
from django.db import connection, transaction
from django.db.models import F

from accounts.kept_statements import Kept, KeptChange
from allocation.engine.facts.tiering import Integers
from allocation.models import Reading
from allocation.triggers.written import NAMES, NOTES, READINGS

_WRITTEN = (
    "SELECT era, number, everybody, "  # noqa: S608 - names of the house
    f"(SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name IN ({', '.join(map(repr, NAMES))})), "
    f"(SELECT json_group_array(customer_id) FROM {NOTES} WHERE customer_id BETWEEN %s AND %s AND reading >= %s) "
    f"FROM {READINGS} WHERE id = 1"
)


def reading_begins() -> str:
    """The era of the triggers, and the number from now on."""
    with transaction.atomic():
        if not _MOVED_ON.run(pk=1):
            Reading.objects.create(era=secrets.token_hex(8))  # somebody emptied the table: a new era
        ((era, number),) = _NOW.rows()
        return f"{era} {number}"


_MOVED_ON = KeptChange(lambda *, pk: (Reading.objects.filter(pk=pk), {"number": F("number") + 1}))
_NOW = Kept(lambda: Reading.objects.values_list("era", "number"))


def written_since(*, noted: str, keys: Integers) -> Integers | None:
    """As allocation.snapshots.written_since. One statement."""
    then, _, begun = noted.rpartition(" ")
    with connection.cursor() as cursor:
        cursor.execute(_WRITTEN, [int(keys[0]), int(keys[-1]), int(begun)])
        found = cursor.fetchone()
    if found is None:
        return None
    era, number, everybody, triggers, written = found
    if era != then or everybody >= int(begun) or number < int(begun) or triggers != len(NAMES):
        return None
    return keys[np.isin(keys, json.loads(written))]
