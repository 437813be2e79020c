"""How a CSM's hours are shared."""

from django.db import models
from django.db.models import Q

from accounts.models.checks import between
from allocation.querysets.decisions import PolicyQuerySet


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
