"""The columns of a CSM file (design section 7), as a django-import-export resource."""

from import_export.fields import Field
from import_export.resources import ModelResource

from accounts.importing.widgets import (
    EmailWidget,
    ListWidget,
    NumberWidget,
    TextWidget,
    WholeWidget,
    YesNoWidget,
)
from accounts.models import CSM


class CsmResource(ModelResource):  # type: ignore[misc]
    """Every column that a CSM file may have. A CSM is known by its e-mail, or by its name without one."""

    email = Field("email", "email", EmailWidget())
    name = Field("name", "name", TextWidget(longest=200, exact=True))
    team = Field("team__name", "team", TextWidget(longest=200))
    manager = Field("team__manager__email", "manager", EmailWidget())
    seniority = Field("seniority", "seniority", WholeWidget(low=1, high=5))
    hours_per_month = Field("hours_per_month", "hours_per_month", NumberWidget(low=0, high=744, places=1))
    overhead_pct = Field("overhead_pct", "overhead_pct", NumberWidget(low=0, high=100, places=2))
    ramp_pct = Field("ramp_pct", "ramp_pct", NumberWidget(low=0, high=100, places=2))
    verticals = Field(None, "verticals", ListWidget(longest=200))
    regions = Field(None, "regions", ListWidget(longest=200))
    countries = Field("countries", "countries", ListWidget(longest=100))
    languages = Field(None, "languages", ListWidget(longest=200))
    products = Field("products", "products", ListWidget(longest=200))
    accepting = Field("accepting", "accepting", YesNoWidget())

    class Meta:
        model = CSM
        import_id_fields = ("email",)
        clean_model_instances = True
        use_transactions = True
        fields = (
            "email", "name", "team", "manager", "seniority", "hours_per_month", "overhead_pct", "ramp_pct",
            "verticals", "regions", "countries", "languages", "products", "accepting",
        )  # fmt: skip


CSM_COLUMNS: tuple[str, ...] = CsmResource._meta.fields
