"""Tiers and goal kinds in the admin: while the model is locked, what the published version reads of them stays."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import GoalKind, Tier
from allocation.services.models import lift_lock, lock_models
from tests import factories


@pytest.fixture
def ops(cast, sign_in):
    return sign_in(cast.ops)


@pytest.fixture
def tier():
    factories.TierFactory(slug="base", name="Base", rank=3)
    return factories.TierFactory(slug="top", name="Top", rank=1, touch_level="high")


@pytest.fixture
def kind():
    return factories.GoalKindFactory(name="Adoption", asks_for="low")


@pytest.fixture
def locked(cast):
    until = timezone.localdate() + timedelta(days=30)
    lock_models(until=until, words="Year-end.", at=timezone.now(), actor_id=cast.ops.pk)


def page_of(row):
    return f"/admin/accounts/{row._meta.model_name}/{row.pk}/change/"


def save(client, row, **changes):
    """The page of the row as it stands, with some changes."""
    page = client.get(page_of(row))
    form = page.context["adminform"].form
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    return client.post(page_of(row), sent | no_rows(page) | changes)


def no_rows(page):
    """The inlines of a page as sent without rows."""
    prefixes = [each.formset.prefix for each in page.context["inline_admin_formsets"]]
    return {f"{prefix}-{form}_FORMS": 0 for prefix in prefixes for form in ("TOTAL", "INITIAL")}


EDITS = [
    ("tier", "rank", 2),
    ("tier", "touch_level", "tech"),
    ("tier", "retired", "on"),
    ("kind", "asks_for", "high"),
]


@pytest.mark.parametrize(("what", "field", "value"), EDITS)
def test_what_decides_stays_while_a_lock_holds_and_the_page_says_who_locked(
    what, field, value, ops, cast, locked, request
):
    row = request.getfixturevalue(what)
    before = getattr(row, field)
    response = save(ops, row, **{field: value})
    assert response.status_code == 200
    (sentence,) = response.context["adminform"].form.errors[field]
    assert f"by {cast.ops}: “Year-end.” What its rules read stays as it is before that day" in sentence
    row.refresh_from_db()
    assert getattr(row, field) == before


@pytest.mark.parametrize(("what", "field", "value"), EDITS)
def test_without_a_lock_and_once_it_is_lifted_it_is_edited(what, field, value, ops, locked, request):
    lift_lock(words="A fault was found.", at=timezone.now())
    row = request.getfixturevalue(what)
    before = getattr(row, field)
    assert save(ops, row, **{field: value}).status_code == 302
    row.refresh_from_db()
    assert getattr(row, field) != before


def test_what_no_rule_reads_is_edited_under_a_lock(ops, tier, kind, locked):
    assert save(ops, tier, name="Summit", cap=9, description="Ours").status_code == 302
    assert save(ops, kind, name="Onboarding", retired="on").status_code == 302
    assert (Tier.objects.get(pk=tier.pk).name, GoalKind.objects.get(pk=kind.pk).retired) == ("Summit", True)


def add(client, rank):
    address = "/admin/accounts/tier/add/"
    given = {"name": "New", "slug": "new", "rank": rank, "touch_level": "mid"}
    return client.post(address, given | no_rows(client.get(address)))


@pytest.mark.parametrize(("rank", "status"), [(2, 200), (3, 200), (4, 302)])
def test_a_tier_added_under_a_lock_goes_below_the_others(rank, status, ops, tier, locked):
    assert add(ops, rank).status_code == status
    assert Tier.objects.filter(slug="new").exists() == (status == 302)


def test_without_a_lock_a_tier_is_added_anywhere(ops, tier):
    assert add(ops, 2).status_code == 302
