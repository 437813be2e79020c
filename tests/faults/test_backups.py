"""A backup taken while people write, put back elsewhere, equals what was there; nothing half-done is ever left.

Real processes on databases of their own: SQLite files, and on the run with PostgreSQL databases beside the test's.
"""

import json
import os
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import pytest

from cstiers.backups.files import HEAD
from tests.house.source import ROOT
from tests.journeys.installation import Installation
from tests.rig.migrated import database_of_its_own

URL = os.environ.get("DATABASE_URL", "")

# A company with a run applied and sign-ins open.
COMPANY = """
from datetime import timedelta
from django.core.management import call_command
from django.contrib.sessions.backends.db import SessionStore
call_command("seed_demo", customers=40, csms=4, verbosity=0)
call_command("load_playbook", "three-axis", publish=True)
call_command("retier", apply=True)
session = SessionStore(); session["who"] = 1; session.save()
"""
# Customers come in pairs: a file that has one of a pair was not taken of one moment.
WRITER = """
import itertools, os
os.environ["DJANGO_SETTINGS_MODULE"] = "cstiers.settings"
import django
django.setup()
from django.db import transaction
from accounts.models import Customer
print("writing", flush=True)
for number in itertools.count():
    with transaction.atomic():
        for side in ("left", "right"):
            Customer.objects.create(external_id=f"{side}-{number}", name=f"Pair {number}", arr=1, currency="USD")
"""
LOOK = """
import json
from django.contrib.sessions.models import Session
from django.db import connection
from accounts.models import Customer
from allocation import triggers
from allocation.models import RetierRun, TierHolding
from cstiers.health import migrations_are_missing
from tests.oracle import faults
sides = {side: set(Customer.objects.filter(external_id__startswith=side).values_list("name", flat=True))
         for side in ("left-", "right-")}
with connection.cursor() as cursor:
    kinds = {"sqlite": "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
             "postgresql": "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"}
    cursor.execute(kinds[connection.vendor])
    count = cursor.fetchone()[0]
print(json.dumps({
    "faults": faults(), "whole_pairs": sides["left-"] == sides["right-"], "pairs": len(sides["left-"]),
    "others": Customer.objects.exclude(external_id__regex="^(left|right)-").count(),
    "run": list(RetierRun.objects.order_by("pk").values_list("status", flat=True)),
    "holdings": TierHolding.objects.count(), "triggers": count,
    "sessions": Session.objects.count(), "migrations": migrations_are_missing(),
}))
"""


class Place:
    """A database of its own, with a process that does what it is told there."""

    def __init__(self, stack: ExitStack, folder: Path, name: str) -> None:
        url = database_of_its_own(stack, URL, f"cstiers_{name}_{os.getpid()}")
        self.installation = Installation(folder=folder / name, database_url=url)
        stack.callback(self.installation.close)
        self.installation.open_console()
        self.command = self.installation.command  # a process of its own

    def run(self, code: str) -> str:
        return "\n".join(self.installation.python(textwrap.dedent(code)))

    def look(self) -> dict:
        return json.loads(self.run(LOOK).splitlines()[-1])

    def refusal(self, *words: object) -> str:
        """What a command says when it refuses."""
        return self.run(f"""
            from django.core.management import CommandError, call_command
            try:
                call_command(*{tuple(map(str, words))!r}, "--format=json")
            except CommandError as refused:
                print(refused)
        """)

    def killed(self, file: Path, number: int) -> bool:
        """Restore in a child that dies at piece `number`; False when it came to its end."""
        return self.run(KILLED.format(number=number, file=str(file))) == "killed"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """(where the company is, an empty place, the backup, what the company looked like)."""
    folder = tmp_path_factory.mktemp("backups")
    with ExitStack() as stack:
        company, empty = (Place(stack, folder, name) for name in ("company", "empty"))
        company.installation.migrate()
        company.run(COMPANY)
        file = folder / "cstiers.backup"
        writing = [sys.executable, "-c", WRITER]
        with subprocess.Popen(
            writing, cwd=ROOT, env=company.installation.environment, stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout.readline() == "writing\n"
            company.command("backup", str(file))
            writer.kill()
        yield company, empty, file, company.look()


def test_a_backup_taken_while_another_process_writes_is_of_one_moment(places):
    """Put into a database that has nothing, not even tables."""
    _, empty, file, there = places
    assert file.stat().st_mode & 0o777 == 0o600
    told = empty.command("restore", str(file))
    assert told["migrate"] is False
    found = empty.look()
    assert found["faults"] == []
    assert found["whole_pairs"]
    assert 0 <= found["pairs"] <= there["pairs"]
    assert (found["sessions"], there["sessions"]) == (0, 1)  # everybody signs in anew
    assert found["migrations"] is False
    same = ("others", "run", "holdings", "triggers")
    assert {key: found[key] for key in same} == {key: there[key] for key in same}
    assert (found["others"], found["run"], found["holdings"]) == (40, ["applied"], 40)


def test_what_is_put_back_can_be_backed_up_again_with_the_same_rows(places, tmp_path):
    _, empty, file, _ = places
    answer = empty.installation.answer_of
    put_back = answer("restore", str(file), "--replace")
    again = answer("backup", str(tmp_path / "again"))
    assert again["rows"] == put_back["rows"]
    assert answer("restore", str(tmp_path / "again"), "--replace")["rows"] == put_back["rows"]


def test_a_database_that_holds_people_is_not_replaced_unasked(places):
    company, _, file, _ = places
    before = company.look()
    assert "then say --replace" in company.refusal("restore", file)
    assert company.look() == before


def changed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda data: data[:-1], "is damaged"),
        (lambda data: data[:HEAD], "is damaged"),
        (lambda data: data[: HEAD // 2], "is damaged at its beginning"),
        (lambda data: changed(data, HEAD + 1000), "is damaged"),
        (lambda data: changed(data, 200), "is damaged at its beginning"),
        (lambda data: data + b"x", "is damaged"),
        (lambda data: b"PK\x03\x04" + data, "is no backup of cstiers"),
        (lambda data: b"", "is no backup of cstiers"),
    ],
    ids=[
        "cut",
        "head only",
        "half a head",
        "a bit of the dump",
        "a bit of the head",
        "longer",
        "foreign",
        "empty",
    ],
)
def test_a_file_that_is_not_what_was_written_is_refused_and_nothing_is_changed(
    places, tmp_path, damage, sentence
):
    company, _, file, there = places
    bad = tmp_path / "bad.backup"
    bad.write_bytes(damage(file.read_bytes()))
    assert sentence in company.refusal("restore", bad, "--replace")
    assert company.look() == there


