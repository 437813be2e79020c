"""Rights are kept in one place: whatever is new stands on the scoped bases, or fails here."""

import ast
import inspect

import django_filters
import pytest
from django.apps import apps
from django.contrib import admin
from django.db import models

from accounts.admin.base import CSAdmin, CSTabularInline, Scoped
from accounts.admin.filters import FixedFilter, RowsFilter
from accounts.models import CSM, Customer, Team
from allocation import urls
from tests.house.source import ROOT, nodes, parsed

DECORATORS = {"for_roles", "for_ops", "for_leads", "for_everyone_with_a_role"}
# Pages that everybody who is signed in may open, with the reason.
FOR_EVERYBODY = {
    "allocation/views/home.py home_page": "tells who has no role whom to ask",
    "allocation/views/calendars.py calendar_file_of": "read by calendar programs, which know its secret address",
}
# Models that reach an owner and are not scoped, with the reason.
WITHOUT_SCOPE = {
    "allocation.NamedTiers": "a line of the allocation policy, kept by CS ops",
}
OWNERS = (Customer, CSM, Team)


def views():
    """(place, function) of each view that an address of the people's pages leads to."""
    called = {
        (inspect.unwrap(pattern.callback).__module__, inspect.unwrap(pattern.callback).__name__)
        for pattern in urls.urlpatterns
    }
    for path, module in parsed():
        name = path.removesuffix(".py").replace("/", ".")
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and (name, node.name) in called:
                called.discard((name, node.name))
                yield f"{path} {node.name}", node
    assert not called, f"these views are no functions of a module: {called}"


def test_every_view_says_for_which_roles_it_is():
    undecorated = {
        place
        for place, node in views()
        if not DECORATORS & {ast.unparse(one).split("(")[0].split(".")[-1] for one in node.decorator_list}
    }
    assert undecorated == set(FOR_EVERYBODY)


def test_every_view_says_by_which_methods_it_is_called():
    """A page is safe to open, an action is sent: nothing is done by looking."""
    methods = {"require_safe", "require_POST", "require_http_methods"}
    assert [
        place
        for place, node in views()
        if not methods & {ast.unparse(one).split("(")[0].split(".")[-1] for one in node.decorator_list}
    ] == []


def test_every_screen_and_inline_of_the_admin_is_scoped():
    screens = admin.site._registry.values()
    inlines = [inline for screen in screens for inline in screen.inlines]
    assert [screen for screen in screens if not isinstance(screen, CSAdmin)] == []
    assert [inline for inline in inlines if not issubclass(inline, CSTabularInline)] == []


def test_the_scope_of_a_screen_is_not_taken_away():
    """Whoever overrides what the base scopes asks the base first."""
    scoped = {"get_queryset", "get_field_queryset", "lookup_allowed"}
    silent = []
    for screen in [
        *admin.site._registry.values(),
        *(i for s in admin.site._registry.values() for i in s.inlines),
    ]:
        kind = screen if isinstance(screen, type) else type(screen)
        for base in kind.__mro__:
            if base is Scoped or not base.__module__.startswith(("accounts", "allocation")):
                continue
            silent += [
                f"{base.__name__}.{name}" for name in scoped & set(vars(base)) if not _asks(base, name)
            ]
    assert silent == []


def _asks(base, name):
    source = inspect.getsource(vars(base)[name])
    return f"super().{name}(" in source.replace("\n", "").replace(" ", "")


def test_every_list_filter_offers_what_the_person_may_see():
    """Fixed choices, or the rows of a table through `visible_to`; never Django's own, which would list every row."""
    strange = []
    for model, screen in admin.site._registry.items():
        for item in screen.list_filter:
            if isinstance(item, str):
                field = model._meta.get_field(item)
                if not (field.choices or isinstance(field, models.BooleanField)):
                    strange.append((model._meta.label, item))
            elif not issubclass(item, FixedFilter) or (
                issubclass(item, RowsFilter) and "lookups" in vars(item)
            ):
                strange.append((model._meta.label, item.__name__))
    assert strange == []


def filter_sets():
    found = {kind for kind in _below(django_filters.FilterSet) if kind.__module__.startswith("allocation")}
    assert found
    return sorted(found, key=lambda kind: kind.__name__)


def _below(kind):
    return {one for child in kind.__subclasses__() for one in (child, *_below(child))}


@pytest.mark.parametrize("kind", filter_sets(), ids=lambda kind: kind.__name__)
def test_every_filter_of_a_page_begins_without_choices(kind):
    """A choice of rows is empty until the filter knows who asks: forgetting to fill it shows nothing, never everything."""
    open_ones = [
        name
        for name, one in kind.base_filters.items()
        if isinstance(one, django_filters.ModelChoiceFilter | django_filters.ModelMultipleChoiceFilter)
        and not one.extra["queryset"].query.is_empty()
    ]
    assert open_ones == []


def test_every_model_with_an_owner_is_scoped():
    """A row that reaches a customer, a CSM or a team belongs to somebody: `visible_to` says to whom."""
    found = []
    for model in apps.get_models():
        if model._meta.app_label not in {"accounts", "allocation"} or model._meta.auto_created:
            continue
        reaches = model in OWNERS or any(
            field.remote_field and field.related_model in OWNERS for field in model._meta.concrete_fields
        )
        if reaches and not hasattr(model._default_manager.all(), "visible_to"):
            found.append(model._meta.label)
    assert sorted(found) == sorted(WITHOUT_SCOPE)


def test_every_scope_is_built_from_the_one_function():
    """`visible_to` asks `csm_scope`, `led_team_ids` or the scope of a relation; a few are about people themselves."""
    known = ("csm_scope(", "led_team_ids(", "leads(", "is_ops")
    others = [
        place
        for place, node in nodes(ast.FunctionDef)
        if node.name == "visible_to" and not any(word in ast.unparse(node) for word in known)
    ]
    assert others == []


def test_a_calendar_file_is_listed():
    """Calendars are read outside the house: whatever writes iCalendar is listed here, and scanned like exports and mail
    (tests/access/test_internal_labels.py) before it is.
    """
    marks = ("BEGIN:VCALENDAR", "text/calendar", "icalendar", "vobject")
    product = [
        path for package in ("accounts", "allocation", "cstiers") for path in (ROOT / package).rglob("*.py")
    ]
    files = [*product, *(ROOT / "templates").rglob("*")]
    writers = {
        str(path.relative_to(ROOT))
        for path in files
        if path.is_file() and any(mark.lower() in path.read_text(encoding="utf-8").lower() for mark in marks)
    }
    assert writers == CALENDARS


CALENDARS = {"allocation/selectors/calendar_feed.py", "allocation/views/calendars.py"}
