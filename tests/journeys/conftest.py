"""Real processes for the journeys: one installation and one browser a run.

Every module here is marked `journey` (left out of the quick suite); one worker of xdist has them all, since they share
the installation (tests/conftest.py).
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.installation import Installation
from tests.journeys.person import Person
from tests.rig.browser import ARGUMENTS, chromium
from tests.rig.migrated import database_of_its_own


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A small generated company with site and worker up, on the database and broker of this run."""
    folder = tmp_path_factory.mktemp("installation")
    with ExitStack() as stack:
        name = f"cstiers_journey_{os.getpid()}"
        database = database_of_its_own(stack, os.environ.get("DATABASE_URL", ""), name)
        ours = Installation(folder=folder, database_url=database, redis_url=os.environ.get("REDIS_URL", ""))
        stack.callback(ours.close)
        ours.open_console()
        ours.migrate()
        ours.processes.begin()
        ours.processes.wait()
        yield ours


@pytest.fixture(scope="session")
def company(installation: Installation) -> dict:
    """The installation filled by `seed_demo`, with a model in force: {"customers", "csms", "sign_ins"}."""
    made = installation.answer_of("seed_demo", "--customers=120", "--csms=8")
    installation.answer_of("load_playbook", "three-axis", "--publish")
    return made


@pytest.fixture(scope="session")
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="session")
def signed_in(chrome: Browser, installation: Installation, company: dict) -> Iterator[dict[str, Person]]:
    """{role: a person at a browser of their own, signed in}."""
    found = {
        who["role"]: Person(chrome, installation.processes.address, who["email"], who["password"])
        for who in company["sign_ins"]
    }
    for person in found.values():
        person.sign_in()
    yield found
    for person in found.values():
        person.leave()


@pytest.fixture
def people(signed_in: dict[str, Person]) -> Iterator[dict[str, Person]]:
    """The people signed in; when the test ends, nobody may have seen a page complain."""
    for person in signed_in.values():
        person.complaints.clear()
    yield signed_in
    assert [complaint for person in signed_in.values() for complaint in person.complaints] == []
