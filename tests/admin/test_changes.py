"""The log of changes: what was changed past save() is in it too, with who; the page and the history of one thing show it."""

import io
from datetime import timedelta

import pytest
from auditlog.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import roles
from accounts.changes import acting, update_logged
from accounts.models import CSM, Team, Tier, TouchActivity, User
from accounts.selectors import paging
from allocation.models import AllocationPolicy, TieringModel
from allocation.services.models import draft_of_version, publish_model
from allocation.services.playbooks import load_playbook
from allocation.services.policies import activate_policy
from tests.factories import TierFactory, UserFactory
from tests.pages.reading import plain, read
from tests.queries.counting import queries_of

CHANGES = "/admin/auditlog/logentry/"
pytestmark = pytest.mark.django_db


def logged(model, name=None):
    rows = LogEntry.objects.filter(content_type__model=model._meta.model_name).order_by("pk")
    return list(rows.filter(object_repr=name) if name else rows)


def test_a_form_is_logged_as_who_sent_it(cast, sign_in):
    team = cast.team_b
    form = {"name": "Team West", "manager": cast.manager.pk, "parent": ""}
    inline = {f"csms-{part}": 0 for part in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS")}
    response = sign_in(cast.ops).post(f"/admin/accounts/team/{team.pk}/change/", form | inline)
    assert response.status_code == 302
    line = logged(Team)[-1]
    assert (line.actor, line.actor_email) == (cast.ops, "ops@example.com")
    assert line.changes == {"name": ["Team B", "Team West"], "manager": [None, "Mia Manager"]}


def test_no_address_and_no_header_is_kept(cast, sign_in):
    client = sign_in(cast.ops)
    client.post(
        "/admin/accounts/region/add/",
        {"name": "Lapland"},
        headers={
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Port": "9" * 30,
            "X-Correlation-Id": "c" * 999,
        },
    )
    line = LogEntry.objects.get(object_repr="Lapland")
    assert (line.remote_addr, line.remote_port, line.cid) == (None, None, None)


def test_passwords_and_signing_in_are_not_logged(cast):
    user = cast.csm_a
    before = LogEntry.objects.count()
    user.set_password("a long enough word")
    user.last_login = timezone.now()
    user.save()
    assert LogEntry.objects.count() == before
    made = logged(User, str(user))[0]
    assert "password" not in made.changes


def test_roles_are_logged(cast):
    cast.nobody.groups.add(Group.objects.get(name=roles.MANAGER))
    assert logged(User, "Nobody")[-1].changes == {
        "groups": {"type": "m2m", "operation": "add", "objects": ["Manager"]}
    }


def test_who_acts_is_nobody_once_the_request_is_over(cast, sign_in):
    sign_in(cast.ops).post("/admin/accounts/region/add/", {"name": "Lapland"})
    TierFactory(slug="later")
    assert logged(Tier, "Later")[-1].actor is None


def test_one_who_acts_within_another_hands_back(cast):
    with acting(lambda: cast.ops):
        with acting(lambda: cast.manager):
            TierFactory(slug="inner")
        TierFactory(slug="outer")
    assert [logged(Tier, name)[0].actor for name in ("Inner", "Outer")] == [cast.manager, cast.ops]


def test_publishing_is_logged_for_both_versions(cast):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    first = TieringModel.objects.get()
    draft = draft_of_version(model_id=first.pk)
    with acting(lambda: cast.ops):
        publish_model(model_id=draft.pk, at=timezone.now(), actor_id=cast.ops.pk)
    last = {line.object_id: line for line in logged(TieringModel)}
    assert last[first.pk].changes["status"] == ["published", "retired"]
    assert last[draft.pk].changes["status"] == ["draft", "published"]
    assert {line.actor for line in last.values()} == {cast.ops}


def test_which_policy_is_in_force_is_logged(db):
    one = AllocationPolicy.objects.create(name="One", is_active=True)
    two = AllocationPolicy.objects.create(name="Two")
    activate_policy(policy=two)
    last = {line.object_id: line.changes for line in logged(AllocationPolicy)}
    assert last == {one.pk: {"is_active": [True, False]}, two.pk: {"is_active": [False, True]}}
    before = LogEntry.objects.count()
    activate_policy(policy=two)
    assert LogEntry.objects.count() == before  # nothing changed, nothing is said


def test_loading_a_playbook_logs_each_tier_once_as_it_ends_up(cast):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    before = LogEntry.objects.count()
    load_playbook(slug="a-plus-to-c", publish=True, at=timezone.now())
    lines = LogEntry.objects.order_by("pk")[before:]
    changed = [line for line in lines if line.content_type.model == "tier" and line.action == 1]
    assert len({line.object_id for line in changed}) == len(changed)
    for line in changed:
        row = Tier.objects.get(pk=line.object_id)
        for name, (was, now) in line.changes.items():
            assert was != now
            assert getattr(row, name) == now
    retired = set(Tier.objects.filter(retired=True).values_list("pk", flat=True))
    assert retired
    assert retired == {line.object_id for line in changed if line.changes.get("retired") == [False, True]}


def test_loading_a_playbook_again_logs_nothing(cast):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    before = LogEntry.objects.count()
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    assert LogEntry.objects.count() == before


def test_a_touch_plan_that_a_playbook_takes_away_is_logged(cast):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    own = TouchActivity.objects.create(
        tier=Tier.objects.order_by("rank").first(), name="Own", times_a_year=1, hours_each=1
    )
    draft = draft_of_version(model_id=TieringModel.objects.get().pk)
    publish_model(model_id=draft.pk, at=timezone.now())
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    there = TouchActivity.objects.filter(pk=own.pk).exists()
    assert [
        line.action for line in LogEntry.objects.filter(object_repr__startswith="Own").order_by("pk")
    ] == ([0] if there else [0, 2])


def test_an_import_of_csms_is_logged_as_who_named_himself(cast, tmp_path):
    file = tmp_path / "csms.csv"
    file.write_text(
        "email,name,team,manager,verticals\nnew@example.com,New One,Team C,lead@example.com,Retail\n",
        encoding="utf-8",
    )
    call_command(
        "import_csms", str(file), "--as", "ops@example.com", stdout=io.StringIO(), stderr=io.StringIO()
    )
    made = CSM.objects.get(email="new@example.com")
    lines = {(line.content_type.model, line.object_repr): line for line in LogEntry.objects.order_by("pk")}
    assert made.team.manager.email == "lead@example.com"
    assert lines["csm", "New One"].actor == cast.ops
    assert lines["team", "Team C"].changes["manager"][1] == str(made.team.manager)
    assert ("vertical", "Retail") in lines
    assert {line.actor for key, line in lines.items() if key[1] in ("New One", "Team C", "Retail")} == {
        cast.ops
    }


def test_a_conditional_update_that_finds_nothing_logs_nothing(db):
    tier = TierFactory(slug="gold")
    before = LogEntry.objects.count()
    assert update_logged(Tier.objects.filter(pk=tier.pk, cap=99), cap=3) == 0
    assert LogEntry.objects.count() == before


def test_what_was_rolled_back_is_not_logged(db):
    before = LogEntry.objects.count()
    with pytest.raises(RuntimeError), transaction.atomic():
        TierFactory(slug="gold")
        raise RuntimeError
    assert LogEntry.objects.count() == before


def test_the_log_itself_cannot_be_rewritten(cast):
    line = LogEntry.objects.order_by("pk").first()
    with pytest.raises(IntegrityError, match="stays as it was logged"), transaction.atomic():
        LogEntry.objects.filter(pk=line.pk).update(actor=cast.manager)


@pytest.mark.postgres
def test_no_line_of_the_log_is_deleted(cast):
    with pytest.raises(IntegrityError, match="never deleted"), transaction.atomic():
        LogEntry.objects.all().delete()


def test_the_page_says_who_what_and_from_what_to_what(cast, sign_in):
    tier = TierFactory(slug="gold", cap=20)
    with acting(lambda: cast.ops):
        update_logged(Tier.objects.filter(pk=tier.pk), cap=25, touch_level="high")
    words = plain(read(sign_in(cast.ops).get(CHANGES)).words)
    assert "Olga Ops Changed Gold Tier" in words
    assert "20 → to 25" in words
    assert "Mid" in words
    assert "High" in words


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"thing": "accounts.tier"}, {"Gold"}),
        ({"q": "gold"}, {"Gold"}),
        ({"q": "2001-01-01"}, set()),
        ({"by": "none", "thing": "accounts.tier"}, {"Gold"}),
        ({"by": "0"}, set()),
        ({"when": "1", "thing": "accounts.tier"}, {"Gold"}),
        ({"q": "2026-13-45"}, set()),
    ],
)
def test_changes_are_found_by_thing_person_and_day(cast, sign_in, query, found):
    TierFactory(slug="gold")
    response = sign_in(cast.ops).get(CHANGES, query)
    assert response.status_code == 200
    assert {line.object_repr for line in response.context["cl"].result_list} == found


