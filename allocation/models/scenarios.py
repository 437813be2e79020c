"""What-if questions and their answers, which figures of a model deserve debate, and what the need for heads is counted with."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import Job
from accounts.models.checks import at_most_characters, between, not_blank
from allocation.models.books import AllocationPolicy
from allocation.models.tiering import TieringModel
from allocation.querysets.decisions import PolicyQuerySet
from allocation.querysets.scenarios import ScenarioQuerySet, SensitivityQuerySet


class AnswerStatus(models.TextChoices):
    """The states of a question that is computed and kept, and never applied."""

    QUEUED = "queued", "Queued"
    COMPUTING = "computing", "Computing"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    DISCARDED = "discarded", "Discarded"


class Scenario(Job):
    """A what-if question and its last answer; it never changes a customer (docs/scenarios.md)."""

    WORKING = ("computing",)  # never applied

    name = models.CharField(max_length=200)
    words = models.CharField(max_length=500, blank=True, help_text="What is asked, and why.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="scenarios",
        editable=False,
    )
    shared = models.BooleanField(
        default=False, help_text="On: CS ops and managers see it. Off: only its owner and CS ops."
    )
    definition = models.JSONField(
        default=dict, blank=True, help_text="What is changed (how to write it: docs/scenarios.md)."
    )
    status = models.CharField(
        max_length=20, choices=AnswerStatus.choices, default=AnswerStatus.QUEUED, editable=False
    )
    as_of = models.DateField(null=True, blank=True, editable=False)
    result = models.JSONField(default=dict, blank=True, editable=False)
    # Who goes where, as packed columns (allocation.engine.packing): customer, tier before, tier after, CSM after.
    movers = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)  # put away, not deleted
    # What was made of it with one click.
    drafted_model = models.ForeignKey(
        TieringModel, null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    drafted_policy = models.ForeignKey(
        AllocationPolicy, null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = ScenarioQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                condition=Q(retired_at__isnull=True),
                name="scenario_name_is_unique_of_an_owner",
                violation_error_message="You have a scenario of this name already.",
            ),
            not_blank("name", "scenario_has_a_name", "A scenario needs a name."),
            at_most_characters("name", 200, "scenario_name_at_most_200"),
            models.CheckConstraint(
                name="scenario_progress_within_total", condition=Q(progress_done__lte=F("progress_total"))
            ),
            models.CheckConstraint(
                name="scenario_done_has_a_day", condition=~Q(status="done") | Q(as_of__isnull=False)
            ),
        ]
        indexes = [models.Index(fields=["status"], name="scenario_by_status")]

    def __str__(self) -> str:
        return self.name


class Sensitivity(Job):
    """Which weight or bound of a model, changed by how little, moves how many customers."""

    WORKING = ("computing",)  # never applied

    tiering_model = models.ForeignKey(TieringModel, on_delete=models.PROTECT, related_name="sensitivities")
    as_of = models.DateField()
    status = models.CharField(
        max_length=20, choices=AnswerStatus.choices, default=AnswerStatus.QUEUED, editable=False
    )
    result = models.JSONField(default=dict, blank=True, editable=False)

    objects = SensitivityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "sensitivities"
        constraints = [
            models.UniqueConstraint(
                fields=["tiering_model"],
                condition=Q(status__in=["queued", "computing"]),
                name="one_sensitivity_of_a_model_is_being_computed",
                violation_error_message="The sensitivity of this model is being computed already.",
            ),
            models.CheckConstraint(
                name="sensitivity_progress_within_total",
                condition=Q(progress_done__lte=F("progress_total")),
            ),
        ]
        indexes = [models.Index(fields=["status"], name="sensitivity_by_status")]

    def __str__(self) -> str:
        return f"Sensitivity of version {self.tiering_model.number} (as of {self.as_of:%d %b %Y})"


class Staffing(models.Model):
    """What the need for heads is counted with, months ahead. Shares are per cent a year; one row is in force."""

    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(default=False, editable=False)
    months = models.PositiveSmallIntegerField(default=12, help_text="How far ahead, 1 to 36 months.")
    growth_pct = models.DecimalField(
        "growth, % a year",
        max_digits=6,
        decimal_places=2,
        default=0,
        help_text="New customers in a year, as a share of those there are.",
    )
    churn_pct = models.DecimalField(
        "churn, % a year",
        max_digits=5,
        decimal_places=2,
        default=0,
        help_text="Customers that leave in a year, as a share of those there are.",
    )
    attrition_pct = models.DecimalField(
        "attrition, % a year",
        max_digits=5,
        decimal_places=2,
        default=0,
        help_text="CSMs that leave in a year, as a share of those there are.",
    )
    head_hours_a_year = models.DecimalField(
        "paid hours of a head, a year",
        max_digits=6,
        decimal_places=1,
        null=True,
        blank=True,
        help_text="Empty: twelve months of full time, as the allocation policy says.",
    )
    spent_pct = models.DecimalField(
        "share spent on customers, %",
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="Empty: what the CSMs that are here have on average.",
    )
    leave_days = models.DecimalField(
        "leave of a head, working days a year",
        max_digits=4,
        decimal_places=1,
        default=0,
        help_text="Of 260 working days. 0 where the paid hours are counted without leave already.",
    )
    ramp_months = models.PositiveSmallIntegerField(
        default=0, help_text="Months until a new CSM is fully productive."
    )
    ramp_start_pct = models.DecimalField(
        "ramp at the start, %",
        max_digits=5,
        decimal_places=2,
        default=50,
        help_text="How much of a full head a new CSM gives in the first month; it rises in a straight line.",
    )
    cost_a_head = models.DecimalField(
        "cost of a head, a year",
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="In the base currency. Empty: no costs are shown.",
    )

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "staffing"
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_staffing_is_active"
            ),
            between("months", 1, 36, "staffing_months_1_to_36", "Look 1 to 36 months ahead."),
            between("growth_pct", 0, 1000, "staffing_growth_0_to_1000", "Growth is 0 to 1 000 % a year."),
            between("churn_pct", 0, 100, "staffing_churn_0_to_100", "Churn is 0 to 100 % a year."),
            between(
                "attrition_pct", 0, 100, "staffing_attrition_0_to_100", "Attrition is 0 to 100 % a year."
            ),
            between(
                "head_hours_a_year", 1, 8760, "staffing_head_hours_fit_a_year", "Hours a year are 1 to 8 760."
            ),
            between(
                "spent_pct", 1, 100, "staffing_spent_1_to_100", "The share spent on customers is 1 to 100 %."
            ),
            between("leave_days", 0, 259, "staffing_leave_0_to_259", "Leave is 0 to 259 working days."),
            between("ramp_months", 0, 36, "staffing_ramp_months_0_to_36", "Ramp is 0 to 36 months."),
            between("ramp_start_pct", 0, 100, "staffing_ramp_start_0_to_100", "Ramp is 0 to 100 %."),
            between("cost_a_head", 0, 10_000_000, "staffing_cost_not_negative", "A cost is 0 to 10 000 000."),
        ]

    def __str__(self) -> str:
        return self.name
