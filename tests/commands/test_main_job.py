"""The main job through the public commands, on a list that nobody on this project wrote."""

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count, Sum

from accounts.models import CSM, Customer
from allocation.models import BookHolding, TierHolding

pytestmark = pytest.mark.django_db

MAPPING = {
    "account_name": "name",
    "owner": "csm",
    "current_arr": "arr",
    "internal_tam": "potential_arr",
    "health_score": "health",
    "territory": "region",
    "products_owned": "products",
}
TOTAL = Decimal(16_034_000)
CAPS = {"global": 6, "enterprise": 15, "scale": 40}


def answer(*words: str, **options: Any) -> dict[str, Any]:
    """What a command prints in JSON mode."""
    out, remarks = io.StringIO(), io.StringIO()
    call_command(*words, format="json", stdout=out, stderr=remarks, **options)
    return json.loads(out.getvalue())


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    file = tmp_path / "mapping.json"
    file.write_text(json.dumps(MAPPING))
    return file


def test_a_real_list_is_imported_tiered_planned_and_seen(inputs: Path, mapping: Path) -> None:
    file = inputs / "territory_planner" / "customers.csv"

    # A dry run offers the eight owners as new CSMs and writes nothing.
    preview = answer("import_customers", str(file), "--mapping", str(mapping), "--dry-run")
    assert (preview["rows"], preview["created"], preview["rejected"]) == (149, 149, 0)
    assert len(preview["new_values"]["csm"]) == 8
    assert not Customer.objects.exists()
    assert not CSM.objects.exists()

    done = answer("import_customers", str(file), "--mapping", str(mapping))
    assert (done["rows"], done["created"], done["updated"], done["unchanged"], done["rejected"]) == (
        149,
        149,
        0,
        0,
        0,
    )
    assert Customer.objects.aggregate(total=Sum("arr"))["total"] == TOTAL
    books = Customer.objects.values("csm").annotate(size=Count("pk")).values_list("size", flat=True)
    assert (CSM.objects.count(), min(books), max(books)) == (8, 12, 30)

    # The same file again changes nothing.
    again = answer("import_customers", str(file), "--mapping", str(mapping))
    assert (again["unchanged"], again["created"], again["updated"]) == (149, 0, 0)

    loaded = answer("load_playbook", "three-axis", "--publish")
    assert loaded["status"] == "published"
    run = answer("retier", "--apply")
    assert (run["status"], run["decided"], run["undecided"], run["moves"]) == ("applied", 149, 0, [])
    # From the file: no ARR reaches 750 000, thirty reach 150 000.
    assert run["tiers"] == {"global": 0, "enterprise": 30, "scale": 119}

    plan = answer("plan_books", "--apply")
    assert (plan["status"], plan["assigned"], plan["unassigned"], plan["shortages"]) == (
        "applied",
        149,
        [],
        [],
    )
    balance = answer("workload_balance")
    assert sum(csm["customers"] for csm in balance["csms"]) == 149
    assert sum(Decimal(str(csm["arr"])) for csm in balance["csms"]) == TOTAL
    for csm in balance["csms"]:
        assert csm["hours"] <= csm["capacity"], csm
        assert all(count <= CAPS[tier] for tier, count in csm["by_tier"].items()), csm

    # Every served customer has one CSM, in the table and in the ledger.
    assert not Customer.objects.filter(csm__isnull=True).exists()
    assert TierHolding.objects.current().count() == BookHolding.objects.current().count() == 149
    assert Customer.objects.aggregate(total=Sum("arr"))["total"] == TOTAL


def test_another_run_and_another_plan_of_even_books_change_nothing(inputs: Path, mapping: Path) -> None:
    file = inputs / "territory_planner" / "customers.csv"
    answer("import_customers", str(file), "--mapping", str(mapping))
    answer("load_playbook", "three-axis", "--publish")
    answer("retier", "--apply")
    # The books of the file are uneven; each plan evens them out by at most the budget's tenth, until nothing helps.
    while answer("plan_books", "--apply")["moves"]:
        pass
    before = list(Customer.objects.order_by("pk").values_list("pk", "tier", "tier_since", "csm", "csm_since"))
    ledger = BookHolding.objects.count(), TierHolding.objects.count()
    assert answer("retier", "--apply")["moves"] == []
    assert answer("plan_books", "--apply")["moves"] == []
    assert before == list(
        Customer.objects.order_by("pk").values_list("pk", "tier", "tier_since", "csm", "csm_since")
    )
    assert ledger == (BookHolding.objects.count(), TierHolding.objects.count())
