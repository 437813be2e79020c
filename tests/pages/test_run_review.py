"""Reviewing a run: filters within a tab, refusing and accepting rows, what guards held."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Customer, Vertical
from allocation.models import Override, RetierRun, RowStatus, RunStatus, TierDecision
from allocation.services import retiering
from tests.factories import TODAY, CustomerFactory, TierFactory
from tests.pages.company import CANARY, NOW, applied_run, proposed_run, refreshed
from tests.pages.reading import plain, read


@pytest.fixture
def rung(monkeypatch):
    """The bells that were rung: (task, ids)."""
    bells = []
    monkeypatch.setattr("allocation.views.acting.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


@pytest.fixture
def run(company):
    """A proposal: in each book the Scale customer grew into Enterprise and the Enterprise one shrank to Scale."""
    Customer.objects.filter(pk__in=[company.a[2].pk, company.b[2].pk]).update(arr=Decimal(400_000))
    Customer.objects.filter(pk__in=[company.a[1].pk, company.b[1].pk]).update(arr=Decimal(1_000))
    return proposed_run(company.cast)


@pytest.fixture
def ops(company, sign_in):
    return sign_in(company.cast.ops)


def page_of(client, run, **query):
    return client.get(reverse("run", args=[run.pk]), query)


def names(response):
    return {row.name for row in response.context["rows"]}


def row_of(run, customer):
    return TierDecision.objects.get(run=run, customer=customer)


def act(client, run, action, *customers, **more):
    ids = [row_of(run, customer).pk for customer in customers]
    given = {"action": action, "row": ids, "query": "show=moves", "words": "Too early", **more}
    return read(client.post(reverse("run_rows", args=[run.pk]), given, follow=True))


# filter → names of customers of the changes that fit
def test_each_filter_narrows_the_changes(company, ops, run):
    tiers = {
        tier.slug: tier.pk for tier in {row.effective for row in run.decisions.select_related("effective")}
    }
    grown, shrunk = {"Alpha customer 002", "Zebra customer 002"}, {"Alpha customer 001", "Zebra customer 001"}
    for query, found in (
        ({}, grown | shrunk),
        ({"q": "Alpha"}, {"Alpha customer 001", "Alpha customer 002"}),
        ({"q": "zebra-001"}, {"Zebra customer 001"}),
        ({"was": tiers["scale"]}, grown),
        ({"to": tiers["scale"]}, shrunk),
        ({"way": "up"}, grown),
        ({"way": "down"}, shrunk),
        ({"by": "rule"}, grown | shrunk),
        ({"by": "override"}, set()),
        ({"csm": company.cast.csm_b.csm.pk}, {"Zebra customer 001", "Zebra customer 002"}),
        ({"vertical": Vertical.objects.get(name="Finance").pk}, {"Alpha customer 001", "Alpha customer 002"}),
        ({"segment": "Enterprise"}, grown),
        ({"status": "refused"}, set()),
        ({"way": "up", "csm": company.cast.csm_a.csm.pk}, {"Alpha customer 002"}),
    ):
        assert names(page_of(ops, run, show="moves", **query)) == found, query


def test_the_segments_to_choose_from_are_those_of_the_runs_model(company, ops, run):
    options = page_of(ops, run).context["filter"].form.fields["segment"].choices
    assert [value for value, _ in options if value] == ["Global", "Enterprise", "Scale"]


def test_a_manager_is_offered_no_csm_and_no_vertical_of_another_team(company, sign_in, run):
    body = page_of(sign_in(company.cast.manager), run).content.decode()
    assert "Ada Book" in body
    assert "Finance" in body
    assert "Ben Book" not in body
    assert CANARY not in body


def test_a_filter_that_cannot_be_read_narrows_nothing_and_breaks_nothing(company, ops, run):
    for query in ({"was": "x"}, {"csm": 10**30}, {"way": "sideways"}, {"segment": "Other"}):
        assert page_of(ops, run, show="moves", **query).status_code == 200, query


def test_each_flow_leads_to_its_rows_in_the_picture_and_in_the_table(company, ops, run):
    response = page_of(ops, run)
    up = next(line for line in response.context["flows"] if line.way == "up")
    assert (up.source.slug, up.target.slug, up.customers) == ("scale", "enterprise", 2)
    links = read(response).links()
    assert links.count(up.url) == 3  # the wide picture, the narrow one, the table
    assert {row.way for row in ops.get(up.url.split("#")[0]).context["rows"]} == {"up"}


def test_refusing_a_row_says_why_and_by_whom(company, ops, run):
    page = act(ops, run, "refuse", company.a[2], words="They merge next month")
    row = row_of(run, company.a[2])
    assert (row.status, row.words, row.refused_by) == (
        RowStatus.REFUSED, "They merge next month", company.cast.ops,
    )  # fmt: skip
    assert "1 row refused: this customer keeps its tier when the run is applied." in page.shown
    assert "Change tier 3 1 up, 2 down" in plain(page.shown)
    assert "Refused 1 not applied with this run" in plain(page.shown)
    refused = plain(read(page_of(ops, run, show="refused")).shown)
    assert "Alpha customer 002" in refused
    assert "They merge next month Refused by Olga Ops on" in refused
    assert "Zebra customer 002" not in refused[refused.index("Not decided") :]


def test_a_refused_row_counts_as_staying_in_the_picture(company, ops, run):
    act(ops, run, "refuse", company.a[2])
    figures = page_of(ops, run).context["figures"]
    # 2 grew, 2 shrank, one growth refused: Enterprise 2 - 2 + 1, Scale 2 - 1 + 2
    assert [(line.tier.slug, line.before, line.after) for line in figures.tiers] == [
        ("global", 4, 4),
        ("enterprise", 2, 1),
        ("scale", 2, 3),
    ]


def test_a_refused_row_is_not_applied_and_an_accepted_one_is(company, ops, run):
    act(ops, run, "refuse", company.a[1], company.a[2])
    page = act(ops, run, "accept", company.a[2], query="show=refused")
    assert "1 row accepted again." in page.shown
    confirm = " ".join(form.get("data-confirm", "") for form in read(page_of(ops, run)).of("form"))
    assert "0 customers get their first tier and 3 change tier. 1 refused row is left out." in confirm
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    tiers = [Customer.objects.get(pk=customer.pk).tier.slug for customer in company.a[1:3]]
    assert tiers == ["enterprise", "enterprise"]  # the first was to shrink; the second grew from Scale


def test_many_rows_at_once_those_ticked_and_all_that_fit_the_filter(company, ops, run):
    page = act(ops, run, "refuse", company.a[1], company.b[1])
    assert "2 rows refused: these customers keep their tier" in page.shown
    page = act(ops, run, "refuse", all="1", query="show=moves&way=up")
    assert "2 rows refused" in page.shown
    assert set(refused_of(run)) == {
        customer.pk for customer in (company.a[1], company.b[1], company.a[2], company.b[2])
    }
    page = act(ops, run, "accept", all="1", query="show=refused&q=Alpha")
    assert "2 rows accepted again." in page.shown
    assert set(refused_of(run)) == {company.b[1].pk, company.b[2].pk}


def refused_of(run):
    return run.decisions.filter(status=RowStatus.REFUSED).values_list("customer_id", flat=True)


def test_all_means_every_page_of_the_filter(company, ops):
    made = [CustomerFactory(name=f"Grower {number:03d}", arr=Decimal(20_000)) for number in range(120)]
    applied_run(company.cast)
    Customer.objects.filter(pk__in=[customer.pk for customer in made]).update(arr=Decimal(400_000))
    run = proposed_run(company.cast)
    page = act(ops, run, "refuse", all="1", query="show=moves&q=Grower&page=2")
    assert "120 rows refused" in page.shown
    assert run.decisions.filter(status=RowStatus.REFUSED).count() == 120


def test_a_manager_reviews_the_rows_of_the_own_teams_only(company, sign_in, run):
    client = sign_in(company.cast.manager)
    act(client, run, "refuse", company.a[2], company.b[2])
    assert set(refused_of(run)) == {company.a[2].pk}
    page = act(client, run, "refuse", all="1", query="show=moves")
    assert "1 row refused" in page.shown  # the other of the two in the own team
    assert "did not need it" not in page.shown  # "all" means those that are not refused yet
    assert company.b[1].pk not in refused_of(run)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"words": " "}, "Say why these rows are refused"),
        ({"words": "x" * 501}, "at most 500 characters"),
        ({"words": "They\0leave"}, "holds the character NUL"),  # PostgreSQL keeps none
        ({"row": []}, "Tick the rows that are meant"),
        ({"row": ["x", "-1", str(2**64)]}, "Tick the rows that are meant"),
        ({"row": [], "all": "1", "query": ""}, "Tick the rows that are meant"),
        ({"row": [], "all": "1", "query": "show=everything"}, "Tick the rows that are meant"),
        ({"row": [], "all": "1", "query": "show=moves&was=x"}, "Tick the rows that are meant"),
        ({"row": [str(10**15)]}, "Nothing was changed"),
        ({"action": "burn"}, "Say whether the rows are refused or accepted again."),
    ],
)
def test_what_is_not_understood_changes_nothing(company, ops, run, given, sentence):
    page = act(ops, run, given.pop("action", "refuse"), company.a[2], **given)
    assert sentence in page.shown
    assert not refused_of(run).exists()


def test_what_does_not_change_a_tier_cannot_be_refused(company, ops, run):
    # 153 000 is within the 5 % of the bound of 150 000: the dead band keeps Scale.
    Customer.objects.filter(pk=company.a[2].pk).update(arr=Decimal(153_000))
    held = proposed_run(company.cast)
    page = act(ops, held, "refuse", company.a[2])
    assert "Nothing was changed" in page.shown
    boxes = [box for box in read(page_of(ops, held, show="held")).of("input") if box.get("name") == "row"]
    assert boxes == []


def test_an_applied_run_is_not_reviewed_any_more(company, ops, run):
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    page = act(ops, run, "refuse", company.a[2])
    assert "rows can be refused only before it is applied" in page.shown
    assert [box for box in page.of("input") if box.get("name") == "row"] == []


def test_the_rows_stay_those_that_were_looked_at(company, ops, run):
    given = {
        "action": "refuse",
        "row": [row_of(run, company.a[2]).pk],
        "words": "No",
        "query": "show=moves&way=up&page=1",
    }
    response = ops.post(reverse("run_rows", args=[run.pk]), given)
    assert response.url == reverse("run", args=[run.pk]) + "?show=moves&way=up&page=1#rows"


def test_a_run_over_the_limit_comes_within_it_by_refusing_and_over_it_again_by_accepting(company, ops):
    made = [CustomerFactory(name=f"Grower {number:02d}", arr=Decimal(20_000)) for number in range(24)]
    applied_run(company.cast)
    Customer.objects.filter(pk__in=[customer.pk for customer in made]).update(arr=Decimal(400_000))
    run = proposed_run(company.cast)
    assert run.status == RunStatus.AWAITING_APPROVAL
    page = act(ops, run, "refuse", *made[:4])
    assert "The run is within the change limit now: CS ops can apply it" in page.shown
    assert [form for form in page.of("form") if form.get("action", "").endswith("/apply/")]
    page = act(ops, run, "accept", *made[:4], query="show=refused")
    assert "a manager has to approve it before it can be applied." in page.shown
    assert refreshed(run).status == RunStatus.AWAITING_APPROVAL


def test_an_approval_is_about_what_is_left_of_the_whole_run(company, sign_in, ops, run):
    act(ops, run, "refuse", company.b[2], company.a[2])
    RetierRun.objects.filter(pk=run.pk).update(status="awaiting_approval", over_limit=True)
    page = read(page_of(sign_in(company.cast.manager), run))
    asked = [form.get("data-confirm", "") for form in page.of("form")]
    assert "Approve this run? 2 customers would change tier, 1 of them in your teams." in asked
    assert "customers of your teams: 1 of the 2 changes of tier that this run would make." in plain(
        page.shown
    )


def test_one_of_a_thing_is_said_as_one(company, ops, run):
    act(ops, run, "refuse", company.b[2])
    page = read(page_of(ops, run, show="refused"))
    asked = " ".join(form.get("data-confirm", "") for form in page.of("form"))
    assert "0 customers get their first tier and 3 change tier. 1 refused row is left out." in asked
    assert "The one row of this tab" in page.shown
    assert "All 4 rows of this tab" in read(page_of(ops, run, show="moves")).shown


def test_an_approval_takes_the_call_for_one_out_of_the_message(company, sign_in, ops, run):
    """While the run is applied its page shows the message beside who approved it."""
    RetierRun.objects.filter(pk=run.pk).update(
        status="awaiting_approval", over_limit=True, apply_when_proposed=True, message="A manager has to"
    )
    retiering.approve_run(run_id=run.pk, actor=company.cast.manager, at=NOW)
    words = read(page_of(ops, run)).shown
    assert "It is over the change limit, and a manager approved it." in words
    assert "has to" not in words


@pytest.mark.parametrize(
    ("status", "said"),
    [("awaiting_approval", True), ("stale", False), ("undone", False), ("proposed", False)],
)
def test_the_change_limit_is_named_only_while_it_holds_a_run_up(ops, run, status, said):
    RetierRun.objects.filter(pk=run.pk).update(status=status, over_limit=True)
    assert ("Over the change limit" in read(ops.get(reverse("runs"))).shown) is said


def test_who_asked_for_a_run_is_said_for_commands_too(company, ops, run):
    assert f"asked by {company.cast.ops}." in read(page_of(ops, run)).shown
    RetierRun.objects.filter(pk=run.pk).update(requested_by=None)
    assert "asked by the timetable or a command." in read(page_of(ops, run)).shown
    assert "by the timetable or a command" in read(ops.get(reverse("runs"))).shown
    RetierRun.objects.filter(pk=run.pk).update(scope="goals")
    assert "asked because goals changed." in read(page_of(ops, run)).shown


def test_what_the_guards_held_is_counted_by_guard_and_leads_to_the_rows(company, ops):
    Customer.objects.filter(pk=company.a[2].pk).update(arr=Decimal(153_000))
    Customer.objects.filter(pk=company.b[2].pk).update(paid_tier=TierFactory(slug="enterprise"))
    run = proposed_run(company.cast)
    response = page_of(ops, run, show="held")
    lines = {line.label: line for line in response.context["guards"]}
    assert set(lines) == {"Dead band", "Paid floor"}
    words = plain(read(response).shown)
    assert "Dead band 1 Too close to the bound to move." in words
    assert names(ops.get(lines["Paid floor"].url.split("#")[0])) == {"Zebra customer 002"}
    assert names(ops.get(lines["Dead band"].url.split("#")[0])) == {"Alpha customer 002"}
    assert "guards" in page_of(ops, run, show="moves").context
    assert page_of(ops, run, show="moves").context["guards"] == []


def test_overridden_customers_have_their_tab(company, ops):
    Override.objects.create(
        customer=company.a[2],
        tier=TierFactory(slug="global"),
        reason_kind=Override.Reason.PROMISE,
        words="Promised",
        starts_on=TODAY,
        expires_on=TODAY + timedelta(days=30),
        status=Override.Status.APPROVED,
        asked_by=company.cast.csm_a,
        decided_by=company.cast.manager,
        decided_at=NOW,
        decided_words="Agreed",
    )
    response = page_of(ops, proposed_run(company.cast), show="overridden")
    assert names(response) == {"Alpha customer 002"}
    assert "override in force" in read(response).shown


def test_tabs_that_mean_nothing_yet_are_not_shown(company, ops, run):
    before = {tab.key for tab in page_of(ops, run).context["tabs"]}
    assert before == {"moves", "first", "held", "overridden", "undecided", "refused"}
    retiering.apply_run(run_id=run.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    assert {tab.key for tab in page_of(ops, run).context["tabs"]} - before == {"skipped"}
    undo_of(run, company)
    assert {tab.key for tab in page_of(ops, run).context["tabs"]} - before == {"skipped", "kept"}


def undo_of(run, company):
    retiering.undo_run(run_id=run.pk, owner="test", at=NOW, on=TODAY, actor_id=company.cast.ops.pk)


def test_every_tab_of_a_reviewed_run_is_fit_for_the_policy(company, ops, run):
    act(ops, run, "refuse", company.a[2])
    for tab in ("moves", "first", "held", "overridden", "undecided", "refused"):
        assert read(page_of(ops, run, show=tab)).refused_by_policy() == [], tab


def test_without_scripts_a_row_is_a_box_and_a_button(company, ops, run):
    """The form works as it stands: boxes named `row`, buttons named `action`, words that refusing needs."""
    page = read(page_of(ops, run, show="moves"))
    boxes = {box["value"] for box in page.of("input") if box.get("name") == "row"}
    assert boxes == {str(pk) for pk in run.decisions.moves().values_list("pk", flat=True)}
    assert {button.get("value") for button in page.of("button") if button.get("name") == "action"} == {
        "refuse"
    }
    assert [box for box in page.of("input") if box.get("name") == "words" and "required" in box]
