import pytest

from tests.factories import TODAY
from tests.pages import company as companies


@pytest.fixture(autouse=True)
def _a_fixed_day(monkeypatch):
    """Pages read the clock once, at the edge; here it always shows the same day."""
    monkeypatch.setattr("django.utils.timezone.localdate", lambda *args, **kwargs: TODAY)


@pytest.fixture
def company(cast):
    return companies.build(cast)
