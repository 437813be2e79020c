"""From where a request comes, and that a stranger cannot say so himself."""

import pytest
from django.test import RequestFactory

from cstiers.signing_in.address import NOWHERE, client_address, counted


def seen(trusted, forwarded, direct="192.0.2.9"):
    meta = {"REMOTE_ADDR": direct} | ({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded is not None else {})
    return client_address(RequestFactory().get("/", **meta))


@pytest.mark.parametrize(
    ("trusted", "forwarded", "counts"),
    [
        (0, None, "192.0.2.9"),
        (0, "203.0.113.7", "192.0.2.9"),  # nobody in front: whoever sends the header wrote it
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # the left one came with the stranger's request
        (1, "1.1.1.1, 2.2.2.2,3.3.3.3 , 203.0.113.7", "203.0.113.7"),
        (
            2,
            "198.51.100.1, 203.0.113.7, 10.0.0.1",
            "203.0.113.7",
        ),  # the outer proxy saw the client, the inner one it
        (2, "203.0.113.7", "192.0.2.9"),  # came past the outer proxy: nothing in the header is to be believed
        (1, None, "192.0.2.9"),
        (1, "", "192.0.2.9"),
        (1, "not an address", NOWHERE),
        (1, "203.0.113.7:52011", "203.0.113.7"),  # with the port, as some proxies write it
        (1, "[2001:db8:1:2:3::4]:52011", "2001:db8:1:2::"),
    ],
)
def test_so_many_entries_are_believed_as_there_are_proxies(trusted, forwarded, counts, settings):
    settings.TRUSTED_PROXIES = trusted
    assert seen(trusted, forwarded) == counts


@pytest.mark.parametrize(
    ("written", "counts"),
    [
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::"),
        ("2001:db8:1:2:bbbb::9", "2001:db8:1:2::"),  # the same household
        ("2001:db8:1:3::1", "2001:db8:1:3::"),  # another
        ("fe80::1%eth0", "fe80::"),
        ("::ffff:192.0.2.9", "192.0.2.9"),  # the same client by the other protocol
        ("", NOWHERE),
        ("unix:", NOWHERE),
    ],
)
def test_one_client_has_one_form(written, counts):
    assert counted(written) == counts
