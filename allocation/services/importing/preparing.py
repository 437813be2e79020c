"""From bytes to a comparison with the database: what every row would do. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from accounts.importing.checking import Answers, Checked, check_table
from accounts.importing.csms import CSM_COLUMNS, CsmResource
from accounts.importing.customers import CUSTOMER_COLUMNS, CustomerResource
from accounts.importing.errors import FileRefused
from accounts.importing.limits import Limits
from accounts.importing.mapping import map_columns
from accounts.importing.numbers import SHOWN as NUMBERS_SHOWN
from accounts.importing.reading import read_table
from accounts.importing.tables import Table
from accounts.models import CustomAttribute, ImportKind, User
from allocation.services.importing.csm_rows import compare_csms
from allocation.services.importing.customer_rows import compare_customers
from allocation.services.importing.rows import Prepared, Progress, no_progress

SAMPLED_ROWS = 50


@dataclass(frozen=True)
class Wishes:
    """How the sender wants the file read. `mapping` None lets the headers be guessed."""

    mapping: Mapping[str, str] | None = None
    answers: Answers = field(default_factory=Answers)
    allow_new_values: bool = True


def prepare(
    *,
    data: bytes,
    kind: str,
    wishes: Wishes,
    user: User | None,
    on: date,
    base_currency: str,
    limits: Limits,
    progress: Progress = no_progress,
) -> Prepared:
    """Read, check and compare a file. Raises FileRefused, or ChoiceNeeded when a person must choose.

    `progress` is told (rows done, rows in all) now and then, so that a worker can keep its claim.
    """
    customers = kind == ImportKind.CUSTOMERS
    table = read_table(data=data, limits=limits)
    progress(0, len(table))
    try:
        checked = _check(table, customers, wishes)
    except FileRefused as refused:
        refused.headers = table.headers
        raise
    if customers:
        compared = compare_customers(
            checked=checked,
            user=user,
            on=on,
            base_currency=base_currency,
            allow_new_values=wishes.allow_new_values,
            progress=progress,
        )
    else:
        compared = compare_csms(checked=checked, user=user, allow_new_values=wishes.allow_new_values)
    return Prepared(compared, table.headers, _reading(checked))


def _check(table: Table, customers: bool, wishes: Wishes) -> Checked:
    column_map = map_columns(
        headers=table.headers,
        mapping=wishes.mapping,
        columns=CUSTOMER_COLUMNS if customers else CSM_COLUMNS,
        attributes=customers,
    )
    return check_table(
        table=table,
        column_map=column_map,
        fields=(CustomerResource if customers else CsmResource).fields,
        attribute_kinds=dict(CustomAttribute.objects.values_list("slug", "kind")) if customers else {},
        answers=wishes.answers,
    )


def _samples(table: Table) -> dict[str, str]:
    """The first few different cells of each column, so that a person sees what stands under a header."""
    samples: dict[str, str] = {}
    for at, header in enumerate(table.headers):
        cells = dict.fromkeys(str(cell)[:40] for cell in table.column(at)[:SAMPLED_ROWS])
        samples[header] = " · ".join([cell for cell in cells if cell.strip()][:3])
    return samples


def _reading(checked: Checked) -> dict[str, Any]:
    """What the preview says about how the file was read."""
    table = checked.table
    return {
        "kind": table.kind,
        "encoding": table.encoding,
        "delimiter": table.delimiter,
        "sheet": table.sheet,
        "blank_rows": table.blank_rows,
        "headers": table.headers,
        "columns": list(checked.map.positions),
        "mapping": checked.map.as_json,
        "guessed": checked.map.guessed,
        "samples": _samples(table),
        "ignored": list(checked.map.ignored),
        "number_style": checked.number_style,
        "numbers_shown": NUMBERS_SHOWN[checked.number_style],
        "date_order": checked.date_order,
        "remarks": checked.remarks,
    }
