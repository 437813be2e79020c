"""SQLite notes who was written since a reading began: each trigger by itself, with what is missed when it is away."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.db import connection

from accounts.models import Customer, Goal, Tier
from allocation.models import Override, Reading, WrittenCustomer
from allocation.snapshots.written_since import reading_begins, written_since
from allocation.triggers import drop_triggers_before_migrate, ensure_triggers, tables_without_triggers
from allocation.triggers.written import NAMES, OF_EVERYBODY, TRIGGERS
from tests import factories
from tests.triggers.decided import override

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("only_on_sqlite")]


def looked_at(noted: str, among: list[Customer]) -> set[int] | None:
    keys = np.array([customer.pk for customer in among], dtype=np.int64)
    found = written_since(noted=noted, keys=keys, goals=keys, as_of=factories.TODAY)
    return None if found is None else set(found.tolist())


@pytest.fixture
def two() -> list[Customer]:
    """Each with a goal and an override that is asked for, and a name of each kind."""
    people = factories.cast()
    found = [
        factories.CustomerFactory(
            vertical=factories.VerticalFactory(name="Telco"),
            region=factories.RegionFactory(name="North"),
            language=factories.LanguageFactory(name="Dutch"),
        )
        for _ in range(2)
    ]
    for customer in found:
        factories.GoalFactory(customer=customer, kind=factories.GoalKindFactory(slug="grow"))
        override(people, customer, factories.TierFactory(slug="gold"))
    return found


def run(sql: str) -> None:
    """As a tool of somebody else's writes, which knows nothing of foreign keys."""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        cursor.execute(sql)


def copied(table: str, whose: str, **values: Any) -> str:
    """A REPLACE that writes the row anew, with other values."""
    with connection.cursor() as cursor:
        columns = [each.name for each in connection.introspection.get_table_description(cursor, table)]
    selected = ", ".join(str(values.get(column, column)) for column in columns)
    return f"REPLACE INTO {table} ({', '.join(columns)}) SELECT {selected} FROM {table} WHERE {whose}"


# By trigger: writes that it alone notices. The customer is the first of the two; the second is the other.
Write = Callable[[int, int], str]
OF_CUSTOMERS: dict[str, list[Write]] = {
    "written_accounts_customer_after_update": [
        lambda one, other: f"UPDATE accounts_customer SET arr = 5 WHERE id = {one}"
    ],
    "written_accounts_customer_after_delete": [
        lambda one, other: f"DELETE FROM accounts_customer WHERE id = {one}",
        lambda one, other: copied("accounts_customer", f"id = {one}", arr=5),
        lambda one, other: copied("accounts_customer", f"id = {one}", id=999),
        lambda one, other: (
            "UPDATE OR REPLACE accounts_customer SET external_id = (SELECT external_id FROM accounts_customer"
            f" WHERE id = {one}) WHERE id = {other}"
        ),
    ],
}


def of_a_customer(table: str) -> dict[str, list[Write]]:
    its = f"{table} WHERE customer_id"
    return {
        f"written_{table}_after_insert": [
            lambda one, other: copied(table, f"customer_id = {other}", id=999, customer_id=one)
        ],
        f"written_{table}_after_update": [
            lambda one, other: f"UPDATE {table} SET words = 'Otherwise' WHERE customer_id = {one}",
        ],
        f"written_{table}_after_delete": [
            lambda one, other: f"DELETE FROM {its} = {one}",
            # The row of the one becomes one of the other.
            lambda one, other: copied(
                table, f"customer_id = {other}", id=f"(SELECT min(id) FROM {its} = {one})"
            ),
            lambda one, other: (
                f"UPDATE OR REPLACE {table} SET id = (SELECT min(id) FROM {its} = {one}) WHERE customer_id = {other}"
            ),
        ],
    }


def of_everybody(table: str) -> dict[str, list[Write]]:
    return {
        f"written_{table}_after_update": [lambda one, other: f"UPDATE {table} SET id = id"],
        f"written_{table}_after_delete": [
            lambda one, other: f"DELETE FROM {table}",
            lambda one, other: copied(table, "true"),
        ],
    }


WRITES: dict[str, list[Write]] = {
    **OF_CUSTOMERS,
    **of_a_customer("accounts_goal"),
    **of_a_customer("allocation_override"),
    **{name: writes for table in OF_EVERYBODY for name, writes in of_everybody(table).items()},
}
EACH = [
    pytest.param(name, write, id=f"{name}-{number}")
    for name, writes in WRITES.items()
    for number, write in enumerate(writes)
]


def test_every_trigger_is_tried_and_is_there() -> None:
    assert set(WRITES) == set(NAMES)
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'written%'")
        assert {name for (name,) in cursor.fetchall()} == set(NAMES)


