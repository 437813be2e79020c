"""How a CSM's hours are shared, what is planned with a customer, and what-if questions."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import CSM, Customer, TouchActivity
from accounts.models.checks import between
from accounts.querysets.customers import CustomerPartQuerySet
from allocation.querysets.decisions import PolicyQuerySet, ScenarioQuerySet


class AttentionPolicy(models.Model):
    """By what the hours left after base hours are shared inside a book."""

    class Basis(models.TextChoices):
        NEED = "need", "Need"
        EXPANSION = "expansion", "Expansion potential"
        ADVOCACY = "advocacy", "Advocacy value"
        RETURN = "return", "Return on CSM time"
        EVEN = "even", "Even"

    name = models.CharField(max_length=200, unique=True)
    is_active = models.BooleanField(default=False, editable=False)
    basis = models.CharField(max_length=10, choices=Basis.choices, default=Basis.EXPANSION)
    floor_pct = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=0,
        help_text="Every customer's share of the hours left is at least this much of an even share.",
    )
    cap_pct = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        default=100,
        help_text="No customer gets more than this much of the hours left.",
    )

    objects = PolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "attention policies"
        constraints = [
            models.UniqueConstraint(
                fields=["is_active"], condition=Q(is_active=True), name="one_attention_policy_is_active"
            ),
            between("floor_pct", 0, 100, "attention_floor_0_to_100", "A share is 0 to 100 %."),
            between("cap_pct", 0, 100, "attention_cap_0_to_100", "A share is 0 to 100 %."),
        ]

    def __str__(self) -> str:
        return self.name


class Touch(models.Model):
    """One planned or done contact with a customer."""

    class Status(models.TextChoices):
        PLANNED = "planned", "Planned"
        DUE = "due", "Due"
        DONE = "done", "Done"
        SKIPPED = "skipped", "Skipped"

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="touches")
    activity = models.ForeignKey(
        TouchActivity, null=True, blank=True, on_delete=models.PROTECT, related_name="touches"
    )
    name = models.CharField(max_length=200)
    due_on = models.DateField()
    hours = models.DecimalField(max_digits=6, decimal_places=2)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLANNED)
    done_on = models.DateField(null=True, blank=True)
    done_by = models.ForeignKey(CSM, null=True, blank=True, on_delete=models.PROTECT, related_name="touches")
    words = models.TextField(blank=True)

    objects = CustomerPartQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "touches"
        constraints = [
            between("hours", 0, 1000, "touch_hours_0_to_1000", "Hours are 0 to 1000."),
            models.CheckConstraint(
                name="touch_done_has_a_day", condition=~Q(status="done") | Q(done_on__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} with {self.customer}"


class Scenario(models.Model):
    """A what-if question and its last answer; it never changes a customer."""

    name = models.CharField(max_length=200, unique=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="scenarios",
        editable=False,
    )
    definition = models.JSONField(default=dict, blank=True)
    result = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScenarioQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
