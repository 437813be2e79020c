"""The queue of what waits for a decision: who sees what, in which order, and deciding many rows at once."""

import pytest
from django.db import OperationalError
from django.urls import reverse

from allocation.models import Move, Notice, Override, RetierRun, TierHolding
from allocation.services import overrides
from allocation.services.overrides import decline_override, edit_override
from allocation.views import deciding
from tests.factories import TODAY, CSMFactory
from tests.pages import approval_cast
from tests.pages.approval_cast import DAY, NOW, asked, due, waiting_plan, waiting_run
from tests.pages.reading import Page
from tests.queries.counting import queries_of

pytestmark = pytest.mark.django_db
QUEUE = "/approvals/"


@pytest.fixture
def world(cast):
    return approval_cast.build(cast)


def read(response):
    assert response.status_code == 200
    return Page(response.content.decode())


def names(client, query=""):
    """Names of the rows in their order."""
    response = client.get(QUEUE + query)
    return [row.name or f"Run {row.pk}" for row in response.context["rows"]]


def token(row):
    if isinstance(row, Override):
        return f"override:{row.pk}:{row.version}"
    if isinstance(row, RetierRun):
        return f"run:{row.pk}:{row.review_version}:{row.summary['moves']}"
    return f"move:{row.pk}:{row.plan.review_version}"


def decide(client, *rows, decision="approve", words="Agreed", **more):
    given = {"row": [row if isinstance(row, str) else token(row) for row in rows]}
    return client.post(
        QUEUE + "decide/", {"decision": decision, "words": words, **given, **more}, follow=True
    )


def status(override):
    return Override.objects.get(pk=override.pk).status


@pytest.mark.parametrize(("who", "code"), [("ops", 200), ("manager", 200), ("csm_a", 403), ("nobody", 403)])
def test_managers_and_cs_ops_see_the_queue(world, sign_in, who, code):
    assert sign_in(getattr(world, who)).get(QUEUE).status_code == code


@pytest.mark.parametrize("who", ["ops", "csm_a", "nobody"])
def test_only_managers_decide(world, sign_in, who):
    override = asked(world)
    assert decide(sign_in(getattr(world, who)), override).status_code == 403
    assert status(override) == "asked"


def test_deciding_is_no_matter_of_opening_an_address(world, sign_in):
    assert sign_in(world.manager).get(QUEUE + "decide/").status_code == 405


def test_what_is_due_first_stands_first_and_the_overdue_says_so(world, sign_in):
    late, soon, far = (asked(world, customer) for customer in world.customers)
    due(late, TODAY - DAY), due(soon, TODAY), due(far, TODAY + 9 * DAY)
    run = waiting_run(world.ops, finished=NOW - 2 * DAY)  # due five days from today
    client = sign_in(world.manager)
    assert names(client) == ["Alpha 0", "Alpha 1", f"Run {run.pk}", "Alpha 2"]
    words = read(client.get(QUEUE)).words
    assert "1 day overdue" in words
    assert "due today" in words
    assert "due in 5 days" in words


def test_a_manager_sees_nothing_of_other_teams(world, sign_in):
    asked(world, world.foreign, actor=world.csm_b)
    asked(world)
    assert names(sign_in(world.manager)) == ["Alpha 0"]
    assert names(sign_in(world.other)) == ["Zebra"]
    assert "Zebra" not in sign_in(world.manager).get(QUEUE).content.decode()
    assert sorted(names(sign_in(world.ops))) == ["Alpha 0", "Zebra"]


def test_filters_narrow_all_three_kinds(world, sign_in):
    override = asked(world)
    waiting_plan(world.ops, [world.customers[1]], to=world.csm_b.csm)
    waiting_plan(world.ops, [world.foreign], to=world.csm_a.csm)
    run = waiting_run(world.ops)
    due(override, TODAY - DAY)
    client = sign_in(world.ops)
    every = names(client)
    assert sorted(every) == ["Alpha 0", "Alpha 1", f"Run {run.pk}", "Zebra"]
    assert names(client, "?kind=run") == [f"Run {run.pk}"]
    assert sorted(names(client, "?kind=move")) == ["Alpha 1", "Zebra"]
    assert names(client, "?due=overdue") == ["Alpha 0"]
    assert len(names(client, "?due=week")) == 3  # finished today, due in 7 days
    assert names(client, "?due=later") == []
    # One comes from team B, the other goes there: both concern it.
    assert sorted(names(client, f"?team={world.team_b.pk}")) == ["Alpha 1", "Zebra"]
    assert sorted(names(client, f"?csm={world.csm_a.csm.pk}")) == ["Alpha 0", "Alpha 1", "Zebra"]
    assert names(client, "?q=alpha+1") == ["Alpha 1"]
    assert names(client, "?kind=nonsense&due=never&csm=x") == every


