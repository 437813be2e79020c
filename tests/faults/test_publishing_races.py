"""Many people at the versions of the model: one after the other, and whoever clashes all the same is told.

On PostgreSQL only; the control arms show what happens without the turn.
"""

import json
import threading
import time
from itertools import cycle

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Tier
from allocation.models import AllocationPolicy, AttentionPolicy, TieringModel
from allocation.querysets.versions import TieringModelQuerySet
from allocation.selectors.model_checks import faults_of, tiers_led_to
from allocation.services.playbooks import AT_ONCE, UnableToLoadPlaybook, load_playbook
from allocation.services.policies import activate_policy
from tests import factories
from tests.faults.test_claims import ROUNDS, RUNNERS, at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

PLAYBOOKS = ("three-axis", "weighted-tiers", "touch-by-goal", "even-split")


def out_of_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TieringModelQuerySet, "take_turn", lambda self: None)


def load_them_all(number: int) -> bool:
    """False: somebody else was there at the same moment."""
    slug = PLAYBOOKS[number % len(PLAYBOOKS)]
    try:
        load_playbook(slug=slug, publish=True, at=timezone.now())
    except UnableToLoadPlaybook:
        return False
    return True


def test_different_playbooks_published_at_once_all_come_in_force_one_after_the_other() -> None:
    for _ in range(ROUNDS):
        assert at_once(load_them_all) == [True] * RUNNERS
        published = TieringModel.objects.published().get()
        assert faults_of(definition=published.definition) == ()
        in_use = set(Tier.objects.filter(retired=False).values_list("slug", flat=True))
        assert in_use == tiers_led_to(definition=published.definition)


def test_control_out_of_turn_some_of_them_clash(monkeypatch: pytest.MonkeyPatch) -> None:
    out_of_turn(monkeypatch)
    assert not all(done for _ in range(ROUNDS) for done in at_once(load_them_all))


def test_policies_put_in_force_while_playbooks_are_published_do_not_wait_for_each_other() -> None:
    for slug in PLAYBOOKS:
        load_playbook(slug=slug, publish=True, at=timezone.now())
    for kind in (AllocationPolicy, AttentionPolicy):
        policies = cycle(kind.objects.order_by("-pk"))
        for _ in range(ROUNDS):
            chosen = [next(policies) for _ in range(RUNNERS)]

            def act(number: int, chosen: list[object] = chosen) -> object:
                return load_them_all(number) if number % 2 else activate_policy(policy=chosen[number])  # type: ignore[arg-type]

            assert set(at_once(act)) == {True, None}
            assert kind.objects.active().count() == 1


def test_who_waits_in_a_circle_all_the_same_is_told_in_a_sentence() -> None:
    """Somebody holds one tier and wants another, the playbook the other way round: the database ends one of them."""
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    told: list[str] = []

    def load() -> None:
        try:
            load_playbook(slug="even-split", publish=True, at=timezone.now())
        except UnableToLoadPlaybook as refusal:
            told.append(str(refusal))
        finally:
            connection.close()

    loading = threading.Thread(target=load)
    with transaction.atomic():
        first, *_, last = Tier.objects.order_by("rank")
        Tier.objects.select_for_update().get(pk=last.pk)
        loading.start()
        until_somebody_waits()
        Tier.objects.filter(pk=first.pk).update(description="Ours")  # held by the playbook by now
    loading.join(timeout=60)
    assert told == [AT_ONCE]
    assert TieringModel.objects.published().get().playbook == "three-axis"


def until_somebody_waits() -> None:
    """Until one transaction of this database waits for another; circles are looked for a second after a wait began."""
    for _ in range(400):
        with connection.cursor() as cursor:
            # A lock on a transaction names no database, but whoever waits for it holds tables of one.
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_locks WHERE database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database()))"
            )
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("Nobody waits.")


DEFINITION = {"segments": [{"name": "Everyone"}], "tiers": [{"tier": "base"}]}


def add_in_admin(number: int) -> int:
    client = Client(raise_request_exception=False)  # clients would hear of each other's errors
    client.force_login(factories.UserFactory(is_superuser=True, is_staff=True))
    given = {"name": f"Draft {number}", "definition": json.dumps(DEFINITION)}
    return client.post("/admin/allocation/tieringmodel/add/", given).status_code


def test_drafts_added_in_the_admin_at_once_each_get_a_number() -> None:
    factories.TierFactory(slug="base")
    for _ in range(ROUNDS):
        assert at_once(add_in_admin) == [302] * RUNNERS
    numbers = list(TieringModel.objects.order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, ROUNDS * RUNNERS + 1))


def test_control_out_of_turn_two_drafts_want_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    out_of_turn(monkeypatch)
    factories.TierFactory(slug="base")
    answers = [answer for _ in range(ROUNDS) for answer in at_once(add_in_admin)]
    assert 500 in answers
