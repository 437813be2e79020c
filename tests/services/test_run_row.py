"""A run with its model, by a statement that is made once, against what the ORM reads."""

import pytest
from django.utils import timezone

from allocation.models import RetierRun
from allocation.services.playbooks import load_playbook
from allocation.services.retiering import queue_run
from allocation.services.retiering.run_row import run_with_model
from tests.factories import TODAY

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("unread", [(), ("population",), ("population", "summary")])
def test_it_is_the_row_that_the_orm_reads(cast, unread, django_assert_num_queries):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    pk = queue_run(as_of=TODAY, at=timezone.now()).pk
    RetierRun.objects.filter(pk=pk).update(
        summary={"moves": 3}, rates={"EUR": "0.86"}, population={"people": 2}
    )
    with django_assert_num_queries(1):
        ours = run_with_model(pk, unread=unread)
        read = {name: value for name, value in vars(ours).items() if not name.startswith("_")}
        model = {name: value for name, value in vars(ours.tiering_model).items() if not name.startswith("_")}
    theirs = RetierRun.objects.select_related("tiering_model").defer(*unread).get(pk=pk)
    assert read == {name: value for name, value in vars(theirs).items() if not name.startswith("_")}
    assert model == {
        name: value for name, value in vars(theirs.tiering_model).items() if not name.startswith("_")
    }
    assert ours.population == {"people": 2}  # what was not read is read when it is asked for


def test_a_run_that_is_not_there_is_said_not_to_be(cast):
    with pytest.raises(RetierRun.DoesNotExist):
        run_with_model(10**9)
