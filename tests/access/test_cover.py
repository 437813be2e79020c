"""While a CSM is away the cover sees the book: on which days, which rows, and no others. Every model that has an owner."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import models, transaction
from django.urls import reverse

from accounts.models import CSM, Customer, Leave, User
from allocation.models import Notice, Objection
from tests.access.calling import foreign_words, text_of
from tests.access.routes import arguments_of, routes
from tests.access.world import A2, A, B
from tests.factories import TODAY
from tests.rewriting import before_the_triggers

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)
FIRST, BACK = TODAY + 10 * DAY, TODAY + 14 * DAY
# Rows of a person, or of nobody's book: a cover does not change whose they are.
OF_A_PERSON = {
    "accounts.Delegation", "accounts.ImportBatch", "accounts.NoticePreference", "allocation.BookPlan", "allocation.Freeze",
    "allocation.Notice", "allocation.Pulse", "allocation.RetierRun", "allocation.RunChunk", "allocation.Scenario",
    "allocation.Schedule", "allocation.Sensitivity", "allocation.Slot",
}  # fmt: skip


@pytest.fixture
def covered(world: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """Quokka Ada is away for four days and Axolotl Ben, of another team, covers."""
    with transaction.atomic():
        Leave.objects.all().delete()
        row = Leave.objects.create(
            csm=world.csms[A], starts_on=FIRST, ends_before=BACK, covered_by=world.csms[B]
        )
        yield SimpleNamespace(leave=row, world=world)
        transaction.set_rollback(True)


def on(monkeypatch: pytest.MonkeyPatch, day: datetime.date) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: day)


def owned_models() -> list[type[models.Model]]:
    found = [model for model in apps.get_models() if hasattr(model._default_manager.all(), "visible_to")]
    return sorted(found, key=lambda model: model._meta.label)


def seen(person: User) -> dict[str, set[Any]]:
    """Keys of the rows that the person sees, by model; the person is read anew, as each request does."""
    user = User.objects.get(pk=person.pk)
    return {
        model._meta.label: set(model._default_manager.all().visible_to(user).values_list("pk", flat=True))
        for model in owned_models()
    }


@pytest.mark.parametrize(
    ("day", "holds"),
    [(FIRST - DAY, False), (FIRST, True), (BACK - DAY, True), (BACK, False)],
    ids=["day before", "first day", "last day", "day back"],
)
def test_the_cover_sees_the_own_book_and_the_covered_one_on_these_days_and_nothing_else(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, day: datetime.date, holds: bool
) -> None:
    persons = covered.world.persons
    on(monkeypatch, FIRST - 5 * DAY)
    own, theirs = seen(persons["csm_b"]), seen(persons["csm_a"])
    on(monkeypatch, day)
    now = seen(persons["csm_b"])
    for label, keys in now.items():
        more = theirs[label] if holds and label not in OF_A_PERSON else set()
        assert keys == own[label] | more, label


def test_the_cover_gains_rows_of_nearly_every_model(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above: books of one row a model would make it say little."""
    persons = covered.world.persons
    on(monkeypatch, FIRST - DAY)
    before = seen(persons["csm_b"])
    on(monkeypatch, FIRST)
    gained = {label for label, keys in seen(persons["csm_b"]).items() if keys > before[label]}
    assert gained >= {
        "accounts.CSM", "accounts.Customer", "accounts.Goal", "accounts.Leave", "accounts.Region", "accounts.Team",
        "accounts.User", "accounts.Vertical", "allocation.BookHolding", "allocation.Handover", "allocation.Move",
        "allocation.Objection", "allocation.Override", "allocation.OverrideEdit", "allocation.TierDecision",
        "allocation.Touch",
    }  # fmt: skip


@pytest.mark.parametrize("person", ["csm_a", "csm_a2", "manager_a", "manager_b", "ops", "nobody"])
def test_nobody_else_sees_more_or_less_while_somebody_covers(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, person: str
) -> None:
    """Who is away keeps the own book, and a manager of the cover gains nothing."""
    who = covered.world.persons[person]
    on(monkeypatch, FIRST - DAY)
    before = seen(who)
    on(monkeypatch, FIRST)
    assert seen(who) == before


def what_ends_it(covered: SimpleNamespace, how: str) -> None:
    cover = covered.world.csms[B]
    if how == "the cover left":
        CSM.objects.filter(pk=cover.pk).update(leaves_on=FIRST)
    elif how == "the cover is not there yet":
        CSM.objects.filter(pk=cover.pk).update(starts_on=FIRST + DAY)
    elif how == "the cover is away too":
        Leave.objects.create(
            csm=cover, starts_on=FIRST, ends_before=FIRST + DAY, covered_by=covered.world.csms[A2]
        )
    elif how == "nobody is named":
        Leave.objects.filter(pk=covered.leave.pk).update(covered_by=None)
    else:
        User.objects.filter(pk=cover.user_id).update(is_active=False)


