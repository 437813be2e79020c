"""What stands in the address of a list for an id is anybody's words: what is none finds nothing, and never fails."""

import pytest

from tests import factories
from tests.services.handovers.world import handed_over

pytestmark = pytest.mark.django_db

# Python calls "²" and "٣" digits; the last two are more than a database or Python takes.
NO_IDS = ["²", "٣", "x", "-1", "9" * 30, "9" * 5000]


@pytest.mark.parametrize("given", NO_IDS, ids=lambda given: given[:6])
@pytest.mark.parametrize(
    "address",
    [
        "/admin/allocation/handover/?team=",
        "/admin/accounts/csm/?team=",
        "/admin/accounts/csm/?verticals=",
        "/admin/auditlog/logentry/?by=",
    ],
)
def test_what_is_no_id_finds_nothing(cast, sign_in, address, given):
    handed_over(cast)
    answer = sign_in(cast.ops).get(address + given)
    assert answer.status_code == 200
    assert answer.context["cl"].result_count == 0


def test_a_team_finds_its_own(cast, sign_in):
    row = handed_over(cast)
    client = sign_in(cast.ops)
    for address, other, found in (
        ("/admin/allocation/handover/?team=", factories.TeamFactory().pk, [row]),
        ("/admin/accounts/csm/?team=", factories.TeamFactory().pk, [cast.csm_a.csm]),
    ):
        assert list(client.get(f"{address}{cast.team_a.pk}").context["cl"].result_list) == found
        assert list(client.get(f"{address}{other}").context["cl"].result_list) == []
