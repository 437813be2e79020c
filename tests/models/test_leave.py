"""Leave says no in words: days that another leave has, and a cover who is not there. Rows of the admin too."""

import datetime
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import CSM, Leave
from tests.factories import TODAY, CSMFactory

pytestmark = pytest.mark.django_db

DAY = datetime.timedelta(days=1)


def leave(csm: CSM, first: int, back: int, **more: object) -> Leave:
    return Leave(csm=csm, starts_on=TODAY + first * DAY, ends_before=TODAY + back * DAY, **more)


@pytest.mark.parametrize(
    ("first", "back", "fits"),
    [(0, 10, True), (0, 11, False), (12, 15, False), (19, 25, False), (20, 25, True), (5, 30, False)],
    ids=["ends as it begins", "one day in common", "within", "the last day", "begins as it ends", "around"],
)
def test_one_leave_of_a_csm_at_a_time(first: int, back: int, fits: bool) -> None:
    csm = CSMFactory()
    leave(csm, 10, 20).save()
    row = leave(csm, first, back)
    if fits:
        row.full_clean()
    else:
        with pytest.raises(ValidationError, match="is away already, from 02 Dec 2026, back on 12 Dec 2026"):
            row.full_clean()
    leave(CSMFactory(), first, back).full_clean()


def test_a_leave_is_no_obstacle_to_itself() -> None:
    row = leave(CSMFactory(), 10, 20)
    row.save()
    row.ends_before += DAY
    row.full_clean()


@pytest.mark.parametrize(("first", "back", "fits"), [(0, 10, True), (0, 11, False), (20, 21, True)])
def test_a_cover_is_not_away_on_these_days(first: int, back: int, fits: bool) -> None:
    cover = CSMFactory(name="Cora")
    leave(cover, 10, 20).save()
    row = leave(CSMFactory(), first, back, covered_by=cover)
    if fits:
        row.full_clean()
    else:
        with pytest.raises(ValidationError, match="Cora is away from"):
            row.full_clean()


@pytest.mark.parametrize("second", [10, 11, 12])
def test_two_leaves_sent_together_are_compared_with_each_other(
    cast: SimpleNamespace, sign_in: object, second: int
) -> None:
    """Neither is stored yet when the model looks, so the rows of the CSM's form look at each other."""
    client, csm = sign_in(cast.ops), cast.csm_a.csm  # type: ignore[operator]
    address = reverse("admin:accounts_csm_change", args=[csm.pk])
    page = client.get(address).context["adminform"].form
    body = {name: "" if page[name].value() is None else page[name].value() for name in page.fields}
    body |= {"countries": "", "products": "", "accepting": "on"}
    body |= {"leaves-TOTAL_FORMS": "2", "leaves-INITIAL_FORMS": "0"}
    for number, (first, back) in enumerate(((5, 11), (second, 15))):
        body |= {
            f"leaves-{number}-csm": csm.pk,
            f"leaves-{number}-starts_on": (TODAY + first * DAY).isoformat(),
            f"leaves-{number}-ends_before": (TODAY + back * DAY).isoformat(),
            f"leaves-{number}-covered_by": "",
        }
    answer = client.post(address, body)
    fits = second >= 11
    assert (answer.status_code, Leave.objects.count()) == ((302, 2) if fits else (200, 0)), answer.context
    assert fits or "Two of these leaves have a day in common" in answer.content.decode()


def test_the_list_of_leave_is_narrowed_to_who_is_away_now(
    cast: SimpleNamespace, sign_in: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)
    covers = CSMFactory(name="Cora")
    rows = {
        "over": leave(cast.csm_a.csm, -3, 0, covered_by=covers),
        "now": leave(cast.csm_a.csm, 0, 1, covered_by=covers),
        "bare": leave(cast.csm_b.csm, -2, 3),
        "coming": leave(cast.csm_a.csm, 1, 2, covered_by=covers),
    }
    for row in rows.values():
        row.save()
    client = sign_in(cast.ops)  # type: ignore[operator]
    address = reverse("admin:accounts_leave_changelist")

    def shown(choice: str) -> set[str]:
        listed = {row.pk for row in client.get(address, {"away": choice}).context["cl"].result_list}
        return {name for name, row in rows.items() if row.pk in listed}

    assert shown("now") == {"now", "bare"}
    assert shown("uncovered") == {"bare"}
    assert shown("coming") == {"coming"}
    words = client.get(address).content.decode()
    for standing in ("Over", "Away, covered", "Away, nobody covers", "To come"):
        assert standing in words
