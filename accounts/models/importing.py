"""Imports as rows: the file as sent, what each of its lines would do, and the mapping that was used."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models.checks import at_most_characters, not_blank
from accounts.models.jobs import Job
from accounts.querysets.importing import ImportBatchQuerySet


class ImportKind(models.TextChoices):
    CUSTOMERS = "customers", "Customers"
    CSMS = "csms", "CSMs"


class ImportBatch(Job):
    """One file on its way in: read and checked (staged), then confirmed and applied, or discarded.

    What a person saw in the preview is stored and is what gets applied; `state_digest` tells whether the
    rows it would change still look as they did then.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Waiting to be read"
        STAGING = "staging", "Being read"
        ASKING = "asking", "Needs an answer"
        STAGED = "staged", "Ready to confirm"
        CONFIRMED = "confirmed", "Confirmed"
        APPLYING = "applying", "Being applied"
        APPLIED = "applied", "Applied"
        DISCARDED = "discarded", "Discarded"
        FAILED = "failed", "Refused"

    class NumberStyle(models.TextChoices):
        POINT = "point", "1,234.56"
        COMMA = "comma", "1.234,56"

    class DateOrder(models.TextChoices):
        DMY = "dmy", "day/month/year"
        MDY = "mdy", "month/day/year"

    WAITING = ("queued", "confirmed")
    WORKING = ("staging", "applying")

    kind = models.CharField(max_length=10, choices=ImportKind.choices)
    file_name = models.CharField(max_length=200, help_text="A label only: nothing is opened by this name.")
    sha256 = models.CharField("SHA-256 of the file", max_length=64)
    size_bytes = models.PositiveBigIntegerField(default=0)
    # null: guess from the headers.
    mapping = models.JSONField(null=True, blank=True, help_text='{"source header": "our column"}')
    number_style = models.CharField(max_length=10, choices=NumberStyle.choices, blank=True)
    date_order = models.CharField(max_length=10, choices=DateOrder.choices, blank=True)
    allow_new_values = models.BooleanField(default=True)
    all_or_nothing = models.BooleanField(default=False)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    new_values = models.JSONField(default=dict, blank=True)
    # What the reader found: headers, columns, ignored headers, encoding, number style, remarks, questions.
    reading = models.JSONField(default=dict, blank=True)
    state_digest = models.CharField(max_length=64, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        verbose_name = "import"
        verbose_name_plural = "imports"
        constraints = [
            at_most_characters("file_name", 200, "import_file_name_at_most_200"),
            models.CheckConstraint(
                name="import_is_applied_at_a_time",
                condition=~Q(status="applied") | Q(applied_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["sha256"], name="import_by_file")]  # "was this file sent before?"

    def __str__(self) -> str:
        return f"{self.get_kind_display()} from {self.file_name}"

    @property
    def rows(self) -> int:
        """Every row of the file that is not blank; always the sum of the four outcomes."""
        return self.created + self.updated + self.unchanged + self.rejected


class ImportFile(models.Model):
    """The bytes as sent, kept while the mapping can still be changed; apart, so that lists never load them."""

    batch = models.OneToOneField(ImportBatch, on_delete=models.CASCADE, related_name="file")
    content = models.BinaryField(help_text="zlib-compressed.")

    def __str__(self) -> str:
        return f"File of import {self.batch_id}"


class ImportChunk(models.Model):
    """Some hundred rows with their outcome, as compressed JSON: a page of the preview, a step of the write."""

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="chunks")
    number = models.PositiveIntegerField(help_text="From 0, in the order of the file.")
    content = models.BinaryField(help_text="zlib-compressed JSON list of rows.")
    rows = models.PositiveIntegerField()
    rejected = models.PositiveIntegerField()
    changed = models.PositiveIntegerField(help_text="Rows created or updated.")
    applied = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="import_chunk_once_in_a_batch")
        ]

    def __str__(self) -> str:
        return f"Rows {self.number} of import {self.batch_id}"


class ColumnMapping(models.Model):
    """A mapping that ops keep for the files of one system."""

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=ImportKind.choices, default=ImportKind.CUSTOMERS)
    mapping = models.JSONField(
        help_text='{"source header": "our column"}, such as {"Account Name": "name", "Annual Revenue": "arr"}. '
        "A header given nothing is left out."
    )
    number_style = models.CharField(max_length=10, choices=ImportBatch.NumberStyle.choices, blank=True)
    date_order = models.CharField(max_length=10, choices=ImportBatch.DateOrder.choices, blank=True)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )

    class Meta:
        constraints = [not_blank("name", "column_mapping_has_a_name", "A mapping needs a name.")]

    def __str__(self) -> str:
        return self.name