FORGED = """
    from dataclasses import replace
    from pathlib import Path
    from cstiers.backups.files import payload, read_manifest, write_backup
    source = Path({source!r})
    head = read_manifest(source)
    write_backup(Path({target!r}), replace(head, **{change}), payload(source))
"""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("{'migrations': {**head.migrations, 'accounts': ['0999_later']}}", "made by a newer version"),
        ("{'database': 'oracle'}", "The file was made from oracle"),
        ("{'counts': {**head.counts, 'accounts_customer': 7}}", "file"),
        ("{'counts': {'a\"; DROP TABLE x; --': 7}}", "names tables that cstiers does not have"),
    ],
)
def test_a_file_whose_head_does_not_fit_is_refused_and_nothing_is_changed(places, tmp_path, change, sentence):
    """The third reaches the database: rows are counted in the transaction that puts them back."""
    company, _, file, there = places
    bad = tmp_path / "bad.backup"
    company.run(FORGED.format(source=str(file), target=str(bad), change=change))
    assert sentence in company.refusal("restore", bad, "--replace")
    assert company.look() == there


# A child that dies by kill -9 when so many pieces were handed over: pages of SQLite, or 4 kB each of the script.
KILLED = """
    import os, signal
    from pathlib import Path
    from django.db import connection
    from cstiers import backups
    from cstiers.backups import postgres, sqlite
    count = 0
    def die_at(*anything):
        global count
        count += 1
        if count == {number}:
            os.kill(os.getpid(), signal.SIGKILL)
    connection.close()
    child = os.fork()
    if child == 0:
        say = postgres.say
        postgres.CHUNK, postgres.say = 4096, lambda to, chunk: (say(to, chunk), to.flush(), die_at())
        sqlite.PAGES, sqlite._Patience = 1, lambda: die_at
        try:
            backups.restore_backup(path=Path({file!r}), replace=True)
        finally:
            os._exit(0 if count > 40 else 1)
    print({{9: "killed", 0: "done"}}.get(os.waitpid(child, 0)[1], "failed"))
"""
PIECES = 40  # fewer than either database needs; the child that is not killed says so


def test_a_restore_that_is_killed_at_any_moment_leaves_the_old_data(places):
    """The control is at the end: unkilled, it does replace."""
    company, _, file, there = places
    company.run(
        "from accounts.models import Customer; Customer.objects.filter(external_id='left-0').update(arr=77)"
    )
    mark = "from accounts.models import Customer; print(Customer.objects.filter(arr=77).count())"
    rounds = int(os.environ.get("CSTIERS_ROUNDS", "8"))
    for step in range(rounds):
        number = 1 + step * (PIECES - 1) // max(rounds - 1, 1)
        assert company.killed(file, number)
        assert company.run(mark) == "1"
        assert company.look() == there
    assert not company.killed(file, 0)
    assert company.run(mark) == "0"
    assert company.look()["faults"] == []


def test_a_database_of_something_else_is_not_emptied(tmp_path, places):
    with ExitStack() as stack:
        other = Place(stack, tmp_path, "other")
        make = "from django.db import connection; connection.cursor().execute('CREATE TABLE theirs (id integer)')"
        other.run(make)
        assert "belongs to something else" in other.refusal("restore", places[2], "--replace")


def test_a_file_that_is_no_backup_is_not_written_over(places, tmp_path):
    company, *_ = places
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir")
    assert "is there and is no backup" in company.refusal("backup", letter)
    assert "There is no folder" in company.refusal("backup", tmp_path / "no" / "x")
    assert letter.read_text() == "Dear Sir"
    assert list(tmp_path.iterdir()) == [letter]  # nothing aside is left
