"""`override request|approve|decline|withdraw|list`: the doors of design section 7, for the person named with --as."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Customer
from allocation.models import Override, RetierRun
from allocation.services.playbooks import load_playbook
from tests.factories import TODAY, CustomerFactory
from tests.services.overrides.world import DAY, IN_HALF_A_YEAR, NOW, asked, build

KEYS = ("override", "external_id", "tier", "status", "asked_by", "decided_by", "expires_on")
LONG = "x" * 2000


@pytest.fixture
def world(cast, monkeypatch):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    return build(cast)


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.tasks.retiering.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


def answer(*words, **options):
    """What the command prints in JSON mode; one object and nothing else."""
    out = StringIO()
    call_command("override", *words, format="json", stdout=out, stderr=StringIO(), **options)
    return json.loads(out.getvalue())


def refused(*words, **options):
    with pytest.raises(CommandError) as refusal:
        answer(*words, **options)
    return str(refusal.value)


def given(world, **more):
    return {
        "reason": "risk",
        "words": "Their sponsor leaves",
        "expires": IN_HALF_A_YEAR,
        "acting": world.csm_a.email,
        **more,
    }


def only(found):
    return {key: found[key] for key in KEYS}


def test_a_csm_asks_a_manager_approves_and_the_customer_has_the_tier(world, rung):
    found = answer("request", world.customer.external_id, "high", **given(world))
    assert only(found) == {
        "override": Override.objects.get().pk,
        "external_id": world.customer.external_id,
        "tier": "high",
        "status": "asked",
        "asked_by": "csm-a@example.com",
        "decided_by": None,
        "expires_on": IN_HALF_A_YEAR.isoformat(),
    }
    approved = answer("approve", str(found["override"]), words="Agreed", acting=world.manager.email)
    assert only(approved) == only(found) | {"status": "approved", "decided_by": "manager@example.com"}
    assert Customer.objects.get(pk=world.customer.pk).tier == world.high


@pytest.mark.parametrize("tier", ["high", "High", "HIGH"])
def test_the_tier_is_named_by_slug_or_name(world, tier):
    assert answer("request", world.customer.external_id, tier, **given(world))["tier"] == "high"


def test_dates_and_evidence_are_kept(world):
    found = answer(
        "request",
        world.customer.external_id,
        "high",
        **given(world, starts=TODAY + 3 * DAY, evidence="Mail of 3 November"),
    )
    assert (found["starts_on"], found["evidence"]) == ((TODAY + 3 * DAY).isoformat(), "Mail of 3 November")


def test_the_arguments_are_read_as_people_type_them(world):
    out = StringIO()
    words = [
        "request",
        world.customer.external_id,
        "high",
        "--reason",
        "risk",
        "--words",
        "It is so",
        "--expires",
    ]
    call_command("override", *words, "2027-01-31", "--as", world.csm_a.email, stdout=out)
    assert out.getvalue().startswith("Override ")
    assert "High, asked," in out.getvalue()
    with pytest.raises(CommandError, match="no day of the calendar"):
        call_command("override", *words, "2027-02-31", "--as", world.csm_a.email)


# what differs from a good request, and the sentence
BAD = [
    ({"acting": None}, "Name the acting person with --as EMAIL"),
    ({"acting": "nobody-here@example.com"}, "no active user"),
    ({"reason": None}, "--reason KIND"),
    ({"expires": None}, "--expires DATE"),
    ({"words": ""}, "Say why"),
    ({"words": "  "}, "Say why"),
    ({"words": LONG + "y"}, "at most 2,000 characters, not 2,001"),
    ({"words": "a\0b"}, "NUL"),
    ({"evidence": LONG + "y"}, "at most 2,000 characters"),
    ({"expires": TODAY}, "must expire after it starts"),
    ({"expires": TODAY.replace(year=2027) + DAY}, "12 months at most"),
    ({"starts": TODAY - DAY}, "cannot start in the past"),
]


@pytest.mark.parametrize(("more", "sentence"), BAD)
def test_a_request_that_cannot_be_is_refused_with_a_sentence(world, more, sentence):
    assert sentence in refused("request", world.customer.external_id, "high", **given(world, **more))
    assert not Override.objects.exists()


@pytest.mark.parametrize("more", [{"words": LONG}, {"evidence": LONG}, {"expires": TODAY.replace(year=2027)}])
def test_a_request_on_the_bound_is_taken(world, more):
    assert answer("request", world.customer.external_id, "high", **given(world, **more))["status"] == "asked"


@pytest.mark.parametrize(
    ("about", "sentence"),
    [
        ((), "Name the customer"),
        (("C1",), "Name the customer"),
        (("C1", "high", "more"), "Name the customer"),
        (("C-none", "high"), "There is no customer C-none."),
    ],
)
def test_a_request_names_one_customer_and_one_tier(world, about, sentence):
    assert sentence in refused("request", *about, **given(world))


def test_an_unknown_tier_is_answered_with_those_there_are(world):
    assert "There is no tier huge. There are: high, low." in refused(
        "request", world.customer.external_id, "huge", **given(world)
    )


def test_a_customer_of_another_book_is_unknown(world):
    sentence = refused(
        "request", world.customer.external_id, "high", **given(world, acting=world.csm_b.email)
    )
    assert sentence == f"There is no customer {world.customer.external_id}."


@pytest.mark.parametrize("action", ["approve", "decline"])
def test_deciding_needs_a_name_and_nobody_decides_the_own_request(world, rung, action):
    one = asked(world, actor=world.manager)
    assert "Name the acting person with --as" in refused(action, str(one.pk), words="Yes")
    assert "You asked for it yourself" in refused(
        action, str(one.pk), words="Yes", acting=world.manager.email
    )
    assert "decided by a manager" in refused(action, str(one.pk), words="Yes", acting=world.ops.email)
    assert Override.objects.get(pk=one.pk).status == "asked"


@pytest.mark.parametrize("action", ["approve", "decline", "withdraw"])
def test_each_end_needs_words(world, rung, action):
    one = asked(world)
    for words in ("", "   ", LONG + "y", "a\0b"):
        assert refused(action, str(one.pk), words=words, acting=world.manager.email)
    assert Override.objects.get(pk=one.pk).status == "asked"
    assert answer(action, str(one.pk), words=LONG, acting=world.manager.email)["override"] == one.pk


def test_a_declined_request_says_by_whom_and_leaves_the_tier(world, rung):
    one = asked(world)
    found = answer("decline", str(one.pk), words="Not now", acting=world.manager.email)
    assert (found["status"], found["decided_by"], found["decided_words"]) == (
        "declined", "manager@example.com", "Not now",
    )  # fmt: skip
    assert Customer.objects.get(pk=world.customer.pk).tier == world.low
    assert rung == []


def test_the_second_who_decides_is_told_what_the_first_did(world, rung):
    one = asked(world)
    answer("decline", str(one.pk), words="Not now", acting=world.manager.email)
    said = refused("approve", str(one.pk), words="Yes", acting=world.director.email)
    assert "declined by Mia Manager already" in said


@pytest.mark.parametrize("number", ["x", "0", "-1", "1.5", "٣", "9" * 30, "999999"])
def test_a_number_that_names_no_override_is_refused(world, number):
    arguments = ["override", "approve", "--words=Yes", f"--as={world.manager.email}", "--", number]
    with pytest.raises(CommandError):
        call_command(*arguments, stdout=StringIO())


def test_an_override_of_another_team_is_unknown(world, rung):
    one = asked(world)
    for action in ("approve", "decline", "withdraw"):
        said = refused(action, str(one.pk), words="Yes", acting=world.csm_b.email)
        assert said == f"There is no override {one.pk}."


def test_a_run_is_proposed_where_the_tier_is_decided_otherwise_and_only_there(world, rung):
    first = asked(world)
    later = asked(
        world,
        customer_id=CustomerFactory(csm=world.csm_a.csm, csm_since=TODAY).pk,
        starts_on=TODAY + 3 * DAY,
    )
    load_playbook(
        slug="three-axis", publish=True, at=NOW
    )  # retires the tiers of this world, so it comes last
    type(world.high).objects.update(retired=False)
    answer("approve", str(later.pk), words="Later", acting=world.manager.email)
    assert RetierRun.objects.count() == 0
    answer("approve", str(first.pk), words="Agreed", acting=world.manager.email)
    run = RetierRun.objects.get()
    assert (run.scope, run.as_of, run.requested_by, len(rung)) == ("goals", TODAY, world.manager, 1)
    run.delete()
    answer("withdraw", str(first.pk), words="Over", acting=world.csm_a.email)
    answer("withdraw", str(later.pk), words="Over", acting=world.csm_a.email)
    assert (RetierRun.objects.count(), len(rung)) == (1, 2)


def test_the_list_is_scoped_and_narrowed_by_status(world, rung):
    mine = asked(world)
    foreign = asked(
        world, actor=world.csm_b, customer_id=CustomerFactory(csm=world.csm_b.csm, csm_since=TODAY).pk
    )
    answer("decline", str(mine.pk), words="No", acting=world.manager.email)
    everything = answer("list")["overrides"]
    assert [row["override"] for row in everything] == [foreign.pk, mine.pk]
    assert set(KEYS) <= set(everything[0])
    assert [row["override"] for row in answer("list", status="asked")["overrides"]] == [foreign.pk]
    for person, seen in (
        (world.ops, {mine.pk, foreign.pk}),
        (world.manager, {mine.pk}),
        (world.csm_a, {mine.pk}),
        (world.csm_b, {foreign.pk}),
        (world.nobody, set()),
    ):
        found = answer("list", acting=person.email)["overrides"]
        assert {row["override"] for row in found} == seen, person


def test_an_empty_list_says_so(world):
    out = StringIO()
    call_command("override", "list", stdout=out)
    assert out.getvalue() == "There is no override.\n"
    assert answer("list") == {"overrides": []}


def test_the_list_asks_equally_often_at_any_size(world, django_assert_num_queries):
    for number in range(4):
        if number in {1, 3}:
            with django_assert_num_queries(1):
                answer("list")
        asked(world, customer_id=CustomerFactory(csm=world.csm_a.csm, csm_since=TODAY).pk)
