"""The child of the import benchmark: imports, bare loads and the stock library, taken in turn on the same files."""

from __future__ import annotations

import csv
import json
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.filled import installed
from benchmarks.imports import AGAIN, BARE, NEW, READ, READER, STOCK, UPDATE, WORKBOOK
from benchmarks.imports_files import CHANGED, COLUMNS, customers, write_csv, write_workbook
from benchmarks.isolation import Emit, clock, peak_mb

WORDS = ("vertical", "region", "language")
Step = Callable[[], Any]


def work(job: Mapping[str, Any], emit: Emit) -> dict[str, Any]:
    """``times`` by what was done, (seconds, processor seconds) a round; ``faults`` where rows did not end as they must."""
    installed(job)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    _allow(job["customers"])
    bench = Bench(Path(job["folder"]), job["customers"], job["stock_rows"] if job["compared"] else 0)
    with clock(emit):
        for number in range(job["rounds"]):
            bench.round(first=not number)
    return {
        "times": bench.times,
        "faults": bench.faults,
        "peak_mb": bench.peak,
        "scale": job["customers"] / job["stock_rows"],
    }


def _allow(customers: int) -> None:
    """Raise the limits on an upload for as many rows, as an installation does whose files are as long."""
    from django.conf import settings

    limits = settings.UPLOAD_LIMITS
    needed = {"rows": customers, "cells": customers * len(COLUMNS), "file_bytes": customers * 256}
    settings.UPLOAD_LIMITS = limits | {name: max(limits[name], most) for name, most in needed.items()}


