"""The timeline of one customer's page: every applied run with tier, score and reason, as picture and table."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Customer
from allocation.models import TieringModel
from allocation.services import retiering
from allocation.services.playbooks import load_playbook
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory, TierFactory
from tests.pages.company import NOW, applied_run, proposed_run, refreshed
from tests.pages.reading import plain, read


def page_of(client, customer):
    return client.get(reverse("customer", args=[customer.pk]))


@pytest.fixture
def grown(company):
    """Scale in the first run; Enterprise since the second; the third was refused by ops."""
    customer = company.a[2]
    Customer.objects.filter(pk=customer.pk).update(arr=Decimal(400_000))
    second = applied_run(company.cast)
    Customer.objects.filter(pk=customer.pk).update(arr=Decimal(900_000))
    third = proposed_run(company.cast)
    ids = list(third.decisions.filter(customer=customer).values_list("pk", flat=True))
    retiering.refuse_rows(
        run_id=third.pk, decision_ids=ids, actor=company.cast.ops, words="Not before spring", at=NOW
    )
    retiering.apply_run(run_id=third.pk, owner="test", at=NOW, actor_id=company.cast.ops.pk)
    customer.runs = [company.run.pk, second.pk, third.pk]
    return customer


def test_the_timeline_tells_each_run_with_tier_score_and_reason(company, sign_in, grown):
    response = page_of(sign_in(company.cast.ops), grown)
    lines = response.context["history"].lines
    assert [line.run_id for line in lines] == list(reversed(grown.runs))
    assert [(line.tier, line.rank, line.suggested, line.standing) for line in lines] == [
        ("Enterprise", 2, "Global", "Refused"),
        ("Enterprise", 2, "", ""),
        ("Scale", 3, "", ""),
    ]
    assert lines[0].reason == "Not before spring"
    assert "ARR ≥ 150,000" in lines[1].reason
    assert all(Decimal(line.score) >= 0 for line in lines)
    words = plain(read(response).words)
    timeline = words[words.index("Tiers, scores and reasons over time") :]
    assert timeline.index("Not before spring") < timeline.index("ARR ≥ 150,000")


def test_the_picture_has_a_step_a_run(company, sign_in, grown):
    pictures = [
        svg for svg in read(page_of(sign_in(company.cast.ops), grown)).of("svg") if svg.get("role") == "img"
    ]
    labels = [svg["aria-label"] for svg in pictures if "over time" in svg["aria-label"]]
    assert (
        labels
        == ["Tier over time: Scale, then Enterprise; the table below says the same, with scores and reasons."]
        * 2
    )


def test_only_who_may_open_a_run_gets_a_link_to_it(company, sign_in, grown):
    for who, linked in ((company.cast.manager, True), (company.cast.csm_a, False)):
        links = read(page_of(sign_in(who), grown)).links()
        assert [reverse("run", args=[pk]) in links for pk in grown.runs] == [linked] * 3, who


def test_a_run_that_was_undone_says_so(company, sign_in, grown):
    retiering.undo_run(run_id=grown.runs[1], owner="test", at=NOW, on=TODAY, actor_id=company.cast.ops.pk)
    line = page_of(sign_in(company.cast.ops), grown).context["history"].lines[1]
    assert (line.run_id, line.standing, line.tier) == (grown.runs[1], "Undone", "Scale")


def test_a_customer_that_no_run_has_seen_has_an_empty_timeline(company, sign_in):
    new = CustomerFactory(csm=company.cast.csm_a.csm, csm_since=TODAY)
    response = page_of(sign_in(company.cast.csm_a), new)
    assert response.context["history"] is None
    assert "No run has been applied yet" in read(response).words


def test_runs_about_others_do_not_push_the_own_ones_out(company, sign_in, monkeypatch):
    """A goals run keeps its customers from the first to the last; who lies between is not in it."""
    monkeypatch.setattr("allocation.selectors.timeline.LONGEST", 2)
    between, client = company.a[1], sign_in(company.cast.ops)
    for number in range(3):
        for customer in (company.a[0], company.a[2]):
            GoalFactory(customer=customer, kind=GoalKindFactory(slug=f"goal-of-{number}"))
        run = retiering.queue_run(as_of=TODAY, at=NOW, scope="goals")
        retiering.propose_run(run_id=run.pk, owner="test")
        retiering.apply_run(run_id=run.pk, owner="test", at=NOW)
    assert [line.run_id for line in page_of(client, between).context["history"].lines] == [company.run.pk]
    assert len(page_of(client, company.a[0]).context["history"].lines) == 2  # the newest of four


def test_a_change_that_is_proposed_is_told_to_who_looks(company, sign_in):
    Customer.objects.filter(pk=company.a[2].pk).update(arr=Decimal(400_000))
    run = proposed_run(company.cast)
    sentence = f"Run {run.pk}, as of 22 Nov 2026, proposes Enterprise: "
    page = read(page_of(sign_in(company.cast.manager), company.a[2]))
    assert sentence in page.words.replace(" ,", ",").replace(" :", ":")
    assert reverse("run", args=[run.pk]) in page.links()
    csm = read(page_of(sign_in(company.cast.csm_a), company.a[2]))
    assert sentence in csm.words.replace(" ,", ",").replace(" :", ":")
    assert reverse("run", args=[run.pk]) not in csm.links()
    retiering.discard_run(run_id=run.pk, at=NOW)
    assert "proposes" not in read(page_of(sign_in(company.cast.manager), company.a[2])).words
    assert refreshed(run).status == "discarded"


BY_TOUCH = {
    "segments": [{"name": "Everyone", "when": []}],
    "criteria": [],
    "goals": ["risk-mitigation"],
    "touch": [
        {"touch": "high", "when": [{"attribute": "goals_ask_for", "op": "is", "value": "high"}]},
        {"touch": "low", "when": []},
    ],
    "tiers": [
        {"tier": "top", "when": [{"attribute": "touch", "op": "is", "value": "high"}]},
        {"tier": "base", "when": []},
    ],
    "guards": {},
}


def test_touch_level_and_leading_goal_are_steps_where_the_model_has_them(company, sign_in):
    client = sign_in(company.cast.csm_a)
    assert "Touch level" not in read(page_of(client, company.a[1])).words
    TierFactory(slug="top", name="Top", rank=101, touch_level="high")
    TierFactory(slug="base", name="Base", rank=102, touch_level="low")
    kind = GoalKindFactory(slug="risk-mitigation")
    kind.asks_for = "high"
    kind.save()
    GoalFactory(customer=company.a[1], kind=kind)
    TieringModel.objects.update(status=TieringModel.Status.RETIRED)
    TieringModel.objects.create(number=99, name="By touch", definition=BY_TOUCH, status="published")
    applied_run(company.cast)
    steps = {step.label: step for step in page_of(client, company.a[1]).context["why"].steps}
    assert list(steps) == [
        "Segment", "Leading goal", "Touch level", "The rules suggest", "Guard or override", "Tier",
    ]  # fmt: skip
    assert (steps["Leading goal"].value, steps["Touch level"].value) == ("Risk mitigation", "High touch")
    assert steps["Touch level"].note
    others = {step.label for step in page_of(client, company.a[2]).context["why"].steps}
    assert "Leading goal" not in others
    assert "Touch level" in others


def test_the_model_of_that_day_is_told_though_another_is_published_since(company, sign_in):
    load_playbook(slug="three-axis", publish=True, at=NOW, actor_id=company.cast.ops.pk)
    lines = page_of(sign_in(company.cast.ops), company.a[1]).context["history"].lines
    assert [(line.run_id, line.tier) for line in lines] == [(company.run.pk, "Enterprise")]
