"""A page of the admin asks the database equally often whether it shows two rows or twenty."""

from datetime import UTC, datetime, time, timedelta

import pytest

from allocation.models import TieringModel
from allocation.services.models import lock_models
from tests.admin import world
from tests.factories import TODAY

PAGES = {
    "admin landing page": "/admin/",
    "admin customers": "/admin/accounts/customer/",
    "admin customers filtered": "/admin/accounts/customer/?status__exact=active&gap=arr&q=a",
    "admin CSMs": "/admin/accounts/csm/",
    "admin tiers": "/admin/accounts/tier/",
    "admin tier decisions": "/admin/allocation/tierdecision/",
    "admin overrides": "/admin/allocation/override/",
    "admin tier ledger": "/admin/allocation/tierholding/",
    "admin re-tiering runs": "/admin/allocation/retierrun/",
    "admin book plans": "/admin/allocation/bookplan/",
    "admin tiering models": "/admin/allocation/tieringmodel/",
    "admin changes": "/admin/auditlog/logentry/",
    "admin lock of the model": "/admin/allocation/tieringmodel/lock/",
}


@pytest.mark.parametrize("rows", [2, 20])
def test_the_admin_asks_equally_often_at_any_size(rows, cast, sign_in, query_counts, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    found = world.build(cast, customers=rows)
    client = sign_in(cast.ops)
    copies = [
        TieringModel.objects.draft(name="Copy", definition=found.model.definition, created_by_id=None)
        for _ in range(rows)
    ]
    lock_models(
        until=TODAY + timedelta(days=9),
        words="Year-end.",
        at=datetime.combine(TODAY, time(9), UTC),
        actor_id=cast.ops.pk,
    )
    draft = f"/admin/allocation/tieringmodel/{copies[0].pk}/"
    pages = PAGES | {
        "admin customer": f"/admin/accounts/customer/{found.customer.pk}/change/",
        "admin tiering model draft": f"{draft}change/",
        "admin comparison of models": f"{draft}compare/",
        "admin preview of a model": f"{draft}preview/",
    }
    for name, path in pages.items():
        assert client.get(path).status_code == 200
        query_counts.check(name, lambda path=path: client.get(path))
