"""How customers are served: tiers, their touch plans, and goals."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.models.checks import at_most_characters, between, not_blank
from accounts.querysets.customers import GoalQuerySet


class TouchLevel(models.TextChoices):
    HIGH = "high", "High touch"
    MID = "mid", "Mid touch"
    LOW = "low", "Low touch"
    TECH = "tech", "Tech touch"
    SELF_SERVICE = "self_service", "Self-service"


class Tier(models.Model):
    """A service level. A tier with history is retired, never deleted."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    rank = models.PositiveSmallIntegerField(unique=True, help_text="1 is the highest tier.")
    touch_level = models.CharField(max_length=20, choices=TouchLevel.choices)
    cap = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Customers of this tier that one full-time CSM may have. Empty: no cap.",
    )
    description = models.TextField(blank=True)
    retired = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="tier_name_is_unique_in_any_case",
                violation_error_message="There is a tier with this name already.",
            ),
            not_blank("name", "tier_has_a_name", "A tier needs a name."),
            at_most_characters("name", 100, "tier_name_at_most_100"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def has_csm(self) -> bool:
        """Self-service customers are in nobody's book."""
        return self.touch_level != TouchLevel.SELF_SERVICE

    @property
    def shown_rank(self) -> int | None:
        """None when retired: its rank only keeps it below the others, and says nothing to people."""
        return None if self.retired else self.rank


class GoalKind(models.Model):
    """What may be wanted with a customer for a while: adoption, expansion, risk mitigation, …"""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    asks_for = models.CharField(
        "asks for touch level",
        max_length=20,
        choices=TouchLevel.choices,
        blank=True,
        help_text="Empty: the goal asks for no touch level.",
    )
    retired = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), name="goal_kind_name_is_unique_in_any_case"),
            not_blank("name", "goal_kind_has_a_name", "A goal kind needs a name."),
        ]

    def __str__(self) -> str:
        return self.name


class TouchActivity(models.Model):
    """A line of a tier's touch plan: what is done how often, and how long it takes."""

    class Channel(models.TextChoices):
        MEETING = "meeting", "Meeting"
        VISIT = "visit", "Visit"
        CALL = "call", "Call"
        EMAIL = "email", "E-mail"
        DIGITAL = "digital", "Digital"
        INTERNAL = "internal", "Internal"

    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="activities")
    goal_kind = models.ForeignKey(
        GoalKind,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="activities",
        help_text="Empty: for every customer of the tier.",
    )
    name = models.CharField(max_length=200)
    times_a_year = models.DecimalField(max_digits=6, decimal_places=2)
    hours_each = models.DecimalField(max_digits=6, decimal_places=2)
    channel = models.CharField(max_length=20, choices=Channel.choices, default=Channel.MEETING)

    class Meta:
        verbose_name_plural = "touch plan"
        constraints = [
            models.UniqueConstraint(
                fields=["tier", "goal_kind", "name"], name="activity_once_in_a_touch_plan"
            ),
            models.UniqueConstraint(
                fields=["tier", "name"],
                condition=Q(goal_kind__isnull=True),
                name="activity_once_in_a_touch_plan_for_all",
            ),
            between("times_a_year", 0, 1000, "activity_times_0_to_1000", "Times a year are 0 to 1000."),
            between("hours_each", 0, 1000, "activity_hours_0_to_1000", "Hours are 0 to 1000."),
            not_blank("name", "activity_has_a_name", "An activity needs a name."),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.tier})"


class Goal(models.Model):
    """A goal of one customer. `ends_before` empty means open; the upper bound is exclusive."""

    customer = models.ForeignKey("Customer", on_delete=models.PROTECT, related_name="goals")
    kind = models.ForeignKey(GoalKind, on_delete=models.PROTECT, related_name="goals")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="goals"
    )
    starts_on = models.DateField()
    ends_before = models.DateField(
        "closed on",
        null=True,
        blank=True,
        help_text="Empty: open. Otherwise the first day it no longer holds.",
    )
    words = models.TextField(blank=True, help_text="What would count as done.")

    objects = GoalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["customer", "kind"],
                condition=Q(ends_before__isnull=True),
                name="one_open_goal_of_a_kind",
                violation_error_message="This customer has an open goal of this kind already.",
            ),
            models.CheckConstraint(
                name="goal_ends_not_before_it_starts",
                condition=Q(ends_before__isnull=True) | Q(ends_before__gte=F("starts_on")),
                violation_error_message="A goal cannot end before it starts.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.customer}"
