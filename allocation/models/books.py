"""Allocation policies, book plans and their moves."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from accounts.models import CSM, Customer, Tier
from accounts.models.checks import between
from allocation.models.proposals import Proposal
from allocation.models.statuses import RowStatus
from allocation.querysets.decisions import MoveQuerySet, PolicyQuerySet
from allocation.querysets.plans import PlanQuerySet


class Fit(models.TextChoices):
    IGNORE = "ignore", "Ignore"
    SOFT = "soft", "Preferred"
    SPECIALIST_FIRST = "specialist_first", "Specialists first, then generalists"
    HARD = "hard", "Required"


def _by_whom() -> models.ForeignKey:
    """A person who did something to a plan or to one of its rows; empty as long as nobody did."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        editable=False,
    )


class AllocationPolicy(models.Model):
    """How books are planned: what a CSM must be able to do, what weighs how much, how much may move."""

    PLAIN_FIT = [choice for choice in Fit.choices if choice[0] != Fit.SPECIALIST_FIRST]

    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(default=False, editable=False)

    vertical_fit = models.CharField(max_length=20, choices=Fit.choices, default=Fit.SPECIALIST_FIRST)
    region_fit = models.CharField(max_length=20, choices=PLAIN_FIT, default=Fit.SOFT)
    language_fit = models.CharField(max_length=20, choices=PLAIN_FIT, default=Fit.SOFT)
    product_fit = models.CharField(max_length=20, choices=PLAIN_FIT, default=Fit.IGNORE)
    country_law = models.BooleanField(
        default=False, help_text="On: a customer of a country sits only with a CSM who covers that country."
    )
    seniority_follows_value = models.BooleanField(
        default=False,
        help_text="The most experienced hold the highest revenue; juniors get the smallest customers.",
    )
    keep_families_together = models.BooleanField(
        default=False, help_text="A parent and its subsidiaries have one CSM."
    )

    weight_hours = models.DecimalField(
        max_digits=7, decimal_places=2, default=60, help_text="Hours balanced against capacity."
    )
    weight_arr = models.DecimalField(
        "weight ARR", max_digits=7, decimal_places=2, default=30, help_text="ARR parity among peers."
    )
    weight_customers = models.DecimalField(
        max_digits=7,
        decimal_places=2,
        default=0,
        help_text="Equal numbers of customers, whatever their hours.",
    )
    weight_fit = models.DecimalField(
        max_digits=7, decimal_places=2, default=1, help_text="Skill and seniority fit."
    )
    weight_continuity = models.DecimalField(
        max_digits=7, decimal_places=2, default=3, help_text="Keeping the CSM."
    )
    weight_background = models.DecimalField(
        max_digits=7,
        decimal_places=2,
        default=1,
        help_text="A CSM of similar background when a change is needed.",
    )
    hours_tolerance_pct = models.DecimalField(
        max_digits=5, decimal_places=2, default=5, help_text="Hours this close to the target count as even."
    )
    arr_tolerance_pct = models.DecimalField(
        "ARR tolerance pct",
        max_digits=5,
        decimal_places=2,
        default=10,
        help_text="ARR this close to the target counts as even.",
    )

    max_moves_pct = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=10,
        help_text="At most this share of customers changes CSM by choice.",
    )
    max_moves_arr_pct = models.DecimalField(
        "max moves ARR pct",
        max_digits=5,
        decimal_places=2,
        default=10,
        help_text="At most this share of ARR changes CSM by choice.",
    )
    approve_top = models.PositiveIntegerField(
        default=0,
        help_text="Moves of this many customers of the highest ARR need a manager's own approval. 0: none do.",
    )
    objection_days = models.PositiveSmallIntegerField(
        default=0, help_text="Days in which the CSMs concerned can object before a plan is applied. 0: none."
    )
    hold_before_renewal_days = models.PositiveSmallIntegerField(
        default=0, help_text="No change of CSM this close to a renewal."
    )
    hold_first_days = models.PositiveSmallIntegerField(
        default=0, help_text="No change of CSM in a contract's first days."
    )
    hold_after_move_days = models.PositiveSmallIntegerField(
        default=0, help_text="No second change of CSM within these days."
    )
    handover_days = models.PositiveSmallIntegerField(
        default=21, help_text="Days in which a handover is to be done, where a CSM is to be introduced."
    )
    short_handover_days = models.PositiveSmallIntegerField(
        default=10, help_text="The same for customers of low, tech or no touch: a note and a mail are enough."
    )

    full_time_hours = models.DecimalField(
        max_digits=5,
        decimal_places=1,
        default=160,
        help_text="Hours a month of full time; caps shrink with part time.",
    )
    search_iterations = models.PositiveIntegerField(
        default=2000, help_text="Work budget of the planner, in steps: the same budget gives the same plan."
    )

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "allocation policies"
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_allocation_policy_is_active"
            ),
            *(
                between(field, 0, 10_000, f"policy_{field}_not_negative", "A weight is 0 to 10 000.")
                for field in (
                    "weight_hours",
                    "weight_arr",
                    "weight_customers",
                    "weight_fit",
                    "weight_continuity",
                    "weight_background",
                )
            ),
            *(
                between(field, 0, 100, f"policy_{field}_0_to_100", "A share is 0 to 100 %.")
                for field in (
                    "hours_tolerance_pct",
                    "arr_tolerance_pct",
                    "max_moves_pct",
                    "max_moves_arr_pct",
                )
            ),
            between("objection_days", 0, 60, "policy_objection_days_0_to_60", "Give 0 to 60 days."),
            between(
                "full_time_hours",
                1,
                744,
                "policy_full_time_hours_fit_a_month",
                "Full time is 1 to 744 hours a month.",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Variant(models.IntegerChoices):
    """Where a plan lies along the price of continuity: what its weight is, next to the policy's."""

    AS_POLICY = 0, "As the policy says"
    ONLY_FORCED = 1, "Only what must move"
    STEADIER = 2, "Fewer moves"
    EVENER = 3, "More even"


class BookPlan(Proposal):
    """One dated proposal of who gets which customer.

    Plans of one comparison are laid side by side: the one as the policy says is its head, the others point to it.
    """

    policy = models.ForeignKey(AllocationPolicy, on_delete=models.PROTECT, related_name="plans")
    seed = models.PositiveIntegerField(default=1)
    max_moves_pct = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="Empty: as the policy says."
    )
    continuity_weight = models.DecimalField(
        max_digits=9,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="Points for keeping a CSM. Empty: as the policy says.",
    )
    compared_with = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="alternatives", editable=False
    )
    variant = models.PositiveSmallIntegerField(
        choices=Variant.choices, default=Variant.AS_POLICY, editable=False
    )
    apply_when_proposed = models.BooleanField(default=False)

    # The policy as it was read, and a digest of policy, tiers and books: another digest later means stale.
    policy_values = models.JSONField(default=dict, blank=True, editable=False)
    facts_digest = models.CharField(max_length=64, blank=True, editable=False)
    objective = models.DecimalField(max_digits=20, decimal_places=6, null=True, editable=False)
    bound = models.DecimalField(max_digits=20, decimal_places=6, null=True, editable=False)
    gap_pct = models.DecimalField(max_digits=9, decimal_places=4, null=True, editable=False)
    proof = models.JSONField(
        default=list, blank=True, editable=False, help_text="How the bound was proven, by pool."
    )
    repeatable = models.BooleanField(default=True, editable=False)
    # Somebody asked to stop the search and keep the best so far; the runner looks at it with each heartbeat.
    stop_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    balance_before = models.JSONField(default=dict, blank=True, editable=False)
    balance_after = models.JSONField(default=dict, blank=True, editable=False)
    shortages = models.JSONField(default=list, blank=True, editable=False)
    unassigned = models.JSONField(default=list, blank=True, editable=False)
    # Counts the reviews: an approval is of what was shown.
    review_version = models.PositiveIntegerField(default=0, editable=False)
    # Before this day each CSM concerned may object to a move, and nothing is applied. Once set it is never empty again.
    objections_until = models.DateField(null=True, blank=True, editable=False)
    objections_opened_by = _by_whom()
    objections_opened_at = models.DateTimeField(null=True, blank=True, editable=False)
    objections_closed_by = _by_whom()  # where somebody closed the window before its day
    objections_closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    undone_by = _by_whom()
    undone_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PlanQuerySet.as_manager()

    class Meta:
        constraints = [
            # One request at a time; only the plans of one comparison, each of another variant, may wait together.
            models.UniqueConstraint(
                fields=["variant"],
                condition=Q(status__in=["queued", "computing"]),
                name="one_plan_is_being_computed",
                violation_error_message="A book plan is being computed already.",
            ),
            models.UniqueConstraint(
                models.Value(1),
                condition=Q(status__in=["applying", "undoing"]),
                name="one_plan_is_applied_or_undone_at_a_time",
                violation_error_message="Another book plan is being applied or undone.",
            ),
            models.CheckConstraint(
                name="plan_with_a_variant_is_compared",
                condition=Q(variant=0, compared_with__isnull=True)
                | Q(variant__gt=0, compared_with__isnull=False),
            ),
            between(
                "continuity_weight",
                0,
                10_000,
                "plan_continuity_weight_is_a_weight",
                "A weight is 0 to 10 000.",
            ),
            models.CheckConstraint(
                name="plan_progress_within_total", condition=Q(progress_done__lte=F("progress_total"))
            ),
        ]
        indexes = [models.Index(fields=["status"], name="plan_by_status")]

    def __str__(self) -> str:
        return f"Book plan {self.pk} (as of {self.as_of:%d %b %Y})"

    @property
    def is_accepted(self) -> bool:
        """Where CSMs may object, a wish from before waits (`wished` of the queryset); one given afterwards does not."""
        return super().is_accepted and (self.objections_until is None or self.applied_by_id is not None)

    @property
    def is_changed(self) -> bool:
        """Whether people refused or re-pointed moves: objective, bound and gap are those of the plan as it was made."""
        return bool(self.summary.get("refused") or self.summary.get("repointed"))

    @property
    def comparison_id(self) -> int:
        """The comparison it belongs to, if there is one: the id of the plan as the policy says."""
        return int(self.compared_with_id or self.pk)


