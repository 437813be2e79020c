import pytest

from tests.services.overrides.world import build


@pytest.fixture
def world(cast):
    return build(cast)
