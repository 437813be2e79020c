"""`plan_books`, `plan`, `workload_balance`, `attention`: keys, exits, sentences, scope."""

import io
import json
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Customer
from allocation.management.commands import plan_books
from allocation.models import BookPlan, RunStatus, Source
from allocation.selectors.attention import book_attention
from allocation.selectors.balance import workload
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.planning import apply_plan, propose_plan, queue_plan
from tests.factories import CLOCK, TODAY, CSMFactory, CustomerFactory, TierFactory, TouchActivityFactory

pytestmark = pytest.mark.django_db

PLAN_KEYS = {
    "plan", "status", "customers", "assigned", "unassigned", "moves", "objective", "bound", "gap_pct", "shortages",
    "balance",
}  # fmt: skip
CSM_KEYS = {"csm", "team", "customers", "by_tier", "arr", "hours", "capacity", "utilisation"}
FIGURES = {"outside_15_pct", "cv", "gini", "max_over_mean"}


def told(*words: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def answer(*words: str, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(told(*words, format="json", **options))
    return found


@pytest.fixture
def books(cast: SimpleNamespace) -> SimpleNamespace:
    """The cast's two CSMs; four Global customers, of whom a cap of one each leaves two without."""
    top = TierFactory(slug="global", name="Global", rank=1, touch_level="high", cap=1)
    TouchActivityFactory(tier=top, times_a_year=Decimal(12), hours_each=Decimal(30))
    today = timezone.localdate()
    customers = [
        CustomerFactory(external_id=f"C{n}", tier=top, tier_since=today, arr=Decimal("1000.25"))
        for n in range(4)
    ]
    return SimpleNamespace(top=top, customers=customers, today=today)


def test_a_shortage_is_an_answer_and_no_refusal(books: SimpleNamespace) -> None:
    found = answer("plan_books")
    assert set(found) >= PLAN_KEYS
    assert (found["status"], found["customers"], found["assigned"]) == ("proposed", 4, 2)
    assert [one["external_id"] for one in found["unassigned"]] == ["C2", "C3"]
    (line,) = found["shortages"]
    assert {key: line[key] for key in ("pool", "customers", "hours", "heads")} == {
        "pool": "everyone else · Global",
        "customers": 2,
        "hours": 60.0,
        "heads": 2,
    }
    move = found["moves"][0]
    assert {key: move[key] for key in ("external_id", "from", "to", "reason")} == {
        "external_id": "C0",
        "from": None,
        "to": "csm-a@example.com",
        "reason": "Had no CSM.",
    }
    assert set(found["balance"]) == {"before", "after"}
    assert found["bound"] == found["objective"] and found["gap_pct"] == 0
    assert not Customer.objects.filter(csm__isnull=False).exists()
    words = told("plan_books")
    assert "Short in everyone else · Global: 2 customers, 60:00 hours, 2 heads." in words
    assert "C0: nobody → csm-a@example.com (Had no CSM.)" in words


def test_apply_gives_the_customers_and_a_second_time_changes_nothing(books: SimpleNamespace) -> None:
    assert answer("plan_books", "--apply")["status"] == "applied"
    again = answer("plan_books", "--apply")
    assert (again["status"], again["moves"]) == ("applied", [])
    assert Customer.objects.filter(csm__isnull=False).count() == 2


def test_a_plan_is_shown_applied_and_discarded_by_its_number(books: SimpleNamespace) -> None:
    number = answer("plan_books")["plan"]
    shown = answer("plan", "show", str(number))
    assert (shown["plan"], shown["status"], len(shown["moves"])) == (number, "proposed", 2)
    assert answer("plan", "apply", str(number))["status"] == "applied"
    assert answer("plan", "apply", str(number))["status"] == "applied"
    with pytest.raises(CommandError, match="cannot be discarded"):
        told("plan", "discard", str(number))
    other = answer("plan_books")["plan"]
    assert answer("plan", "discard", str(other))["status"] == "discarded"
    with pytest.raises(CommandError, match="There is no book plan 999999"):
        told("plan", "show", "999999")


def test_only_cs_ops_may_plan_and_a_csm_sees_no_plan(books: SimpleNamespace, cast: SimpleNamespace) -> None:
    with pytest.raises(CommandError, match="Only CS ops"):
        told("plan_books", acting=cast.manager.email)
    with pytest.raises(CommandError, match="no active user"):
        told("plan_books", acting="stranger@example.com")
    number = str(answer("plan_books", acting=cast.ops.email)["plan"])
    assert [move["to"] for move in answer("plan", "show", number, acting=cast.manager.email)["moves"]] == [
        "csm-a@example.com"
    ]
    with pytest.raises(CommandError, match="There is no book plan"):
        told("plan", "show", number, acting=cast.csm_a.email)


@pytest.mark.parametrize(
    "words",
    [
        ["--max-moves-pct", "101"],
        ["--max-moves-pct", "many"],
        ["--max-moves-pct", "NaN"],  # a Decimal that cannot be compared
        ["--seed", "-1"],
        ["--seed", "2147483648"],  # more than the column of a database holds
    ],
)
def test_a_senseless_argument_is_refused(books: SimpleNamespace, words: list[str]) -> None:
    with pytest.raises(CommandError):
        told("plan_books", *words)
    assert not BookPlan.objects.exists()


def test_what_a_dead_runner_left_is_finished_first(
    books: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = queue_plan(as_of=books.today, seed=1, actor=None)
    propose_plan(plan_id=left.pk, owner="dead", **CLOCK)
    BookPlan.objects.filter(pk=left.pk).update(
        status=RunStatus.APPLYING, lease_until=timezone.now() - timedelta(seconds=1)
    )
    assert answer("plan_books", "--apply")["moves"] == []
    left.refresh_from_db()
    assert left.status == RunStatus.APPLIED
    busy = queue_plan(as_of=books.today, seed=1, actor=None)
    BookPlan.objects.filter(pk=busy.pk).update(
        status=RunStatus.COMPUTING, lease_until=timezone.now() + timedelta(seconds=60)
    )
    monkeypatch.setattr(plan_books, "PATIENCE_SECONDS", 0)
    with pytest.raises(CommandError, match=f"Book plan {busy.pk} is still computing: wait"):
        told("plan_books", "--apply")
    BookPlan.objects.filter(pk=busy.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert answer("plan_books", "--apply")["status"] == "applied"


def test_workload_balance_counts_every_book_and_loses_no_cent(books: SimpleNamespace) -> None:
    answer("plan_books", "--apply")
    found = answer("workload_balance")
    assert set(found) >= {"csms", "arr", "customers", "teams", "renewals", *FIGURES}
    for sums in (found["teams"], found["renewals"]):  # no team is below another here
        for key in ("customers", "arr"):
            assert sum(line[key] for line in sums) == sum(csm[key] for csm in found["csms"])
    assert set(found["arr"]) == set(found["customers"]) == FIGURES
    ada, ben = found["csms"]
    assert set(ada) >= CSM_KEYS
    # 160 hours less 25 % = 120; one customer of 12 × 30 ÷ 12 = 30 hours.
    assert {
        key: ada[key] for key in ("csm", "customers", "by_tier", "arr", "hours", "capacity", "utilisation")
    } == {
        "csm": "csm-a@example.com",
        "customers": 1,
        "by_tier": {"global": 1},
        "arr": 1000.25,
        "hours": 30.0,
        "capacity": 120.0,
        "utilisation": 0.25,
    }
    assert ben["arr"] == 1000.25
    assert (found["outside_15_pct"], found["cv"], found["gini"], found["max_over_mean"]) == (
        0.0,
        0.0,
        0.0,
        1.0,
    )
    assert "Ada Book (Team A): 1 customers (global 1), ARR 1000.25" in told("workload_balance")


def test_workload_balance_shows_each_person_the_own_scope(
    books: SimpleNamespace, cast: SimpleNamespace
) -> None:
    def seen(person: Any) -> list[str]:
        return [csm["name"] for csm in answer("workload_balance", acting=person.email)["csms"]]

    assert seen(cast.ops) == ["Ada Book", "Ben Book"]
    assert seen(cast.manager) == seen(cast.csm_a) == ["Ada Book"]
    assert seen(cast.nobody) == []
    teams = answer("workload_balance", acting=cast.manager.email)["teams"]
    assert [(line["team"], line["csms"]) for line in teams] == [("Team A", 1)]


def test_workload_balance_of_a_past_day_is_read_from_the_ledger(
    books: SimpleNamespace, cast: SimpleNamespace
) -> None:
    earlier = books.today - timedelta(days=10)
    first, ada, ben = books.customers[0], cast.csm_a.csm, cast.csm_b.csm
    by_hand = DecisionSource(kind=Source.MANUAL)
    set_csms(changes=[CsmChange(first.pk, None, ada.pk)], on=earlier, decision=by_hand)
    set_csms(changes=[CsmChange(first.pk, ada.pk, ben.pk)], on=books.today, decision=by_hand)

    def sizes(day: Any) -> list[int]:
        return [csm["customers"] for csm in answer("workload_balance", "--as-of", day.isoformat())["csms"]]

    assert sizes(books.today) == [0, 1]
    assert sizes(books.today - timedelta(days=1)) == [1, 0]
    assert sizes(earlier - timedelta(days=1)) == [0, 0]


def test_workload_balance_of_a_far_day_is_refused(books: SimpleNamespace) -> None:
    with pytest.raises(CommandError, match="days ahead"):
        told("workload_balance", "--as-of", "9999-12-31")


def test_attention_shares_a_csms_month_to_the_minute(books: SimpleNamespace, cast: SimpleNamespace) -> None:
    plan = queue_plan(as_of=books.today, seed=1, actor=None)
    propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    apply_plan(plan_id=plan.pk, actor=None, owner="test", on=TODAY)
    found = answer("attention", "csm-a@example.com")
    assert (found["csm"], found["net_hours"], found["net_minutes"]) == ("csm-a@example.com", 120.0, 7200)
    assert found["customers"] == [
        {"external_id": "C0", "base_hours": 30.0, "share_hours": 90.0, "hours": 120.0, "minutes": 7200}
    ]
    said = told("attention", "Ada Book")
    assert "120:00 net hours in the thirty days from " in said
    assert "C0: 120:00 hours (30:00 base + 90:00 share)" in said
    with pytest.raises(CommandError, match="There is no CSM Zoe"):
        told("attention", "Zoe")
    with pytest.raises(CommandError, match="There is no CSM"):
        told("attention", "csm-a@example.com", acting=cast.csm_b.email)


def test_two_csms_of_one_name_are_told_apart_by_e_mail(cast: SimpleNamespace) -> None:
    CSMFactory(name="Ada Book", email="ada2@example.com")
    with pytest.raises(CommandError, match="several CSMs called Ada Book: use the e-mail"):
        told("attention", "Ada Book")


def test_reading_balance_and_attention_takes_the_same_queries_at_any_size(
    books: SimpleNamespace, cast: SimpleNamespace
) -> None:
    ada = cast.csm_a.csm

    def queries() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as balance:
            workload(as_of=books.today)
        with CaptureQueriesContext(connection) as attention:
            book_attention(csm=ada, as_of=books.today)
        return len(balance), len(attention)

    assert connection.features.supports_json_field  # which SQLite is asked once a process
    few = queries()
    for _ in range(20):
        CSMFactory()
        CustomerFactory(tier=books.top, tier_since=books.today, csm=ada, csm_since=books.today)
    assert queries() == few
    assert max(few) <= 16
