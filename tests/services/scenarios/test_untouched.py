"""No scenario of any kind changes a row of any table but its own."""

import pytest

from accounts.models import Customer
from tests.services.scenarios.world import checksums, company, computed

pytestmark = pytest.mark.django_db

KINDS = {
    "nothing": {},
    "weights and bounds": {
        "model": {
            "weights": {"ARR": 1},
            "bounds": [{"rule": "Global", "attribute": "arr", "value": 300000}],
            "guards": "run out",
        }
    },
    "caps and hours": {"tiers": {"global": {"cap": 1, "hours_a_year": 400}, "scale": {"cap": None}}},
    "policy": {"policy": {"weight_continuity": 0, "max_moves_pct": 100, "vertical_fit": "hard"}},
    "roster": {"roster": {"add": [{"heads": 2, "verticals": ["Telco"]}], "without": ["Cleo Book"]}},
    "goals": {"goals": {"close": ["adoption"], "open": [{"kind": "risk-mitigation", "where": {"tier": ["scale"]}}]}},
    "engagement": {"engagement": {"as": "wished", "without_a_wish": "highest"}},
    "amounts": {"amounts": [{"attribute": "arr", "change_pct": -10}]},
    "books planned anew": {
        "books": "planned anew",
        "engagement": {"as": "wished"},
        "roster": {"add": [{"heads": 3}], "without": ["csm-a@example.com"]},
        "policy": {"max_moves_pct": 100},
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def there(cast):
    return company(cast)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_computing_leaves_every_row_as_it_was(kind, cast):
    before = checksums()
    row = computed(cast.ops, **KINDS[kind])
    assert row.result["tiers"]
    assert checksums() == before


def test_the_checksums_notice_one_changed_row(there):
    before = checksums()
    assert checksums() == before
    Customer.objects.filter(pk=there.S3.pk).update(arr=there.S3.arr + 1)
    changed = {name for name, digest in checksums().items() if digest != before[name]}
    # The database notes by itself that a customer was written.
    assert changed - {"FigureMark", "WrittenCustomer"} == {"Customer"}


def test_computing_by_itself_writes_nothing_at_all(django_assert_max_num_queries):
    from allocation.services.scenarios import answer_now
    from tests.factories import TODAY

    with django_assert_max_num_queries(70) as context:
        answer_now(definition=KINDS["books planned anew"], on=TODAY)
    written = [
        query["sql"]
        for query in context.captured_queries
        if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))
    ]
    assert written == []
