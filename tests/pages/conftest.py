import copy

import pytest

from tests import factories
from tests.factories import TODAY
from tests.pages.standing import Standing

standing = Standing()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before the transaction of the test: the company is there, or it is not."""
    if "company" in item.fixturenames:
        standing.open()
    else:
        standing.close()


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch):
    """Pages read the clock once, at the edge; here it always shows the same day."""
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture(scope="module")
def standing_company(django_db_setup, django_db_blocker):
    """Away with the module: tests elsewhere find an empty database."""
    standing.ready(django_db_blocker)
    yield standing
    standing.close()


@pytest.fixture
def company(standing_company, db):
    """Its objects are copies, so that what one test changes in them is not seen by the next."""
    return copy.deepcopy(standing_company.company)


@pytest.fixture
def cast(request, db):
    """That of the company, where the test asks for both."""
    if "company" in request.fixturenames:
        return request.getfixturevalue("company").cast
    return factories.cast()
