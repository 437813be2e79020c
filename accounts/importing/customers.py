"""The columns of a customer file (design section 7), as a django-import-export resource."""

from decimal import Decimal

from import_export.fields import Field
from import_export.resources import ModelResource

from accounts.importing.widgets import (
    ChoiceWidget,
    CurrencyWidget,
    DateWidget,
    FloatWidget,
    ListWidget,
    NumberWidget,
    TextWidget,
    WholeWidget,
    YesNoWidget,
)
from accounts.models import Customer, TouchLevel
from accounts.models.checks import MONEY_LIMIT

MONEY_BELOW = 10**13  # as the database check: SQLite keeps every cent below it
LARGEST_COUNT = 2_000_000_000


def _money(column: str) -> Field:
    return Field(column, column, NumberWidget(low=0, high=int(MONEY_LIMIT), places=2, money=True))


def _points(column: str) -> Field:
    return Field(column, column, NumberWidget(low=0, high=100, places=2))


def _word(column: str, longest: int, attribute: str | None = None) -> Field:
    return Field(attribute or column, column, TextWidget(longest=longest))


def _touch_levels() -> dict[str, str]:
    """Slugs and labels, in small letters, to slugs."""
    words = {value: value for value in TouchLevel.values}
    words |= {label.casefold(): value for value, label in TouchLevel.choices}
    return words | {"mid_touch": "mid", "self-service": "self_service", "self service": "self_service"}


class CustomerResource(ModelResource):  # type: ignore[misc]
    """Every column that a customer file may have, in the order of the export; `attr:NAME` come on top.

    The library's fields and widgets say what a cell means. Its row-by-row write path is not used:
    allocation.services.importing stages, previews and writes in bulk.
    """

    external_id = _word("external_id", 200)
    name = Field("name", "name", TextWidget(longest=200, exact=True))
    parent = _word("parent", 200, "parent__external_id")
    vertical = _word("vertical", 200, "vertical__name")
    region = _word("region", 200, "region__name")
    country = _word("country", 100)
    language = _word("language", 200, "language__name")
    arr = _money("arr")
    currency = Field("currency", "currency", CurrencyWidget())
    potential_arr = _money("potential_arr")
    package = _word("package", 100)
    products = Field("products", "products", ListWidget(longest=200))
    employees = Field("employees", "employees", WholeWidget(low=0, high=LARGEST_COUNT))
    adoption = _points("adoption")
    health = _points("health")
    sentiment = Field("sentiment", "sentiment", WholeWidget(low=1, high=5))
    champion = Field("champion", "champion", YesNoWidget())
    relationship_breadth = Field(
        "relationship_breadth", "relationship_breadth", WholeWidget(low=0, high=1_000_000)
    )
    reputation = _points("reputation")
    complexity = _points("complexity")
    loss_felt = Field("loss_felt", "loss_felt", YesNoWidget())
    wished_engagement = Field("wished_engagement", "wished_engagement", ChoiceWidget(words=_touch_levels()))
    paid_tier = _word("paid_tier", 50, "paid_tier__slug")
    contract_start = Field("contract_start", "contract_start", DateWidget())
    first_renewal_done = Field("first_renewal_done", "first_renewal_done", YesNoWidget())
    renewal_date = Field("renewal_date", "renewal_date", DateWidget())
    status = Field(
        "status",
        "status",
        ChoiceWidget(words={"active": "active", "left": "left"}, blank=Customer.Status.ACTIVE),
    )
    goals = Field(None, "goals", ListWidget(longest=50))
    csm = Field(None, "csm", TextWidget(longest=200, exact=True))

    class Meta:
        model = Customer
        import_id_fields = ("external_id",)
        clean_model_instances = True
        use_transactions = True
        fields = (
            "external_id", "name", "parent", "vertical", "region", "country", "language", "arr", "currency",
            "potential_arr", "package", "products", "employees", "adoption", "health", "sentiment", "champion",
            "relationship_breadth", "reputation", "complexity", "loss_felt", "wished_engagement", "paid_tier",
            "contract_start", "first_renewal_done", "renewal_date", "status", "goals", "csm",
        )  # fmt: skip


CUSTOMER_COLUMNS: tuple[str, ...] = CustomerResource._meta.fields
ATTRIBUTE_PREFIX = "attr:"
ATTRIBUTE_NUMBER_LIMIT = Decimal(10) ** 15


def attribute_field(column: str, kind: str) -> Field:
    """The field of an `attr:NAME` column whose custom attribute is of this kind."""
    widgets = {
        "number": FloatWidget(low=-(10**15) + 1, high=10**15 - 1, places=6),
        "yes_no": YesNoWidget(),
        "date": DateWidget(),
        "choice": TextWidget(longest=200),
    }
    return Field(None, column, widgets[kind])
