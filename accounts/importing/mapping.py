"""Which column of the file is which of ours: said by a mapping, else guessed from what systems really write."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from accounts.importing.customers import ATTRIBUTE_PREFIX
from accounts.importing.errors import FileRefused
from accounts.importing.keys import header_key, word_key

ATTRIBUTE_SLUG = re.compile(r"[a-z][a-z0-9_]{0,49}\Z")

# Headers as Salesforce, HubSpot, Gainsight, ChurnZero and their reports write them.
CUSTOMER_GUESSES: dict[str, tuple[str, ...]] = {
    "external_id": (
        "Account ID", "Customer ID", "Company ID", "Record ID", "Id", "SfdcAccountId", "Salesforce Account ID",
        "accountExternalId", "account_external_id", "source_account_id", "External Key",
    ),
    "name": ("Account Name", "Account", "Company name", "Company", "Customer", "Customer Name"),
    "parent": ("Parent Account", "Parent Account ID", "Parent ID", "Parent Company", "subsidiary_of"),
    "vertical": ("Industry", "Sector"),
    "country": ("Billing Country", "Country/Region", "Billing Country/Region"),
    "language": ("Preferred Language",),
    "arr": ("Annual Recurring Revenue", "Current ARR"),
    "currency": ("ARR Currency", "Currency Code", "CurrencyIsoCode", "Account Currency"),
    "potential_arr": ("Potential",),
    "package": ("Plan", "Subscription Plan"),
    "products": ("Products owned",),
    "employees": ("Number of Employees", "NumberOfEmployees", "Employee Count", "No. of Employees"),
    "health": ("Health Score", "OverallScore", "Overall Score", "Customer Health Score"),
    "sentiment": ("CSM Sentiment",),
    "contract_start": ("OriginalContractDate", "Original Contract Date", "StartDate", "Contract Start Date"),
    "renewal_date": ("NextRenewalDate", "Next Renewal Date", "Renewal"),
    "csm": ("CSMName", "CSM Name", "CSM Email", "Customer Success Manager", "CSM Owner"),
}  # fmt: skip
CSM_GUESSES: dict[str, tuple[str, ...]] = {
    "email": ("E-mail", "Email Address", "Work Email", "Username"),
    "name": ("CSM", "CSM Name", "Full Name", "Sales Agent"),
    "team": ("Team Name", "HubSpot Team", "Regional Office"),
    "manager": ("Manager Email",),
    "hours_per_month": ("Hours", "Monthly Hours"),
}
# Never guessed: what they look like is not what they are.
TRAPS: dict[str, str] = {
    "Annual Revenue": "is the customer's own turnover in most systems, not your ARR; map it to arr if it is your ARR",
    "Account Owner": "is the sales owner in most systems; map it to csm if it names the CSM",
    "Company owner": "is the sales owner in most systems; map it to csm if it names the CSM",
    "Owner": "may be a sales owner; map it to csm if it names the CSM",
    "OwnerUserAccount": "may be a sales owner; map it to csm if it names the CSM",
    "MRR": "is a month's revenue, not a year's",
    "TotalContractAmount": "is the amount of the whole contract, not of a year",
    "Lifecycle Stage": "is not the status here (active or left)",
    "Stage": "is not the status here (active or left)",
    "State/Region": "is a state, not a sales region",
    "Tier": "is decided here by runs and overrides; map it to paid_tier if the customer pays for it",
}


@dataclass(frozen=True)
class ColumnMap:
    """`positions` and `headers` by our column; `ignored` are headers that nobody reads."""

    positions: dict[str, int] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    guessed: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def as_json(self) -> dict[str, str]:
        """The mapping as a person would write it: {"source header": "our column"}."""
        return {header: column for column, header in self.headers.items()}


def parse_mapping(text: str) -> dict[str, str]:
    """A mapping from JSON; null or "" leaves a column out. Raises FileRefused with what is wrong."""
    try:
        given = json.loads(text)
    except ValueError as error:
        raise FileRefused(f"The mapping is not JSON: {error}.") from None
    if not isinstance(given, dict):
        raise FileRefused('The mapping must be an object such as {"Account Name": "name"}.')
    mapping: dict[str, str] = {}
    for header, column in given.items():
        if column is not None and not isinstance(column, str):
            raise FileRefused(f"The mapping gives “{header}” something that is not a column name.")
        mapping[header] = (column or "").strip()
    return mapping


def map_columns(
    *, headers: Sequence[str], mapping: Mapping[str, str] | None, columns: Sequence[str], attributes: bool
) -> ColumnMap:
    """Place our columns in the file. A mapping is followed to the letter; without one headers are guessed.

    Headers that are exactly our column names count without being mapped. Raises FileRefused for a
    header the file does not have, a column that is not accepted, or two headers for one column.
    """
    if mapping is None:
        return _guess(headers, columns, attributes)
    places = {word_key(header): at for at, header in enumerate(headers)}
    taken: dict[str, int] = {}
    said: set[int] = set()
    for header, target in mapping.items():
        at = places.get(word_key(header))
        if at is None:
            known = ", ".join(f"“{name}”" for name in headers if name)
            raise FileRefused(
                f"The mapping names the header “{header}”, which is not in the file. It has: {known}."
            )
        said.add(at)
        if target:
            column = _accepted(target, columns, attributes)
            if column in taken:
                raise FileRefused(
                    f"The mapping gives both “{headers[taken[column]]}” and “{headers[at]}” to {column}; keep one."
                )
            taken[column] = at
    for column, at in _own_names(headers, columns, attributes).items():
        if at not in said:
            taken.setdefault(column, at)
    return _column_map(headers, taken, columns, guessed=False, remarks=())


def _accepted(target: str, columns: Sequence[str], attributes: bool) -> str:
    """Our column for what the mapping says, or a refusal that lists what there is."""
    if target in columns:
        return target
    if attributes and target.lower().startswith(ATTRIBUTE_PREFIX):
        slug = word_key(target[len(ATTRIBUTE_PREFIX) :]).replace(" ", "_").replace("-", "_")
        if ATTRIBUTE_SLUG.match(slug):
            return ATTRIBUTE_PREFIX + slug
        raise FileRefused(
            f"“{target}” is no name for a custom attribute: small letters, digits and underscores, a letter first."
        )
    also = " and attr:NAME for custom attributes" if attributes else ""
    raise FileRefused(f"The column “{target}” is not accepted. Columns are {', '.join(columns)}{also}.")


def _own_names(headers: Sequence[str], columns: Sequence[str], attributes: bool) -> dict[str, int]:
    """Headers that are our own column names, in any case."""
    found: dict[str, int] = {}
    for at, header in enumerate(headers):
        name = word_key(header)
        if name in columns:
            found.setdefault(name, at)
        elif attributes and name.startswith(ATTRIBUTE_PREFIX):
            found.setdefault(_accepted(name, columns, attributes), at)
    return found


def _guess(headers: Sequence[str], columns: Sequence[str], attributes: bool) -> ColumnMap:
    taken = _own_names(headers, columns, attributes)
    traps = {header_key(header): why for header, why in TRAPS.items()}
    guesses = CUSTOMER_GUESSES if attributes else CSM_GUESSES
    remarks: list[str] = []
    for column in columns:
        if column in taken:
            continue
        words = {header_key(column), *map(header_key, guesses.get(column, ()))}
        found = [
            at
            for at, header in enumerate(headers)
            if header_key(header) in words and at not in taken.values()
        ]
        if len(found) == 1:
            taken[column] = found[0]
        elif found:
            names = " and ".join(f"“{headers[at]}”" for at in found)
            remarks.append(f"{names} both look like {column}; none was taken: map the right one.")
    for at, header in enumerate(headers):
        if at not in taken.values() and header_key(header) in traps:
            remarks.append(f"“{header}” was left out: it {traps[header_key(header)]}.")
    return _column_map(headers, taken, columns, guessed=True, remarks=remarks)


def _column_map(
    headers: Sequence[str],
    taken: Mapping[str, int],
    columns: Sequence[str],
    *,
    guessed: bool,
    remarks: Iterable[str],
) -> ColumnMap:
    if not taken:
        names = ", ".join(f"“{header}”" for header in headers if header)
        raise FileRefused(f"None of the headers is known: {names}. Send a mapping of headers to columns.")
    ours = sorted(taken, key=lambda column: columns.index(column) if column in columns else len(columns))
    used = set(taken.values())
    return ColumnMap(
        positions={column: taken[column] for column in ours},
        headers={column: headers[taken[column]] for column in ours},
        ignored=tuple(
            header or f"column {at + 1} (no header)" for at, header in enumerate(headers) if at not in used
        ),
        guessed=guessed,
        remarks=tuple(remarks),
    )
