"""The page of one's own notices: what one was told, what one gets, and the form that changes it."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import NoticePreference
from allocation.models import Notice
from allocation.services.preferences import UnableToSavePreference, save_preference
from tests.services.digest_cast import DAY, MONDAY, morning

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_fixed_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: morning(MONDAY, 12))


def notice(person: Any, subject: str, **more: Any) -> Notice:
    given = {"kind": "decided", "key": subject, "body": "Text", "created_at": morning()}
    return Notice.objects.create(to=person, subject=subject, **(given | more))


def page(sign_in: Any, person: Any) -> str:
    return str(sign_in(person).get(reverse("notices")).content.decode())


def save(sign_in: Any, person: Any, **given: str) -> Any:
    return sign_in(person).post(reverse("notice_preference"), given)


@pytest.mark.parametrize("role", ["ops", "manager", "csm_a"])
def test_everybody_reads_the_own_notices_only(cast: SimpleNamespace, sign_in: Any, role: str) -> None:
    notice(getattr(cast, role), "Mine alone")
    for other in {"ops", "manager", "csm_a", "csm_b"} - {role}:
        notice(getattr(cast, other), f"Of {other}")
    text = page(sign_in, getattr(cast, role))
    assert "Mine alone" in text
    assert "Of " not in text.replace("Of the", "")


def test_each_line_says_what_became_of_the_mail(cast: SimpleNamespace, sign_in: Any) -> None:
    save_preference(user=cast.csm_a, digest="weekly", at_once=False)
    digest = notice(cast.csm_a, "Digest", kind="digest", sent_at=morning(MONDAY, 8))
    notice(cast.csm_a, "Told", told_in=digest)
    notice(cast.csm_a, "Waiting")
    notice(cast.csm_a, "Lost", attempts=5)
    text = page(sign_in, cast.csm_a)
    shown = " ".join(re.sub(r"<[^>]*>", " ", text).replace("\u00a0", " ").split())
    for words in (
        "Sent 23 Nov 2026, 08:00",
        "In a digest 23 Nov 2026, 06:00",
        "Held back for the next digest",
        "Not sent CS ops see why",
    ):
        assert words in shown
    save_preference(user=cast.csm_a, digest="weekly", at_once=True)
    assert "To be sent" in page(sign_in, cast.csm_a)


def test_the_latest_fifty_are_shown_the_newest_first(cast: SimpleNamespace, sign_in: Any) -> None:
    for number in range(52):
        notice(cast.csm_a, f"Number {number:02d}.", created_at=morning(MONDAY - (60 - number) * DAY))
    text = page(sign_in, cast.csm_a)
    assert [f"Number {number:02d}." in text for number in (0, 1, 2, 51)] == [False, False, True, True]
    assert text.index("Number 51.") < text.index("Number 50.")


def test_who_chose_nothing_sees_what_holds(cast: SimpleNamespace, sign_in: Any) -> None:
    text = page(sign_in, cast.csm_a)
    assert '<option value="weekly" selected>' in text
    assert '<option value="yes" selected>' in text
    assert not NoticePreference.objects.exists()


def test_what_is_saved_is_kept_and_shown(cast: SimpleNamespace, sign_in: Any) -> None:
    assert save(sign_in, cast.csm_a, digest="daily", at_once="no").status_code == 302
    assert save(sign_in, cast.csm_a, digest="never", at_once="no").status_code == 302
    kept = NoticePreference.objects.get()
    assert (kept.user, kept.digest, kept.at_once) == (cast.csm_a, "never", False)
    assert '<option value="never" selected>' in page(sign_in, cast.csm_a)


@pytest.mark.parametrize(
    "given", [{}, {"digest": "hourly", "at_once": "yes"}, {"digest": "daily", "at_once": "maybe"}]
)
def test_a_choice_that_is_none_is_refused_on_the_page(
    cast: SimpleNamespace, sign_in: Any, given: dict[str, str]
) -> None:
    answer = save(sign_in, cast.csm_a, **given)
    assert answer.status_code == 422
    assert "errorlist" in answer.content.decode()
    assert not NoticePreference.objects.exists()


def test_nobody_saves_the_wishes_of_another(cast: SimpleNamespace, sign_in: Any) -> None:
    save(
        sign_in, cast.csm_a, digest="never", at_once="no", user=str(cast.csm_b.pk), user_id=str(cast.csm_b.pk)
    )
    assert NoticePreference.objects.get().user == cast.csm_a


def test_who_has_no_role_has_no_such_page_and_looking_saves_nothing(
    cast: SimpleNamespace, sign_in: Any
) -> None:
    assert sign_in(cast.nobody).get(reverse("notices")).status_code == 403
    assert save(sign_in, cast.nobody, digest="never", at_once="no").status_code == 403
    assert (
        sign_in(cast.csm_a)
        .get(reverse("notice_preference"), {"digest": "never", "at_once": "no"})
        .status_code
        == 405
    )
    assert not NoticePreference.objects.exists()


def test_the_menu_leads_to_it(cast: SimpleNamespace, sign_in: Any) -> None:
    assert 'href="/notices/"' in sign_in(cast.csm_a).get("/").content.decode()
    assert 'href="/notices/"' not in sign_in(cast.nobody).get("/").content.decode()


def test_the_service_refuses_a_rhythm_that_is_none(cast: SimpleNamespace) -> None:
    with pytest.raises(UnableToSavePreference, match="daily, weekly or never"):
        save_preference(user=cast.csm_a, digest="hourly", at_once=True)


def test_cs_ops_read_in_the_admin_what_people_chose_and_change_nothing(
    cast: SimpleNamespace, sign_in: Any
) -> None:
    row = save_preference(user=cast.csm_a, digest="never", at_once=False)
    answer = sign_in(cast.ops).get(reverse("admin:accounts_noticepreference_changelist"))
    assert "Ada Book" in answer.content.decode()
    address = reverse("admin:accounts_noticepreference_change", args=[row.pk])
    assert sign_in(cast.ops).post(address, {"user": cast.csm_a.pk, "digest": "daily"}).status_code == 403
    row.refresh_from_db()
    assert row.digest == "never"
