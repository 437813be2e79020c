"""What one asked for: its state and decision stay with who asked, whoever has the customer by now, and nothing else does."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Customer, Team
from allocation.models import Notice, Override, Source
from allocation.selectors.own_requests import LATEST_REQUESTS, own_requests
from allocation.services.decisions import CsmChange, DecisionSource, set_csms
from allocation.services.overrides import approve_override, decline_override
from tests.factories import TODAY
from tests.pages.company import CANARY
from tests.pages.reading import plain, read
from tests.pages.test_overrides import asked, page
from tests.queries.counting import queries_of

DECISIONS = {"approved": approve_override, "declined": decline_override}


@pytest.fixture
def request_of_a(company):
    return asked(company, by=company.cast.csm_a, words="Their sponsor leaves")


def hand_over(company, customer):
    """To the other CSM, whose team has the same manager, so that somebody may decide."""
    Team.objects.filter(pk=company.cast.team_b.pk).update(manager=company.cast.manager)
    here, there = company.cast.csm_a.csm, company.cast.csm_b.csm
    change = CsmChange(customer.pk, here.pk, there.pk)
    set_csms(changes=[change], on=TODAY, decision=DecisionSource(Source.MANUAL))


def decide(company, override, how):
    return DECISIONS[how](
        override_id=override.pk,
        actor=company.cast.manager,
        words="We spoke with them",
        on=TODAY,
        at=timezone.now(),
    )


def shown(sign_in, person):
    return read(sign_in(person).get(reverse("notices")))


@pytest.mark.parametrize("how", DECISIONS)
def test_the_asker_reads_how_it_was_decided_after_the_customer_has_gone(company, sign_in, request_of_a, how):
    customer = request_of_a.customer
    hand_over(company, customer)
    decide(company, request_of_a, how)
    found = shown(sign_in, company.cast.csm_a)
    words = plain(found.words)
    for said in (
        customer.name,
        "no longer yours",
        "Their sponsor leaves",
        how.capitalize(),
        "We spoke with them",
    ):
        assert said in words
    # Of the customer itself nothing, and no way to it.
    assert page(customer) not in found.links()
    assert CANARY not in words
    assert sign_in(company.cast.csm_a).get(page(customer)).status_code == 404


def test_while_the_customer_is_theirs_the_line_leads_to_it(company, sign_in, request_of_a):
    found = shown(sign_in, company.cast.csm_a)
    assert page(request_of_a.customer) in found.links()
    assert "Asked" in plain(found.words) and "no longer yours" not in plain(found.words)


@pytest.mark.parametrize("who", ["ops", "manager", "csm_b"])
def test_nobody_reads_the_requests_of_others_here(company, sign_in, request_of_a, who):
    hand_over(company, request_of_a.customer)
    assert "Their sponsor leaves" not in shown(sign_in, getattr(company.cast, who)).words
    assert own_requests(user=getattr(company.cast, who)) == []


def test_the_mail_says_that_there_is_an_answer_and_names_neither_customer_nor_person(company, request_of_a):
    hand_over(company, request_of_a.customer)
    decide(company, request_of_a, "declined")
    told = Notice.objects.get(to=company.cast.csm_a, key__contains=f"override-{request_of_a.pk}-decided")
    assert told.subject == "Something you asked for was decided or has ended"
    for name in (request_of_a.customer.name, str(company.cast.manager), page(request_of_a.customer)):
        assert name not in told.subject + told.body
    assert reverse("notices") in told.body


def test_the_page_asks_as_often_for_two_requests_as_for_twenty(company):
    user = company.cast.csm_a
    statements = []
    for many in (2, LATEST_REQUESTS):
        for customer in Customer.objects.filter(csm=user.csm).order_by("pk"):
            while Override.objects.asked_by(user).count() < many and not customer.overrides.asked().exists():
                override = asked(company, by=user, customer=customer)
                decide(company, override, "declined")
        assert len(own_requests(user=user)) == many
        statements.append(len(queries_of(lambda: own_requests(user=user))))
    assert statements == [2, 2]
