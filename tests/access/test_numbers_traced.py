"""Every number a page works out says how it came, on whichever page and for whomever it is shown.

The addresses are read off the URL configuration; a new page, tile, tab or column is looked at by itself. What a row keeps
as a person or a file said it needs no words: such columns stand in FACTS.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from django.conf import settings

from tests.access import matrix
from tests.access.routes import arguments_of, routes
from tests.journeys.furnished import OTHER_OBJECTS
from tests.pages.numbers import figures

# The pages are the same over any database.
only_once = [pytest.mark.django_db, pytest.mark.usefixtures("only_on_sqlite")]

PEOPLE = {"ops": "ops", "manager_a": "manager of the team", "csm_a": "CSM of the book"}
WITH_A_PAST = ("balance/", "books/", "books/{pk}/", "book/", "customers/{pk}/", "pyramid/")
PAST = "?as_of=2026-11-01"
RENEWALS = ("", "book/", "books/{pk}/")
# (address, table or "tile", label): kept as it was said, worked out by nobody.
FACTS = {
    ("admin/", "tile", "Tiering model"),
    ("admin/accounts/csm/", "result_list", "Hours a month"),
    ("admin/accounts/csm/", "result_list", "Seniority"),
    ("admin/accounts/customer/", "result_list", "ARR"),
    ("admin/accounts/customer/", "result_list", "Health"),
    ("admin/accounts/exchangerate/", "result_list", "Rate"),
    ("admin/accounts/importbatch/{pk}/preview/", "Rows of the file with their outcome", "Line"),
    ("admin/accounts/tier/", "result_list", "Cap per CSM"),
    ("admin/accounts/touchactivity/", "result_list", "Hours each"),
    ("admin/accounts/touchactivity/", "result_list", "Times a year"),
    ("admin/allocation/allocationpolicy/", "result_list", "May move"),
    ("admin/allocation/allocationpolicy/", "result_list", "May move of ARR"),
    ("admin/allocation/attentionpolicy/", "result_list", "Cap"),
    ("admin/allocation/attentionpolicy/", "result_list", "Floor"),
    *(
        ("admin/allocation/staffing/", "result_list", label)
        for label in ("Attrition", "Churn", "Growth", "Ramp months")
    ),
    ("admin/axes/accessattempt/", "result_list", "From"),  # the address of a computer
    ("books/{pk}/", "Customers of the book on that day", "ARR today"),
    ("books/{pk}/", "Customers of the book on that day", "Health today"),
    ("book/", "Customers of the book on that day", "ARR today"),
    ("book/", "Customers of the book on that day", "Health today"),
    ("customers/", "Customers", "ARR"),
    ("customers/", "Customers", "Health"),
    ("customers/{pk}/", "Contributions to the score", "Value"),
    ("customers/{pk}/", "Contributions to the score", "Weight"),
    ("customers/{pk}/", "tile", "ARR"),
    ("customers/{pk}/", "tile", "Renewal"),
    ("handovers/{pk}/", "tile", "Due"),
    *(
        (address, *place)
        for address in ("scenarios/new/", "scenarios/{pk}/change/")
        for place in (
            ("Caps and hours of the tiers", "Cap now"),
            ("Numeric bounds of the rules", "Now"),
            ("Weights of the criteria", "Now"),
        )
    ),
    ("scenarios/{pk}/", "Customers whose tier is another than today's", "ARR"),
    *((address, "Next renewals", label) for address in RENEWALS for label in ("ARR", "Health")),
}
# Headings of templates over such columns, and over columns whose cells or rows say it themselves: the pages show that.
PLAIN_HEADINGS = {
    ("_renewals.html", "ARR"),
    ("_touches.html", "Hours"),
    ("_touches.html", "Times"),
    *(
        ("attention.html", heading)
        for heading in ("Attention", "Base", "Hours a month", "Hours moved", "Share")
    ),
    ("attention.html", "Done {{ done_since }}"),
    ("book_past.html", "ARR today"),
    ("customer.html", "Weight"),
    ("plan.html", "After"),
    ("plan.html", "Before"),
    ("pyramid.html", "Rows"),
    ("pyramid.html", "Total"),
    ("scenario.html", "ARR"),
    ("scenario_form.html", "Cap now"),
    ("scenario_form.html", "Now"),
    ("touches.html", "Hours"),
}
HEADING = re.compile(r'<th scope="col" class="[^"]*\bnum\b[^"]*">(.*?)</th>')
TILE = re.compile(r'{% include "components/kpi\.html" with ([^%]*)%}')


@pytest.fixture(scope="module")
def seen(world):
    """{(address, where, label): whether it is traced wherever it stands}."""
    rights, found = matrix.read(), defaultdict(list)
    for person, column in PEOPLE.items():
        for address, route in routes().items():
            if "ok" not in rights.get((address, "read"), {}).get(column, ""):
                continue
            for path in paths_of(address, route, world):
                response = world.clients[person].get(path)
                if response.headers.get("Content-Type", "").startswith("text/html"):
                    for one in figures(response.content.decode()):
                        found[address, one.where, one.label].append(one.is_traced)
    return {place: all(traced) for place, traced in found.items()}


def paths_of(address, route, world):
    """The page in each state that shows other numbers."""
    values = arguments_of(route, world)
    path = route.path(**values)
    yield path
    if address in WITH_A_PAST:
        yield path + PAST
    for name in OTHER_OBJECTS.get(address, ()):
        yield route.path(**values | {"pk": world.objects[name].pk})


class TestPages:
    pytestmark = only_once

    def test_every_number_says_how_it_came(self, seen):
        assert len(seen) > 200
        bare = sorted(place for place, traced in seen.items() if not traced and place not in FACTS)
        assert bare == [], "\n".join(
            "{}: {} “{}” lacks its words (a trace, a hint)".format(*place) for place in bare
        )

    def test_no_fact_is_named_that_no_page_shows_bare(self, seen):
        assert FACTS - {place for place, traced in seen.items() if not traced} == set()


def templates():
    return [*Path(settings.BASE_DIR, "templates").rglob("*.html")]


def test_every_heading_over_numbers_says_how_they_came():
    """Also where the company of these tests has no rows to show."""
    bare = {
        (file.name, heading)
        for file in templates()
        for heading in HEADING.findall(file.read_text())
        if "{%" not in heading
    }
    assert bare - PLAIN_HEADINGS == set()


def test_every_tile_written_into_a_template_has_words():
    bare = [
        (file.name, tile)
        for file in templates()
        for tile in TILE.findall(file.read_text())
        if "trace=" not in tile and 'label="Tiering model"' not in tile
    ]
    assert bare == []
