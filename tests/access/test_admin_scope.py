"""The admin's second lock. Only CS ops may enter; should it ever let others in, its rows are scoped all the same.

Here everybody with a role is let in and may see and change every model: lists, filters, searches, forms, histories,
autocompletes and actions must show and touch the own books only.
"""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts import roles
from allocation.models import BookPlan, RetierRun
from cstiers.site import CSTiersAdminSite
from tests.access.calling import changed, foreign_words, text_of, undone, watched
from tests.access.world import A, B, digest, object_of

pytestmark = pytest.mark.django_db

REGISTERED = sorted(admin.site._registry, key=lambda model: model._meta.label)
# Vocabulary of the whole company, with no book behind it, and what only CS ops have rows of.
MODELS = [model for model in REGISTERED if hasattr(model._default_manager.all(), "visible_to")]
OUTSIDERS = ("csm_a", "manager_b")
# A move names who was second best, whoever's team that is: for CS ops; the people's page of a plan does not say it.
FOR_OPS_ONLY = {"allocation.Move"}
MODELS_OF_PEOPLE = [model for model in REGISTERED if model._meta.label not in FOR_OPS_ONLY]


@pytest.fixture
def let_in(world, monkeypatch):
    """Whoever has a role is in CS ops' place, but for the rows."""
    monkeypatch.setattr(CSTiersAdminSite, "has_permission", lambda site, request: request.user.is_active)
    for name in (roles.MANAGER, roles.CSM):
        Group.objects.get(name=name).permissions.set(Permission.objects.all())
    return world


def address(model, page="", *args):
    return reverse(
        f"admin:{model._meta.app_label}_{model._meta.model_name}_{page or 'changelist'}", args=args
    )


@pytest.mark.parametrize("person", OUTSIDERS)
def test_lists_filters_and_searches_name_the_own_books_only(let_in, person):
    faults = []
    for model in MODELS_OF_PEOPLE:
        for query in ({}, {"q": "Quokka"}, {"q": "Axolotl"}, {"o": "1"}, {"all": ""}):
            response = let_in.clients[person].get(address(model), query)
            text = text_of(response)
            for word in query.values():
                text = text.replace(word, "") if word else text
            if response.status_code not in {200, 403} or foreign_words(text, person):
                faults.append((model._meta.label, query, response.status_code, foreign_words(text, person)))
    assert faults == []


def row_of(world, model, book):
    """A row of that book, where the model has one that is not seen by everybody."""
    person = {A: "csm_a", B: "csm_b"}[book]
    other = {A: "csm_b", B: "csm_a"}[book]
    rows = model._default_manager.all()
    mine, theirs = rows.visible_to(world.persons[person]), rows.visible_to(world.persons[other])
    return mine.exclude(pk__in=theirs.values("pk")).order_by("pk").first()


SCOPED = [model for model in MODELS if model not in (RetierRun, BookPlan)]


@pytest.mark.parametrize("page", ["change", "history", "delete"])
def test_a_row_of_another_book_answers_as_one_that_is_not_there(let_in, page):
    client, faults, looked_at = let_in.clients["csm_a"], [], 0
    for model in SCOPED:
        row = row_of(let_in, model, B)
        if row is None:
            continue
        looked_at += 1
        answers = [client.get(address(model, page, pk)) for pk in (row.pk, 10**9 + row.pk)]
        said = [(answer.status_code, text_of(client.get("/admin/"))) for answer in answers if answer]
        if (
            foreign_words(text_of(answers[0]) + said[0][1], "csm_a")
            or answers[0].status_code != answers[1].status_code
        ):
            faults.append((model._meta.label, answers[0].status_code, answers[1].status_code))
    assert faults == []
    assert looked_at > 12


def test_the_own_rows_open_without_a_word_of_others(let_in):
    """Drop-downs, inlines, related names and the last decision on the form of a row."""
    client, faults = let_in.clients["csm_a"], []
    for model in set(SCOPED) & set(MODELS_OF_PEOPLE):
        row = row_of(let_in, model, A)
        for page in ("change", "history") if row is not None else ():
            response = client.get(address(model, page, row.pk), follow=True)
            if foreign_words(text_of(response), "csm_a"):
                faults.append(
                    (model._meta.label, page, response.status_code, foreign_words(text_of(response), "csm_a"))
                )
    assert faults == []


def test_autocompletes_offer_the_own_rows_only(let_in):
    client, faults, asked = let_in.clients["csm_a"], [], 0
    for model, screen in admin.site._registry.items():
        request = type("Request", (), {"user": let_in.persons["csm_a"]})()
        for name in screen.get_autocomplete_fields(request):
            for term in ("", B, "e"):
                response = client.get(
                    reverse("admin:autocomplete"),
                    {
                        "app_label": model._meta.app_label,
                        "model_name": model._meta.model_name,
                        "field_name": name,
                        "term": term,
                    },
                )
                asked += 1
                if foreign_words(text_of(response), "csm_a"):
                    faults.append((model._meta.label, name, term))
    assert faults == []
    assert asked > 60


