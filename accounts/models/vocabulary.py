"""Words that customers and CSMs are matched by, and the attributes that ops define."""

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.models.checks import at_most_characters, not_blank
from accounts.querysets.vocabulary import WordQuerySet


class Word(models.Model):
    """A name that exists once, in any case."""

    name = models.CharField(max_length=200)

    objects = WordQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="%(class)s_name_is_unique_in_any_case",
                violation_error_message="This name exists already.",
            ),
            not_blank("name", "%(class)s_has_a_name", "A name is needed."),
            at_most_characters("name", 200, "%(class)s_name_at_most_200"),
        ]

    def __str__(self) -> str:
        return self.name


class Vertical(Word):
    """An industry that a CSM may specialise in."""


class Region(Word):
    """A part of the world or of the market."""


class Language(Word):
    """A language a customer is served in."""


class CustomAttribute(models.Model):
    """A fact of the customer that ops define; the tiering model can use it like any other (`attr:slug`)."""

    class Kind(models.TextChoices):
        NUMBER = "number", "number"
        CHOICE = "choice", "choice"
        YES_NO = "yes_no", "yes/no"
        DATE = "date", "date"

    slug = models.CharField(
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z][a-z0-9_]*\Z", "Small letters, digits and underscores, starting with a letter."
            )
        ],
        help_text="In files the column is attr:SLUG.",
    )
    label = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    choices = models.JSONField(
        default=list,
        blank=True,
        help_text='For a choice: the values, as a list: ["gold", "silver"]. Empty: any text.',
    )
    retired = models.BooleanField(default=False)

    class Meta:
        constraints = [not_blank("slug", "custom_attribute_has_a_slug", "A slug is needed.")]

    def __str__(self) -> str:
        return self.label

    def clean(self) -> None:
        if not isinstance(self.choices, list) or not all(isinstance(choice, str) for choice in self.choices):
            raise ValidationError({"choices": 'Give a list of texts, such as ["gold", "silver"].'})


class ExchangeRate(models.Model):
    """Units of `currency` for one unit of the base currency on a day."""

    currency = models.CharField(max_length=3)
    day = models.DateField()
    rate = models.DecimalField(
        max_digits=24, decimal_places=12, help_text="Units of this currency for 1 unit of the base currency."
    )
    # The base the rate was loaded for: changing BASE_CURRENCY with rates stored is refused (accounts.checks).
    base = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["currency", "day"], name="one_rate_a_currency_and_day"),
            models.CheckConstraint(
                name="rate_is_positive_and_finite",
                condition=Q(rate__gt=0, rate__lt=10**9),
                violation_error_message="A rate is above 0 and below 1 000 000 000.",
            ),
            models.CheckConstraint(
                name="base_currency_has_no_rate",
                condition=~Q(currency=F("base")),
                violation_error_message="The base currency needs no rate.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.currency} {self.rate.normalize():f} on {self.day:%d %b %Y}"
