"""Writes accepted customer rows in sets: words, customers, parents, goals, CSMs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from accounts.importing.customers import ATTRIBUTE_PREFIX
from accounts.importing.keys import word_key
from accounts.models import CustomAttribute, Customer, Goal, GoalKind, Tier
from allocation.models import Source
from allocation.services.decisions import CsmChange, DecisionSource, note_departures, set_csms
from allocation.services.importing.bulk_sql import insert_customers, update_customers
from allocation.services.importing.rows import CREATED, UPDATED, Row
from allocation.services.importing.vocabulary import (
    WORD_MODELS,
    create_csms,
    create_words,
    csm_ids,
    word_ids,
)

CHUNK = 500
MONEY = ("arr", "potential_arr")
POINTS = ("adoption", "health", "reputation", "complexity")
DAYS = ("contract_start", "renewal_date")
# Written apart: they need every customer of the file to be there, or have a writer of their own.
APART = ("parent", "goals", "csm")
# What a day is noted with: a health or sentiment is worth what it was on the day it came.
DATED = {"health": "health_on", "sentiment": "sentiment_on"}


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

    def write(self, rows: Sequence[Row]) -> None:
        """Create and update the customers of these rows, with their goals; CSMs wait for `settle`."""
        self._create([row for row in rows if row.outcome == CREATED])
        self._update([row for row in rows if row.outcome == UPDATED])
        touched = [row for row in rows if row.outcome in (CREATED, UPDATED)]
        if "goals" in self.columns:
            self._set_goals([row for row in touched if "goals" in row.values])
        if "csm" in self.columns:
            self._csms |= {row.key: row.values["csm"] for row in touched if "csm" in row.values}
        if "status" in self.columns:
            self._moved_on += [row.key for row in touched if _leaves_or_is_back(row)]

    def settle(self) -> None:
        """Give the customers written so far their CSM: one call for all of them, grouped by CSM."""
        self._set_csms(self._csms)
        self._csms = {}
        if self._moved_on:
            note_departures(
                customer_ids=list(_ids_of(self._moved_on).values()), on=self.on, decision=self.decision
            )
        self._moved_on = []

    def _create(self, rows: Sequence[Row]) -> None:
        insert_customers(
            [{"external_id": row.key, "version": 1, **self._fields(row.values, {})} for row in rows]
        )

    def _update(self, rows: Sequence[Row]) -> None:
        attributes = self._attributes_now(rows)
        update_customers((row.key, self._fields(row.values, attributes.get(row.key, {}))) for row in rows)

    def _attributes_now(self, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
        """Custom attributes of the rows that change some: the others of the customer stay."""
        keys = [row.key for row in rows if any(column.startswith(ATTRIBUTE_PREFIX) for column in row.values)]
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(keys), CHUNK):
            query = Customer.objects.filter(external_id__in=keys[start : start + CHUNK])
            found |= dict(query.values_list("external_id", "attributes"))
        return found

    def _fields(self, values: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
        """The model's fields, by attname, that these columns set."""
        fields: dict[str, Any] = {}
        for column, value in values.items():
            if column.startswith(ATTRIBUTE_PREFIX):
                fields["attributes"] = _with_attribute(fields.get("attributes", attributes), column, value)
            elif column not in APART:
                name, decode = self._decoders[column]
                fields[name] = value if decode is None or value is None else decode(value)
        for column, dated in DATED.items():
            if column in values:
                fields[dated] = None if values[column] is None else self.on
        if "sentiment" in values:
            fields["sentiment_by_id"] = None if values["sentiment"] is None else self.actor_id
        return fields

    def _decoder(self, column: str) -> tuple[str, Callable[[Any], Any] | None]:
        """(attname, what turns a value as stored in a chunk into the model's); None where they are the same."""
        if column in WORD_MODELS:
            ids = self.ids[column]
            return f"{column}_id", cache(lambda word: ids[word_key(word)] if word else None)
        if column == "paid_tier":
            return "paid_tier_id", lambda slug: self.ids["paid_tier"][slug] if slug else None
        if column in (*MONEY, *POINTS):
            return column, Decimal
        return column, cache(date.fromisoformat) if column in DAYS else None

    def set_parents(self, rows: Iterable[Row]) -> None:
        """Once every customer of the file is there: who belongs to whom, one UPDATE a parent."""
        children: dict[str, list[str]] = defaultdict(list)
        for row in rows:
            parent = row.values.get("parent", row.before.get("parent"))
            if row.outcome in (CREATED, UPDATED) and parent != row.before.get("parent", ""):
                children[parent or ""].append(row.key)
        ids = _ids_of([parent for parent in children if parent])
        for parent, keys in sorted(children.items()):
            for start in range(0, len(keys), CHUNK):
                part = keys[start : start + CHUNK]
                Customer.objects.filter(external_id__in=part).update(
                    parent_id=ids[parent] if parent else None
                )

    def _customer_ids(self, keys: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        found: dict[str, tuple[int, int | None]] = {}
        for start in range(0, len(keys), CHUNK):
            query = Customer.objects.filter(external_id__in=keys[start : start + CHUNK])
            found |= {key: (pk, csm) for key, pk, csm in query.values_list("external_id", "pk", "csm_id")}
        return found

    def _set_goals(self, rows: Sequence[Row]) -> None:
        kinds = dict(GoalKind.objects.values_list("slug", "pk"))
        ids = self._customer_ids([row.key for row in rows])
        opened, closed = [], defaultdict(list)
        for row in rows:
            wanted, there = set(row.values["goals"]), set(row.before.get("goals", ()))
            pk = ids[row.key][0]
            opened += [
                Goal(customer_id=pk, kind_id=kinds[slug], starts_on=self.on)
                for slug in sorted(wanted - there)
            ]
            for slug in there - wanted:
                closed[slug].append(pk)
        for slug, pks in closed.items():
            for start in range(0, len(pks), CHUNK):
                goals = Goal.objects.open_on(self.on).filter(
                    customer_id__in=pks[start : start + CHUNK], kind__slug=slug
                )
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


def _leaves_or_is_back(row: Row) -> bool:
    """The status changes; of a customer that is new, only having left is worth a word."""
    before = row.before.get("status", Customer.Status.ACTIVE)
    return "status" in row.values and row.values["status"] != before


def _with_attribute(attributes: Mapping[str, Any], column: str, value: Any) -> dict[str, Any]:
    slug = column.removeprefix(ATTRIBUTE_PREFIX)
    kept = {key: stored for key, stored in attributes.items() if key != slug}
    return kept if value is None else kept | {slug: value}


def _create_attribute(slug: str, kind: str) -> None:
    CustomAttribute.objects.get_or_create(
        slug=slug, defaults={"label": slug.replace("_", " ").capitalize(), "kind": kind}
    )


def _ids_of(external_ids: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(external_ids), CHUNK):
        query = Customer.objects.filter(external_id__in=external_ids[start : start + CHUNK])
        found |= dict(query.values_list("external_id", "pk"))
    return found
