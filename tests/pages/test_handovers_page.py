"""The pages of handovers: the list of each role, and one with its pack, checklist, notes and signatures."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import roles
from allocation.models import Handover
from allocation.selectors.handovers import digest_of_notes
from allocation.services.handovers import LONGEST_NOTES
from tests.factories import TODAY, CSMFactory, UserFactory
from tests.pages.reading import read
from tests.services.handovers.world import customer_of, give, handed_over, tick_all

pytestmark = pytest.mark.django_db

LIST = reverse("handovers")
SEES = ["ops", "manager", "csm_a", "csm_b"]


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def row(cast: SimpleNamespace) -> Handover:
    return handed_over(cast)


def page(row: Handover) -> str:
    return reverse("handover", args=[row.pk])


def post(client: Any, row: Handover, what: str, **given: Any) -> Any:
    return client.post(reverse(f"handover_{what}", args=[row.pk]), given, follow=True)


def closed(row: Handover, *, days_ago: int, status: str = "done") -> None:
    at = timezone.now() - timedelta(days=days_ago)
    Handover.objects.filter(pk=row.pk).update(status=status, closed_at=at)


def stranger() -> Any:
    return CSMFactory(user=UserFactory(role=roles.CSM)).user


@pytest.mark.parametrize("who", SEES)
def test_both_ends_and_their_leads_see_it(
    row: Handover, cast: SimpleNamespace, sign_in: Any, who: str
) -> None:
    client = sign_in(getattr(cast, who))
    listed = read(client.get(LIST))
    assert page(row) in listed.links()
    shown = read(client.get(page(row)))
    for words in ("Why it changes hands", "Risks", "Open goals", "Who they are", "Introduce the new CSM"):
        assert words in shown.words
    assert listed.refused_by_policy() == shown.refused_by_policy() == []


def test_others_see_nothing_of_it(row: Handover, cast: SimpleNamespace, sign_in: Any) -> None:
    client = sign_in(stranger())
    assert page(row) not in read(client.get(LIST)).links()
    assert client.get(page(row)).status_code == 404
    assert sign_in(cast.nobody).get(page(row)).status_code == 403


def test_the_former_csm_reads_the_pack_but_not_the_customer(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    customer = reverse("customer", args=[row.customer_id])
    for who, opens in (("csm_a", False), ("csm_b", True)):
        client = sign_in(getattr(cast, who))
        assert (customer in read(client.get(page(row))).links()) is opens
        assert (client.get(customer).status_code == 200) is opens


def test_once_it_is_done_the_pack_is_the_new_csms_alone(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    closed(row, days_ago=29)
    former = read(sign_in(cast.csm_a).get(page(row))).words
    assert "The pack is closed" in former
    assert "Who they are" not in former
    assert "Who they are" in read(sign_in(cast.csm_b).get(page(row))).words


def test_after_thirty_days_the_former_csm_sees_it_no_more(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    closed(row, days_ago=31)
    assert [sign_in(getattr(cast, who)).get(page(row)).status_code for who in SEES] == [200, 404, 404, 200]
    assert page(row) not in read(sign_in(cast.csm_a).get(f"{LIST}?show=done")).links()


def test_a_csm_who_has_lost_the_customer_again_sees_an_old_one_no_more(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    closed(row, days_ago=31)
    give(row.customer, CSMFactory(name="Zoe"))
    assert sign_in(cast.csm_b).get(page(row)).status_code == 404


def test_the_tabs_count_and_list_what_they_say(cast: SimpleNamespace, sign_in: Any) -> None:
    rows = {name: handed_over(cast, name=name) for name in ("Open", "Late", "Done", "Cancelled")}
    Handover.objects.filter(pk=rows["Late"].pk).update(due_on=TODAY - timedelta(days=1))
    closed(rows["Done"], days_ago=1)
    closed(rows["Cancelled"], days_ago=1, status="cancelled")
    client = sign_in(cast.csm_a)
    found = {
        show: {
            name for name, row in rows.items() if page(row) in read(client.get(f"{LIST}?show={show}")).links()
        }
        for show in ("open", "late", "done", "cancelled", "nonsense")
    }
    assert found == {
        "open": {"Open", "Late"}, "late": {"Late"}, "done": {"Done"}, "cancelled": {"Cancelled"},
        "nonsense": {"Open", "Late"},
    }  # fmt: skip


def test_a_csm_asks_for_one_way_a_lead_for_a_team_or_csm(cast: SimpleNamespace, sign_in: Any) -> None:
    out = handed_over(cast, name="Out")
    into = customer_of(cast.csm_b.csm, name="In")
    give(into, cast.csm_a.csm)
    came = Handover.objects.get(customer=into)

    def listed(who: Any, query: str) -> set[str]:
        links = read(sign_in(who).get(f"{LIST}?{query}")).links()
        return {row.customer.name for row in (out, came) if page(row) in links}

    assert listed(cast.csm_a, "way=in") == {"In"}
    assert listed(cast.csm_a, "way=out") == {"Out"}
    assert listed(cast.csm_a, "q=Ou") == {"Out"}
    assert listed(cast.ops, f"team={cast.team_a.pk}") == {"In", "Out"}
    assert listed(cast.ops, f"csm={CSMFactory().pk}") == set()


def test_a_handover_from_the_first_tick_to_the_last_signature(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    ada, ben = sign_in(cast.csm_a), sign_in(cast.csm_b)
    for client, sides in ((ada, ("former", "both")), (ben, ("new",))):
        for step in row.steps.filter(side__in=sides):
            post(client, row, "step", step=step.pk, done="1")
    post(ada, row, "notes", words="Ask for Ms Lund.", seen=digest_of_notes(""))
    assert "Ask for Ms Lund." in read(ben.get(page(row))).words
    assert "other side is still to sign" in read(post(ada, row, "sign", side="former")).words
    assert "the handover is done" in read(post(ben, row, "sign", side="new")).words
    row.refresh_from_db()
    assert (row.status, row.from_signed_by, row.to_signed_by) == ("done", cast.csm_a, cast.csm_b)


def test_only_what_the_person_may_do_is_offered(row: Handover, cast: SimpleNamespace, sign_in: Any) -> None:
    def offered(who: str) -> tuple[int, set[str]]:
        shown = read(sign_in(getattr(cast, who)).get(page(row)))
        actions = [form.get("action", "") for form in shown.of("form")]
        steps = actions.count(reverse("handover_step", args=[row.pk]))
        others = {
            name
            for name in ("notes", "sign", "cancel")
            if reverse(f"handover_{name}", args=[row.pk]) in actions
        }
        return steps, others

    assert offered("csm_a") == (4, {"notes"})
    assert offered("csm_b") == (3, set())
    assert offered("manager") == (0, {"cancel"})
    tick_all(row, "former", "both", actor=cast.csm_a)
    assert offered("csm_a") == (4, {"notes", "sign"})


def test_a_refusal_is_a_sentence_on_the_page(row: Handover, cast: SimpleNamespace, sign_in: Any) -> None:
    assert "Tick first" in read(post(sign_in(cast.csm_a), row, "sign", side="former")).words
    assert "Ada Book signs for this side" in read(post(sign_in(cast.csm_b), row, "sign", side="former")).words
    for step in ("", "x", "٣", "9" * 30):
        assert "no such step" in read(post(sign_in(cast.csm_a), row, "step", step=step, done="1")).words
    assert sign_in(cast.csm_a).post(reverse("handover_cancel", args=[row.pk])).status_code == 403
    assert "This field is required" in read(post(sign_in(cast.manager), row, "cancel", words="")).words


def test_a_manager_cancels_with_words_that_stand_on_the_page(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    shown = read(post(sign_in(cast.manager), row, "cancel", words="They stay with Ada.")).words
    assert "The handover is cancelled" in shown
    assert "They stay with Ada." in shown


def test_the_page_says_that_who_has_left_need_not_sign(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    type(cast.csm_a).objects.filter(pk=cast.csm_a.pk).update(is_active=False)
    shown = read(sign_in(cast.manager).get(page(row))).words
    assert "no signature is needed, a manager may tick and sign instead" in shown
    assert "0 of 1" in shown


def test_customer_book_and_home_lead_to_it(row: Handover, cast: SimpleNamespace, sign_in: Any) -> None:
    client = sign_in(cast.csm_b)
    assert page(row) in read(client.get(reverse("customer", args=[row.customer_id]))).links()
    assert LIST in read(client.get(reverse("my_book"))).links()
    assert "1 handover open" in read(client.get(reverse("home"))).words
    Handover.objects.update(due_on=TODAY - timedelta(days=1))
    for who in ("csm_a", "csm_b", "manager"):
        assert f"{LIST}?show=late" in read(sign_in(getattr(cast, who)).get(reverse("home"))).links()
    lead = read(sign_in(cast.ops).get(reverse("book", args=[cast.csm_b.csm.pk])))
    assert f"{LIST}?csm={cast.csm_b.csm.pk}" in lead.links()


def test_every_number_says_how_it_came(row: Handover, cast: SimpleNamespace, sign_in: Any) -> None:
    shown = read(sign_in(cast.csm_b).get(page(row))).words
    assert "plus 21 days that the policy in force then gave" in shown
    assert "No step is ticked yet." in shown
    assert "0 of the 6 steps of its checklist are ticked." in read(sign_in(cast.csm_b).get(LIST)).words


@pytest.mark.parametrize("show", ["open", "late", "done", "cancelled"])
def test_an_empty_list_says_what_would_stand_there(cast: SimpleNamespace, sign_in: Any, show: str) -> None:
    shown = read(sign_in(cast.csm_a).get(f"{LIST}?show={show}")).words
    assert any(
        words in shown for words in ("Nothing changes hands", "is late", "is done yet", "was cancelled")
    )


def values(answer: Any, name: str) -> list[str]:
    """Of the hidden field of a form."""
    return [tag.get("value", "") for tag in read(answer).of("input") if tag.get("name") == name]


def test_notes_that_somebody_changed_meanwhile_stand_beside_what_was_typed(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    client = sign_in(cast.csm_a)
    (seen,) = values(client.get(page(row)), "seen")
    post(client, row, "notes", words="Ask for Ms Lund.", seen=seen)
    answer = post(client, row, "notes", words="Ask for Mr Berg.", seen=seen)
    assert answer.status_code == 422
    shown = read(answer).words
    for words in (
        "Somebody changed the notes",
        "What stands there now",
        "Ask for Ms Lund.",
        "Ask for Mr Berg.",
    ):
        assert words in shown
    row.refresh_from_db()
    assert row.notes == "Ask for Ms Lund."
    # Having seen both, the person decides.
    (seen,) = values(answer, "seen")
    post(client, row, "notes", words="Ask for both.", seen=seen)
    row.refresh_from_db()
    assert row.notes == "Ask for both."


def test_notes_that_are_refused_stand_there_as_they_were_typed(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    words = "Long " * LONGEST_NOTES
    answer = post(sign_in(cast.csm_a), row, "notes", words=words)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert "at most 4000 characters" in read(answer).words


def test_notes_typed_while_it_was_closed_are_not_lost(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    closed(row, days_ago=1)
    answer = post(sign_in(cast.csm_a), row, "notes", words="Ask for Ms Lund.", seen=digest_of_notes(""))
    assert answer.status_code == 422
    for words in ("nothing is left to do in it", "What you typed is not saved", "Ask for Ms Lund."):
        assert words in read(answer).words


def test_why_it_is_cancelled_stands_there_as_it_was_typed_where_it_is_refused(
    row: Handover, cast: SimpleNamespace, sign_in: Any
) -> None:
    words = "They stay with Ada. " * 30
    answer = post(sign_in(cast.manager), row, "cancel", words=words)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert ["open" in tag for tag in read(answer).of("details") if "open" in tag] == [True]
    closed(row, days_ago=1)
    answer = post(sign_in(cast.manager), row, "cancel", words="A mistake, surely.")
    assert answer.status_code == 422
    assert "A mistake, surely." in read(answer).words


def test_the_clock_is_read_once_for_what_is_done(
    row: Handover, cast: SimpleNamespace, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At midnight a day and a moment of two looks would not belong together."""
    looks = []
    monkeypatch.setattr(
        "django.utils.timezone.localdate", lambda value=None, **kwargs: looks.append(value) or TODAY
    )
    step = row.steps.filter(side="former").first()
    sign_in(cast.csm_a).post(reverse("handover_step", args=[row.pk]), {"step": step.pk, "done": "1"})
    step.refresh_from_db()
    assert step.done_at in looks


def test_the_note_is_ticked_as_read_once_it_is_written(cast: SimpleNamespace, sign_in: Any) -> None:
    row = handed_over(cast, touch_level="low")
    client = sign_in(cast.csm_b)
    (step,) = [one for one in client.get(page(row)).context["steps"] if "the note" in one.words]
    assert (step.can, step.waits) == (False, "waits until Ada Book has written the notes")
    assert step.waits in read(client.get(page(row))).words
    Handover.objects.filter(pk=row.pk).update(notes="Ask for Ms Lund.")
    (step,) = [one for one in client.get(page(row)).context["steps"] if "the note" in one.words]
    assert (step.can, step.waits) == (True, "")
