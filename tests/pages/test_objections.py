"""The page on which CSMs object: the own moves only, until the day; and the plan's page, where objections are read and answered."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import roles
from allocation.models import BookPlan, Move, Objection, RowStatus, RunStatus
from allocation.services import planning
from allocation.tasks.planning import apply_book_plan
from tests.factories import NOW, TODAY, CSMFactory, CustomerFactory, UserFactory
from tests.pages.company import CANARY, applied_run, proposed_plan, refreshed
from tests.pages.reading import plain, read

UNTIL = TODAY + timedelta(days=7)


@pytest.fixture
def plan(company):
    """New 0 and 1 come to Ada (team A), New 2 to Ben, whose Zebra customer goes to Zoe Zebra; Alpha 0 goes from Ada to Zoe."""
    company.zoe = CSMFactory(
        name=f"{CANARY} Zoe",
        email="zoe@example.com",
        team=company.cast.team_b,
        user=UserFactory(email="zoe@example.com", name=f"{CANARY} Zoe", role=roles.CSM),
    )
    for number in range(3):
        CustomerFactory(name=f"New {number}", external_id=f"N{number}", arr=20_000)
    applied_run(company.cast)
    made = proposed_plan(company.cast)
    ada, ben = company.cast.csm_a.csm, company.cast.csm_b.csm
    Move.objects.filter(plan=made, from_csm__isnull=False).delete()
    Move.objects.filter(plan=made).update(to_csm=ada)
    Move.objects.filter(plan=made, customer__external_id="N2").update(to_csm=ben)
    for customer, csm in ((company.b[0], ben), (company.a[0], ada)):
        Move.objects.create(
            plan=made,
            customer=customer,
            from_csm=csm,
            to_csm=company.zoe,
            tier=customer.tier,
            reason="To even out.",
        )
    return made


@pytest.fixture
def window(company, plan):
    planning.open_objections(plan_id=plan.pk, until=UNTIL, actor=company.cast.ops, on=TODAY, at=NOW)
    return refreshed(plan)


@pytest.fixture
def ada(company, sign_in):
    return sign_in(company.cast.csm_a)


@pytest.fixture
def ops(company, sign_in):
    return sign_in(company.cast.ops)


@pytest.fixture
def manager(company, sign_in):
    return sign_in(company.cast.manager)


@pytest.fixture
def rung(monkeypatch):
    bells = []
    monkeypatch.setattr("allocation.views.plan_reviewing.ring", lambda task, **ids: bells.append((task, ids)))
    return bells


def move(plan, name):
    return Move.objects.get(plan=plan, customer__external_id=name)


def page_of(client, **query):
    return client.get(reverse("objections"), query)


def object_to(client, plan, name, **given):
    said = {"reason_kind": "timing", "words": "Not before their audit", **given}
    return client.post(reverse("objection_raise", args=[move(plan, name).pk]), said, follow=True)


def withdraw(client, plan, name):
    return client.post(reverse("objection_withdraw", args=[move(plan, name).pk]), follow=True)


def day_is(monkeypatch, day):
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: day)


def act(client, plan, action, *names, **more):
    given = {
        "action": action,
        "row": [move(plan, name).pk for name in names],
        "words": "A reason",
        "version": refreshed(plan).review_version,
        **more,
    }
    return read(client.post(reverse("plan_rows", args=[plan.pk]), given, follow=True))


# ---- the CSM's page


def test_a_csm_reads_what_would_leave_and_what_would_come_with_hours_and_arr(company, ada, window):
    page = read(page_of(ada))
    words = plain(page.words)
    assert "Would leave your book 1 customer" in words
    assert "Would come into your book 2 customers" in words
    assert "Planned changes in your book" in words
    assert f"you → {CANARY} Zoe" in words  # whom it goes to stands there
    assert "nobody → you" in words
    assert "29 Nov 2026" in words
    assert "To even out." in words
    assert page.refused_by_policy() == []
    links = page.links()
    assert reverse("customer", args=[company.a[0].pk]) in links
    assert not [link for link in links if link.startswith("/plans/")]
    # What comes in is not the CSM's yet: its page would be a dead end.
    assert reverse("customer", args=[move(window, "N0").customer_id]) not in links


def test_a_csm_sees_moves_of_the_own_book_only(company, ada, window):
    names = {row.external_id for row, _ in page_of(ada).context["rows"]}
    assert names == {"N0", "N1", company.a[0].external_id}
    body = page_of(ada).content.decode()
    assert company.b[0].external_id not in body
    assert "New 2" not in body
    assert "Ben Book" not in body


def test_a_change_in_another_book_changes_nothing_on_the_page(company, ada, window):
    before = read(page_of(ada)).texts
    company.b[0].name, company.b[0].arr = f"{CANARY} renamed", 1
    company.b[0].save()
    other = move(window, company.b[0].external_id)
    said = {"reason_kind": "other", "words": f"{CANARY} words"}
    planning.object_to_move(move_id=other.pk, actor=company.cast.csm_b, on=TODAY, at=NOW, **said)
    assert read(page_of(ada)).texts == before


def test_a_csm_never_reads_what_a_colleague_said_against_the_same_move(company, ada, window):
    shared = move(window, company.a[0].external_id)
    said = {"reason_kind": "workload", "words": "Ada left it in a mess"}
    planning.object_to_move(move_id=shared.pk, actor=company.zoe.user, on=TODAY, at=NOW, **said)
    response = page_of(ada)
    assert "in a mess" not in response.content.decode()
    assert response.context["counts"] == (3, 0)


def test_before_a_window_is_open_a_csm_sees_nothing_of_a_plan(company, ada, plan):
    page = read(page_of(ada))
    assert "Nothing planned in your book" in page.words
    assert "New 0" not in page.words
    for response in (object_to(ada, plan, "N0"), withdraw(ada, plan, "N0")):
        assert response.status_code == 404
    assert not Objection.objects.exists()


def test_objecting_and_taking_back(company, ada, window):
    page = read(object_to(ada, window, "N0"))
    assert "You objected. The move is not carried out before somebody answered you." in page.words
    assert "): The wrong moment: renewal, escalation, project. “Not before their audit”" in page.words
    assert "Not before their audit" in page.words
    assert [row.external_id for row, _ in page_of(ada, show="objected").context["rows"]] == ["N0"]
    assert "You objected to this move already" in read(object_to(ada, window, "N0", words="Again")).words
    assert "Your objection is taken back" in read(withdraw(ada, window, "N0")).words
    assert "There is no such objection of yours." in read(withdraw(ada, window, "N0")).words
    assert Objection.objects.standing().count() == 0


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"reason_kind": ""}, "Choose one of the reasons"),
        ({"reason_kind": "x"}, "Choose one of the reasons"),
        ({"words": " "}, "Say why"),
        ({"words": "x" * 1001}, "at most 1,000"),
    ],
)
def test_a_form_that_says_nothing_useful_is_told_so(company, ada, window, given, sentence):
    assert sentence in read(object_to(ada, window, "N0", **given)).words
    assert not Objection.objects.exists()


def test_what_was_typed_is_shown_again_with_what_is_wrong(company, ada, window):
    body = object_to(ada, window, "N0", reason_kind="", words="Not before their audit").content.decode()
    assert 'class="object" open' in body
    assert "Not before their audit</textarea>" in body or 'value="Not before their audit"' in body
    assert "autofocus" in body


def test_after_the_day_it_is_refused_with_a_sentence_and_the_moves_are_gone(
    company, ada, window, monkeypatch
):
    object_to(ada, window, "N0")
    day_is(monkeypatch, UNTIL)
    response = object_to(ada, window, "N1")
    assert "The time to object ended on 29 Nov 2026." in plain(read(response).words)
    assert response.context["rows"] == []
    # What was said stays in sight, and can be taken back as long as it waits.
    (past,) = response.context["past"]
    assert (past.external_id, past.can_withdraw) == ("N0", True)
    assert "Waits for an answer" in read(response).words
    act_as_ops = planning.answer_objections
    act_as_ops(
        plan_id=window.pk, move_ids=[move(window, "N0").pk], actor=company.cast.ops, words="Sorry", at=NOW
    )
    (past,) = page_of(ada).context["past"]
    assert plain(past.line.answer) == "Kept by Olga Ops on 22 Nov 2026: Sorry"
    assert past.can_withdraw is False


def test_a_move_out_of_scope_looks_exactly_like_a_missing_one(company, ada, window):
    foreign = move(window, company.b[0].external_id).pk
    for name in ("objection_raise", "objection_withdraw"):
        answers = [ada.post(reverse(name, args=[pk])) for pk in (foreign, 10**12, 10**30)]
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert read(answers[0]).texts == read(answers[1]).texts


# what ops, a manager, a CSM and Nobody get
DOORS = {
    ("objections", "get"): (200, 200, 200, 403),
    ("objection_raise", "post"): (403, 403, 302, 403),
    ("objection_withdraw", "post"): (403, 403, 302, 403),
    ("plan_objections", "post"): (302, 403, 403, 403),
    ("objection_raise", "get"): (405, 405, 405, 405),
    ("objection_withdraw", "get"): (405, 405, 405, 405),
    ("plan_objections", "get"): (405, 405, 405, 405),
}


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a", "nobody"])
def test_each_door_is_for_the_role_it_belongs_to(company, sign_in, window, role):
    client = sign_in(getattr(company.cast, role))
    place = ("ops", "manager", "csm_a", "nobody").index(role)
    for (name, method), expected in DOORS.items():
        pk = {"objections": [], "plan_objections": [window.pk]}.get(name, [move(window, "N0").pk])
        assert getattr(client, method)(reverse(name, args=pk)).status_code == expected[place], (name, method)


def test_managers_read_those_of_their_teams_and_ops_all(company, ops, manager, window):
    object_to_as(company, window, "N2", company.cast.csm_b)
    names = {row.external_id for row, _ in page_of(manager).context["rows"]}
    assert names == {"N0", "N1", company.a[0].external_id}
    assert "Ben Book" not in page_of(manager).content.decode()
    response = page_of(ops)
    assert response.context["counts"] == (5, 1)
    assert "Ben Book objects" in read(response).words
    assert not read(response).of("textarea")  # nobody objects for a CSM


def object_to_as(company, plan, name, user, words="Not before their audit"):
    said = {"reason_kind": "timing", "words": words}
    return planning.object_to_move(move_id=move(plan, name).pk, actor=user, on=TODAY, at=NOW, **said)


def test_home_says_how_many_moves_until_when_and_the_navigation_leads_there(
    company, ada, window, monkeypatch
):
    page = read(ada.get(reverse("home")))
    assert "3 moves concern your book: object before 29 Nov 2026" in plain(page.words)
    assert page.links().count(reverse("objections")) >= 2
    day_is(monkeypatch, UNTIL)
    assert "concern your book" not in read(ada.get(reverse("home"))).words


def test_home_of_whoever_answers_says_what_waits(company, ops, manager, window):
    object_to_as(company, window, "N2", company.cast.csm_b)
    object_to_as(company, window, company.a[0].external_id, company.cast.csm_a)
    line = f"Book plan {window.pk}: 2 moves with objections to answer"
    assert line in read(ops.get(reverse("home"))).words
    page = read(manager.get(reverse("home")))
    assert line.replace("2 moves", "1 move") in page.words
    assert reverse("plan", args=[window.pk]) + "?row=unanswered#moves" in page.links()


# ---- the plan's page


def test_ops_open_move_and_close_the_window_on_the_page(company, ops, plan):
    address, back = reverse("plan_objections", args=[plan.pk]), reverse("plan", args=[plan.pk])
    assert "CSMs see nothing of this plan" in read(ops.get(back)).words
    page = read(ops.post(address, {"action": "open", "until": UNTIL.isoformat()}, follow=True))
    assert "CSMs concerned are told, and can object before 29 Nov 2026." in plain(page.words)
    assert refreshed(plan).objections_opened_by == company.cast.ops
    assert not [form for form in page.of("form") if form.get("action", "").endswith("/apply/")]
    for bad in ("", "soon", "2026-02-30"):
        page = read(ops.post(address, {"action": "open", "until": bad}, follow=True))
        assert "Choose the day before which CSMs can object." in page.words
    page = read(ops.post(address, {"action": "open", "until": TODAY.isoformat()}, follow=True))
    assert "Choose a day after 22 Nov 2026" in plain(page.words)
    page = read(ops.post(address, {"action": "close"}, follow=True))
    assert "Nobody can object any more since 22 Nov 2026. Olga Ops closed it." in plain(page.words)
    assert [form for form in page.of("form") if form.get("action", "").endswith("/apply/")]


def test_pressing_apply_before_the_day_is_refused_with_the_day(company, ops, window):
    page = read(ops.post(reverse("plan_apply", args=[window.pk]), follow=True))
    assert f"CSMs may object to moves of book plan {window.pk} before 29 Nov 2026" in plain(page.words)
    assert refreshed(window).apply_when_proposed is False


def test_objections_stand_beside_the_row_and_under_a_filter_of_their_own(company, ops, window):
    object_to_as(company, window, "N0", company.cast.csm_a)
    response = ops.get(reverse("plan", args=[window.pk]))
    words = plain(read(response).words)
    assert "Ada Book objects (22 Nov 2026): The wrong moment" in words
    assert "“Not before their audit” Not answered" in words
    assert "1 move is objected to" in words
    assert read(response).refused_by_policy() == []
    for row in ("objected", "unanswered"):
        found = ops.get(reverse("plan", args=[window.pk]), {"row": row}).context["rows"]
        assert [one.external_id for one in found] == ["N0"]
    here = read(ops.get(reverse("plan_move", args=[window.pk, move(window, "N0").pk])))
    assert "Ada Book objects" in here.words
    assert f"keep:{move(window, 'N0').pk}" in [button.get("value") for button in here.of("button")]


def test_keeping_a_move_needs_words_and_is_told_beside_it(company, ops, window):
    object_to_as(company, window, "N0", company.cast.csm_a)
    assert "Say why the moves stay" in act(ops, window, "keep", "N0", words=" ").words
    assert "Open the plan's page and decide there" in act(ops, window, "keep", "N0", version="").words
    page = act(ops, window, "keep", "N0")
    assert "1 move stays as planned; who objected is told why." in page.words
    assert "Kept by Olga Ops on" in page.words
    assert "all answered" in page.words
    assert "None of these moves has an objection that waits for you" in act(ops, window, "keep", "N1").words


def test_a_manager_keeps_the_own_and_reads_no_name_of_another_team(company, manager, window):
    object_to_as(company, window, company.a[0].external_id, company.zoe.user, words="Not with me")
    Move.objects.filter(plan=window, customer=company.a[0]).update(
        planned_csm=company.zoe, to_csm=company.cast.csm_a.csm, from_csm=None, repointed_by=company.cast.ops, repointed_at=NOW
    )  # fmt: skip
    response = manager.get(reverse("plan", args=[window.pk]))
    assert "someone in another team objects" in read(response).words
    assert f"{CANARY} Zoe" not in response.content.decode()
    assert "1 move stays as planned" in act(manager, window, "keep", company.a[0].external_id).words


def test_the_last_answer_after_the_day_lets_a_wish_from_before_come_true(
    company, ops, window, monkeypatch, rung
):
    object_to_as(company, window, "N0", company.cast.csm_a)
    object_to_as(company, window, "N1", company.cast.csm_a)
    BookPlan.objects.filter(pk=window.pk).update(apply_when_proposed=True)
    assert "it is applied by itself from 29 Nov 2026 on" in plain(
        read(ops.get(reverse("plan", args=[window.pk]))).words
    )
    act(ops, window, "keep", "N0")
    assert rung == []
    day_is(monkeypatch, UNTIL)
    page = read(ops.get(reverse("plan", args=[window.pk])))
    assert "1 move has an objection that nobody answered" in plain(page.words)
    assert not [form for form in page.of("form") if form.get("action", "").endswith("/apply/")]
    page = act(ops, window, "keep", "N1")
    assert f"Plan {window.pk} is being applied, as was asked for." in page.words
    assert rung == [(apply_book_plan, {"plan_id": window.pk})]


def test_the_last_approval_in_the_window_says_until_when_it_waits(company, manager, window):
    Move.objects.filter(plan=window, customer__external_id="N0").update(needs_approval=True)
    BookPlan.objects.filter(pk=window.pk).update(status=RunStatus.AWAITING_APPROVAL)
    words = plain(act(manager, window, "approve", "N0").words)
    assert "Nothing waits for an approval any more: CSMs may object to moves" in words


def test_refusing_answers_and_the_csm_reads_it(company, ops, ada, window):
    name = "N1"
    object_to_as(company, window, name, company.cast.csm_a)
    applied_run(company.cast)
    Move.objects.filter(plan=window, customer__external_id=name).update(
        status=RowStatus.REFUSED, refused_by=company.cast.ops, refused_at=NOW
    )
    Objection.objects.update(
        answer="refused", answered_by=company.cast.ops, answered_at=NOW, answer_words="You are right"
    )
    response = page_of(ada)
    assert name not in {row.external_id for row, _ in response.context["rows"]}
    (past,) = response.context["past"]
    assert (plain(past.line.answer), past.outcome) == (
        "Move refused by Olga Ops on 22 Nov 2026: You are right",
        "Refused",
    )