def without_the_rules_of_overrides() -> None:
    """What an override is may not be written over, which is not the question here."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'override%' AND tbl_name = 'allocation_override'"
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")


@pytest.mark.parametrize("there", [True, False], ids=["there", "away"])
@pytest.mark.parametrize(("name", "write"), EACH)
def test_a_write_is_noticed_by_its_trigger_and_missed_without_it(
    two: list[Customer], name: str, write: Write, there: bool
) -> None:
    """Away and back behind the program's back: it goes by their names, and cannot know."""
    one, other = (customer.pk for customer in two)
    without_the_rules_of_overrides()
    if name.endswith("after_insert"):
        run(
            f"DELETE FROM {name.removeprefix('written_').removesuffix('_after_insert')} WHERE customer_id = {one}"
        )
    noted, (trigger,) = reading_begins(), (found for found in TRIGGERS if found.name == name)
    assert looked_at(noted, two) == set()
    if not there:
        run(f"DROP TRIGGER {name}")
    run(write(one, other))
    if not there:
        assert looked_at(noted, two) is None
        run(trigger.statement)
    found = looked_at(noted, two)
    assert (found is None or one in found) == there


def test_both_customers_of_a_goal_that_is_handed_on_are_looked_at(two: list[Customer]) -> None:
    noted = reading_begins()
    Goal.objects.filter(customer=two[0]).delete()
    Goal.objects.filter(customer=two[1]).update(customer=two[0])
    assert looked_at(noted, two) == {two[0].pk, two[1].pk}


@pytest.mark.parametrize("policy", ["", "OR REPLACE", "OR IGNORE", "OR ROLLBACK", "OR FAIL"])
def test_a_second_writing_after_another_reading_is_noted_whatever_the_statement_says_of_conflicts(
    two: list[Customer], policy: str
) -> None:
    """The policy of the statement that fires a trigger is that of the statements in it."""
    for _ in range(2):
        noted = reading_begins()
        run(f"UPDATE {policy} accounts_customer SET name = 'Renamed' WHERE id = {two[0].pk}")
        assert looked_at(noted, two) == {two[0].pk}
        assert Customer.objects.filter(name="Renamed").count() == 1


def test_a_customer_is_noted_once_however_often_it_is_written(two: list[Customer]) -> None:
    for _ in range(3):
        noted = reading_begins()
        for arr in (1, 2, 3):
            Customer.objects.update(arr=arr)
    # Others may stand there too: who was deleted stays noted.
    rows = WrittenCustomer.objects.filter(customer_id__in=[customer.pk for customer in two])
    assert list(rows.order_by("customer_id").values_list("customer_id", "reading")) == [
        (customer.pk, Reading.objects.get().number) for customer in two
    ]
    assert looked_at(noted, two) == {customer.pk for customer in two}


def test_rows_a_statement_changed_are_counted_without_those_of_the_triggers(two: list[Customer]) -> None:
    reading_begins()
    assert Customer.objects.filter(pk=two[0].pk).update(arr=5) == 1
    goal = Goal.objects.create(
        customer=two[0], kind=factories.GoalKindFactory(slug="stay"), starts_on=factories.TODAY
    )
    assert Goal.objects.get(pk=goal.pk) == goal


def test_what_was_noted_tells_nothing_once_the_triggers_were_away(two: list[Customer]) -> None:
    """A migrate takes them away and makes them again; what it writes meanwhile nobody notes."""
    noted = reading_begins()
    drop_triggers_before_migrate(using="default")
    assert looked_at(noted, two) is None
    assert looked_at(reading_begins(), two) is None
    Customer.objects.filter(pk=two[0].pk).update(arr=5)
    ensure_triggers(using="default")
    assert looked_at(noted, two) is None
    assert looked_at(reading_begins(), two) == set()


def test_notes_of_another_database_or_of_its_future_tell_nothing(two: list[Customer]) -> None:
    noted = reading_begins()
    era, number = noted.split()
    for other in (
        "",
        f"{era[::-1]}x {number}",
        f"{era} {int(number) + 1}",  # a backup of an earlier moment was put back meanwhile
        f"7231 16384 {number}",  # of PostgreSQL
    ):
        assert looked_at(other, two) is None
    assert looked_at(noted, two) == set()


def test_where_somebody_emptied_the_tables_writing_goes_on_and_a_new_era_begins(two: list[Customer]) -> None:
    noted = reading_begins()
    Reading.objects.all().delete()
    WrittenCustomer.objects.all().delete()
    Customer.objects.filter(pk=two[0].pk).update(arr=5)
    Tier.objects.update(name="Renamed")
    assert looked_at(noted, two) is None
    noted = reading_begins()
    assert looked_at(noted, two) == set()
    Customer.objects.filter(pk=two[1].pk).update(arr=5)
    assert looked_at(noted, two) == {two[1].pk}


def test_these_triggers_keep_no_table_from_being_rewritten(two: list[Customer]) -> None:
    """The check of what was decided must not take them for those that do."""
    run("DROP TRIGGER override_only_forward")
    without_the_rules_of_overrides()
    assert tables_without_triggers(using="default") == [Override._meta.db_table]
