"""Many who write the digests of a day at once: each person has one, each held notice is told once, none is lost.

On PostgreSQL only. The control arm looks for a digest and then writes one under a key of its own: several are written.
"""

import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from allocation.models import Notice
from allocation.services.digests import write_digests
from allocation.services.failures import tell_of_failures
from allocation.services.notices import send_notices
from allocation.services.preferences import save_preference
from tests import factories
from tests.faults.test_goal_races import PEOPLE, ROUNDS, at_once, each_at_once
from tests.services.digest_cast import DAY, MONDAY, customer, morning, wishes
from tests.services.test_failures import slot

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


@pytest.fixture
def world(transactional_db: None) -> SimpleNamespace:
    cast = factories.cast()
    for person in (cast.csm_a, cast.csm_b, cast.manager):
        wishes(person, "daily", at_once=False)
    for book in (cast.csm_a, cast.csm_b):
        customer(book.csm, f"Of {book}", renewal_date=MONDAY + 20 * DAY)
    return cast


def leave(cast: SimpleNamespace, about: str, at: Any) -> None:
    Notice.objects.leave(
        to=[cast.csm_a.pk, cast.manager.pk],
        kind="decided",
        about=about,
        subject=f"About {about}",
        body="B",
        at=at,
    )


def test_of_many_writers_each_person_has_one_digest_and_each_notice_is_told_once(
    world: SimpleNamespace,
) -> None:
    for n in range(ROUNDS):
        day = MONDAY + n * DAY
        leave(world, f"early-{n}", morning(day, 1))
        late = [lambda n=n, day=day: leave(world, f"late-{n}", morning(day, 2))]
        writers = [lambda day=day: write_digests(on=day, at=morning(day))] * (PEOPLE - 1)
        found = each_at_once([*writers, *late])
        assert not [one for one in found if isinstance(one, Exception)], found
        told = Notice.objects.filter(kind="digest", key__startswith=f"digest-{day}")
        assert sorted(told.values_list("to__name", flat=True)) == ["Ada Book", "Ben Book", "Mia Manager"]
    write_digests(on=MONDAY + ROUNDS * DAY, at=morning(MONDAY + ROUNDS * DAY))
    held = Notice.objects.filter(kind="decided").select_related("told_in")
    assert held.count() == 4 * ROUNDS
    for row in held:
        assert row.told_in is not None, row
        assert row.told_in.to_id == row.to_id
        # As a line of that digest, and of no other.
        lines = [
            one for one in Notice.objects.filter(kind="digest", to=row.to) if f"- {row.subject}." in one.body
        ]
        assert lines == [row.told_in], row


def test_control_looking_before_writing_leaves_several(world: SimpleNamespace) -> None:
    read, number = threading.Barrier(PEOPLE), iter(range(PEOPLE))

    def looked() -> None:
        with transaction.atomic():
            there = Notice.objects.filter(kind="digest", to=world.csm_a).exists()
            read.wait(timeout=20)
            if not there:
                Notice.objects.create(
                    to=world.csm_a,
                    kind="digest",
                    key=f"digest {next(number)}",
                    subject="S",
                    body="B",
                    created_at=morning(),
                )

    at_once(looked)
    assert Notice.objects.filter(kind="digest", to=world.csm_a).count() > 1


def test_sending_and_writing_at_once_lose_no_notice(world: SimpleNamespace) -> None:
    """While somebody changes the wish to and fro: each notice ends as sent or as a line, never as neither."""
    for n in range(ROUNDS):
        day = MONDAY + n * DAY
        leave(world, f"notice-{n}", morning(day, 1))
        found = each_at_once(
            [
                lambda day=day: write_digests(on=day, at=morning(day)),
                lambda day=day: send_notices(at=morning(day), limit=100),
                lambda: save_preference(user=world.csm_a, digest="daily", at_once=True),
                lambda: save_preference(user=world.manager, digest="never", at_once=False),
            ]
        )
        assert not [one for one in found if isinstance(one, Exception)], found
        wishes(world.csm_a, "daily", at_once=False), wishes(world.manager, "daily", at_once=False)
    last = MONDAY + ROUNDS * DAY
    write_digests(on=last, at=morning(last))
    send_notices(at=morning(last), limit=1000)
    assert not Notice.objects.filter(sent_at__isnull=True, told_in__isnull=True).exists()


def test_of_many_who_tell_of_a_failure_one_mail_comes(world: SimpleNamespace) -> None:
    slot("rates", "failed")
    found = at_once(lambda: tell_of_failures(at=morning(MONDAY, 9)))
    assert not [one for one in found if isinstance(one, Exception)], found
    assert Notice.objects.filter(kind="failed").count() == 1


def test_of_many_who_save_a_wish_one_row_is_left(world: SimpleNamespace) -> None:
    found = at_once(lambda: save_preference(user=world.ops, digest="never", at_once=True))
    assert not [one for one in found if isinstance(one, Exception)], found
