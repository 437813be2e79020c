"""Overrides on the customer's page and in the book: asked for, taken back, seen by whom they concern."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Customer, Tier
from allocation.models import Override, OverrideEdit, RetierRun
from allocation.services.overrides import approve_override, request_override
from allocation.tasks.retiering import propose_retier_run
from tests.factories import TODAY, CustomerFactory
from tests.pages.company import CANARY
from tests.pages.reading import plain, read
from tests.queries.counting import queries_of

DAY = timedelta(days=1)
LAST = TODAY.replace(year=TODAY.year + 1)  # twelve months later
ROLES = ("ops", "manager", "csm_a", "csm_b", "nobody")


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


def tier(slug="global"):
    return Tier.objects.get(slug=slug)


def wish(**more):
    return {
        "tier": tier().pk,
        "reason_kind": "risk",
        "words": "Their sponsor leaves",
        "evidence": "Mail of 3 November",
        "starts_on": TODAY.isoformat(),
        "expires_on": (TODAY + 90 * DAY).isoformat(),
        **more,
    }


def address(customer):
    return reverse("override_request", args=[customer.pk])


def page(customer):
    return reverse("customer", args=[customer.pk])


def asked(company, by=None, customer=None, **more):
    given = {
        "tier_id": tier().pk, "reason_kind": "risk", "words": "Their sponsor leaves", "starts_on": TODAY,
        "expires_on": TODAY + 90 * DAY, **more,
    }  # fmt: skip
    return request_override(
        customer_id=(customer or company.a[2]).pk,
        actor=by or company.cast.csm_a,
        on=TODAY,
        at=timezone.now(),
        **given,
    )


def approved(company, **more):
    one = asked(company, **more)
    return approve_override(
        override_id=one.pk, actor=company.cast.manager, words="Agreed", on=TODAY, at=timezone.now()
    )


def card(response):
    body = response.content.decode()
    return body[body.index('id="override-heading"') : body.index('id="goals-heading"')]


def test_a_csm_asks_and_everything_stands_on_the_card(company, sign_in):
    client, customer = sign_in(company.cast.csm_a), company.a[2]
    answer = client.post(address(customer), wish())
    assert answer.url == page(customer) + "#override-heading"
    one = Override.objects.get()
    assert (one.customer, one.tier, one.status, one.asked_by, one.starts_on, one.expires_on) == (
        customer, tier(), "asked", company.cast.csm_a, TODAY, TODAY + 90 * DAY,
    )  # fmt: skip
    assert (one.words, one.evidence, one.reason_kind) == (
        "Their sponsor leaves",
        "Mail of 3 November",
        "risk",
    )
    shown = client.get(answer.url)
    words = plain(read(shown).words)
    for said in (
        "is asked for: somebody else decides it, by 29 Nov 2026.",
        "Waits for a decision From 22 Nov 2026 until 20 Feb 2027. The model says Scale",
        "Risk the model does not see : Their sponsor leaves",
        "Evidence : Mail of 3 November",
        "Asked for by Ada Book on",
        "the model said Scale then.",
        "Mia Manager can decide it, due 29 Nov 2026.",
    ):
        assert said in words
    assert "is asked for" in card(shown)
    assert Customer.objects.get(pk=customer.pk).tier.slug == "scale"


@pytest.mark.parametrize("role", ROLES)
def test_who_may_ask(company, sign_in, role):
    """ops, manager of the team, CSM of the book; the CSM of another book finds nothing, Nobody has no page."""
    client = sign_in(getattr(company.cast, role))
    own, foreign = (client.post(address(one), wish()).status_code for one in (company.a[2], company.b[2]))
    assert (own, foreign) == {
        "ops": (302, 302), "manager": (302, 404), "csm_a": (302, 404), "csm_b": (404, 302), "nobody": (403, 403),
    }[role]  # fmt: skip
    assert Override.objects.count() == [own, foreign].count(302)


def test_a_form_is_there_for_who_may_ask_and_for_nobody_else(company, sign_in):
    for role in ("ops", "manager", "csm_a"):
        forms = read(sign_in(getattr(company.cast, role)).get(page(company.a[2]))).of("form")
        assert address(company.a[2]) in [form.get("action") for form in forms], role
    left = company.a[2]
    Customer.objects.filter(pk=left.pk).update(status="left")
    shown = read(sign_in(company.cast.ops).get(page(left)))
    assert address(left) not in [form.get("action") for form in shown.of("form")]
    assert "A customer that left has no tier to override." in shown.words


def test_the_form_proposes_half_a_year_and_says_the_most(company, sign_in):
    shown = read(sign_in(company.cast.csm_a).get(page(company.a[2])))
    values = {field.get("name"): field.get("value") for field in shown.of("input")}
    assert (values["starts_on"], values["expires_on"]) == ("2026-11-22", "2027-05-22")
    assert "at most 12 months after the start" in shown.words


def test_only_tiers_in_use_are_offered_and_taken(company, sign_in):
    client = sign_in(company.cast.csm_a)
    retired = tier("enterprise")
    Tier.objects.filter(pk=retired.pk).update(retired=True)
    assert "Enterprise</option>" not in card(client.get(page(company.a[2])))
    assert client.post(address(company.a[2]), wish(tier=retired.pk)).status_code == 422
    assert not Override.objects.exists()


LONG = "x" * 2000
# what was sent, whether it is taken, what the page says if it is not
TYPED = [
    ({"words": LONG}, True, ""),
    ({"words": LONG + "y"}, False, "at most 2000 characters"),
    ({"words": ""}, False, "This field is required."),
    ({"words": "  \n "}, False, "This field is required."),
    ({"words": "A NUL \0 in it"}, False, "Null characters are not allowed."),
    ({"evidence": LONG}, True, ""),
    ({"evidence": LONG + "y"}, False, "at most 2000 characters"),
    ({"evidence": ""}, True, ""),
    # A browser counts a line's end as one character and sends it as two.
    ({"words": "\r\n".join(["x" * 199] * 10)}, True, ""),
    ({"expires_on": LAST.isoformat()}, True, ""),
    ({"expires_on": (LAST + DAY).isoformat()}, False, "At most 12 months after its start: 22 Nov 2027"),
    ({"expires_on": ""}, False, "This field is required."),
    ({"expires_on": "9999-12-31"}, False, "At most 12 months"),
    ({"starts_on": "9999-12-30", "expires_on": "9999-12-31"}, True, ""),
    ({"expires_on": TODAY.isoformat()}, False, "It must end after it starts."),
    ({"expires_on": (TODAY + DAY).isoformat()}, True, ""),
    ({"starts_on": (TODAY - DAY).isoformat()}, False, "cannot start in the past"),
    ({"starts_on": "soon"}, False, "Enter a valid date."),
    ({"reason_kind": ""}, False, "This field is required."),
    ({"reason_kind": "whim"}, False, "Select a valid choice."),
    ({"tier": ""}, False, "This field is required."),
    ({"tier": "99999999999999999999"}, False, "Select a valid choice."),
]


@pytest.mark.parametrize(("given", "taken", "said"), TYPED)
def test_what_is_taken_and_that_nothing_typed_is_lost(company, sign_in, given, taken, said):
    sent = wish(**given)
    response = sign_in(company.cast.csm_a).post(address(company.a[2]), sent)
    assert response.status_code == (302 if taken else 422)
    assert Override.objects.count() == int(taken)
    if not taken:
        shown = card(response)
        assert said in shown
        assert "<details" in shown[: shown.index("Ask for an override")]
        assert 'id="override-ask" open' in shown
        if sent["words"].strip() and "\0" not in sent["words"]:
            assert sent["words"] in response.content.decode()
        assert sent["evidence"] in response.content.decode()


def test_words_are_shown_as_words(company, sign_in):
    client = sign_in(company.cast.csm_a)
    script = "<script>alert(1)</script> & {{ user }}"
    assert client.post(address(company.a[2]), wish(words=script)).status_code == 302
    for shown in (
        client.get(page(company.a[2])),
        client.post(address(company.a[2]), wish(words=script, tier="")),
    ):
        assert "<script>alert" not in shown.content.decode()
        assert script in read(shown).words
        assert read(shown).refused_by_policy() == []


def test_the_words_of_a_refused_request_are_there_again_below_the_services_sentence(company, sign_in):
    asked(company, by=company.cast.ops)
    response = sign_in(company.cast.csm_a).post(
        address(company.a[2]), wish(words="Long and well thought out")
    )
    assert response.status_code == 422
    assert "Olga Ops asked for Global for Alpha customer 002" in read(response).words
    assert "Long and well thought out" in card(response)
    assert Override.objects.count() == 1


def test_one_that_holds_stands_beside_the_models_opinion(company, sign_in):
    approved(company)
    words = plain(read(sign_in(company.cast.csm_a).get(page(company.a[2]))).words)
    assert "In force Until 20 Feb 2027. The model says Scale, score" in words
    assert "Approved by Mia Manager on" in words
    assert ": Agreed" in words


def test_one_that_is_to_come_says_from_when(company, sign_in):
    one = asked(company, starts_on=TODAY + 5 * DAY)
    approve_override(
        override_id=one.pk, actor=company.cast.manager, words="Agreed", on=TODAY, at=timezone.now()
    )
    words = plain(read(sign_in(company.cast.csm_a).get(page(company.a[2]))).words)
    assert "Approved From 27 Nov 2026 until 20 Feb 2027." in words
    assert "In force" not in words


def withdraw(client, one, words="It is over"):
    return client.post(reverse("override_withdraw", args=[one.pk]), {"words": words})


def test_a_request_is_withdrawn_by_who_asked_and_no_run_follows(company, sign_in, rung):
    one, runs = asked(company), RetierRun.objects.count()
    answer = withdraw(sign_in(company.cast.csm_a), one)
    assert answer.url == page(company.a[2]) + "#override-heading"
    one.refresh_from_db()
    assert (one.status, one.ended_by, one.ended_words) == ("withdrawn", company.cast.csm_a, "It is over")
    assert (RetierRun.objects.count(), rung) == (runs, [])
    shown = sign_in(company.cast.csm_a).get(page(company.a[2]))
    assert "1 past override" in read(shown).words
    assert "by Ada Book: It is over" in plain(read(shown).words)


def test_ending_one_in_force_leaves_the_tier_and_has_a_run_proposed(company, sign_in, rung):
    one = approved(company)
    client = sign_in(company.cast.manager)
    shown = client.get(withdraw(client, one).url)
    run = RetierRun.objects.latest("pk")
    assert (run.scope, run.status, run.as_of, run.requested_by, run.apply_when_proposed) == (
        "goals", "queued", TODAY, company.cast.manager, False,
    )  # fmt: skip
    assert rung == [(propose_retier_run, {"run_id": run.pk})]
    assert f"is ended. Run {run.pk} proposes what follows for the tier." in plain(read(shown).words)
    assert "is ended." in card(shown)
    assert Customer.objects.get(pk=company.a[2].pk).tier.slug == "global"


def test_one_that_has_not_begun_is_withdrawn_without_a_run(company, sign_in, rung):
    one = asked(company, starts_on=TODAY + 5 * DAY)
    approve_override(
        override_id=one.pk, actor=company.cast.manager, words="Agreed", on=TODAY, at=timezone.now()
    )
    client = sign_in(company.cast.csm_a)
    assert "is withdrawn; its tier stays" in read(client.get(withdraw(client, one).url)).words
    assert rung == []


# role → (a request of CSM A's, one of CSM A's in force, a request about the other book)
MAY_WITHDRAW = {
    "ops": (302, 302, 302),
    "manager": (302, 302, 404),
    "csm_a": (302, 302, 404),
    "csm_b": (404, 404, 302),
    "nobody": (403, 403, 403),
}


@pytest.mark.parametrize("role", ROLES)
def test_who_may_take_one_back(company, sign_in, rung, role):
    client = sign_in(getattr(company.cast, role))
    ours = (
        asked(company),
        approved(company, customer=company.a[1]),
        asked(company, by=company.cast.csm_b, customer=company.b[2]),
    )
    assert tuple(withdraw(client, one).status_code for one in ours) == MAY_WITHDRAW[role]


def test_a_csm_does_not_take_back_what_somebody_else_asked(company, sign_in, rung):
    one = asked(company, by=company.cast.ops)
    client = sign_in(company.cast.csm_a)
    assert withdraw(client, one).status_code == 403
    assert reverse("override_withdraw", args=[one.pk]) not in client.get(page(company.a[2])).content.decode()
    one.refresh_from_db()
    assert one.status == "asked"


@pytest.mark.parametrize(
    ("words", "taken"), [(LONG, True), (LONG + "y", False), ("", False), (" ", False), ("\0", False)]
)
def test_taking_back_needs_words_that_are_kept(company, sign_in, rung, words, taken):
    one = asked(company)
    response = withdraw(sign_in(company.cast.csm_a), one, words)
    assert response.status_code == (302 if taken else 422)
    one.refresh_from_db()
    assert one.status == ("withdrawn" if taken else "asked")
    if len(words) > 2000:
        assert words in card(response)


def test_a_second_taking_back_says_what_it_is(company, sign_in, rung):
    """From a tab opened before: a sentence, not an error page."""
    one, client = asked(company), sign_in(company.cast.csm_a)
    withdraw(client, one)
    again = withdraw(client, one)
    assert again.status_code == 422
    assert Override.objects.get().ended_words == "It is over"


def test_out_of_scope_looks_exactly_like_missing(company, sign_in):
    foreign = asked(company, by=company.cast.csm_b, customer=company.b[2])
    client = sign_in(company.cast.csm_a)
    for name, pk in (("override_request", company.b[2].pk), ("override_withdraw", foreign.pk)):
        answers = [client.post(reverse(name, args=[one]), wish()) for one in (pk, 10**12, 10**30)]
        assert [answer.status_code for answer in answers] == [404] * 3
        assert len({tuple(read(answer).texts) for answer in answers}) == 1


def test_looking_changes_nothing(company, sign_in):
    one, client = asked(company), sign_in(company.cast.ops)
    for name, pk in (("override_request", company.a[2].pk), ("override_withdraw", one.pk)):
        assert client.get(reverse(name, args=[pk])).status_code == 405


def test_who_can_decide_is_led_there_and_who_edited_is_not_named(company, sign_in):
    one = asked(company)
    OverrideEdit.objects.create(override=one, editor=company.cast.manager, at=timezone.now(), words="Shorter")
    words = read(sign_in(company.cast.csm_a).get(page(company.a[2]))).words
    assert "Mia Manager can decide" not in words
    assert "No other manager can decide this" in words


@pytest.mark.parametrize(
    ("role", "said"), [("manager", "Decide it"), ("csm_a", "Change it"), ("ops", "Change it")]
)
def test_a_request_leads_to_its_own_page(company, sign_in, role, said):
    one = asked(company)
    shown = sign_in(getattr(company.cast, role)).get(page(company.a[2]))
    assert reverse("approval_override", args=[one.pk]) in read(shown).links()
    assert said in card(shown)


def test_past_ones_are_folded_and_twenty_are_shown(company, sign_in):
    for number in range(23):
        Override.objects.create(
            customer=company.a[2], tier=tier(), reason_kind="other", words=f"Word {number:02d}", starts_on=TODAY,
            expires_on=LAST, asked_by=company.cast.csm_a, status="withdrawn", ended_at=timezone.now(),
        )  # fmt: skip
    shown = card(sign_in(company.cast.csm_a).get(page(company.a[2])))
    assert "20 past overrides" in shown
    assert "Word 22" in shown
    assert "Word 02" not in shown
    assert "The newest are shown" in shown


@pytest.mark.parametrize("role", ["manager", "csm_a"])
def test_no_word_of_another_book_is_on_the_card(company, sign_in, role):
    asked(company, by=company.cast.csm_b, customer=company.b[2], words=f"{CANARY} secret")
    asked(company)
    client = sign_in(getattr(company.cast, role))
    for customer in company.a:
        body = client.get(page(customer)).content.decode()
        assert CANARY not in body
        assert "Ben Book" not in body


# ---- the book


def test_a_row_of_the_book_leads_to_the_form_and_back(company, sign_in):
    client = sign_in(company.cast.csm_a)
    book = reverse("my_book") + "?sort=name&q=Alpha"
    actions = reverse("book_actions", args=[company.a[2].pk])
    way = next(link for link in read(client.get(book)).links() if link.startswith(actions))
    shown = client.get(way)
    back = next(field["value"] for field in read(shown).of("input") if field.get("name") == "back")
    row = f"{book}#row-{company.a[2].pk}"
    assert back == row
    answer = client.post(address(company.a[2]), wish(back=back))
    assert answer.url == row
    assert "is asked for" in read(client.get(answer.url)).words


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "book/",
        "http:///evil",
    ],
)
def test_the_way_back_never_leads_elsewhere(company, sign_in, elsewhere):
    client = sign_in(company.cast.csm_a)
    assert (
        client.post(address(company.a[2]), wish(back=elsewhere)).url
        == page(company.a[2]) + "#override-heading"
    )
    shown = client.get(page(company.a[1]), {"ask": "override", "back": elsewhere})
    fields = [field for field in read(shown).of("input") if field.get("name") == "back"]
    assert [field.get("value", "") for field in fields] == [""]


def test_rows_say_what_is_overridden_and_what_is_asked_for(company, sign_in):
    approved(company, customer=company.a[1])
    asked(company)
    ended = approved(company, customer=company.a[3])
    Override.objects.filter(pk=ended.pk).update(status="withdrawn", ended_at=timezone.now())
    for role in ("csm_a", "manager", "ops"):
        client = sign_in(getattr(company.cast, role))
        for book in (reverse("book", args=[company.cast.csm_a.csm.pk]), reverse("customers") + "?q=Alpha"):
            words = read(client.get(book)).words
            assert (words.count("overridden"), words.count("asked for")) == (1, 1), (role, book)


def test_the_marks_cost_no_query(company, sign_in):
    client, book = sign_in(company.cast.csm_a), reverse("my_book")
    client.get(book)
    before = len(queries_of(lambda: client.get(book)))
    approved(company, customer=company.a[1])
    for number in range(10):
        more = CustomerFactory(name=f"More {number}", csm=company.cast.csm_a.csm, csm_since=TODAY)
        asked(company, customer=more)
    assert len(queries_of(lambda: client.get(book))) == before
