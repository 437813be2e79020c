"""What every test may count on: a fixed cast, quiet broker, third-party inputs by name.

The cast (house 21): ops, a manager, two CSMs in different teams, and Nobody, who is signed in without a role.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.test import Client
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.queries.counting import QueryCounts
from tests.rig import migrated

HERE = Path(__file__).parent
INPUTS_VARIABLE = "CSTIERS_INPUTS"
# What is tested there reads the run's own settings, or asks its database in processes of its own; rights are in the half
# with PostgreSQL as a whole (tests/rig/__main__.py).
OF_THIS_INSTALLATION = ("faults", "journeys", "commands", "tasks", "wiring", "access")
# Pages over either database are alike, but for those of figures, which PostgreSQL keeps in sheets and SQLite does not.
PAGES_ALIKE = ("pages", "admin", "forms", "signing_in")
OF_FIGURES = ("totals", "balance", "pyramid", "home", "customers", "headcount", "search", "as_of")
ROUNDS_OF_A_PROOF = 20  # from so many rounds on, tests marked "proof" run as well (make prove)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-query-counts",
        action="store_true",
        help="Write tests/queries/counts.json instead of checking.",
    )


def pytest_configure(config: pytest.Config) -> None:
    # The browser driver leaves an event loop running in its worker; Django would then refuse the database to
    # every later test of that worker, though nothing here is asynchronous.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # One round instead of a million: sign-ins in tests guard nothing.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Each client of a test is a new server, which would look through all static files again.
    settings.WHITENOISE_AUTOREFRESH = True
    from cstiers.celery import app

    # A test that rings the bell must not leave messages in the folder of a real installation.
    app.conf.update(broker_url="memory://", broker_transport_options={})
    given = os.environ.get(INPUTS_VARIABLE)
    if given and not Path(given).is_dir():
        raise pytest.UsageError(
            f"{INPUTS_VARIABLE} names {given}, which is not a folder: mend it or unset it."
        )


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """The journeys share one installation, so one worker of xdist gets them all (and first, since they take longest).

    So with the faults that have real processes: they share servers and companies, which another worker would make once more.
    xdist's own groups cannot be used: 3.8 does not see them under pytest 9.2.
    """
    return TogetherWhoShare(config, log)


class TogetherWhoShare(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        if module.startswith("tests/faults/") and not module.endswith("_races.py"):
            return "faults"
        return "journeys" if module.startswith("tests/journeys/") else nodeid


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run here; pytest counts it as deselected and the summary names it."""
    on_postgres = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
    proving = int(os.environ.get("CSTIERS_ROUNDS", "0")) >= ROUNDS_OF_A_PROOF
    left_out = []
    for item in items:
        if "inputs" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.inputs)
        if _asks_no_database(item):
            item.add_marker(pytest.mark.no_database)
        if _is_of_a_page(item):
            item.add_marker(pytest.mark.pages_alike)
        only_sqlite = "only_on_sqlite" in getattr(item, "fixturenames", ())
        if (
            (item.get_closest_marker("inputs") and not os.environ.get(INPUTS_VARIABLE))
            or (item.get_closest_marker("postgres") and not on_postgres)
            or (only_sqlite and on_postgres)
            or (item.get_closest_marker("proof") and not proving)
        ):
            left_out.append(item)
    if left_out:
        dropped = set(map(id, left_out))
        items[:] = [item for item in items if id(item) not in dropped]
        config.hook.pytest_deselected(items=left_out)


def _asks_no_database(item: pytest.Item) -> bool:
    """Neither it nor any of its fixtures may touch one: pytest would refuse it. So it says the same over either."""
    if item.path.relative_to(HERE).parts[0] in OF_THIS_INSTALLATION or item.get_closest_marker("postgres"):
        return False
    asked = {"db", "transactional_db", "django_db_setup"} & set(getattr(item, "fixturenames", ()))
    return not asked and item.get_closest_marker("django_db") is None


def _is_of_a_page(item: pytest.Item) -> bool:
    """What lies behind the page is tested by itself on both databases."""
    place = item.path.relative_to(HERE)
    of_figures = any(word in place.stem for word in OF_FIGURES)
    return place.parts[0] in PAGES_ALIKE and not of_figures and not item.get_closest_marker("postgres")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not os.environ.get(INPUTS_VARIABLE):
        terminalreporter.write_line(
            f"Left out: the suite 'inputs' (third-party files); set {INPUTS_VARIABLE} to their folder to run it."
        )


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """pytest-django's own, called before it makes the test database: that begins as a copy, where there is one."""
    test = settings.DATABASES["default"].setdefault("TEST", {})
    with migrated.beginning_of_tests(test, os.environ.get("DATABASE_URL", "")):
        yield


@pytest.fixture(scope="session")
def inputs() -> Path:
    """The folder of third-party inputs. Tests that ask for it are left out where CSTIERS_INPUTS is unset."""
    return Path(os.environ[INPUTS_VARIABLE])


@pytest.fixture
def only_on_sqlite() -> None:
    """For a test (or fixture) about what only SQLite does; left out of the run on PostgreSQL."""


@pytest.fixture
def cast(db: None) -> SimpleNamespace:
    """ops, manager (of csm_a's team), csm_a, csm_b (another team), nobody; with `.team_a`, `.team_b`.

    `csm_a.csm` and `csm_b.csm` are the CSM rows. Passwords are not needed: use `sign_in`.
    """
    from tests import factories

    return factories.cast()


@pytest.fixture
def ops(cast: SimpleNamespace) -> object:
    return cast.ops


@pytest.fixture
def manager(cast: SimpleNamespace) -> object:
    return cast.manager


@pytest.fixture
def csm_a(cast: SimpleNamespace) -> object:
    return cast.csm_a


@pytest.fixture
def csm_b(cast: SimpleNamespace) -> object:
    return cast.csm_b


@pytest.fixture
def nobody(cast: SimpleNamespace) -> object:
    return cast.nobody


@pytest.fixture
def sign_in() -> Callable[[object], Client]:
    """A browser-like client that is signed in as the given user."""

    def signed_in(user: object) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def query_counts(request: pytest.FixtureRequest) -> QueryCounts:
    """`query_counts.check("book page", lambda: client.get("/book/"))` against the committed numbers."""
    return QueryCounts(write=request.config.getoption("--write-query-counts"))
