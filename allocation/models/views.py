"""What a person keeps of a list, and what is kept of a day."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models import CSM
from accounts.models.checks import at_most_characters, not_blank
from allocation.querysets.views import BookDayQuerySet, SavedViewQuerySet


class SavedView(models.Model):
    """Filters, order and columns of a list that a person keeps under a name."""

    class List(models.TextChoices):
        BOOK = "book", "My book"
        CUSTOMERS = "customers", "Customers"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="saved_views", editable=False
    )
    list = models.CharField(max_length=20, choices=List.choices)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000, blank=True)
    is_default = models.BooleanField(default=False)

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("name"), "user", "list", name="saved_view_name_is_unique_a_person"),
            models.UniqueConstraint(
                fields=["user", "list"],
                condition=Q(is_default=True),
                name="one_default_view_a_person_and_list",
            ),
            not_blank("name", "saved_view_has_a_name", "Give the view a name."),
            at_most_characters("name", 60, "saved_view_name_at_most_60"),
            at_most_characters("query", 1000, "saved_view_query_at_most_1000"),
        ]

    def __str__(self) -> str:
        return self.name


class BookDay(models.Model):
    """The figures of one book on one day, kept so that a trend need not be computed anew: written once a day.

    Minutes of a month; money in cents of the base currency at the rates of the day. `minutes` counts covers as the balance
    page does; `by_tier` is {slug: customers}.
    """

    on = models.DateField()
    csm = models.ForeignKey(CSM, on_delete=models.PROTECT, related_name="days", verbose_name="CSM")
    customers = models.PositiveIntegerField()
    by_tier = models.JSONField(default=dict)
    minutes = models.PositiveIntegerField()
    capacity_minutes = models.PositiveIntegerField()
    arr_cents = models.BigIntegerField()
    covered = models.BooleanField(default=False)

    objects = BookDayQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["on", "csm"], name="one_line_a_book_and_day")]

    def __str__(self) -> str:
        return f"{self.csm} on {self.on:%d %b %Y}"