@pytest.mark.parametrize(
    "how",
    [
        "the cover left", "the cover is not there yet", "the cover is away too", "nobody is named",
        "the sign-in is switched off",
    ],
)  # fmt: skip
def test_who_is_not_there_covers_nobody(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    on(monkeypatch, FIRST)
    before = set(Leave.objects.covered_on(FIRST).values_list("pk", flat=True))
    what_ends_it(covered, how)
    assert before == {covered.leave.pk}
    assert covered.leave.pk not in set(Leave.objects.covered_on(FIRST).values_list("pk", flat=True))
    customers = Customer.objects.visible_to(User.objects.get(pk=covered.world.persons["csm_b"].pk))
    assert not customers.filter(csm=covered.world.csms[A]).exists()


def test_the_cover_of_a_cover_sees_the_own_book_of_that_one_only(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    what_ends_it(covered, "the cover is away too")
    on(monkeypatch, FIRST)
    third = User.objects.get(pk=covered.world.persons["csm_a2"].pk)
    books = set(Customer.objects.visible_to(third).values_list("csm", flat=True))
    assert books == {covered.world.csms[A2].pk, covered.world.csms[B].pk}


def test_two_covers_of_leaves_that_overlap_both_see(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    Leave.objects.create(
        csm=covered.world.csms[A], starts_on=FIRST, ends_before=BACK, covered_by=covered.world.csms[A2]
    )
    on(monkeypatch, FIRST)
    for person in ("csm_b", "csm_a2"):
        rows = Customer.objects.visible_to(User.objects.get(pk=covered.world.persons[person].pk))
        assert rows.filter(csm=covered.world.csms[A]).exists()


def answers(covered: SimpleNamespace) -> dict[str, tuple[int, str]]:
    """What each address of book A says to the cover: {address: (status, words)}."""
    client = covered.world.clients["csm_b"]
    found = {}
    for route in routes().values():
        if route.address.startswith("admin/"):
            continue
        answer = client.get(route.path(**arguments_of(route, covered.world)))
        found[route.address] = (answer.status_code, text_of(answer))
    return found


def test_the_pages_of_the_covered_book_open_and_close_by_the_day_and_show_no_third_book(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = ("books/{pk}/", "customers/{pk}/", "approvals/overrides/{pk}/")
    for day, status in ((FIRST - DAY, 404), (FIRST, 200), (BACK - DAY, 200), (BACK, 404)):
        on(monkeypatch, day)
        found = answers(covered)
        assert {page: found[page][0] for page in pages} == dict.fromkeys(pages, status), day
        foreign = {
            address: {word.lower() for word in foreign_words(words, "csm_b")}
            for address, (_, words) in found.items()
        }
        assert not [address for address, words in foreign.items() if A2.lower() in words], day
        # Whom one will cover is said on the home page and in the own book: the name, and nothing of the book.
        outside = {address for address, words in foreign.items() if words and status == 404}
        assert outside <= {"", "book/"}, day
        assert status == 200 or "QuokkaCustomer" not in found["book/"][1] + found[""][1]


def test_the_cover_acts_in_the_book_as_its_csm_would(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(monkeypatch, FIRST)
    world = covered.world
    client, customer = world.clients["csm_b"], world.customers[A][2]
    opened = client.post(
        reverse("goal_open", args=[customer.pk]),
        {
            "kind": world.objects["kind"].pk,
            "starts_on": FIRST.isoformat(),
            "owner": world.persons["csm_b"].pk,
        },
    )
    assert opened.status_code == 302
    assert customer.goals.filter(owner=world.persons["csm_b"]).exists()


def test_the_cover_objects_for_who_is_away_and_reads_it_no_longer_than_the_book(
    covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, day = covered.world, TODAY + DAY  # while the plan of the world is open to objections
    Leave.objects.filter(pk=covered.leave.pk).update(starts_on=day, ends_before=day + DAY)
    with before_the_triggers("allocation_objection"):
        Objection.objects.filter(csm=world.csms[A]).delete()
    move, client = world.moves[A], world.clients["csm_b"]
    said = {"reason_kind": "timing", "words": "In the middle of a project"}
    address = reverse("objection_raise", args=[move.pk])
    on(monkeypatch, day - DAY)
    assert client.post(address, said).status_code == 404
    on(monkeypatch, day)
    assert client.post(address, said).status_code == 302
    made = Objection.objects.get(move=move, csm=world.csms[A])
    assert made.by == world.persons["csm_b"]
    on(monkeypatch, day + DAY)
    words = text_of(client.get(reverse("objections")))
    assert client.post(reverse("objection_withdraw", args=[move.pk])).status_code == 404
    assert "In the middle of a project" not in words


def test_a_cover_decides_no_override(covered: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    on(monkeypatch, FIRST)
    asked = covered.world.objects["allocation.override"]
    covered.world.clients["csm_b"].post(
        reverse("approval_override", args=[asked.pk]), {"action": "approve", "version": "1", "words": "Yes"}
    )
    asked.refresh_from_db()
    assert (asked.status, asked.decided_by) == ("asked", None)


def test_every_model_that_has_an_owner_is_looked_at() -> None:
    labels = {model._meta.label for model in owned_models()}
    assert labels >= OF_A_PERSON
    assert len(labels) > 25
    assert Notice._meta.label in labels
