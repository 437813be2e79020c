"""Every screen of the admin opens for CS ops, in few queries, without anything inline."""

import re

import pytest
from django.contrib import admin
from django.contrib.admin import FieldListFilter
from django.db import models

from accounts.admin.base import CSAdmin, CSTabularInline
from accounts.admin.filters import FixedFilter
from allocation.models import Override
from tests.admin import world
from tests.queries.counting import queries_of

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
# A data block (json_script) is read, never run; the policy says nothing against it.
INLINE = re.compile(
    r"<script(?![^>]*(?:\ssrc=|\stype=\"application/json\"))|<style\b|<[a-z][^>]*\s(?:style|on[a-z]+)\s*=\s*[\"']|href\s*=\s*[\"']javascript:",
    re.IGNORECASE,
)
QUERIES_AT_MOST = 22


def address(model, page="", pk=None):
    meta = model._meta
    middle = f"{pk}/" if pk is not None else ""
    return f"/admin/{meta.app_label}/{meta.model_name}/{middle}{page}"


def assert_clean(response):
    """Nothing that the Content-Security-Policy refuses, and the policy is sent."""
    assert INLINE.findall(response.content.decode()) == []
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_list_opens(model, cast, sign_in):
    world.build(cast)
    client = sign_in(cast.ops)
    response = client.get(address(model))
    assert response.status_code == 200
    assert_clean(response)
    asked = queries_of(lambda: client.get(address(model)))
    assert len(asked) <= QUERIES_AT_MOST, "\n".join(asked)


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_list_is_searched(model, cast, sign_in):
    world.build(cast)
    assert sign_in(cast.ops).get(address(model), {"q": "a'%_\\ b"}).status_code == 200


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_a_row_opens_with_its_history(model, cast, sign_in):
    world.build(cast)
    row = model._default_manager.order_by("pk").first()
    assert row is not None, f"the world of tests/admin/world.py has no {model._meta.label}"
    client = sign_in(cast.ops)
    response = client.get(address(model, "change/", row.pk), follow=True)  # an import leads to its preview
    assert response.status_code == 200
    assert_clean(response)
    asked = queries_of(lambda: client.get(address(model, "change/", row.pk), follow=True))
    assert len(asked) <= QUERIES_AT_MOST, "\n".join(asked)
    history = client.get(address(model, "history/", row.pk))
    assert history.status_code == 200
    assert_clean(history)


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_form_for_a_new_row_opens_where_people_may_add(model, cast, sign_in):
    world.build(cast)
    client = sign_in(cast.ops)
    response = client.get(address(model, "add/"))
    may_add = model in {found for found, screen in admin.site._registry.items() if _people_add(screen)}
    assert response.status_code == (200 if may_add else 403)
    assert_clean(response)


def _people_add(screen):
    return type(screen).has_add_permission is admin.ModelAdmin.has_add_permission or screen.model is Override


@pytest.mark.parametrize(
    "path",
    [
        "/admin/",
        "/admin/allocation/tieringmodel/playbooks/",
        "/password/",
        "/password/done/",
        "/admin/accounts/customer/?gap=tier&status__exact=active",
    ],
)
def test_other_pages_open(path, cast, sign_in):
    world.build(cast)
    response = sign_in(cast.ops).get(path)
    assert response.status_code == 200
    assert_clean(response)


def test_lists_ask_as_often_for_twenty_rows_as_for_two(cast, sign_in):
    world.build(cast, customers=2)
    client = sign_in(cast.ops)
    lists = [address(model) for model in REGISTERED]
    for path in lists:
        client.get(path)  # content types and the like are read once a process
    few = {path: len(queries_of(lambda path=path: client.get(path))) for path in lists}
    more = world.factories.CustomerFactory.create_batch(18, vertical=world.factories.VerticalFactory())
    for customer in more:
        world.factories.GoalFactory(customer=customer)
    world.factories.CSMFactory.create_batch(18, team=cast.team_a)
    assert {path: len(queries_of(lambda path=path: client.get(path))) for path in lists} == few


def test_every_screen_stands_on_the_common_base():
    strange = [screen for screen in admin.site._registry.values() if not isinstance(screen, CSAdmin)]
    inlines = [
        inline
        for screen in admin.site._registry.values()
        for inline in screen.inlines
        if not issubclass(inline, CSTabularInline)
    ]
    assert (strange, inlines) == ([], [])


def test_no_list_filter_reads_the_whole_table():
    """A filter on a field without choices would ask SELECT DISTINCT over every row."""
    slow = []
    for model, screen in admin.site._registry.items():
        for item in screen.list_filter:
            if isinstance(item, str):
                field = model._meta.get_field(item)
                if not (field.choices or isinstance(field, models.BooleanField)):
                    slow.append((model._meta.label, item))
            elif not issubclass(item, FixedFilter) or issubclass(item, FieldListFilter):
                slow.append((model._meta.label, item))
    assert slow == []


def test_every_foreign_key_is_an_autocomplete(rf, cast):
    request = rf.get("/")
    request.user = cast.ops
    plain = []
    for model, screen in admin.site._registry.items():
        if not screen.has_change_permission(request):
            continue
        chosen = set(screen.get_autocomplete_fields(request)) | set(screen.plain_choice_fields)
        keys = [field.name for field in model._meta.fields if field.remote_field and field.editable]
        plain += [(model._meta.label, name) for name in keys if name not in chosen]
    assert plain == []


@pytest.mark.parametrize("model", REGISTERED, ids=lambda model: model._meta.label)
def test_nothing_is_deleted_in_bulk(model, cast, rf):
    request = rf.get("/")
    request.user = cast.ops
    assert "delete_selected" not in admin.site._registry[model].get_actions(request)


@pytest.mark.parametrize("name", ["customer", "csm", "tier", "user", "goalkind", "team", "customattribute"])
def test_what_has_history_is_not_deleted(name, cast, sign_in):
    world.build(cast)
    model = next(model for model in REGISTERED if model._meta.model_name == name)
    row = model._default_manager.order_by("pk").first()
    response = sign_in(cast.ops).post(address(model, "delete/", row.pk), {"post": "yes"})
    assert response.status_code == 403
    assert model._default_manager.filter(pk=row.pk).exists()
