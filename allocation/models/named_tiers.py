"""Tiers that a policy names for a CSM; who is not named may hold any."""

from django.db import models

from accounts.models import CSM, Tier
from allocation.models.books import AllocationPolicy


class NamedTiers(models.Model):
    """The only tiers whose customers a CSM is given under one policy."""

    policy = models.ForeignKey(AllocationPolicy, on_delete=models.CASCADE, related_name="named_tiers")
    csm = models.ForeignKey(CSM, on_delete=models.PROTECT, related_name="+", verbose_name="CSM")
    tiers = models.ManyToManyField(
        Tier, related_name="+", help_text="The only tiers whose customers this CSM is given."
    )

    class Meta:
        verbose_name = verbose_name_plural = "tiers named for a CSM"
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "csm"],
                name="one_line_of_tiers_a_csm_and_policy",
                violation_error_message="This CSM has a line already: name all tiers there.",
            ),
        ]

    def __str__(self) -> str:
        return f"Tiers of {self.csm}"