def test_a_change_of_today_is_found_by_its_day(cast, sign_in):
    response = sign_in(cast.ops).get(CHANGES, {"q": f"{timezone.localdate():%Y-%m-%d}"})
    assert response.context["cl"].result_list


def test_one_thing_has_its_own_history(cast, sign_in):
    tier, other = TierFactory(slug="gold", cap=20), TierFactory(slug="other")
    update_logged(Tier.objects.filter(pk=other.pk), cap=9)
    with acting(lambda: cast.ops):
        update_logged(Tier.objects.filter(pk=tier.pk), cap=25)
    response = sign_in(cast.ops).get(f"/admin/accounts/tier/{tier.pk}/history/")
    lines = list(response.context["action_list"])
    assert [(line.action, line.actor) for line in lines] == [(1, cast.ops), (0, None)]
    assert {line.object_id for line in lines} == {tier.pk}
    assert "20 → to 25" in plain(read(response).words)


@pytest.mark.parametrize("who", ["manager", "csm_a", "nobody"])
def test_the_log_is_for_ops(cast, sign_in, who):
    assert sign_in(getattr(cast, who)).get(CHANGES, follow=True).status_code == 403


def test_a_long_log_is_paged_without_counting_it_whole(cast, sign_in, monkeypatch):
    monkeypatch.setattr(paging, "COUNTED", 10)
    client = sign_in(cast.ops)
    client.get(CHANGES)
    few = queries_of(lambda: client.get(CHANGES))
    for _ in range(30):
        UserFactory()
    response = client.get(CHANGES)
    assert response.context["cl"].result_count == 10
    assert len(queries_of(lambda: client.get(CHANGES))) == len(few)
    assert all("LIMIT 11" in asked for asked in few if "COUNT" in asked and "auditlog" in asked)


def test_a_line_opens_in_full(cast, sign_in):
    load_playbook(slug="three-axis", publish=False, at=timezone.now())
    line = logged(TieringModel)[0]
    words = read(sign_in(cast.ops).get(f"{CHANGES}{line.pk}/change/")).words
    assert '"criteria"' in words


@pytest.mark.parametrize(
    "query", [{"when": "nonsense"}, {"thing": "nonsense"}, {"by": "nonsense"}, {"thing": "a.b.c"}]
)
def test_a_filter_that_makes_no_sense_does_no_harm(cast, sign_in, query):
    assert sign_in(cast.ops).get(CHANGES, query).status_code == 200


def test_another_day_is_not_today(cast, sign_in):
    later = timezone.localdate() + timedelta(days=40)
    response = sign_in(cast.ops).get(CHANGES, {"q": f"{later:%Y-%m-%d}"})
    assert list(response.context["cl"].result_list) == []