def test_mine_to_decide_is_what_the_person_may_decide(world, sign_in):
    own = asked(world, world.customers[0], actor=world.manager)
    edited = asked(world, world.customers[1])
    edit_override(
        override_id=edited.pk,
        actor=world.manager,
        words="Shorter",
        expires_on=TODAY + DAY * 30,
        on=TODAY,
        at=NOW,
    )
    asked(world, world.customers[2])
    waiting_run(world.manager)
    assert names(sign_in(world.manager), "?mine=yes") == ["Alpha 2"]
    assert len(names(sign_in(world.director), "?mine=yes")) == 4
    assert len(names(sign_in(world.manager))) == 4
    assert status(own) == "asked"


def test_a_row_says_who_can_decide_it(world, sign_in):
    asked(world, world.customers[0], actor=world.manager)
    asked(world, world.customers[1])
    by_name = {row.name: row.deciders for row in sign_in(world.manager).get(QUEUE).context["rows"]}
    assert (by_name["Alpha 0"].mine, by_name["Alpha 0"].others) == (False, "Dora Director")
    assert by_name["Alpha 1"].mine
    # The only manager of team B asks: nobody is left, and the row says what to do.
    asked(world, world.foreign, actor=world.other)
    assert "name a manager of the team" in read(sign_in(world.ops).get(QUEUE)).words


def test_many_rows_are_decided_at_once_and_each_kind_by_its_own_rules(world, sign_in):
    rows = [asked(world, customer) for customer in world.customers[:2]]
    run = waiting_run(world.ops, moves=0)
    plan = waiting_plan(world.ops, [world.customers[2]], to=world.csm_b.csm)
    words = read(decide(sign_in(world.manager), *rows, run, plan.moves.get())).words
    assert "4 rows approved." in words
    assert "CS ops can apply it now" in words
    assert [status(row) for row in rows] == ["approved", "approved"]
    run.refresh_from_db()
    plan.refresh_from_db()
    assert (run.status, run.approved_by, plan.status) == ("proposed", world.manager, "proposed")
    assert TierHolding.objects.filter(source="override").count() == 2


def test_who_comes_second_is_told_who_decided_what_and_the_others_are_done(world, sign_in):
    first, second = (asked(world, customer) for customer in world.customers[:2])
    decline_override(override_id=first.pk, actor=world.director, words="No", on=TODAY, at=NOW)
    words = read(decide(sign_in(world.manager), first, second)).words
    assert "1 row approved." in words
    assert "Alpha 0: It was declined by Dora Director already" in words
    assert (status(first), status(second)) == ("declined", "approved")


def test_a_decided_move_says_who_was_first(world, sign_in):
    plan = waiting_plan(world.ops, world.customers[:2], to=world.csm_b.csm)
    first = plan.moves.get(customer=world.customers[0])
    decide(sign_in(world.director), first)
    words = read(decide(sign_in(world.manager), *plan.moves.select_related("plan").order_by("pk"))).words
    assert "1 row approved." in words
    assert "Alpha 0: It was approved by Dora Director already" in words


def test_the_own_request_is_left_out_with_a_sentence(world, sign_in):
    own = asked(world, world.customers[0], actor=world.manager)
    others = asked(world, world.customers[1])
    client = sign_in(world.manager)
    assert token(own) not in client.get(QUEUE).content.decode()  # no box to tick
    words = read(decide(client, own, others)).words
    assert "You asked for it yourself" in words
    assert "1 row approved." in words
    assert status(own) == "asked"


