"""Imports in the admin: upload → preview with the outcome of every row → confirm → result."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.admin.badges import status_badge
from accounts.admin.base import Button, ViewOnlyAdmin, button
from accounts.importing.checking import Answers
from accounts.importing.errors import FileRefused
from accounts.models import ColumnMapping, ImportBatch, ImportKind
from allocation.admin.import_rows import OUTCOMES_IN_WORDS, described, page_of
from allocation.forms.importing import ExportForm, MappingForm, UploadForm, words_of
from allocation.selectors.job_words import job_words
from allocation.services import exporting, importing
from allocation.tasks import bell
from allocation.tasks.importing import apply_import, ask_where_goals_changed, stage_import

# Larger files are read, and longer ones written, by a worker: a page must answer soon.
READ_HERE_BYTES = 256 * 1024
WRITE_HERE_ROWS = 2_000
EXPORT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Status = ImportBatch.Status
TABS = (
    ("", "All"),
    ("created", "New"),
    ("updated", "Changed"),
    ("unchanged", "Unchanged"),
    ("rejected", "Refused"),
)


@admin.register(ImportBatch)
class ImportBatchAdmin(ViewOnlyAdmin):
    """The list of imports and the pages of one import."""

    lead = "Files of customers and CSMs: what each row would do is shown before anything is written."
    empty_words = "No file has been sent so far."
    number_hints = OUTCOMES_IN_WORDS
    list_display = (
        "file_name",
        "kind",
        "state",
        "rows_num",
        "created_num",
        "updated_num",
        "unchanged_num",
        "rejected_num",
        "sent_by",
        "sent_at",
    )
    list_filter = ("kind", "status")
    list_select_related = ("requested_by",)
    search_fields = ("file_name",)
    search_help_text = "Part of the file's name"
    ordering = ("-queued_at", "-pk")

    @admin.display(description="Status", ordering="status")
    def state(self, row: ImportBatch) -> str:
        return status_badge(status=row.status, words=row.get_status_display())

    @admin.display(description="Rows")
    def rows_num(self, row: ImportBatch) -> int:
        return row.rows

    @admin.display(description="New", ordering="created")
    def created_num(self, row: ImportBatch) -> int:
        return row.created

    @admin.display(description="Changed", ordering="updated")
    def updated_num(self, row: ImportBatch) -> int:
        return row.updated

    @admin.display(description="Unchanged", ordering="unchanged")
    def unchanged_num(self, row: ImportBatch) -> int:
        return row.unchanged

    @admin.display(description="Refused", ordering="rejected")
    def rejected_num(self, row: ImportBatch) -> int:
        return row.rejected

    @admin.display(description="Sent by", ordering="requested_by__name", empty_value="command")
    def sent_by(self, row: ImportBatch) -> str | None:
        return str(row.requested_by) if row.requested_by else None

    @admin.display(description="Sent", ordering="queued_at")
    def sent_at(self, row: ImportBatch) -> Any:
        return row.queued_at

    def list_buttons(self, request: HttpRequest) -> tuple[Button, ...]:
        return (
            *button(label="Import CSMs", name="admin:import_csms", icon="import"),
            *button(label="Import customers", name="admin:import_customers", icon="import", primary=True),
        )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        own = [
            path(
                "new/customers/", wrap(self.upload), {"kind": ImportKind.CUSTOMERS}, name="import_customers"
            ),
            path("new/csms/", wrap(self.upload), {"kind": ImportKind.CSMS}, name="import_csms"),
            path("export/customers/", wrap(require_safe(self.export)), name="export_customers"),
            path(
                "export/customers/file/", wrap(require_safe(self.export_file)), name="export_customers_file"
            ),
            path("<int:pk>/preview/", wrap(require_safe(self.preview)), name="import_preview"),
            path("<int:pk>/columns/", wrap(require_POST(self.read_again)), name="import_read_again"),
            path("<int:pk>/confirm/", wrap(require_POST(self.confirm)), name="import_confirm"),
            path("<int:pk>/discard/", wrap(require_POST(self.discard)), name="import_discard"),
            path("<int:pk>/cancel/", wrap(require_POST(self.cancel)), name="import_cancel"),
            path("<int:pk>/refused.csv", wrap(require_safe(self.refused)), name="import_refused"),
            path("<int:pk>/progress/", wrap(require_safe(self.progress)), name="import_progress"),
        ]
        return own + super().get_urls()

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """A row of the list leads to the import's own page."""
        batch = self.get_object(request, object_id)
        if batch is None:
            raise Http404
        return _to(batch)

    def upload(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Send a file; small ones are read at once."""
        self._require_right(request)
        form = UploadForm(request.POST or None, request.FILES or None, kind=kind)
        if request.method == "POST" and form.is_valid():
            try:
                return _to(self._received(request, form, kind))
            except (FileRefused, importing.UnableToImport) as refused:
                form.add_error("file", str(refused))
        what = ImportKind(kind).label
        return self._page(
            request,
            "upload",
            {
                "form": form,
                "kind": kind,
                "what": what,
                "title": f"Import {what[:1].lower() + what[1:] if kind == ImportKind.CUSTOMERS else what}",
            },
        )

    def _received(self, request: HttpRequest, form: UploadForm, kind: str) -> ImportBatch:
        file = form.cleaned_data["file"]
        saved: ColumnMapping | None = form.cleaned_data["saved_mapping"]
        importing.discard_abandoned_imports(before=timezone.now() - importing.KEPT_UNCONFIRMED)
        batch = importing.receive_import(
            kind=kind,
            file_name=file.name or "",
            data=file.read(),
            wishes=importing.Wishes(
                mapping=saved.mapping if saved else None,
                answers=Answers(
                    number_style=form.cleaned_data["number_style"]
                    or (saved.number_style if saved else "")
                    or None,
                    date_order=form.cleaned_data["date_order"] or (saved.date_order if saved else "") or None,
                ),
                allow_new_values=form.cleaned_data["allow_new_values"],
            ),
            all_or_nothing=form.cleaned_data["all_or_nothing"],
            user=request.user,  # type: ignore[arg-type]
        )
        return _read(batch)

    def preview(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What an import would do, or did."""
        batch = self._batch(request, pk)
        outcome = request.GET.get("show", "")
        outcome = outcome if outcome in importing.OUTCOMES else ""
        page, rows = page_of(batch=batch, outcome=outcome, number=request.GET.get("page"))
        form = self._mapping_form(batch) if batch.status in importing.OPEN else None
        now = timezone.now()
        half_written = batch.status == Status.FAILED and importing.rows_written(batch=batch) > 0
        return self._page(
            request,
            "preview",
            {
                "batch": batch,
                "title": str(batch),
                "reading": batch.reading,
                "questions": batch.reading.get("questions", []),
                "base_currency": settings.BASE_CURRENCY,
                "form": form,
                "tabs": [
                    (key, words, getattr(batch, key) if key else batch.rows, key == outcome)
                    for key, words in TABS
                ],
                "page": page,
                "rows": [described(row=row) for row in rows],
                "new_values": [(words_of(column), values) for column, values in batch.new_values.items()],
                "can_confirm": batch.status == Status.STAGED
                and not (batch.all_or_nothing and batch.rejected),
                "can_discard": batch.status in (*importing.OPEN, Status.QUEUED) and not half_written,
                "can_cancel": importing.can_be_cancelled(batch=batch, at=now),
                "half_written": half_written,
                "job_words": job_words(job=batch, what="import", at=now) if batch.is_busy else "",
            },
        )

    def _mapping_form(self, batch: ImportBatch, data: Any = None) -> MappingForm:
        initial = {
            "number_style": batch.number_style,
            "date_order": batch.date_order,
            "allow_new_values": batch.allow_new_values,
            "all_or_nothing": batch.all_or_nothing,
        }
        return MappingForm(
            data,
            batch=batch,
            headers=batch.reading.get("headers", []),
            samples=batch.reading.get("samples", {}),
            initial=initial,
        )

    def read_again(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take other columns, styles or switches and read the file again."""
        batch = self._batch(request, pk)
        form = self._mapping_form(batch, request.POST)
        if not form.is_valid():
            for errors in form.errors.values():
                messages.error(request, " ".join(errors))
            return _to(batch)
        cleaned = form.cleaned_data
        try:
            batch = importing.answer_import(
                batch_id=pk,
                user=request.user,  # type: ignore[arg-type]
                mapping=form.mapping() if any(form.mapping().values()) else None,
                number_style=cleaned["number_style"],
                date_order=cleaned["date_order"],
                allow_new_values=cleaned["allow_new_values"],
                all_or_nothing=cleaned["all_or_nothing"],
            )
        except importing.UnableToImport as refused:
            messages.error(request, str(refused))
            return _to(batch)
        if cleaned["save_as"]:
            self._keep_mapping(request, batch, form)
        _read(batch)
        return _to(batch)

    def _keep_mapping(self, request: HttpRequest, batch: ImportBatch, form: MappingForm) -> None:
        name = form.cleaned_data["save_as"]
        ColumnMapping.objects.update_or_create(
            name=name,
            defaults={
                "kind": batch.kind,
                "mapping": form.mapping(),
                "number_style": batch.number_style,
                "date_order": batch.date_order,
                "saved_by": request.user,
            },
        )
        messages.success(request, f"The columns are kept as “{name}”.")

    def confirm(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Apply what the preview shows."""
        batch = self._batch(request, pk)
        try:
            seen = request.POST.get("seen", "")
            batch = importing.confirm_import(
                batch_id=pk,
                user=request.user,  # type: ignore[arg-type]
                seen=int(seen) if seen.isdecimal() and len(seen) < 10 else None,
            )
            if batch.rows > WRITE_HERE_ROWS:
                bell.ring(apply_import, batch_id=pk)
            else:
                batch = importing.apply_import(batch_id=pk, on=timezone.localdate())
                messages.success(request, _done(batch))
                ask_where_goals_changed(batch)
        except importing.UnableToImport as refused:
            messages.error(request, str(refused))
        return _to(batch)

    def discard(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Drop an import with its file."""
        batch = self._batch(request, pk)
        try:
            importing.discard_import(batch_id=pk, user=request.user)  # type: ignore[arg-type]
        except importing.UnableToImport as refused:
            messages.error(request, str(refused))
            return _to(batch)
        messages.success(request, f"{batch} was discarded; nothing was written.")
        return HttpResponseRedirect(reverse("admin:accounts_importbatch_changelist"))

    def cancel(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop reading or writing; what a long file has written already stays."""
        batch = self._batch(request, pk)
        try:
            told = importing.cancel_import(batch_id=pk, user=request.user, at=timezone.now())  # type: ignore[arg-type]
        except importing.UnableToImport as refused:
            messages.error(request, str(refused))
            return _to(batch)
        messages.success(request, told)
        ask_where_goals_changed(self._batch(request, pk))
        return _to(batch)

    def refused(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Refused rows as CSV, to be mended and sent again."""
        batch = self._batch(request, pk)
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="refused-rows-of-import-{batch.pk}.csv"'
        response.write("\ufeff")  # spreadsheets take a file without the mark for Windows-1252
        importing.write_rejects(
            headers=batch.reading.get("headers", []),
            rows=importing.rejected_rows(batch=batch),
            out=response,  # type: ignore[arg-type]
        )
        return response

    def progress(self, request: HttpRequest, pk: int) -> JsonResponse:
        """How far the work is, for the bar."""
        batch = self._batch(request, pk)
        return JsonResponse(
            {
                "status": batch.status,
                "done": batch.progress_done,
                "total": batch.progress_total,
                "message": batch.message or batch.get_status_display(),
                "note": job_words(job=batch, what="import", at=timezone.now()) if batch.is_busy else "",
                "finished": not batch.is_busy,
            }
        )

    def export(self, request: HttpRequest) -> HttpResponse:
        """Choose for whom and in which form."""
        return self._page(request, "export", {"form": ExportForm(), "title": "Export customers"})

    def export_file(self, request: HttpRequest) -> HttpResponse:
        """The customers as a file."""
        form = ExportForm(request.GET)
        if not form.is_valid():
            return HttpResponseRedirect(reverse("admin:export_customers"))
        ending = form.cleaned_data["ending"]
        sheet = exporting.customer_sheet(
            audience=form.cleaned_data["audience"],
            user=request.user,  # type: ignore[arg-type]
            on=timezone.localdate(),
        )
        response = HttpResponse(content_type=EXPORT_TYPES[ending])
        response["Content-Disposition"] = f'attachment; filename="customers.{ending}"'
        if ending == "csv":
            response.write("\ufeff")  # spreadsheets take a file without the mark for Windows-1252
            exporting.write_csv(sheet=sheet, out=response)
        else:
            exporting.write_workbook(sheet=sheet, out=response)
        return response

    def _require_right(self, request: HttpRequest) -> None:
        try:
            importing.require_right_to_import(user=request.user)  # type: ignore[arg-type]
        except importing.UnableToImport as refused:
            raise PermissionDenied(str(refused)) from None

    def _batch(self, request: HttpRequest, pk: int) -> ImportBatch:
        self._require_right(request)
        batch: ImportBatch | None = self.get_queryset(request).filter(pk=pk).first()
        if batch is None:
            raise Http404
        return batch

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> TemplateResponse:
        shared = self.admin_site.each_context(request) | {"opts": self.opts}
        return TemplateResponse(request, f"admin/importing/{name}.html", shared | context)


def _to(batch: ImportBatch) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:import_preview", args=[batch.pk]))


def _read(batch: ImportBatch) -> ImportBatch:
    """Read a small file now and leave a large one to a worker."""
    if batch.size_bytes <= READ_HERE_BYTES:
        return importing.stage_import(batch_id=batch.pk, on=timezone.localdate())
    bell.ring(stage_import, batch_id=batch.pk)
    return batch


def _done(batch: ImportBatch) -> str:
    return (
        f"Imported: {batch.created:,} created, {batch.updated:,} updated, {batch.unchanged:,} unchanged, "
        f"{batch.rejected:,} refused."
    )
