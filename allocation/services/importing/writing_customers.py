"""Writes accepted customer rows in sets: words, customers, parents, goals, CSMs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import repeat
from typing import Any

from accounts.importing.customers import ATTRIBUTE_PREFIX
from accounts.importing.keys import word_key
from accounts.models import CustomAttribute, Customer, Goal, GoalKind, Tier
from allocation.models import Source
from allocation.services.decisions import CsmChange, DecisionSource, note_departures, set_csms
from allocation.services.importing.bulk_sql import Insertion, insert_customers, insertion_of, update_customers
from allocation.services.importing.customer_texts import among
from allocation.services.importing.rows import CREATED, Row
from allocation.services.importing.slices import Change, Slice
from allocation.services.importing.vocabulary import (
    WORD_MODELS,
    create_csms,
    create_words,
    csm_ids,
    word_ids,
)

CHUNK = 500
# Written apart: they need every customer of the file to be there, or have a writer of their own.
APART = ("parent", "goals", "csm")
# What a day is noted with: a health or sentiment is worth what it was on the day it came.
DATED = {"health": "health_on", "sentiment": "sentiment_on"}


@dataclass
class Part(Slice):
    """Rows that are ready to be written: those that are new also as the database takes them."""

    new: Insertion | None = None


class Writer:
    """Looks up what rows refer to once, then writes any number of chunks of them."""

    def __init__(self, *, columns: Sequence[str], on: date, actor_id: int | None, batch_id: int) -> None:
        self.columns, self.on, self.actor_id = columns, on, actor_id
        self.decision = DecisionSource(Source.IMPORT, source_id=batch_id, actor_id=actor_id)
        self.ids: dict[str, dict[str, int]] = {}
        self._decoders: dict[str, tuple[str, Callable[[Any], Any] | None]] = {}
        self._csms: dict[str, str] = {}  # external id -> key of the CSM, until `settle`
        self._moved_on: list[str] = []  # external ids of those who left or came back, until `settle`

    def bring_new_values(self, new_values: Mapping[str, Sequence[str]]) -> None:
        """Make the words, CSMs and attributes that the preview listed, then look everything up."""
        for column, names in new_values.items():
            if column in WORD_MODELS:
                create_words(column, names)
            elif column == "csm":
                create_csms(names)
            elif column.startswith(ATTRIBUTE_PREFIX):
                _create_attribute(column.removeprefix(ATTRIBUTE_PREFIX), names[0])
        self.ids = {column: word_ids(column) for column in WORD_MODELS if column in self.columns}
        self.ids["paid_tier"] = dict(Tier.objects.values_list("slug", "pk"))
        self.ids["csm"] = csm_ids() if "csm" in self.columns else {}
        plain = [column for column in self.columns if column not in APART]
        self._decoders = {column: self._decoder(column) for column in plain}

    def prepare(self, rows: Sequence[Row]) -> Part:
        """What can be done while the database works on something else: nothing is asked of it here."""
        part = Slice.of(rows)
        keys = part.keys_of(CREATED)
        made: dict[str, Sequence[Any]] = {"external_id": keys, "version": [1] * len(keys)}
        new = insertion_of({**made, **self._fields(part.created)}, len(keys)) if keys else None
        return Part(part.lines, part.keys, part.outcomes, part.created, part.updated, part.rejected, new)

    def write(self, rows: Sequence[Row]) -> None:
        """Create and update the customers of these rows, with their goals; CSMs wait for `settle`."""
        part = rows if isinstance(rows, Part) else self.prepare(rows)
        if part.new:
            insert_customers(part.new)
        self._update(part)
        if "goals" in self.columns:
            self._set_goals(list(part.changes("goals")))
        if "csm" in self.columns:
            self._csms |= {change.key: change.value for change in part.changes("csm")}
        if "status" in self.columns:
            self._moved_on += [change.key for change in part.changes("status") if _leaves_or_is_back(change)]

    def settle(self) -> None:
        """Give the customers written so far their CSM: one call for all of them, grouped by CSM."""
        self._set_csms(self._csms)
        self._csms = {}
        if self._moved_on:
            note_departures(
                customer_ids=list(_ids_of(self._moved_on).values()), on=self.on, decision=self.decision
            )
        self._moved_on = []

    def _update(self, part: Slice) -> None:
        attributes = self._attributes_now(part)
        by_columns: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for at, (values, _) in part.updated.items():
            by_columns[tuple(values)].append(at)
        for columns, places in by_columns.items():
            keys = [part.keys[at] for at in places]
            changed = {column: [part.updated[at][0][column] for at in places] for column in columns}
            fields = self._fields(changed, [attributes.get(key, {}) for key in keys])
            if fields:
                update_customers(fields, keys)

    def _attributes_now(self, part: Slice) -> dict[str, dict[str, Any]]:
        """Custom attributes of the customers that change some: the others they have stay."""
        keys = [
            part.keys[at]
            for at, (values, _) in part.updated.items()
            if any(column.startswith(ATTRIBUTE_PREFIX) for column in values)
        ]
        if not keys:
            return {}
        named = Customer.objects.filter(external_id__in=among(keys))
        return dict(named.values_list("external_id", "attributes"))

    def _fields(
        self, columns: Mapping[str, Sequence[Any]], attributes: Sequence[Mapping[str, Any]] | None = None
    ) -> dict[str, Sequence[Any]]:
        """The model's fields, by attname, that these columns set; `attributes` are those the rows have now."""
        fields: dict[str, Sequence[Any]] = {}
        own = {column: values for column, values in columns.items() if column.startswith(ATTRIBUTE_PREFIX)}
        for column, values in columns.items():
            if column not in APART and column not in own:
                name, decode = self._decoders[column]
                fields[name] = values if decode is None else list(map(decode, values))
        if own:
            rows = len(next(iter(own.values())))
            fields["attributes"] = [
                _with_attributes(now, dict(zip(own, values, strict=True)))
                for now, values in zip(
                    attributes or repeat({}, rows), zip(*own.values(), strict=True), strict=True
                )
            ]
        for column, dated in DATED.items():
            if column in columns:
                fields[dated] = [None if value is None else self.on for value in columns[column]]
        if "sentiment" in columns:
            fields["sentiment_by_id"] = [
                None if value is None else self.actor_id for value in columns["sentiment"]
            ]
        return fields

    def _decoder(self, column: str) -> tuple[str, Callable[[Any], Any] | None]:
        """(attname, what turns a value as stored in a chunk into the model's); None where they are the same."""
        if column in WORD_MODELS:
            ids = self.ids[column]
            return f"{column}_id", cache(lambda word: ids[word_key(word)] if word else None)
        if column == "paid_tier":
            return "paid_tier_id", lambda slug: self.ids["paid_tier"][slug] if slug else None
        return column, None

    def set_parents(self, parts: Iterable[Slice]) -> None:
        """Once every customer of the file is there: who belongs to whom, one UPDATE a parent."""
        children: dict[str, list[str]] = defaultdict(list)
        for part in parts:
            for key, _, parent, before in part.changes("parent"):
                if parent != (before or ""):
                    children[parent or ""].append(key)
        ids = _ids_of([parent for parent in children if parent])
        for parent, keys in sorted(children.items()):
            for start in range(0, len(keys), CHUNK):
                part_of_them = keys[start : start + CHUNK]
                Customer.objects.filter(external_id__in=part_of_them).update(
                    parent_id=ids[parent] if parent else None
                )

    def _customer_ids(self, keys: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        if not keys:
            return {}
        named = Customer.objects.filter(external_id__in=among(keys))
        return {key: (pk, csm) for key, pk, csm in named.values_list("external_id", "pk", "csm_id")}

    def _set_goals(self, changes: Sequence[Change]) -> None:
        kinds = dict(GoalKind.objects.values_list("slug", "pk"))
        ids = self._customer_ids([change.key for change in changes])
        opened, closed = [], defaultdict(list)
        for change in changes:
            wanted, there = set(change.value), set(change.before or ())
            pk = ids[change.key][0]
            opened += [
                Goal(customer_id=pk, kind_id=kinds[slug], starts_on=self.on)
                for slug in sorted(wanted - there)
            ]
            for slug in there - wanted:
                closed[slug].append(pk)
        for slug, pks in closed.items():
            goals = Goal.objects.open_on(self.on).filter(customer_id__in=among(pks), kind__slug=slug)
            goals.update(ends_before=self.on)
        Goal.objects.bulk_create(opened, batch_size=CHUNK)

    def _set_csms(self, wanted: Mapping[str, str]) -> None:
        ids = self._customer_ids(list(wanted))
        changes = []
        for key, csm in wanted.items():
            pk, now = ids[key]
            target = self.ids["csm"][csm] if csm else None
            if now != target:
                changes.append(CsmChange(pk, now, target))
        if changes:
            set_csms(changes=changes, on=self.on, decision=self.decision)


def _leaves_or_is_back(change: Change) -> bool:
    """The status changes; of a customer that is new, only having left is worth a word."""
    return bool(change.value != (change.before or Customer.Status.ACTIVE))


def _with_attributes(now: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Custom attributes as they will be: those the file names set or taken away, the others kept."""
    slugs = {column.removeprefix(ATTRIBUTE_PREFIX): value for column, value in said.items()}
    kept = {slug: stored for slug, stored in now.items() if slug not in slugs}
    return kept | {slug: value for slug, value in slugs.items() if value is not None}


def _create_attribute(slug: str, kind: str) -> None:
    CustomAttribute.objects.get_or_create(
        slug=slug, defaults={"label": slug.replace("_", " ").capitalize(), "kind": kind}
    )


def _ids_of(external_ids: Sequence[str]) -> dict[str, int]:
    if not external_ids:
        return {}
    named = Customer.objects.filter(external_id__in=among(external_ids))
    return dict(named.values_list("external_id", "pk"))
