"""Tiering models, re-tiering runs and their decisions."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Replace

from accounts.models import Customer, Tier
from accounts.models.checks import between
from allocation.models.proposals import Proposal
from allocation.models.statuses import RowStatus
from allocation.querysets.decisions import DecisionQuerySet, RunQuerySet
from allocation.querysets.versions import TieringModelQuerySet


class TieringModel(models.Model):
    """A numbered version of the rules. A published version never changes (allocation.triggers); one is in force."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        RETIRED = "retired", "Retired"

    number = models.PositiveIntegerField(unique=True, editable=False)
    name = models.CharField(max_length=200)
    playbook = models.SlugField(max_length=50, blank=True, editable=False)
    definition = models.JSONField(
        default=dict,
        help_text="Segments, criteria, tier rules and guards (how to write them: docs/engine/tiering.md).",
    )
    # Digest of the definition, so that a run can say by which text it was decided.
    digest = models.CharField(max_length=64, blank=True, editable=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )

    objects = TieringModelQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["status"], condition=Q(status="published"), name="one_tiering_model_is_published"
            ),
        ]

    def __str__(self) -> str:
        return f"Version {self.number}: {self.name}"


class RetierRun(Proposal):
    """One dated proposal of tier changes, from its queue slip to its undoing."""

    class Scope(models.TextChoices):
        FULL = "full", "Full"
        GOALS = "goals", "Goals"

    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.FULL)
    tiering_model = models.ForeignKey(TieringModel, on_delete=models.PROTECT, related_name="runs")
    apply_when_proposed = models.BooleanField(
        default=False, help_text="Apply at once if the change limit allows it."
    )

    base_currency = models.CharField(max_length=3, blank=True, editable=False)
    rates = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Frozen: {currency: units per 1 base}."
    )
    # What a customer's numbers were compared with (percentile breakpoints, totals), for explaining later.
    population = models.JSONField(default=dict, blank=True, editable=False)
    # Where the database's transactions (SQLite: readings) stood before the customers were read: who was written since is looked at
    # again when it is applied; empty: everybody is.
    read_since = models.CharField(max_length=80, blank=True, editable=False)
    # The tiers, attributes and goal kinds as they were, so that the model can be read as it was read then.
    vocabulary = models.JSONField(default=dict, blank=True, editable=False)
    over_limit = models.BooleanField(default=False, editable=False)
    # Goes up with every review of rows: an approval is of the run as it was looked at (summary cannot be compared).
    review_version = models.PositiveIntegerField(default=0, editable=False)
    # A manager said no to it, being over its limit: who and why. When is `finished_at`, its status that of any discarded one.
    declined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    declined_words = models.CharField(max_length=200, blank=True, editable=False)
    # A goal changed while this run was computed, after its snapshot: a run as of this day follows it.
    follow_as_of = models.DateField(null=True, blank=True, editable=False)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    undone_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = "re-tiering run"
        constraints = [
            models.UniqueConstraint(
                fields=["scope"],
                condition=Q(status__in=["queued", "computing"]),
                name="one_run_of_a_scope_is_being_computed",
                violation_error_message="A run of this scope is being computed already.",
            ),
            models.UniqueConstraint(
                # Applying and undoing are one: the column alone would let one of each through.
                Replace("status", Value("undoing"), Value("applying")),
                condition=Q(status__in=["applying", "undoing"]),
                name="one_run_is_applied_or_undone_at_a_time",
            ),
            models.CheckConstraint(
                name="declined_run_is_discarded_and_says_why",
                condition=Q(declined_by__isnull=True)
                | (Q(status="discarded", finished_at__isnull=False) & ~Q(declined_words="")),
            ),
            models.CheckConstraint(
                name="run_progress_within_total", condition=Q(progress_done__lte=F("progress_total"))
            ),
        ]
        indexes = [models.Index(fields=["status"], name="run_by_status")]

    def __str__(self) -> str:
        return f"Run {self.pk} ({self.get_scope_display().lower()}, as of {self.as_of:%d %b %Y})"


class TierDecision(models.Model):
    """What a run says about one customer that people should look at: it changes, a guard held it, it is not decided…

    Who simply stays has no row here, only a place in the run's chunks (allocation.models.kept).
    """

    run = models.ForeignKey(RetierRun, on_delete=models.PROTECT, related_name="decisions")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="decisions")
    segment = models.CharField(max_length=200, blank=True)
    score = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    previous = models.ForeignKey(Tier, null=True, on_delete=models.PROTECT, related_name="+")
    previous_since = models.DateField(null=True, editable=False)  # given back when the run is undone
    suggested = models.ForeignKey(Tier, null=True, on_delete=models.PROTECT, related_name="+")
    effective = models.ForeignKey(Tier, null=True, on_delete=models.PROTECT, related_name="+")
    # "rule", "undecided", "override", or the guard that decided ("dead_band", "first_year", …).
    decided_by = models.CharField(max_length=30)
    guards = models.JSONField(default=list)
    reason = models.CharField(max_length=500)
    is_move = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=RowStatus.choices, default=RowStatus.PROPOSED)
    words = models.CharField(max_length=500, blank=True, help_text="Why it was skipped or refused.")
    refused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )
    refused_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = "tier decision"
        constraints = [
            models.UniqueConstraint(fields=["run", "customer"], name="one_decision_a_customer_and_run"),
            between("score", 0, 100, "decision_score_0_to_100", "A score is 0 to 100."),
            models.CheckConstraint(
                name="refused_decision_says_by_whom_and_when",
                condition=~Q(status="refused") | Q(refused_by__isnull=False, refused_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["run", "is_move"], name="decision_by_run_and_move")]

    def __str__(self) -> str:
        return f"{self.customer} in run {self.run_id}"