def test_an_action_touches_no_row_of_another_book(let_in):
    """By name, with foreign ids and with "all that fit": refused in the action, not only hidden."""
    client, before, faults = let_in.clients["csm_a"], digest(), []
    for model in set(SCOPED) & set(MODELS_OF_PEOPLE):
        row = row_of(let_in, model, B)
        screen = admin.site._registry[model]
        names = {
            *screen.get_actions(type("Request", (), {"user": let_in.persons["ops"], "GET": {}})()),
            "delete_selected",
        }
        for name in sorted(names) if row is not None else ():
            for everything in ("0", "1"):
                body = {
                    "action": name,
                    "_selected_action": [str(row.pk)],
                    "select_across": everything,
                    "index": "0",
                    "post": "yes",
                }
                with undone(), watched() as written:
                    response = client.post(address(model), body)
                    if foreign_words(text_of(response), "csm_a") or (
                        everything == "0" and changed(written, before)
                    ):
                        faults.append((model._meta.label, name, everything))
    assert faults == []


def test_a_form_takes_no_row_of_another_book_as_a_choice(let_in):
    """A foreign id in a foreign key is refused like one that is not there."""
    goal, foreign = apps.get_model("accounts.goal"), let_in.customers[B][0]
    client = let_in.clients["csm_a"]
    body = {
        "kind": object_of(let_in, apps.get_model("accounts.goalkind")).pk,
        "starts_on": "2026-11-22",
        "words": "",
    }
    found = [client.post(address(goal, "add"), body | {"customer": pk}) for pk in (foreign.pk, 10**9)]
    errors = [response.context["adminform"].form.errors["customer"] for response in found]
    assert errors[0] == errors[1]
    assert not foreign_words(text_of(found[0]), "csm_a")


ODD_LOOKUPS = {
    "accounts.customer": [
        "csm__user__password__startswith", "csm__name__startswith", "parent__name__contains", "name__regex",
        "tier__customers__name", "sentiment_by__email__startswith", "overrides__words__icontains", "version__gt",
    ],
    "accounts.user": ["password__startswith", "password__regex", "email__regex", "groups__name", "csm__name__startswith"],
    "accounts.csm": ["user__password__startswith", "customers__name__startswith", "email__iregex"],
    "accounts.team": ["manager__password__startswith", "csms__customers__name__startswith"],
    "allocation.override": ["asked_by__password__startswith", "customer__name__startswith", "words__regex"],
    "allocation.move": ["customer__csm__user__password__startswith", "plan__requested_by__password__lt"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("label", "lookup"), [(label, one) for label, many in ODD_LOOKUPS.items() for one in many]
)
def test_an_address_asks_rows_for_nothing_that_no_filter_offers(world, label, lookup):
    """Even of CS ops: a list is no oracle for passwords and no place for regular expressions."""
    for value in ("a", "(a+)+$", "pbkdf2"):
        response = world.clients["ops"].get(address(apps.get_model(label)), {lookup: value})
        assert response.status_code == 400, (lookup, value)


@pytest.mark.parametrize(
    "query",
    [
        "_to_field=password",
        "_popup=1&_to_field=email",
        "o=99.-7.x",
        "p=999999999",
        "e=1",
        "foo=1",
        "_facets=1",
    ],
)
def test_odd_switches_of_a_list_are_refused_or_ignored(world, query):
    for model in REGISTERED:
        response = world.clients["ops"].get(f"{address(model)}?{query}", follow=True)
        assert response.status_code in {200, 400}, (model._meta.label, query)


def test_a_flood_of_parameters_is_refused(world):
    query = "&".join(f"status__exact={number}" for number in range(10_000))
    assert (
        world.clients["ops"].get(f"{address(apps.get_model('accounts.customer'))}?{query}").status_code == 400
    )


def test_the_filters_that_lists_offer_still_work(world):
    """The control of the refusals above: what the pages themselves ask is answered."""
    customers = address(apps.get_model("accounts.customer"))
    for query in ("status__exact=active", "gap=arr", "csm_team=1", "health=poor", "renewal=90", "vertical=1"):
        assert world.clients["ops"].get(f"{customers}?{query}").status_code == 200, query
    ledger = address(apps.get_model("allocation.tierholding"))
    for query in (
        "starts_on__year=2026",
        "starts_on__month=11&starts_on__year=2026",
        "source__exact=run",
        "now=yes",
    ):
        assert world.clients["ops"].get(f"{ledger}?{query}").status_code == 200, query
