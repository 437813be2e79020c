"""The dated ledger: who held which tier and which CSM when, by what decision; and who had left when.

Rows are added and closed, never changed.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import CSM, Customer, Tier
from allocation.models.books import BookPlan
from allocation.models.overrides import Override
from allocation.models.tiering import RetierRun
from allocation.querysets.decisions import HoldingQuerySet


class Source(models.TextChoices):
    """What kind of decision wrote a ledger row."""

    RUN = "run", "Re-tiering run"
    PLAN = "plan", "Book plan"
    OVERRIDE = "override", "Override"
    IMPORT = "import", "Import"
    UNDO = "undo", "Undo"
    MANUAL = "manual", "By hand"
    DEMO = "demo", "Demo data"


class Holding(models.Model):
    """`starts_on` to `ends_before` (exclusive; empty: still so)."""

    starts_on = models.DateField()
    ends_before = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=10, choices=Source.choices)
    source_id = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Id of the run, plan, override or import."
    )
    # Of an undo: what kind of decision had set what it gives back; guards ask, as if the undone had never been.
    gives_back = models.CharField(max_length=10, choices=Source.choices, blank=True, editable=False)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    words = models.CharField(max_length=500, blank=True)
    recorded_at = models.DateTimeField(auto_now_add=True)

    objects = HoldingQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(ends_before__isnull=True),
                name="%(class)s_one_current_a_customer",
            ),
            models.CheckConstraint(
                name="%(class)s_ends_not_before_it_starts",
                condition=Q(ends_before__isnull=True) | Q(ends_before__gte=F("starts_on")),
            ),
        ]
        indexes = [
            models.Index(fields=["customer", "starts_on"], name="%(class)s_by_day"),
            # Whether anything changed after a day is asked by every page that can show one.
            models.Index(fields=["starts_on"], name="%(class)s_starts"),
            models.Index(
                fields=["ends_before"], condition=Q(ends_before__isnull=False), name="%(class)s_ends"
            ),
        ]


class TierHolding(Holding):
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="tier_holdings")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="holdings")

    class Meta(Holding.Meta):
        verbose_name = "tier ledger row"
        verbose_name_plural = "tier ledger"
        indexes = [
            *Holding.Meta.indexes,
            # Every run asks who holds a tier by an override: a handful, of a row for everybody.
            models.Index(
                fields=["customer"],
                condition=Q(ends_before__isnull=True)
                & (Q(source=Source.OVERRIDE) | Q(gives_back=Source.OVERRIDE)),
                name="tierholding_by_override",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.tier} from {self.starts_on:%d %b %Y}"


class BookHolding(Holding):
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="book_holdings")
    csm = models.ForeignKey(CSM, on_delete=models.PROTECT, related_name="holdings", verbose_name="CSM")

    class Meta(Holding.Meta):
        verbose_name = "book ledger row"
        verbose_name_plural = "book ledger"

    def __str__(self) -> str:
        return f"{self.customer}: {self.csm} from {self.starts_on:%d %b %Y}"


class Departure(Holding):
    """The customer had left, from the day this was said until the day it was said to be back.

    Kept since there is history one can ask: of who had left before, it is not known since when.
    """

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="departures")

    def __str__(self) -> str:
        return f"{self.customer}: left on {self.starts_on:%d %b %Y}"


SOURCE_MODELS = {Source.RUN: RetierRun, Source.PLAN: BookPlan, Source.OVERRIDE: Override}
