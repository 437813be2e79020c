"""What heads are counted with: several sets of figures, one in force."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin

from accounts.admin import badges
from allocation.admin.policies import PolicyAdmin
from allocation.models import Staffing
from allocation.selectors import wording


@admin.register(Staffing)
class StaffingAdmin(PolicyAdmin):
    lead = "What the headcount page counts with: growth, churn, attrition, ramp, leave, the hours and the cost of a head."
    form_lead = "The page starts from the figures in force; others can be tried there before they are kept."
    add_lead = "Nothing is counted with these before you put them in force."
    empty_words = "Figures that CS ops keep on the headcount page stand here too."
    list_display = ("name", "in_force", "growth_num", "churn_num", "attrition_num", "ramp_num", "head_num")
    fieldsets = (
        (None, {"fields": ("name",)}),
        ("Customers and people", {"fields": (("growth_pct", "churn_pct", "attrition_pct"), "months")}),
        ("A head", {"fields": (("head_hours_a_year", "spent_pct"), ("leave_days", "cost_a_head"))}),
        ("While new", {"fields": (("ramp_months", "ramp_start_pct"),)}),
    )

    @admin.display(description="Growth", ordering="growth_pct")
    def growth_num(self, row: Staffing) -> str:
        return f"{row.growth_pct.normalize():f} %"

    @admin.display(description="Churn", ordering="churn_pct")
    def churn_num(self, row: Staffing) -> str:
        return f"{row.churn_pct.normalize():f} %"

    @admin.display(description="Attrition", ordering="attrition_pct")
    def attrition_num(self, row: Staffing) -> str:
        return f"{row.attrition_pct.normalize():f} %"

    @admin.display(description="Ramp months", ordering="ramp_months")
    def ramp_num(self, row: Staffing) -> int:
        return row.ramp_months

    @admin.display(description="Cost of a head, a year", ordering="cost_a_head")
    def head_num(self, row: Staffing) -> str:
        return (
            badges.money(amount=row.cost_a_head, currency=settings.BASE_CURRENCY)
            if row.cost_a_head is not None
            else wording.DASH
        )
