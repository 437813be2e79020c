"""`retier`, `run`, `explain`, `load_playbook`, `list_playbooks`: keys to the letter, refusals with a sentence."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from accounts.models import Customer, ExchangeRate
from allocation.models import RetierRun
from tests import factories

pytestmark = pytest.mark.django_db

RUN_KEYS = {
    "run", "model_version", "as_of", "status", "customers", "decided", "undecided", "moves", "guarded", "overridden",
    "over_limit", "skipped", "tiers",
}  # fmt: skip
EXPLAIN_KEYS = {
    "external_id", "segment", "score", "contributions", "suggested", "effective", "decided_by", "nearest_bound",
    "nearest_change", "facts_changed", "currency",
}  # fmt: skip


def answer(*words, **options):
    out, remarks = io.StringIO(), io.StringIO()
    call_command(*words, format="json", stdout=out, stderr=remarks, **options)
    return json.loads(out.getvalue())


def text(*words, **options):
    out = io.StringIO()
    call_command(*words, stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _three_axis(db):
    answer("load_playbook", "three-axis", "--publish")


def test_load_playbook_and_list_playbooks_have_their_keys():
    loaded = answer("load_playbook", "three-axis")
    assert loaded == {
        "slug": "three-axis",
        "tiers": ["global", "enterprise", "scale"],
        "model_version": 1,
        "status": "published",
    }
    listed = next(each for each in answer("list_playbooks")["playbooks"] if each["slug"] == "three-axis")
    assert loaded.items() <= listed.items()


def test_retier_stores_a_proposal_and_apply_gives_the_tiers():
    factories.CustomerFactory(external_id="A", arr=800000)
    factories.CustomerFactory(external_id="B", arr=None)
    found = answer("retier")
    assert found.keys() >= RUN_KEYS
    assert (found["status"], found["customers"], found["decided"], found["undecided"]) == (
        "proposed",
        2,
        2,
        0,
    )
    assert found["tiers"] == {"global": 1, "enterprise": 0, "scale": 1}
    assert not Customer.objects.filter(tier__isnull=False).exists()
    applied = answer("run", "apply", str(found["run"]))
    assert (applied["status"], applied["skipped"], applied["moves"]) == ("applied", [], [])
    assert answer("run", "show", str(found["run"])) == applied
    assert Customer.objects.get(external_id="A").tier.slug == "global"


def test_a_move_is_listed_with_slugs_score_and_reason():
    factories.CustomerFactory(external_id="A", arr=800000)
    answer("retier", "--apply")
    Customer.objects.update(arr=10000)
    found = answer("retier", "--apply")
    (move,) = found["moves"]
    assert (move["external_id"], move["from"], move["to"], move["suggested"]) == (
        "A",
        "global",
        "scale",
        "scale",
    )
    assert move["score"] == 0.0  # 10 000 is the low end of the log scale, nothing else is known
    assert move["reason"] == "Scale: everyone else (segment Scale); ARR 10,000"


def test_what_a_guard_held_back_is_listed():
    factories.CustomerFactory(external_id="A", arr=800000)
    answer("retier", "--apply")
    Customer.objects.update(arr=740000)
    found = answer("retier", "--apply")
    assert (found["guarded"], found["moves"]) == ({"dead_band": 1}, [])
    assert found["held"] == [
        {"external_id": "A", "tier": "global", "suggested": "enterprise", "guards": ["dead_band"]}
    ]


def test_explain_has_its_keys_and_the_contributions_add_up():
    factories.CustomerFactory(external_id="A", arr=160000, potential_arr=300000, health=70)
    answer("retier", "--apply")
    found = answer("explain", "A")
    assert found.keys() >= EXPLAIN_KEYS
    assert set(found["contributions"][0]) >= {"criterion", "value", "points", "weight", "contribution"}
    assert round(sum(part["contribution"] for part in found["contributions"]), 2) == found["score"]
    assert (found["suggested"], found["effective"], found["decided_by"]) == (
        "enterprise",
        "enterprise",
        "rule",
    )
    assert (found["nearest_bound"]["bound"], found["nearest_bound"]["distance"]) == (150000.0, 10000.0)
    # it holds Enterprise now: below 150 000 − 5 % it would leave
    assert (found["nearest_change"]["to"], found["nearest_change"]["tier"]) == (142499.99, "scale")
    assert "ARR from 160,000 to 142,499.99: Scale" in text("explain", "A")


def test_explain_tells_the_day_of_the_decision_and_not_today():
    factories.CustomerFactory(external_id="A", arr=160000)
    answer("retier", "--apply")
    before = answer("explain", "A")
    assert (before["facts_changed"], before["currency"]) == (False, "USD")
    assert "Amounts in USD." in text("explain", "A")
    assert "Facts have changed" not in text("explain", "A")
    Customer.objects.update(arr=5, health=1)
    assert answer("explain", "A") == {**before, "facts_changed": True}
    assert "Facts have changed since this run: the next one may decide otherwise." in text("explain", "A")


def test_explain_tells_what_an_earlier_run_said():
    factories.CustomerFactory(external_id="A", arr=160000)
    first = answer("retier", "--apply")["run"]
    before = answer("explain", "A")
    Customer.objects.update(arr=5)
    answer("retier", "--apply")
    assert answer("explain", "A")["effective"] == "scale"
    told = answer("explain", "A", "--run", str(first))
    assert {**told, "facts_changed": None} == {**before, "facts_changed": None}
    assert (told["run"], told["effective"]) == (first, "enterprise")
    with pytest.raises(CommandError, match="Run 999 did not decide A"):
        answer("explain", "A", "--run", "999")


def test_explain_refuses_whom_it_does_not_know_and_who_may_not_see(cast):
    factories.CustomerFactory(external_id="A")
    with pytest.raises(CommandError, match="There is no customer B"):
        answer("explain", "B")
    with pytest.raises(CommandError, match="No run has decided A yet"):
        answer("explain", "A")
    answer("retier", "--apply")
    with pytest.raises(CommandError, match="There is no customer A"):
        answer("explain", "A", acting=cast.csm_a.email)
    Customer.objects.update(csm=cast.csm_a.csm, csm_since=factories.TODAY)
    assert answer("explain", "A", acting=cast.csm_a.email)["external_id"] == "A"


def test_only_ops_start_apply_or_discard_runs_and_only_managers_approve(cast):
    factories.CustomerFactory()
    for person in (cast.manager, cast.csm_a, cast.nobody):
        with pytest.raises(CommandError, match="Only CS ops"):
            answer("retier", acting=person.email)
    run = str(answer("retier", acting=cast.ops.email)["run"])
    with pytest.raises(CommandError, match="Only CS ops may apply"):
        answer("run", "apply", run, acting=cast.manager.email)
    with pytest.raises(CommandError, match="There is no run"):
        answer("run", "show", run, acting=cast.csm_a.email)
    with pytest.raises(CommandError, match="approval of a manager"):
        answer("run", "approve", run, acting=cast.ops.email)


def test_a_run_over_the_limit_is_stored_and_waits_for_a_manager(cast):
    for _ in range(21):
        factories.CustomerFactory(arr=800000)
    answer("retier", "--apply")
    Customer.objects.update(arr=10)
    found = answer("retier", "--apply")
    assert (found["status"], found["over_limit"], len(found["moves"])) == ("awaiting_approval", True, 21)
    with pytest.raises(CommandError, match="a manager has to approve it first"):
        answer("run", "apply", str(found["run"]))
    with pytest.raises(CommandError, match="since you looked at it: 21 customers would change tier now"):
        answer("run", "approve", str(found["run"]), moves=22, acting=cast.manager.email)
    remarks = io.StringIO()
    call_command(
        "run",
        "approve",
        str(found["run"]),
        moves=21,
        acting=cast.manager.email,
        stdout=io.StringIO(),
        stderr=remarks,
    )
    assert remarks.getvalue() == f"Run {found['run']} is approved: 21 customers would change tier.\n"
    approved = answer("run", "show", str(found["run"]))
    assert approved["status"] == "applied"  # it was asked for with --apply
    assert answer("run", "apply", str(found["run"])) == approved


def test_who_applies_a_run_that_another_process_holds_is_refused():
    run = str(answer("retier")["run"])
    RetierRun.objects.claim(int(run), owner="alive", waiting=["proposed"], working="applying")
    with pytest.raises(CommandError, match=f"Run {run} is being applied by another process"):
        answer("run", "apply", run)


@pytest.mark.parametrize("form", ["text", "json"])
def test_over_the_limit_apply_says_on_stderr_that_nothing_was_applied(form):
    for _ in range(21):
        factories.CustomerFactory(arr=800000)
    answer("retier", "--apply")
    Customer.objects.update(arr=10)
    out, remarks = io.StringIO(), io.StringIO()
    call_command("retier", "--apply", format=form, stdout=out, stderr=remarks)
    run = RetierRun.objects.latest("pk")
    assert remarks.getvalue() == (
        "Nothing was applied: 21 of 21 customers decided, 21 would change tier. That is over the change limit: a manager "
        f"has to approve it. Approve it with: run approve {run.pk} --as MANAGER; then it is applied, as was asked for.\n"
    )
    assert "Nothing was applied" not in out.getvalue()
    assert run.status == "awaiting_approval"
    assert set(Customer.objects.values_list("tier__slug", flat=True)) == {"global"}


def test_a_discarded_run_stays_discarded():
    factories.CustomerFactory()
    run = str(answer("retier")["run"])
    assert answer("run", "discard", run)["status"] == "discarded"
    with pytest.raises(CommandError, match="cannot be discarded"):
        answer("run", "discard", run)


def test_refusals_have_a_sentence():
    with pytest.raises(CommandError, match="lies in the future"):
        answer("retier", as_of=timezone.localdate() + timedelta(days=1))
    factories.CustomerFactory(currency="XAU")
    with pytest.raises(CommandError, match="XAU"):
        answer("retier", "--apply")
    with pytest.raises(CommandError, match="There is no run 999"):
        answer("run", "show", "999")


def test_the_next_retier_finishes_what_a_dead_runner_left(monkeypatch):
    monkeypatch.setattr("allocation.management.commands.retier.PAUSE_SECONDS", 0)
    factories.CustomerFactory(external_id="A", arr=800000)
    run = answer("retier")["run"]
    RetierRun.objects.claim(run, owner="dead", waiting=["proposed"], working="applying")
    RetierRun.objects.filter(pk=run).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert answer("retier", "--apply")["status"] == "applied"
    assert RetierRun.objects.get(pk=run).status == "applied"
    assert Customer.objects.get().tier_holdings.count() == 1


def test_it_also_finishes_an_undoing_that_was_left_whatever_its_scope(monkeypatch):
    monkeypatch.setattr("allocation.management.commands.retier.PAUSE_SECONDS", 0)
    monkeypatch.setattr("allocation.management.commands.retier.PATIENCE_SECONDS", 0)
    factories.CustomerFactory(external_id="A", arr=800000)
    run = answer("retier", "--apply")["run"]
    RetierRun.objects.claim(run, owner="dead", waiting=["applied"], working="undoing")
    RetierRun.objects.filter(pk=run).update(lease_until=timezone.now() - timedelta(seconds=1))
    Customer.objects.update(arr=200000)
    found = answer("retier", "--apply", scope="goals")
    undone = RetierRun.objects.get(pk=run)
    assert (undone.status, undone.summary["restored"]) == ("undone", 1)
    # Given back first, so that the next run gives a first tier again.
    assert (found["status"], found["moves"], found["first_tiers"]) == ("applied", [], 1)
    assert Customer.objects.get().tier.slug == "enterprise"


def test_a_run_that_is_alive_elsewhere_is_waited_for_and_then_named(monkeypatch):
    monkeypatch.setattr("allocation.management.commands.retier.PAUSE_SECONDS", 0)
    monkeypatch.setattr("allocation.management.commands.retier.PATIENCE_SECONDS", 0)
    run = answer("retier")["run"]
    RetierRun.objects.claim(run, owner="alive", waiting=["proposed"], working="applying")
    with pytest.raises(CommandError, match=f"Run {run} "):
        answer("retier", "--apply")


def test_text_is_for_people():
    factories.CustomerFactory(external_id="A", arr=800000)
    said = text("retier", "--apply")
    assert "1 of 1 customers decided" in said
    assert "Tiers: global 1, enterprise 0, scale 0" in said


def test_a_manager_reads_of_a_run_only_the_customers_of_the_own_teams(cast):
    mine = factories.CustomerFactory(
        external_id="MINE", arr=800000, csm=cast.csm_a.csm, csm_since="2026-01-01"
    )
    theirs = factories.CustomerFactory(
        external_id="THEIRS", arr=800000, csm=cast.csm_b.csm, csm_since="2026-01-01"
    )
    answer("retier", "--apply")
    Customer.objects.filter(pk__in=[mine.pk, theirs.pk]).update(arr=None)
    run = str(answer("retier")["run"])
    assert [move["external_id"] for move in answer("run", "show", run)["moves"]] == ["MINE", "THEIRS"]
    shown = answer("run", "show", run, acting=cast.manager.email)
    assert [move["external_id"] for move in shown["moves"]] == ["MINE"]
    assert "THEIRS" not in json.dumps(shown)


def test_a_customer_without_any_amount_needs_no_rate():
    factories.CustomerFactory(currency="XAU", arr=None, potential_arr=None)
    assert answer("retier")["status"] == "proposed"
    Customer.objects.update(potential_arr=5)
    with pytest.raises(CommandError, match="XAU"):
        answer("retier")


def test_a_day_is_checked_and_any_day_of_the_calendar_is_a_day():
    factories.CustomerFactory(currency="XAU")
    with pytest.raises(CommandError, match="“2026-02-31” is no day of the calendar"):
        answer("retier", "--as-of", "2026-02-31")
    with pytest.raises(CommandError, match="no exchange rate"):
        answer("retier", "--as-of", "0001-01-01")


@pytest.mark.parametrize(
    "words", [("import_rates", "rates.csv"), ("seed_demo",), ("load_playbook", "three-axis")]
)
def test_setting_up_is_for_ops_and_nobody_acts_as_somebody_unknown(words, cast):
    for person in (cast.manager, cast.csm_a, cast.nobody):
        with pytest.raises(CommandError, match="Only CS ops may"):
            answer(*words, acting=person.email)
    with pytest.raises(CommandError, match="There is no active user"):
        answer(*words, acting="who@example.com")


def test_a_base_currency_other_than_that_of_the_rates_is_refused(settings):
    """Else amounts in EUR would be held against bounds that were written for USD, without a word."""
    factories.CustomerFactory(currency="EUR")
    ExchangeRate.objects.create(currency="EUR", day=factories.TODAY, rate="0.9", base="USD")
    settings.BASE_CURRENCY = "EUR"
    with pytest.raises(SystemCheckError, match="exchange rates are stored for USD"):
        answer("retier", skip_checks=False)
    assert not RetierRun.objects.exists()
