"""Imports of customers and CSMs: receive → stage (read, check, compare) → confirm → apply.

What the preview showed is stored row by row and is what is applied: a digest of the rows concerned is taken
when staging and compared inside the transaction that writes. Every move of a batch is a conditional UPDATE,
so a second click, tab or worker finds nothing left to do. `prepare` alone is a dry run: it writes nothing.
"""

from collections.abc import Iterator

from accounts.models import ImportBatch
from allocation.services.importing.applying import UnableToApplyImport, apply_import, confirm_import
from allocation.services.importing.cancelling import (
    UnableToCancelImport,
    can_be_cancelled,
    cancel_import,
)
from allocation.services.importing.preparing import Wishes, prepare
from allocation.services.importing.reporting import (
    rejected_of,
    report_of_batch,
    report_of_prepared,
    write_rejects,
)
from allocation.services.importing.rows import OUTCOMES, REJECTED, Prepared, Row
from allocation.services.importing.staging import (
    KEPT_UNCONFIRMED,
    OPEN,
    UnableToImport,
    answer_import,
    discard_abandoned_imports,
    discard_import,
    receive_import,
    require_right_to_import,
    stage_import,
)
from allocation.services.importing.stopping import rows_written
from allocation.services.importing.storing import (
    customers_to_plan_anew,
    goals_changed,
    page_of_rows,
    stored_rows,
)


def rejected_rows(*, batch: ImportBatch) -> Iterator[Row]:
    """The refused rows of a batch, in the order of the file."""
    return stored_rows(batch=batch, only_rejected=True)


__all__ = [
    "KEPT_UNCONFIRMED",
    "OPEN",
    "OUTCOMES",
    "REJECTED",
    "Prepared",
    "Row",
    "UnableToApplyImport",
    "UnableToCancelImport",
    "UnableToImport",
    "Wishes",
    "answer_import",
    "apply_import",
    "can_be_cancelled",
    "cancel_import",
    "confirm_import",
    "customers_to_plan_anew",
    "discard_abandoned_imports",
    "discard_import",
    "goals_changed",
    "page_of_rows",
    "prepare",
    "receive_import",
    "rejected_of",
    "rejected_rows",
    "report_of_batch",
    "report_of_prepared",
    "require_right_to_import",
    "rows_written",
    "stage_import",
    "write_rejects",
]
