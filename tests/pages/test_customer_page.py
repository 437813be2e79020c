"""One customer's page: the same answer as the `explain` command, in words, as a picture and as a table."""

import json
from datetime import timedelta
from decimal import Decimal

from django.core.management import call_command
from django.urls import reverse

from accounts.models import Customer
from allocation.models import Override, RetierRun
from allocation.services.sentiment import set_sentiment
from tests.factories import TODAY, CustomerFactory, GoalFactory, GoalKindFactory, TierFactory, UserFactory
from tests.pages.reading import plain, read
from tests.rewriting import before_the_triggers


def page_of(client, customer):
    response = client.get(reverse("customer", args=[customer.pk]))
    assert response.status_code == 200
    return read(response)


def test_the_reasons_are_those_of_the_explain_command(company, sign_in, capsys):
    customer = company.a[1]
    call_command("explain", customer.external_id, format="json")
    found = json.loads(capsys.readouterr().out)
    words = plain(page_of(sign_in(company.cast.ops), customer).words)
    assert found["contributions"], "the playbook scores by several criteria"
    for line in found["contributions"]:
        assert f"{line['weight']:g} {line['contribution']:.2f}" in words, line
    assert f"Score {found['score']:.2f}" in words
    assert found["reason"] in words
    assert found["nearest_bound"]["words"] in words
    assert found["nearest_change"]["words"] in words
    assert (
        f"run {found['run']}, as of 22 Nov 2026, model version {found['model_version']}; amounts in USD"
        in words
    )
    assert "Facts have changed" not in words


def test_facts_that_changed_since_the_run_are_told(company, sign_in):
    Customer.objects.filter(pk=company.a[1].pk).update(arr=5)
    words = plain(page_of(sign_in(company.cast.csm_a), company.a[1]).words)
    assert "Facts have changed since this run: the next one may decide otherwise." in words
    other = plain(page_of(sign_in(company.cast.csm_a), company.a[2]).words)
    assert "Facts have changed" not in other


def test_amounts_are_said_to_be_in_the_currency_of_the_run(company, sign_in):
    with before_the_triggers("allocation_retierrun"):
        RetierRun.objects.update(base_currency="CHF")
    response = sign_in(company.cast.ops).get(reverse("customer", args=[company.a[1].pk]))
    why = response.context["why"]
    assert why.source.endswith("; amounts in CHF")
    assert any(line.value.endswith("CHF") for line in why.contributions)


def test_the_contributions_on_the_page_add_up_to_the_score(company, sign_in):
    response = sign_in(company.cast.ops).get(reverse("customer", args=[company.a[1].pk]))
    why = response.context["why"]
    assert sum(Decimal(line.contribution) for line in why.contributions) == Decimal(why.score)


def test_the_score_says_of_which_contributions_it_is_the_sum(company, sign_in):
    response = sign_in(company.cast.ops).get(reverse("customer", args=[company.a[1].pk]))
    why = response.context["why"]
    given = [
        f"{line.criterion} {line.contribution}" for line in why.contributions if line.contribution != "–"
    ]
    assert why.score_trace == "\n+ ".join(given) + f"\n= {why.score}"
    assert plain(read(response).words).count(f"= {why.score}") == 2  # above, and below the table


def test_a_sentiment_that_was_set_stands_in_the_history_with_what_it_was_before(company, sign_in):
    customer, csm = company.a[1], company.cast.csm_a
    for sentiment in (4, 2):
        set_sentiment(customer_id=customer.pk, sentiment=sentiment, actor=csm, on=TODAY)
    words = plain(page_of(sign_in(csm), customer).words)
    assert "Sentiment 2 of 5 · poor" in words
    assert "before: 4 of 5 · good" in words


def test_the_picture_has_a_mark_for_each_criterion(company, sign_in):
    response = sign_in(company.cast.ops).get(reverse("customer", args=[company.a[1].pk]))
    page = read(response)
    criteria = len(response.context["why"].contributions)
    pictures = [svg for svg in page.of("svg") if svg.get("role") == "img"]
    assert any(f"{criteria} criteria" in svg["aria-label"] for svg in pictures)


def test_tier_and_csm_say_since_when(company, sign_in):
    words = plain(page_of(sign_in(company.cast.csm_a), company.a[1]).words)
    assert "Tier Enterprise since 22 Nov 2026" in words
    assert "CSM Ada Book since 14 Aug 2026" in words  # 100 days before


