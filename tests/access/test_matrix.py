"""Every address the project answers × everybody × reading and writing: the answer is the one in matrix.csv, no word of
another book leaves the house, and what is refused changes nothing.
"""

from __future__ import annotations

import re

import pytest

from tests.access import bodies, matrix
from tests.access.calling import changed, foreign_words, text_of, undone, watched
from tests.access.routes import arguments_of, missing_arguments, routes
from tests.access.world import digest

# On SQLite: a rollback gives numbers of new rows back there, so that what two calls wrote can be compared; and the
# answers are the same by the laws of the other tests.
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_on_sqlite")]

ROUTES = routes()
MATRIX = matrix.read()
PEOPLE = [(column, person) for column, people in matrix.COLUMNS.items() for person in people]
WAYS = ("read", "write")
REFUSED = {"sign in", "403", "404", "405", "400"}
UNCHANGED = REFUSED | {"409", "422"}  # a form with faults, or somebody was first
# What differs between two answers that are the same: tokens, and the length that follows from the address shown.
MASKED = re.compile(
    r'name="csrfmiddlewaretoken" value="\w+"|csrftoken=\w+|sessionid=\w+|expires=[^;\n]+|Expires: [^\n]+|Content-Length: \d+|X-Request-ID: \w+'
)


def test_every_address_has_its_lines_and_no_line_is_without_address(request):
    lacking = [(address, way) for address in ROUTES for way in WAYS if (address, way) not in MATRIX]
    stale = [key for key in MATRIX if key[0] not in ROUTES]
    if request.config.getoption("--print-matrix"):
        print_lines(request.getfixturevalue("world"))
    assert (lacking, stale) == ([], []), "see tests/access/matrix.py for how to add lines"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("column", "person"), PEOPLE, ids=[person for _, person in PEOPLE])
def test_every_answer_is_the_one_of_the_matrix(world, column, person, way):
    before, faults = digest(), []
    for address, route in ROUTES.items():
        found, wrong = looked_at(world, route, person, way, before)
        faults += [f"{address}: {words}" for words in wrong]
        expected = MATRIX.get((address, way), {}).get(column, "no line")
        if found != expected:
            faults.append(f"{address}: {found}, and the matrix says {expected}")
    assert faults == [], "\n".join(faults)


def looked_at(world, route, person, way, before):
    """The answer in a word (or two, where a full body gets another one than an empty body), and what is wrong with it."""
    words, faults, texts = [], [], []
    for response, written in called(world, route, person, way):
        word, text = matrix.answer(response), text_of(response)
        words.append(word)
        texts.append(text)
        if person != "ops" and (leaked := foreign_words(text, person)):
            faults.append(f"names {leaked}")
        if (way == "read" or word in UNCHANGED) and changed(written, before):
            faults.append(f"{word}, and rows were written in {written}")
        faults += header_faults(response, person)
    if way == "read" and len(set(words)) > 1:
        faults.append(f"GET and HEAD differ: {words}")
    if person != "ops" and route.arguments and set(words) <= REFUSED:
        faults += [] if same_as_missing(world, route, person, way, texts) else ["differs from a missing one"]
    return " / ".join(dict.fromkeys(words)), faults


def called(world, route, person, way, *, there=True):
    """The answers to this way of calling the address: GET and HEAD, or POST with an empty and with a full body."""
    here = route.path(**arguments_of(route, world))
    path = here if there else route.path(**missing_arguments(route, world))
    if way == "read":
        calls = [lambda: world.clients[person].get(path), lambda: world.clients[person].head(path)]
    else:
        full = bodies.full_body(route, here, world)
        calls = [lambda: world.clients[person].post(path), lambda: world.clients[person].post(path, full)]
    for make in calls:
        with undone(), watched() as written:
            yield make(), written


def same_as_missing(world, route, person, way, texts):
    """Who is refused cannot tell a thing from one that was never there."""
    here, nowhere = (route.path(**given(route, world)) for given in (arguments_of, missing_arguments))
    other, _ = next(called(world, route, person, way, there=False))
    return masked(texts[0], here) == masked(text_of(other), nowhere)


def masked(text, path):
    return MASKED.sub("", text.replace(path, "PATH"))


def header_faults(response, person):
    faults = []
    if response.status_code == 500:
        faults.append("an error page")
    if response.headers.get("X-Content-Type-Options") != "nosniff":
        faults.append("no nosniff")
    if "default-src 'none'" not in response.headers.get("Content-Security-Policy", ""):
        faults.append("no policy")
    if person != "stranger" and "no-store" not in response.headers.get("Cache-Control", ""):
        faults.append("may be stored")
    return faults


def print_lines(world):
    """The lines that are missing or no longer true, with the answers found, as matrix.csv has them."""
    before = digest()
    for address, way in [(address, way) for address in ROUTES for way in WAYS]:
        row = {"address": address, "way": way}
        for column, people in matrix.COLUMNS.items():
            found = {looked_at(world, ROUTES[address], person, way, before)[0] for person in people}
            row[column] = " or ".join(sorted(found))
        if MATRIX.get((address, way)) != row:
            print(matrix.as_line(row))
