"""What an import did or would do, in the words of the commands; refused rows as a file to mend."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from accounts.importing.escaping import mark_formula
from accounts.models import ImportBatch
from allocation.services.importing.rows import OUTCOMES, REJECTED, Prepared, Row
from allocation.services.importing.storing import packed_rows, stored_rows

# Headers of the two columns that a rejects file has before those of the source; both are ignored when re-sent.
REASON_HEADERS = ("import_line", "import_reason")


def report_of_prepared(*, prepared: Prepared) -> dict[str, Any]:
    """The JSON object of a dry run (design section 7)."""
    counts = {outcome: prepared.count(outcome) for outcome in OUTCOMES}
    return _report(counts, rejected_of(prepared=prepared), prepared.compared.new_values)


def rejected_of(*, prepared: Prepared) -> Iterator[Row]:
    """The refused rows of a dry run, in the order of the file."""
    return packed_rows(prepared.compared.packed, only_rejected=True)


def report_of_batch(*, batch: ImportBatch) -> dict[str, Any]:
    """The JSON object of a stored batch."""
    counts = {outcome: getattr(batch, outcome) for outcome in OUTCOMES}
    return _report(counts, stored_rows(batch=batch, only_rejected=True), batch.new_values)


def _report(counts: dict[str, int], rows: Iterable[Row], new_values: dict[str, list[str]]) -> dict[str, Any]:
    errors = [
        {"line": problem.line, "column": problem.column, "value": problem.value, "message": problem.message}
        for row in rows
        if row.outcome == REJECTED
        for problem in row.problems
    ]
    return {"rows": sum(counts.values()), **counts, "errors": errors, "new_values": new_values}


def write_rejects(*, headers: Iterable[str], rows: Iterable[Row], out: TextIO) -> int:
    """Refused rows as sent, with line and reason before them, as CSV that can be mended and sent again."""
    writer = csv.writer(out)
    writer.writerow([*REASON_HEADERS, *map(mark_formula, headers)])
    written = 0
    for row in rows:
        if row.outcome == REJECTED:
            reason = " ".join(
                f"{problem.column}: {problem.message}" if problem.column else problem.message
                for problem in row.problems
            )
            writer.writerow([row.line, mark_formula(reason), *map(mark_formula, row.cells)])
            written += 1
    return written
