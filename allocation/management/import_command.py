"""What `import_customers` and `import_csms` share: read, show, apply, report."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.importing.checking import Answers
from accounts.importing.dates import ORDERS
from accounts.importing.errors import FileRefused
from accounts.importing.limits import Limits
from accounts.importing.mapping import parse_mapping
from accounts.importing.numbers import STYLES
from accounts.management.base import DoorCommand
from accounts.models import ColumnMapping, ImportBatch, User
from allocation.services import importing
from allocation.tasks.importing import ask_where_goals_changed

SHOWN_ERRORS = 20


class ImportCommand(DoorCommand):
    """Subclasses name the kind of file."""

    kind: str

    def add_door_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--mapping",
            metavar="FILE",
            help='JSON {"source header": "our column"}, or the name of a saved mapping.',
        )
        parser.add_argument("--dry-run", action="store_true", help="Say what would happen and write nothing.")
        parser.add_argument(
            "--rejects", type=Path, metavar="FILE", help="Write refused rows to this CSV file."
        )
        parser.add_argument(
            "--no-new-values",
            action="store_true",
            help="Refuse rows that would bring a vertical, region, language, CSM or attribute that is not there yet.",
        )
        parser.add_argument(
            "--all-or-nothing", action="store_true", help="Import nothing if any row is refused."
        )
        parser.add_argument("--number-style", choices=STYLES, help="point: 1,234.56. comma: 1.234,56.")
        parser.add_argument("--date-order", choices=ORDERS, help="dmy: 31/12/2026. mdy: 12/31/2026.")

    def handle(self, *args: Any, **options: Any) -> None:
        today = timezone.localdate()
        user = self.actor(options)
        try:
            importing.require_right_to_import(user=user)
            data = self._read(options["file"])
            wishes = importing.Wishes(
                mapping=self._mapping(options["mapping"]),
                answers=Answers(number_style=options["number_style"], date_order=options["date_order"]),
                allow_new_values=not options["no_new_values"],
            )
            if options["dry_run"]:
                self._dry_run(data, wishes, user, today, options)
            else:
                self._import(data, wishes, user, today, options)
        except (FileRefused, importing.UnableToImport) as refused:
            self.refuse(str(refused))

    def _read(self, path: Path) -> bytes:
        try:
            size = path.stat().st_size
            allowed = Limits.of(settings.UPLOAD_LIMITS).file_bytes
            if size > allowed:
                raise FileRefused(f"The file is larger than {allowed // 2**20} MB; send it in parts.")
            return path.read_bytes()
        except OSError as error:
            raise FileRefused(f"The file {path} cannot be read: {error.strerror or error}.") from None

    def _mapping(self, given: str | None) -> dict[str, str] | None:
        """A mapping from a JSON file, else the saved mapping of that name."""
        if given is None:
            return None
        try:
            path = Path(given)
            if path.is_file():
                return parse_mapping(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError) as error:
            raise FileRefused(f"The mapping {given} cannot be read: {error}.") from None
        saved = ColumnMapping.objects.filter(name=given, kind=self.kind).first()
        if saved is None:
            raise FileRefused(f"There is neither a file nor a saved mapping “{given}”.")
        return dict(saved.mapping)

    def _dry_run(
        self,
        data: bytes,
        wishes: importing.Wishes,
        user: User | None,
        today: date,
        options: Mapping[str, Any],
    ) -> None:
        prepared = importing.prepare(
            data=data,
            kind=self.kind,
            wishes=wishes,
            user=user,
            on=today,
            base_currency=settings.BASE_CURRENCY,
            limits=Limits.of(settings.UPLOAD_LIMITS),
        )
        self._tell_reading(prepared.reading)
        self._write_rejects(options["rejects"], prepared.headers, importing.rejected_of(prepared=prepared))
        report = importing.report_of_prepared(prepared=prepared)
        if options["all_or_nothing"] and report["rejected"]:
            self._tell_errors(report["errors"])
            raise importing.UnableToImport(_all_or_nothing(report))
        self._answer(report, "Dry run, nothing written: ")

    def _import(
        self,
        data: bytes,
        wishes: importing.Wishes,
        user: User | None,
        today: date,
        options: Mapping[str, Any],
    ) -> None:
        importing.discard_abandoned_imports(before=timezone.now() - importing.KEPT_UNCONFIRMED)
        batch = importing.receive_import(
            kind=self.kind,
            file_name=options["file"].name,
            data=data,
            wishes=wishes,
            all_or_nothing=options["all_or_nothing"],
            user=user,
        )
        batch = importing.stage_import(batch_id=batch.pk, on=today)
        if batch.status != ImportBatch.Status.STAGED:
            raise FileRefused(batch.reading.get("refusal") or batch.message)
        self._tell_reading(batch.reading)
        self._write_rejects(
            options["rejects"], batch.reading["headers"], importing.rejected_rows(batch=batch)
        )
        report = importing.report_of_batch(batch=batch)
        if batch.all_or_nothing and batch.rejected:
            self._tell_errors(report["errors"])
        importing.confirm_import(batch_id=batch.pk, user=user)
        batch = importing.apply_import(batch_id=batch.pk, on=today)
        ask_where_goals_changed(batch)
        self._answer(importing.report_of_batch(batch=batch), f"Import {batch.pk}: ")

    def _write_rejects(
        self, given: Path | str | None, headers: Iterable[str], rows: Iterable[importing.Row]
    ) -> None:
        if given is None:
            return
        path = Path(given)
        try:
            with path.open("w", encoding="utf-8", newline="") as out:
                written = importing.write_rejects(headers=headers, rows=rows, out=out)
        except OSError as error:
            raise FileRefused(
                f"Refused rows cannot be written to {path}: {error.strerror or error}."
            ) from None
        self.tell(f"{written} refused rows written to {path}.")

    def _tell_reading(self, reading: Mapping[str, Any]) -> None:
        """How the file was understood, for people, on stderr."""
        mapped = ", ".join(f"{header} → {column}" for header, column in reading["mapping"].items())
        self.tell(f"Columns{' (guessed)' if reading['guessed'] else ''}: {mapped}.")
        if reading["ignored"]:
            self.tell(f"Left out: {', '.join(reading['ignored'])}.")
        self.tell(f"Numbers are read as {reading['numbers_shown']}.")
        for remark in reading["remarks"]:
            self.tell(remark)

    def _tell_errors(self, errors: list[dict[str, Any]]) -> None:
        for error in errors[:SHOWN_ERRORS]:
            self.tell(_error_line(error))
        if len(errors) > SHOWN_ERRORS:
            self.tell(f"… and {len(errors) - SHOWN_ERRORS} more.")

    def _answer(self, report: dict[str, Any], opening: str) -> None:
        lines = [
            f"{opening}{report['rows']} rows: {report['created']} created, {report['updated']} updated, "
            f"{report['unchanged']} unchanged, {report['rejected']} rejected."
        ]
        lines += [f"New {column}: {', '.join(values)}." for column, values in report["new_values"].items()]
        lines += [_error_line(error) for error in report["errors"][:SHOWN_ERRORS]]
        if len(report["errors"]) > SHOWN_ERRORS:
            lines.append(
                f"… and {len(report['errors']) - SHOWN_ERRORS} more; --rejects FILE writes them all."
            )
        self.answer(report, lines)
        if report["rows"] and report["rejected"] == report["rows"]:
            raise importing.UnableToImport("Every row was refused, so nothing was imported.")


def _error_line(error: Mapping[str, Any]) -> str:
    where = f", {error['column']}" if error["column"] else ""
    what = f" “{error['value']}”" if error["value"] else ""
    return f"Line {error['line']}{where}{what}: {error['message']}"


def _all_or_nothing(report: Mapping[str, Any]) -> str:
    return (
        f"{report['rejected']:,} of {report['rows']:,} rows are refused and the file is to be taken whole or not at "
        "all: nothing would be imported."
    )
