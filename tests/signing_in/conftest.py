"""People who sign in by password, and the door."""

from types import SimpleNamespace

import pytest
from django.test import Client

PASSWORD = "correct horse battery"


@pytest.fixture
def people(cast: SimpleNamespace) -> SimpleNamespace:
    """The cast, each with the same password."""
    for user in (cast.ops, cast.manager, cast.csm_a, cast.csm_b, cast.nobody):
        user.set_password(PASSWORD)
        user.save()
    return cast


def knock(email: str, password: str, *, client: Client | None = None, **meta: str):
    """One try at the door."""
    return (client or Client()).post("/sign-in/", {"username": email, "password": password}, **meta)


def signed_in(client: Client) -> bool:
    """Whether the pages of a signed-in person open."""
    return client.get("/").status_code == 200
