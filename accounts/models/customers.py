"""The customer: facts people load and keep, and where it stands now."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from accounts.models.checks import at_most_characters, between, currency_code, money_in_range, not_blank
from accounts.models.service import TouchLevel
from accounts.querysets.customers import CustomerQuerySet

FAMILY_DEPTH = 20
# What a customer knows of itself, and what is for colleagues only: every field stands in one of the two, and nothing
# of the second ever leaves the house in an export for customers, a mail or a calendar.
KNOWN_TO_THE_CUSTOMER = frozenset(
    {
        "external_id", "name", "country", "language", "arr", "currency", "package", "products", "employees",
        "contract_start", "renewal_date",
    }
)  # fmt: skip
CONFIDENTIAL = frozenset(
    {
        "id", "parent", "vertical", "region", "potential_arr", "adoption", "health", "health_on", "sentiment",
        "sentiment_on", "sentiment_by", "champion", "relationship_breadth", "reputation", "complexity", "loss_felt",
        "wished_engagement", "paid_tier", "first_renewal_done", "status", "attributes", "csm_locked_until", "tier",
        "tier_since", "csm", "csm_since", "version",
    }
)  # fmt: skip


def base_currency() -> str:
    return settings.BASE_CURRENCY


def _where_there(field: str, name: str) -> models.Index:
    """An index of the rows that have this field."""
    return models.Index(fields=[field], condition=Q(**{f"{field}__isnull": False}), name=name)


class Customer(models.Model):
    """A company served. Tier and CSM are written by allocation.services.decisions only."""

    class Status(models.TextChoices):
        ACTIVE = "active", "Active"
        LEFT = "left", "Left"

    external_id = models.CharField(
        "external id", max_length=200, unique=True, help_text="The key in the source system."
    )
    name = models.CharField(max_length=200)
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="subsidiaries",
        db_index=False,  # customer_by_parent
    )
    vertical = models.ForeignKey(
        "Vertical", null=True, blank=True, on_delete=models.PROTECT, related_name="customers"
    )
    region = models.ForeignKey(
        "Region", null=True, blank=True, on_delete=models.PROTECT, related_name="customers"
    )
    language = models.ForeignKey(
        "Language", null=True, blank=True, on_delete=models.PROTECT, related_name="customers"
    )
    country = models.CharField(max_length=100, blank=True)

    arr = models.DecimalField(
        "ARR", max_digits=17, decimal_places=2, null=True, blank=True, help_text="Annual recurring revenue."
    )
    currency = models.CharField(max_length=3, default=base_currency)
    potential_arr = models.DecimalField(
        "potential ARR",
        max_digits=17,
        decimal_places=2,
        null=True,
        blank=True,
        help_text="The total ARR this customer could reach.",
    )
    package = models.CharField(
        max_length=100, blank=True, help_text="The product plan; never mixed with the tier."
    )
    products = models.JSONField(
        default=list, blank=True, help_text='Products in use, as a list: ["Core", "Analytics"].'
    )
    employees = models.PositiveBigIntegerField(null=True, blank=True)

    adoption = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="0 to 100."
    )
    health = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="0 (poor) to 100."
    )
    health_on = models.DateField("health as of", null=True, blank=True)
    sentiment = models.PositiveSmallIntegerField(
        "CSM sentiment", null=True, blank=True, help_text="1 (poor) to 5."
    )
    sentiment_on = models.DateField("sentiment as of", null=True, blank=True)
    sentiment_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,  # customer_by_sentiment_by
        verbose_name="sentiment by",
    )
    champion = models.BooleanField(null=True, blank=True)
    relationship_breadth = models.PositiveIntegerField(
        null=True, blank=True, help_text="Teams we have a relationship with."
    )
    reputation = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="Voice in its space, 0 to 100."
    )
    complexity = models.DecimalField(
        max_digits=5, decimal_places=2, null=True, blank=True, help_text="Of the solution, 0 to 100."
    )
    loss_felt = models.BooleanField("loss would be felt", null=True, blank=True)
    wished_engagement = models.CharField(
        max_length=20,
        choices=TouchLevel.choices,
        blank=True,
        help_text="What the customer asks for; recorded, never applied by itself.",
    )
    paid_tier = models.ForeignKey(
        "Tier",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="paid_by",
        db_index=False,  # customer_by_paid_tier
        help_text="The tier the customer pays for: a floor.",
    )

    contract_start = models.DateField(null=True, blank=True)
    first_renewal_done = models.BooleanField("first renewal completed", null=True, blank=True)
    renewal_date = models.DateField(null=True, blank=True, db_index=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    attributes = models.JSONField("custom attributes", default=dict, blank=True)

    csm_locked_until = models.DateField(
        "keep the CSM until",
        null=True,
        blank=True,
        help_text="A manual hold: no plan moves the customer before this day.",
    )

    # State, written by allocation.services.decisions only.
    tier = models.ForeignKey(
        "Tier", null=True, blank=True, on_delete=models.PROTECT, related_name="customers", editable=False
    )
    tier_since = models.DateField(null=True, blank=True, editable=False)
    csm = models.ForeignKey(
        "CSM",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="customers",
        editable=False,
        db_index=False,  # customer_by_book begins with it
        verbose_name="CSM",
    )
    csm_since = models.DateField("CSM since", null=True, blank=True, editable=False)
    # Counts edits by people and files, so that a stale save can be told from a fresh one.
    version = models.PositiveIntegerField(default=0, editable=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints = [
            not_blank("external_id", "customer_has_an_external_id", "An external id is needed."),
            not_blank("name", "customer_has_a_name", "A customer needs a name."),
            at_most_characters("external_id", 200, "customer_external_id_at_most_200"),
            at_most_characters("name", 200, "customer_name_at_most_200"),
            money_in_range("arr", "customer_arr_in_range"),
            money_in_range("potential_arr", "customer_potential_arr_in_range"),
            currency_code("currency", "customer_currency_is_a_code"),
            between("adoption", 0, 100, "customer_adoption_0_to_100", "Adoption is 0 to 100."),
            between("health", 0, 100, "customer_health_0_to_100", "Health is 0 to 100."),
            between("sentiment", 1, 5, "customer_sentiment_1_to_5", "Sentiment is 1 to 5."),
            between("reputation", 0, 100, "customer_reputation_0_to_100", "Reputation is 0 to 100."),
            between("complexity", 0, 100, "customer_complexity_0_to_100", "Complexity is 0 to 100."),
            models.CheckConstraint(
                name="customer_is_not_its_own_parent",
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")),
                violation_error_message="A customer cannot be its own parent.",
            ),
            models.CheckConstraint(
                name="customer_tier_has_a_since", condition=Q(tier__isnull=True) | Q(tier_since__isnull=False)
            ),
            models.CheckConstraint(
                name="customer_csm_has_a_since", condition=Q(csm__isnull=True) | Q(csm_since__isnull=False)
            ),
        ]
        indexes = [
            # Most customers have no parent, no paid tier and nobody who gave a sentiment: nobody asks for those, and they are in
            # no index, so that an import does not write them.
            _where_there("parent", "customer_by_parent"),
            _where_there("sentiment_by", "customer_by_sentiment_by"),
            _where_there("paid_tier", "customer_by_paid_tier"),
            # Book pages and plans read a CSM's active customers, lists those who have a tier and no CSM; a new one has neither.
            models.Index(
                fields=["csm", "status"],
                condition=Q(csm__isnull=False) | Q(tier__isnull=False),
                name="customer_by_book",
            ),
            # Here and not at the field, which would have a second one for words by their beginning.
            models.Index(fields=["name"], name="customer_by_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.currency = (self.currency or settings.BASE_CURRENCY).upper()
        if not isinstance(self.products, list) or not all(
            isinstance(item, str) and item for item in self.products
        ):
            raise ValidationError({"products": 'Give a list of texts, such as ["Core", "Analytics"].'})
        above, steps = self.parent, 0
        while above is not None and steps < FAMILY_DEPTH:
            if self.pk is not None and above.pk == self.pk:
                raise ValidationError({"parent": "This would make a circle of parents."})
            above, steps = above.parent, steps + 1
        if above is not None:
            raise ValidationError({"parent": f"Families may be at most {FAMILY_DEPTH} levels deep."})
