"""A page asks the database equally often whether it shows two rows or twenty."""

import pytest
from django.urls import reverse

from tests.factories import TODAY
from tests.pages import company as companies


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.mark.parametrize("rows", [2, 20])
def test_pages_ask_equally_often_at_any_size(cast, sign_in, query_counts, rows):
    company = companies.build(cast, per_book=rows)
    head = companies.compared_plans(cast)
    run, plan = companies.proposed_run(cast), companies.proposed_plan(cast)
    addresses = {
        "home": reverse("home"),
        "books": reverse("books"),
        "book": reverse("book", args=[cast.csm_a.csm.pk]),
        "balance": reverse("balance"),
        "customers": reverse("customers"),
        "customers by ARR": reverse("customers") + "?sort=-arr",
        "customer": reverse("customer", args=[company.a[0].pk]),
        "admin customer with reasons": reverse("admin:accounts_customer_change", args=[company.a[0].pk]),
        "runs": reverse("runs"),
        "run": reverse("run", args=[run.pk]) + "?show=first",
        "run progress": reverse("run_progress", args=[run.pk]),
        "plans": reverse("plans"),
        "plan": reverse("plan", args=[plan.pk]),
        "plans side by side": reverse("plan_compare", args=[head.pk]),
    }
    for role in ("ops", "manager", "csm_a"):
        client = sign_in(getattr(cast, role))
        for name, address in addresses.items():
            if client.get(address).status_code == 200:
                query_counts.check(
                    f"{name} for {role}", lambda client=client, address=address: client.get(address)
                )
