"""Plans side by side: ask, follow, look, put away; what a manager sees of them."""

from decimal import Decimal

import pytest
from django.urls import reverse

from allocation.models import BookPlan, RunStatus, Variant
from allocation.services.planning import apply_plan, propose_plan
from allocation.tasks.planning import propose_book_plan
from tests.factories import CLOCK, TODAY, CustomerFactory
from tests.pages.company import applied_run, compared_plans
from tests.pages.reading import plain, read


@pytest.fixture
def rung(monkeypatch):
    bells = []
    for module in ("acting", "comparing"):
        monkeypatch.setattr(f"allocation.views.{module}.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


@pytest.fixture
def compared(company):
    CustomerFactory(name="New", arr=Decimal(20_000))
    applied_run(company.cast)
    return compared_plans(company.cast)


def page_of(sign_in, person, plan):
    return sign_in(person).get(reverse("plan_compare", args=[plan.pk]))


def test_asking_writes_four_rows_and_rings_for_each(company, sign_in, rung):
    posted = {"as_of": TODAY.isoformat(), "max_moves_pct": "12.5", "seed": "7", "continuity_weight": "99"}
    response = sign_in(company.cast.ops).post(reverse("compare_start"), posted)
    plans = list(BookPlan.objects.filter(status=RunStatus.QUEUED).order_by("pk"))
    assert [(plan.seed, plan.max_moves_pct) for plan in plans] == [
        (7, Decimal("12.5")), (7, Decimal(0)), (7, Decimal("12.5")), (7, Decimal("12.5")),
    ]  # fmt: skip
    assert response.url == reverse("plan_compare", args=[plans[0].pk])
    assert rung == [(propose_book_plan, {"plan_id": plan.pk}) for plan in plans]


def test_while_it_is_computed_the_page_says_how_far_it_is(company, sign_in, rung):
    client = sign_in(company.cast.ops)
    words = read(client.post(reverse("compare_start"), follow=True)).words
    assert "Waiting for a worker" in words
    assert "0 of 4" in words
    head = BookPlan.objects.get(status=RunStatus.QUEUED, variant=Variant.AS_POLICY)
    address = reverse("compare_progress", args=[head.pk])
    propose_plan(plan_id=head.pk, owner="test", **CLOCK)
    assert client.get(address).json() == {
        "status": "queued", "done": 1, "total": 4, "message": "Waiting for a worker", "finished": False,
        "note": "The plan waits for a worker. No worker has been heard of yet; it starts by itself when one is there.",
    }  # fmt: skip
    for plan in head.alternatives.all():
        propose_plan(plan_id=plan.pk, owner="test", **CLOCK)
    assert client.get(address).json()["finished"] is True


def test_what_cannot_be_compared_is_refused_with_a_sentence(company, sign_in, rung):
    client = sign_in(company.cast.ops)
    for posted, sentence in (
        ({"max_moves_pct": "101"}, "less than or equal to 100"),
        ({"as_of": "2026-11-01"}, "was applied as of"),
    ):
        assert sentence in read(client.post(reverse("compare_start"), posted, follow=True)).words
    client.post(reverse("plan_start"))
    assert "is being computed already" in read(client.post(reverse("compare_start"), follow=True)).words
    assert len(rung) == 1


def test_the_variants_stand_from_fewest_moves_to_most_even(company, sign_in, compared):
    response = page_of(sign_in, company.cast.ops, compared)
    page = read(response)
    words = plain(page.words)
    names = ["Only what must move", "Fewer moves", "As the policy says", "More even"]
    assert response.context["names"] == names
    lines = {label: values for label, _, values in response.context["lines"]}
    assert lines["Weight of continuity"] == ["3 points", "9.9 points", "3 points", "0.99 points"]
    assert "Objective without the moves" in words
    assert "Bounds and objectives of two plans cannot be compared" in words
    links = {link.get("href") for link in page.of("a")}
    assert {reverse("plan", args=[plan.pk]) for plan in BookPlan.objects.side_by_side(compared.pk)} <= links
    assert page.refused_by_policy() == []


def test_a_manager_sees_the_own_teams_side_only(company, sign_in, compared):
    response = page_of(sign_in, company.cast.manager, compared)
    words = plain(read(response).words)
    assert "your own teams" in words
    for hidden in ("Objective", "Left without a CSM", "of all ARR", "Discard all", "Ben Book"):
        assert hidden not in words
    assert "Coefficient of variation" in words


def test_a_plan_leads_to_those_beside_it(company, sign_in, compared):
    client = sign_in(company.cast.ops)
    address = reverse("plan_compare", args=[compared.pk])
    for page in (reverse("plans"), *(reverse("plan", args=[pk]) for pk in (compared.pk, compared.pk + 1))):
        assert address in {link.get("href") for link in read(client.get(page)).of("a")}, page
    alone = read(client.get(reverse("plan", args=[company.plan.pk])))
    assert not [link for link in alone.of("a") if "/compare/" in link.get("href", "")]
    steadier = compared.alternatives.get(variant=Variant.STEADIER)
    words = plain(read(client.get(reverse("plan", args=[steadier.pk]))).words)
    assert "Keeping a CSM counts 9.9 points here" in words


def test_home_names_a_comparison_once(company, sign_in, compared):
    words = plain(read(sign_in(company.cast.ops).get(reverse("home"))).words)
    assert words.count(" is proposed") == 1


def test_all_of_them_are_put_away_by_one_button(company, sign_in, rung, compared):
    client = sign_in(company.cast.ops)
    response = client.post(reverse("compare_discard", args=[compared.pk]), follow=True)
    assert "4 plans put away; no customer was changed." in read(response).words
    assert set(BookPlan.objects.side_by_side(compared.pk).values_list("status", flat=True)) == {"discarded"}
    assert "Discard all" not in read(response).words


def test_one_that_was_applied_leaves_the_others_stale(company, sign_in, compared):
    apply_plan(plan_id=compared.pk, actor=company.cast.ops, owner="test", on=TODAY)
    words = plain(read(page_of(sign_in, company.cast.ops, compared)).words)
    assert words.count(f"Book plan {compared.pk} of the same comparison was applied.") == 3


def test_what_is_no_comparison_is_not_there(company, sign_in, compared):
    client = sign_in(company.cast.ops)
    for pk in (company.plan.pk, compared.pk + 1, 10**12):
        for name in ("plan_compare", "compare_progress"):
            assert client.get(reverse(name, args=[pk])).status_code == 404, (name, pk)


@pytest.mark.parametrize(
    ("role", "seen", "asked", "discarded"),
    [("ops", 200, 302, 302), ("manager", 200, 403, 403), ("csm_a", 403, 403, 403), ("nobody", 403, 403, 403)],
)
def test_each_role_does_what_is_its_own(company, sign_in, rung, compared, role, seen, asked, discarded):
    client = sign_in(getattr(company.cast, role))
    pk = compared.pk
    for name in ("plan_compare", "compare_progress"):
        assert client.get(reverse(name, args=[pk])).status_code == seen
    assert client.post(reverse("compare_discard", args=[pk])).status_code == discarded
    assert client.post(reverse("compare_start")).status_code == asked
    assert client.get(reverse("compare_start")).status_code == 405
