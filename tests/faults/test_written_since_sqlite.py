"""What SQLite notes of who was written since a run read holds across connections, processes and copies of the file."""

import json
import sqlite3
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.journeys.installation import Installation

pytestmark = pytest.mark.usefixtures("only_on_sqlite")

COMPANY = """
from django.core.management import call_command
call_command("seed_demo", customers=6, csms=2, verbosity=0)
call_command("load_playbook", "three-axis", publish=True)
call_command("retier", apply=True)
"""
PROPOSE = """
from django.utils import timezone
from allocation.services.retiering import propose_run, queue_run
run = queue_run(as_of=timezone.localdate(), at=timezone.now()).pk
propose_run(run_id=run, owner="test")
print(run)
"""
# Whom applying looked at again, and whom it skipped; None in place of everybody.
APPLY = """
import json
from django.utils import timezone
from allocation.models import RetierRun, TierDecision
from allocation.services.retiering import applying, apply_run
looked, whole = [], applying.written_since
def seen(**given):
    found = whole(**given)
    looked.append(None if found is None else found.tolist())
    return found
applying.written_since = seen
RetierRun.objects.filter(pk={run}).update(status="proposed")
apply_run(run_id={run}, owner="test", at=timezone.now())
applying.written_since = whole
skipped = TierDecision.objects.filter(run={run}, status="skipped")
print(json.dumps([looked, sorted(skipped.values_list("customer_id", flat=True))]))
"""
EDIT = "UPDATE accounts_customer SET arr = coalesce(arr, 0) + 1 WHERE id = ?"


class Company:
    """An installation on a file, spoken to through its console; the file written beside it as by any program."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(folder=folder)
        self.installation.open_console()
        self.file = folder / "cstiers.sqlite3"

    def run(self, code: str) -> list[str]:
        return self.installation.python(textwrap.dedent(code))

    def proposed(self) -> int:
        return int(self.run(PROPOSE)[-1])

    def applied(self, run: int) -> list[list[int]]:
        found: list[list[int]] = json.loads(self.run(APPLY.format(run=run))[-1])
        return found

    def beside(self) -> sqlite3.Connection:
        return sqlite3.connect(self.file, timeout=20, isolation_level=None, check_same_thread=False)

    def edit(self, customer: int) -> None:
        with closing(self.beside()) as other:
            other.execute(EDIT, [customer])


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    made = Company(tmp_path_factory.mktemp("company"))
    made.installation.migrate()
    made.run(COMPANY)
    yield made
    made.installation.close()


@pytest.fixture
def ids(company: Company) -> list[int]:
    with closing(company.beside()) as other:
        return [key for (key,) in other.execute("SELECT id FROM accounts_customer ORDER BY id")]


def test_an_edit_of_another_program_is_noticed(company: Company, ids: list[int]) -> None:
    run = company.proposed()
    company.edit(ids[1])
    assert company.applied(run) == [[[ids[1]]], [ids[1]]]
    assert company.applied(company.proposed()) == [[[]], []]  # the control


def test_who_writes_while_a_run_is_to_read_is_waited_for_and_read(company: Company, ids: list[int]) -> None:
    with closing(company.beside()) as writer, ThreadPoolExecutor(1) as others:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute(EDIT, [ids[2]])
        proposing = others.submit(company.proposed)
        with pytest.raises(TimeoutError):
            proposing.result(timeout=1)
        writer.execute("COMMIT")
        run = proposing.result(timeout=60)
    # Its number is of before, and what it wrote is in the run.
    assert company.applied(run) == [[[]], []]


def test_who_began_before_a_run_read_and_writes_afterwards_is_refused_and_noticed_when_it_begins_anew(
    company: Company, ids: list[int]
) -> None:
    """A deferred transaction that has read may not write over what it does not see: it never notes an old number."""
    with closing(company.beside()) as writer:
        writer.execute("BEGIN")
        writer.execute("SELECT count(*) FROM accounts_customer").fetchone()
        run = company.proposed()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            writer.execute(EDIT, [ids[3]])
        writer.execute("ROLLBACK")
        # One that has not looked at anything yet sees what is there when it writes.
        writer.execute("BEGIN")
        after = company.proposed()
        writer.execute(EDIT, [ids[3]])
        writer.execute("COMMIT")
    assert run < after
    assert company.applied(after) == [[[ids[3]]], [ids[3]]]


def test_a_backup_that_is_put_back_knows_who_was_written_in_it(
    company: Company, ids: list[int], tmp_path: Path
) -> None:
    run = company.proposed()
    company.edit(ids[0])
    file = tmp_path / "cstiers.backup"
    company.installation.command("backup", str(file))
    company.edit(ids[1])
    later = company.proposed()
    company.installation.command("restore", str(file), "--replace")
    company.edit(ids[2])
    looked, skipped = company.applied(run)
    assert skipped == [ids[0], ids[2]]
    assert looked in ([[ids[0], ids[2]]], [None])  # the latter where putting back migrates
    assert later > run


def test_a_copied_file_goes_its_own_way(company: Company, ids: list[int], tmp_path: Path) -> None:
    run = company.proposed()
    company.edit(ids[4])
    with (
        closing(company.beside()) as source,
        closing(sqlite3.connect(tmp_path / "cstiers.sqlite3")) as target,
    ):
        source.backup(target)
    copy = Company(tmp_path)
    try:
        company.edit(ids[5])
        copy.edit(ids[0])
        assert copy.applied(run) == [[[ids[0], ids[4]]], [ids[0], ids[4]]]
        assert company.applied(run) == [[[ids[4], ids[5]]], [ids[4], ids[5]]]
    finally:
        copy.installation.close()


def test_the_next_migrate_makes_everybody_looked_at_once(company: Company, ids: list[int]) -> None:
    run = company.proposed()
    company.run('from django.core.management import call_command\ncall_command("migrate", verbosity=0)')
    company.edit(ids[1])
    assert company.applied(run) == [[None], [ids[1]]]
    assert company.applied(company.proposed()) == [[[]], []]