class Bench:
    """The files, what was measured of them, and an empty database to come back to."""

    def __init__(self, folder: Path, count: int, stock_rows: int) -> None:
        self.count, self.stock_rows = count, stock_rows
        self.new, self.later, self.book = (folder / name for name in ("new.csv", "later.csv", "new.xlsx"))
        write_csv(self.new, customers(count))
        write_csv(self.later, customers(count, later=True))
        if stock_rows:
            write_workbook(self.book, customers(count))
        self.times: dict[str, list[tuple[float, float]]] = {}
        self.faults: list[str] = []
        self.peak = 0.0
        self._empty = folder / "empty.sqlite3"
        self._keep_empty()

    def round(self, *, first: bool) -> None:
        """Everything once, each on a database as the one before left it or emptied outside the clock."""
        expect = self._expect
        created = {"created": self.count}
        self._empty_again()
        expect(NEW, self._timed(NEW, lambda: _imported(self.new)), created)
        if first:
            self.peak = peak_mb()  # before anything else has asked for memory
        expect(AGAIN, self._timed(AGAIN, lambda: _imported(self.new)), {"unchanged": self.count})
        if self.stock_rows:
            self._timed(STOCK, lambda: _stock(self.later, self.stock_rows))
        changed = -(-self.count // CHANGED)
        wanted = {"updated": changed, "unchanged": self.count - changed}
        expect(UPDATE, self._timed(UPDATE, lambda: _imported(self.later)), wanted)
        words = _words()
        self._empty_again(words)
        loaded = self._timed(BARE, lambda: _bare(self.new, words))
        expect(BARE, {"created": loaded}, created)
        if self.stock_rows:
            self._workbook()

    def _workbook(self) -> None:
        self._empty_again()
        imported = self._timed(WORKBOOK, lambda: _imported(self.book))
        self._expect(WORKBOOK, imported, {"created": self.count})
        self._timed(READER, lambda: _calamine(self.book))
        self._timed(READ, lambda: _read(self.book))

    def _timed(self, what: str, step: Step) -> Any:
        begun, cpu = time.perf_counter(), _processor_seconds()
        answer = step()
        spent = (time.perf_counter() - begun, _processor_seconds() - cpu)
        self.times.setdefault(what, []).append(spent)
        return answer

    def _expect(self, what: str, found: Mapping[str, int], wanted: Mapping[str, int]) -> None:
        if {outcome: rows for outcome, rows in found.items() if rows} != wanted:
            self.faults.append(f"{what} ended with {dict(found)}, not {dict(wanted)}.")

    def _keep_empty(self) -> None:
        from django.db import connection

        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            shutil.copy(connection.settings_dict["NAME"], self._empty)

    def _empty_again(self, words: Mapping[str, Mapping[str, int]] | None = None) -> None:
        """No customers and no imports, and of verticals, regions and languages those given."""
        from django.db import connection

        if connection.vendor != "sqlite":
            names = ", ".join(
                f"accounts_{name}" for name in ("customer", "importbatch", "vertical", "region", "language")
            )
            with connection.cursor() as cursor:
                cursor.execute(f"TRUNCATE {names} CASCADE")
                cursor.execute("CHECKPOINT")
        else:
            connection.close()
            name = Path(connection.settings_dict["NAME"])
            for ending in ("-wal", "-shm"):
                name.with_name(name.name + ending).unlink(missing_ok=True)
            shutil.copy(self._empty, name)
        for column, ids in (words or {}).items():
            model = _word_models()[column]
            model.objects.bulk_create([model(pk=pk, name=word) for word, pk in ids.items()])


def _processor_seconds() -> float:
    """Of this process and of those it has started and seen end: a workbook is parsed by one."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def _imported(path: Path) -> dict[str, int]:
    """As a person does it: sent, read, the first page of the preview looked at, confirmed, applied."""
    from django.utils import timezone

    from allocation.services import importing

    today = timezone.localdate()
    batch = importing.receive_import(
        kind="customers",
        file_name=path.name,
        data=path.read_bytes(),
        wishes=importing.Wishes(),
        all_or_nothing=False,
        user=None,
    )
    importing.stage_import(batch_id=batch.pk, on=today)
    batch.refresh_from_db()
    importing.page_of_rows(batch=batch, outcome="", start=0, size=50)
    importing.confirm_import(batch_id=batch.pk, user=None)
    done = importing.apply_import(batch_id=batch.pk, on=today)
    if done.status != "applied":
        return {done.status: done.rows}
    return {outcome: getattr(done, outcome) for outcome in importing.OUTCOMES}


def _word_models() -> dict[str, Any]:
    from accounts.models import Language, Region, Vertical

    return {"vertical": Vertical, "region": Region, "language": Language}


def _words() -> dict[str, dict[str, int]]:
    return {column: dict(model.objects.values_list("name", "pk")) for column, model in _word_models().items()}


def _bare(path: Path, words: Mapping[str, Mapping[str, int]]) -> int:
    """csv reader and one bulk statement into the same table: nothing checked, nothing told, words known beforehand."""
    from django.db import connection, transaction

    columns = [f"{column}_id" if column in words else column for column in COLUMNS]
    listed = ", ".join([*columns, "wished_engagement", "attributes", "version"])
    rows = _bare_rows(path, words)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY accounts_customer ({listed}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join("?" for _ in listed.split(","))
            # The driver's own cursor: Django's would translate the statement.
            connection.connection.executemany(
                f"INSERT INTO accounts_customer ({listed}) VALUES ({marks})",  # noqa: S608 - names are ours
                rows,
            )
        cursor.execute("SELECT count(*) FROM accounts_customer")
        count: int = cursor.fetchone()[0]
        return count


def _bare_rows(path: Path, words: Mapping[str, Mapping[str, int]]) -> Iterator[list[Any]]:
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        places = {column: at for at, column in enumerate(next(reader))}
        looked_up = [(places[column], ids) for column, ids in words.items()]
        products, champion = places["products"], places["champion"]
        for row in reader:
            made: list[Any] = [*row, "", "{}", 1]
            for at, ids in looked_up:
                made[at] = ids[row[at]]
            made[products] = json.dumps(row[products].split(";"))
            made[champion] = row[champion] == "yes"
            yield made


def _calamine(path: Path) -> int:
    """The reader that the import uses, in this process, with no limits and no questions."""
    from python_calamine import CalamineWorkbook

    return len(CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python())


def _read(path: Path) -> int:
    """The import's reading alone: the child with its limits, and the table."""
    from accounts.importing.limits import Limits
    from accounts.importing.reading import read_table

    return len(read_table(data=path.read_bytes(), limits=Limits()))


def _stock(path: Path, most: int) -> None:
    """The stock library as its manual shows it, without the dry run that its admin takes first; rolled back."""
    import tablib
    from django.db import transaction

    resource = _resource()
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        data = tablib.Dataset(headers=next(reader))
        for row, _ in zip(reader, range(most), strict=False):
            data.append(row)
    with transaction.atomic():
        resource.import_data(data, dry_run=False, raise_errors=True)
        transaction.set_rollback(True)


def _resource() -> Any:
    """A plain ModelResource of the same columns; lists and yes/no by the library's own widgets."""
    from import_export.fields import Field
    from import_export.resources import ModelResource
    from import_export.widgets import BooleanWidget, ForeignKeyWidget, Widget

    from accounts.models import Customer

    class ListWidget(Widget):  # type: ignore[misc]
        def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[str]:
            return str(value).split(";") if value else []

    class CustomerResource(ModelResource):  # type: ignore[misc]
        vertical = Field("vertical", "vertical", ForeignKeyWidget(_word_models()["vertical"], "name"))
        region = Field("region", "region", ForeignKeyWidget(_word_models()["region"], "name"))
        language = Field("language", "language", ForeignKeyWidget(_word_models()["language"], "name"))
        products = Field("products", "products", ListWidget())
        champion = Field("champion", "champion", BooleanWidget())

        class Meta:
            model = Customer
            import_id_fields = ("external_id",)
            fields = COLUMNS
            use_transactions = True

    return CustomerResource()
