"""The rule for one override and the condition for a list say the same, of everybody."""

import pytest

from allocation.models import Override
from allocation.selectors.override_rights import override_rights
from allocation.services.overrides import edit_override
from tests.factories import TODAY
from tests.services.overrides.world import DAY, NOW, asked, build

PEOPLE = ("ops", "manager", "director", "csm_a")


@pytest.fixture
def world(cast):
    return build(cast)


@pytest.mark.parametrize("asker", PEOPLE)
@pytest.mark.parametrize("editor", [None, "ops", "manager", "director"])
def test_whom_the_list_offers_may_decide_and_nobody_else(world, asker, editor):
    override = asked(world, getattr(world, asker))
    if editor is not None:
        edit_override(
            override_id=override.pk,
            actor=getattr(world, editor),
            expires_on=TODAY + 9 * DAY,
            words="Shorter",
            on=TODAY,
            at=NOW,
        )
    row = Override.objects.select_related("customer__csm").get(pk=override.pk)
    for name in PEOPLE:
        user = getattr(world, name)
        offered = Override.objects.decidable_by(user).filter(pk=row.pk).exists()
        assert override_rights(override=row, customer=row.customer, user=user).decide == offered, name
    for name in {asker, editor} - {None}:
        assert not override_rights(override=row, customer=row.customer, user=getattr(world, name)).decide


def test_of_an_override_that_nobody_changed_nothing_is_read(world, django_assert_num_queries):
    override = asked(world)
    row = Override.objects.select_related("customer__csm").get(pk=override.pk)
    override_rights(
        override=row, customer=row.customer, user=world.manager
    )  # roles and teams, once a request
    with django_assert_num_queries(0):
        override_rights(override=row, customer=row.customer, user=world.manager)
