"""Forms of the import pages: send a file, say how it is to be read."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings

from accounts.importing.csms import CSM_COLUMNS
from accounts.importing.customers import ATTRIBUTE_PREFIX, CUSTOMER_COLUMNS
from accounts.importing.keys import word_key
from accounts.importing.mapping import ATTRIBUTE_SLUG
from accounts.models import ColumnMapping, CustomAttribute, ImportBatch, ImportKind

FIND_OUT = [("", "Find out from the file")]
STYLES = [*FIND_OUT, ("point", "1,234.56 (point)"), ("comma", "1.234,56 (comma)")]
ORDERS = [*FIND_OUT, ("dmy", "31/12/2026 (day first)"), ("mdy", "12/31/2026 (month first)")]
ACRONYMS = {"arr": "ARR", "csm": "CSM", "id": "id"}


def words_of(column: str) -> str:
    """A column name as people read it: potential_arr → Potential ARR."""
    if column.startswith(ATTRIBUTE_PREFIX):
        return column
    words = " ".join(ACRONYMS.get(word, word) for word in column.split("_"))
    return words[:1].upper() + words[1:]


class PlainForm(forms.Form):
    """Labels without a colon, as everywhere on the pages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})


class ReadingForm(PlainForm):
    """How a file is to be read; part of both forms below."""

    number_style = forms.ChoiceField(label="Numbers", choices=STYLES, required=False)
    date_order = forms.ChoiceField(label="Dates with slashes", choices=ORDERS, required=False)
    allow_new_values = forms.BooleanField(
        label="Create new values",
        required=False,
        initial=True,
        help_text="Verticals, regions, languages, CSMs and attributes that are not there yet. They are listed first.",
    )
    all_or_nothing = forms.BooleanField(
        label="All or nothing", required=False, help_text="Import nothing if any row is refused."
    )


class UploadForm(ReadingForm):
    """A file and, if there is one, the saved mapping of the system it comes from."""

    file = forms.FileField(label="File", help_text="CSV or .xlsx, with headers in the first row.")
    saved_mapping = forms.ModelChoiceField(
        label="Columns",
        queryset=ColumnMapping.objects.none(),
        required=False,
        empty_label="Guess from the headers (you can change it next)",
    )

    field_order = [
        "file",
        "saved_mapping",
        "number_style",
        "date_order",
        "allow_new_values",
        "all_or_nothing",
    ]

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["saved_mapping"].queryset = ColumnMapping.objects.filter(kind=kind).order_by("name")  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        limit = settings.UPLOAD_LIMITS["file_bytes"]
        if file.size > limit:
            raise forms.ValidationError(f"The file is larger than {limit // 2**20} MB; send it in parts.")
        return file


class MappingForm(ReadingForm):
    """One choice of column for every header of a staged file."""

    save_as = forms.CharField(
        label="Keep these columns as",
        max_length=100,
        required=False,
        help_text="A name, such as Salesforce, to use them again for the next file.",
    )

    def __init__(
        self,
        *args: Any,
        batch: ImportBatch,
        headers: Sequence[str],
        samples: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        now = batch.reading.get("mapping") or batch.mapping or {}
        chosen = {word_key(header): column for header, column in now.items()}
        super().__init__(*args, **kwargs)
        self.batch, self.headers = batch, list(headers)
        attributes = [
            ATTRIBUTE_PREFIX + slug for slug in CustomAttribute.objects.values_list("slug", flat=True)
        ]
        self.rows = []
        for at, header in enumerate(self.headers):
            if not header:
                continue
            name = f"column-{at}"
            self.fields[name] = forms.ChoiceField(
                label=header,
                choices=_choices(batch.kind, header, attributes),
                required=False,
                initial=chosen.get(word_key(header), ""),
            )
            self.rows.append((self[name], samples.get(header, "")))

    def mapping(self) -> dict[str, str]:
        """{"source header": "our column" or ""} of every header."""
        return {
            header: self.cleaned_data.get(f"column-{at}", "")
            for at, header in enumerate(self.headers)
            if header
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        taken: dict[str, str] = {}
        for at, header in enumerate(self.headers):
            column = cleaned.get(f"column-{at}")
            if column and column in taken:
                self.add_error(
                    f"column-{at}", f"“{taken[column]}” is {words_of(column)} already; choose one of them."
                )
            elif column:
                taken[column] = header
        return cleaned


def _choices(kind: str, header: str, attributes: Sequence[str]) -> list[tuple[str, Any]]:
    """Our columns, custom attributes, and a new attribute named after the header."""
    columns = CUSTOMER_COLUMNS if kind == ImportKind.CUSTOMERS else CSM_COLUMNS
    choices: list[tuple[str, Any]] = [("", "Leave out"), *((column, words_of(column)) for column in columns)]
    if kind == ImportKind.CUSTOMERS:
        fresh = ATTRIBUTE_PREFIX + _slug(header)
        known = [(column, column) for column in attributes]
        if fresh not in attributes and ATTRIBUTE_SLUG.match(_slug(header)):
            known.append((fresh, f"{fresh} (new)"))
        if known:
            choices.append(("Custom attributes", known))
    return choices


def _slug(header: str) -> str:
    """A header as the name of a custom attribute: NPS Score → nps_score."""
    plain = "".join(sign if sign.isascii() and sign.isalnum() else " " for sign in word_key(header))
    return "_".join(plain.split())[:50].lstrip("0123456789_")


class ExportForm(PlainForm):
    """For whom an export is, and in which form."""

    audience = forms.ChoiceField(
        label="For",
        choices=[
            ("internal", "Colleagues: every column, with segment, tier, score and CSM"),
            ("customer", "Customers: nothing that is decided or derived here"),
        ],
    )
    ending = forms.ChoiceField(label="As", choices=[("xlsx", "Workbook (.xlsx)"), ("csv", "CSV")])