class Move(models.Model):
    """One change of CSM in a plan. From none: a first CSM; to none: nobody serves the customer any more."""

    plan = models.ForeignKey(BookPlan, on_delete=models.PROTECT, related_name="moves")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="moves")
    from_csm = models.ForeignKey(
        CSM, null=True, blank=True, on_delete=models.PROTECT, related_name="moves_out"
    )
    to_csm = models.ForeignKey(CSM, null=True, blank=True, on_delete=models.PROTECT, related_name="moves_in")
    runner_up = models.ForeignKey(CSM, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    tier = models.ForeignKey(
        Tier, null=True, on_delete=models.PROTECT, related_name="+", help_text="At the snapshot."
    )
    pool = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500)
    forced = models.BooleanField(
        default=False, help_text="Outside the move budget: a leaver, an unable CSM, no CSM yet."
    )
    status = models.CharField(max_length=10, choices=RowStatus.choices, default=RowStatus.PROPOSED)
    words = models.CharField(max_length=500, blank=True, help_text="Why it was skipped or refused.")
    refused_by = _by_whom()
    refused_at = models.DateTimeField(null=True, blank=True, editable=False)
    # A person named another CSM than the planner: to_csm is theirs, planned_csm what the planner had proposed.
    planned_csm = models.ForeignKey(
        CSM, null=True, blank=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    repointed_by = _by_whom()
    repointed_at = models.DateTimeField(null=True, blank=True, editable=False)
    repoint_words = models.CharField(max_length=500, blank=True, editable=False)
    needs_approval = models.BooleanField(
        default=False, help_text="One of the largest customers: a manager has to approve the change of CSM."
    )
    approved_by = _by_whom()
    approved_at = models.DateTimeField(null=True, blank=True, editable=False)
    approval_words = models.CharField(max_length=500, blank=True, editable=False)
    previous_since = models.DateField(null=True, editable=False)  # given back when the plan is undone

    objects = MoveQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "customer"], name="one_move_a_customer_and_plan"),
            models.CheckConstraint(
                name="move_changes_the_csm",
                condition=Q(from_csm__isnull=True, to_csm__isnull=False)
                | Q(from_csm__isnull=False, to_csm__isnull=True)
                | (Q(from_csm__isnull=False, to_csm__isnull=False) & ~Q(from_csm=F("to_csm"))),
            ),
            models.CheckConstraint(
                name="refused_move_says_by_whom",
                condition=~Q(status="refused") | Q(refused_by__isnull=False, refused_at__isnull=False),
            ),
            models.CheckConstraint(
                name="repointed_move_says_by_whom",
                condition=Q(repointed_by__isnull=True, repointed_at__isnull=True, planned_csm__isnull=True)
                | Q(repointed_by__isnull=False, repointed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="move_approver_did_not_repoint_it",
                condition=Q(approved_by__isnull=True)
                | Q(repointed_by__isnull=True)
                | ~Q(approved_by=F("repointed_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer}: {self.from_csm or 'nobody'} → {self.to_csm or 'nobody'}"

    @property
    def waits_for_approval(self) -> bool:
        """To be applied, of one of the largest customers, and no manager said yes (as the queryset of that name)."""
        is_open = self.status == RowStatus.PROPOSED
        return is_open and self.needs_approval and self.approved_by_id is None