def test_a_row_that_was_changed_since_it_was_shown_is_refused(world, sign_in):
    override = asked(world)
    seen = token(override)
    edit_override(
        override_id=override.pk,
        actor=world.csm_a,
        words="Longer",
        expires_on=TODAY + DAY * 200,
        on=TODAY,
        at=NOW,
    )
    run = waiting_run(world.ops)
    RetierRun.objects.filter(pk=run.pk).update(review_version=1)
    plan = waiting_plan(world.ops, [world.customers[1]], to=world.csm_b.csm)
    move = plan.moves.get()
    stale = token(move)
    type(plan).objects.filter(pk=plan.pk).update(review_version=3)
    words = read(decide(sign_in(world.manager), seen, run, stale)).words
    assert "Alpha 0: The request was changed since you looked at it" in words
    assert "The run was changed since you looked at it" in words
    assert "Alpha 1: The plan was changed since you looked at it" in words
    assert status(override) == "asked"
    assert not Move.objects.filter(approved_by__isnull=False).exists()


def test_a_row_out_of_sight_is_refused_like_one_that_is_not_there(world, sign_in):
    foreign = asked(world, world.foreign, actor=world.csm_b)
    plan = waiting_plan(world.ops, [world.foreign], to=CSMFactory(team=world.team_b))
    client = sign_in(world.manager)
    hidden = read(decide(client, foreign, plan.moves.get())).words
    nowhere = read(decide(client, "override:999999:1", "move:999999:0")).words
    assert hidden == nowhere
    assert "Zebra" not in hidden
    assert status(foreign) == "asked"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["override:x:1"],
        ["override:1"],
        ["customer:1:1"],
        ["run:1:1"],
        ["override:٣:1"],  # a digit, but not one of ours
        ["override:" + "9" * 40 + ":1"],
        [":::"],
    ],
)
def test_what_is_no_row_is_answered_with_a_sentence(world, sign_in, rows):
    response = decide(sign_in(world.manager), *rows)
    assert "Tick the rows that are meant" in read(response).words or "unknown" in read(response).words


def test_no_words_no_decision(world, sign_in):
    override, run = asked(world), waiting_run(world.ops)
    words = read(decide(sign_in(world.manager), override, run, decision="decline", words=" ")).words
    assert "Say why" in words
    run.refresh_from_db()
    assert (status(override), run.status) == ("asked", "awaiting_approval")


def test_a_declined_run_is_discarded_and_says_by_whom_and_why(world, sign_in):
    run = waiting_run(world.ops)
    client = sign_in(world.manager)
    response = decide(client, run, decision="decline", words="Half of them renew in March", run=str(run.pk))
    assert response.redirect_chain[0][0] == reverse("run", args=[run.pk])
    assert "Declined by Mia Manager: Half of them renew in March" in read(response).words
    decided = read(client.get(QUEUE + "?state=decided")).words
    assert "Half of them renew in March" in decided
    assert "by Mia Manager" in decided


def test_who_asked_for_a_run_decides_nothing_of_it(world, sign_in):
    run = waiting_run(world.manager)
    client = sign_in(world.manager)
    for decision in ("approve", "decline"):
        assert "You asked for run" in read(decide(client, run, decision=decision)).words
    run.refresh_from_db()
    assert run.status == "awaiting_approval"


def test_what_was_decided_lately_stands_apart_with_who_and_why(world, sign_in):
    first, second = (asked(world, customer) for customer in world.customers[:2])
    client = sign_in(world.manager)
    decide(client, first, words="Agreed until autumn")
    assert names(client) == ["Alpha 1"]
    assert names(client, "?state=decided") == ["Alpha 0"]
    assert "Agreed until autumn" in read(client.get(QUEUE + "?state=decided")).words
    # Thirty days later it is history: the customer's page has it.
    Override.objects.filter(pk=first.pk)
    assert status(second) == "asked"


def test_an_approval_that_holds_today_has_a_goals_run_look_at_the_rest(world, sign_in, monkeypatch):
    heard = []
    monkeypatch.setattr("allocation.tasks.overrides.ask_for_goals_run", lambda **given: heard.append(given))
    rows = [asked(world, customer) for customer in world.customers[:2]]
    later = asked(world, world.customers[2], starts_on=TODAY + DAY)
    client = sign_in(world.manager)
    decide(client, later)
    assert heard == []
    decide(client, *rows)
    assert [given["actor_id"] for given in heard] == [world.manager.pk]  # once, not once a row