def test_history_tells_both_ledgers_with_the_decision(company, sign_in):
    words = plain(page_of(sign_in(company.cast.ops), company.a[1]).words)
    history = words[words.index("History tiers, CSMs and sentiment") :]
    assert f"22 Nov 2026 Tier Enterprise Re-tiering run {company.run.pk}, Olga Ops" in history
    assert "14 Aug 2026 CSM Ada Book By hand" in history


def test_a_csm_gets_no_link_to_a_run(company, sign_in):
    links = page_of(sign_in(company.cast.csm_a), company.a[1]).links()
    assert reverse("run", args=[company.run.pk]) not in links
    links = page_of(sign_in(company.cast.manager), company.a[1]).links()
    assert reverse("run", args=[company.run.pk]) in links


def test_goals_say_what_is_wanted_since_when(company, sign_in):
    GoalFactory(
        customer=company.a[0],
        kind=GoalKindFactory(slug="expansion"),
        starts_on=TODAY - timedelta(days=30),
        ends_before=TODAY - timedelta(days=3),
    )
    words = plain(page_of(sign_in(company.cast.csm_a), company.a[0]).words)
    assert "Adoption since 22 Nov 2026 Everybody uses it Open" in words
    assert "Expansion since 23 Oct 2026, closed on 19 Nov 2026 Closed" in words


def test_an_override_in_force_is_shown_with_its_end(company, sign_in):
    Override.objects.create(
        customer=company.a[2],
        tier=TierFactory(slug="global"),
        reason_kind=Override.Reason.PROMISE,
        words="Promised in the contract",
        starts_on=TODAY,
        expires_on=TODAY + timedelta(days=30),
        status=Override.Status.APPROVED,
        asked_by=company.cast.csm_a,
        decided_by=company.cast.manager,
        decided_at="2026-11-22T09:00Z",
        decided_words="Agreed",
    )
    words = plain(page_of(sign_in(company.cast.csm_a), company.a[2]).words)
    assert "Global In force Until 22 Dec 2026. The model says Scale" in words.replace("1 Global", "Global")
    assert "A promise made : Promised in the contract" in words
    assert "Approved by Mia Manager on 22 Nov 2026: Agreed" in words


def test_a_customer_that_no_run_has_seen_says_what_comes(company, sign_in):
    new = CustomerFactory(csm=company.cast.csm_a.csm, csm_since=TODAY)
    words = page_of(sign_in(company.cast.csm_a), new).words
    assert "No reasons yet" in words
    assert "Tier None yet" in words


def test_a_customer_without_any_facts_has_dashes_not_errors(company, sign_in):
    bare = CustomerFactory(arr=None)
    words = page_of(sign_in(company.cast.ops), bare).words
    assert "ARR –" in words
    assert "Nobody waits for a book plan" in words


def test_a_parent_out_of_scope_is_not_named(company, sign_in):
    child = company.a[3]
    Customer.objects.filter(pk=child.pk).update(parent=company.b[0])
    assert company.b[0].name not in page_of(sign_in(company.cast.csm_a), child).words
    assert company.b[0].name in page_of(sign_in(company.cast.ops), child).words


def test_only_ops_get_the_way_into_the_admin(company, sign_in):
    address = reverse("admin:accounts_customer_change", args=[company.a[0].pk])
    assert address in page_of(sign_in(company.cast.ops), company.a[0]).links()
    assert address not in page_of(sign_in(company.cast.manager), company.a[0]).links()


def test_own_attributes_are_shown_by_their_label(company, sign_in):
    from accounts.models import CustomAttribute

    CustomAttribute.objects.create(slug="region_lead", label="Region lead", kind="yes_no")
    Customer.objects.filter(pk=company.a[0].pk).update(attributes={"region_lead": True, "gone": 1})
    words = page_of(sign_in(company.cast.ops), company.a[0]).words
    assert "Region lead Yes" in words
    assert "gone" not in words


def test_sentiment_says_by_whom_and_when(company, sign_in):
    Customer.objects.filter(pk=company.a[0].pk).update(
        sentiment=4, sentiment_on=TODAY, sentiment_by=UserFactory(name="Ann Other")
    )
    words = plain(page_of(sign_in(company.cast.ops), company.a[0]).words)
    assert "CSM sentiment 4 of 5 as of 22 Nov 2026, Ann Other" in words