def test_the_home_page_counts_what_is_mine_and_leads_to_it(world, sign_in):
    asked(world, world.customers[0], actor=world.manager)
    asked(world, world.customers[1])
    page = read(sign_in(world.manager).get("/"))
    assert "1 override asked for in your teams" in page.words
    assert f"{QUEUE}?kind=override&mine=yes" in page.links()
    assert f"{QUEUE}?kind=override" in read(sign_in(world.ops).get("/")).links()


def test_deciding_leaves_a_notice_for_who_asked(world, sign_in):
    override = asked(world)
    run = waiting_run(world.ops, moves=0)
    decide(sign_in(world.manager), override, run)
    told = Notice.objects.filter(kind="decided")
    assert {notice.to for notice in told} == {world.csm_a, world.ops}


@pytest.mark.parametrize("who", ["ops", "manager"])
def test_the_queue_asks_equally_often_at_any_size(world, sign_in, who):
    def more(count):
        for number in range(count):
            asked(world, approval_cast.of(world.csm_a.csm, f"More {number}"))
        customers = [approval_cast.of(world.csm_a.csm, f"Moved {number}") for number in range(count)]
        waiting_plan(world.ops, customers, to=world.csm_b.csm)
        waiting_run(world.ops, finished=NOW - DAY)  # due first, so that the page has it

    client = sign_in(getattr(world, who))
    more(2)
    few = queries_of(lambda: client.get(QUEUE))
    more(30)
    many = queries_of(lambda: client.get(QUEUE))
    assert len(client.get(QUEUE).context["rows"]) == 50
    assert len(few) == len(many), "\n".join(many)


def test_the_page_says_nothing_that_the_policy_would_refuse(world, sign_in):
    override = asked(world)
    for address in (QUEUE, QUEUE + "?state=decided", f"{QUEUE}overrides/{override.pk}/"):
        assert read(sign_in(world.manager).get(address)).refused_by_policy() == []


@pytest.fixture
def busy_for(monkeypatch):
    """The database does not answer where this override is decided; the list of those that were tried."""
    tried, service = [], overrides.approve_override

    def begin(one):
        def approve(*, override_id, **more):
            tried.append(override_id)
            if override_id == one.pk:
                raise OperationalError("database is locked")
            return service(override_id=override_id, **more)

        monkeypatch.setattr(overrides, "approve_override", approve)
        return tried

    return begin


def test_a_database_that_stops_answering_on_the_way_is_told_row_by_row(world, sign_in, busy_for, monkeypatch):
    """What was decided before counts and has what follows from it; what comes after is not tried, lest each row waits."""
    first, second, third = (asked(world, customer) for customer in world.customers)
    tried, followed = busy_for(second), []
    monkeypatch.setattr(deciding, "follow", lambda done, **_: followed.extend(one.pk for one in done))
    response = decide(sign_in(world.manager), first, second, third)
    assert [status(one) for one in (first, second, third)] == ["approved", "asked", "asked"]
    assert (tried, followed) == ([first.pk, second.pk], [first.pk])
    words = read(response).words
    assert "1 row approved." in words
    assert f"Alpha 1: {deciding.UNSURE}" in words
    assert f"Alpha 2: {deciding.NOT_TRIED}" in words


def test_runs_and_moves_after_a_database_that_stopped_answering_are_not_tried(world, sign_in, busy_for):
    override, run = asked(world), waiting_run(world.ops)
    busy_for(override)
    words = read(decide(sign_in(world.manager), override, run)).words
    assert RetierRun.objects.get(pk=run.pk).status == "awaiting_approval"
    assert f"Run {run.pk}: {deciding.NOT_TRIED}" in words


def test_what_follows_and_could_not_be_asked_for_is_said(world, sign_in, monkeypatch):
    def follow(done, **_):
        raise OperationalError("database is locked")

    monkeypatch.setattr(deciding, "follow", follow)
    override = asked(world)
    words = read(decide(sign_in(world.manager), override)).words
    assert status(override) == "approved"
    assert "1 row approved." in words
    assert deciding.NOT_FOLLOWED in words
