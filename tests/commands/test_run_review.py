"""`undo run`, `run refuse|accept|repeat`: keys to the letter, rights, refusals with a sentence."""

import pytest
from django.core.management import CommandError

from accounts.models import Customer
from tests import factories
from tests.commands.test_retier import answer, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_axis(db):
    answer("load_playbook", "three-axis", "--publish")


@pytest.fixture
def run(cast):
    """A moves (in A's book), B moves (in B's book), C gets its first tier."""
    for name, book in (("A", cast.csm_a), ("B", cast.csm_b)):
        factories.CustomerFactory(external_id=name, arr=800000, csm=book.csm, csm_since=factories.TODAY)
    answer("retier", "--apply")
    Customer.objects.update(arr=10)
    factories.CustomerFactory(external_id="C", arr=200000)
    return str(answer("retier")["run"])


def held():
    return dict(Customer.objects.order_by("external_id").values_list("external_id", "tier__slug"))


def test_undo_has_its_keys_and_restores(run):
    before = list(Customer.objects.order_by("pk").values())
    answer("run", "apply", run)
    assert held() == {"A": "scale", "B": "scale", "C": "enterprise"}
    found = answer("undo", "run", run)
    assert found == {"run": int(run), "status": "undone", "restored": 3, "skipped": []}
    assert list(Customer.objects.order_by("pk").values()) == before
    assert answer("undo", "run", run) == found  # a second time changes nothing


def test_who_was_changed_since_is_listed(run):
    answer("run", "apply", run)
    Customer.objects.filter(external_id="A").update(arr=800000)
    answer("retier", "--apply")
    found = answer("undo", "run", run)
    assert (found["restored"], found["skipped"]) == (2, ["A"])
    assert held() == {"A": "global", "B": "global", "C": None}
    assert "Changed since, so left as they are: A" in text("undo", "run", run)


def test_only_ops_undo_and_only_what_was_applied(run, cast):
    with pytest.raises(CommandError, match="is proposed; only an applied run can be undone"):
        answer("undo", "run", run)
    answer("run", "apply", run)
    with pytest.raises(CommandError, match="Only CS ops may undo a run"):
        answer("undo", "run", run, acting=cast.manager.email)
    for person in (cast.csm_a, cast.nobody):
        with pytest.raises(CommandError, match=f"There is no run {run}"):
            answer("undo", "run", run, acting=person.email)
    with pytest.raises(CommandError, match="There is no run 999"):
        answer("undo", "run", "999")


def test_rows_are_refused_by_external_id_and_say_so(run, cast):
    found = answer("run", "refuse", run, "A", "C", words="A promise was made", acting=cast.ops.email)
    assert (found["refused"], [move["external_id"] for move in found["moves"]]) == (["A", "C"], ["B"])
    answer("run", "accept", run, "C", acting=cast.ops.email)
    answer("run", "apply", run)
    assert held() == {"A": "global", "B": "scale", "C": "enterprise"}


def test_a_manager_names_only_customers_of_the_own_teams(run, cast):
    answer("run", "refuse", run, "A", words="No", acting=cast.manager.email)
    for stranger in ("B", "C", "NOBODY"):  # the same answer, there or not
        with pytest.raises(CommandError, match=f"^Run {run} changes nothing for {stranger}\\.$"):
            answer("run", "refuse", run, stranger, words="No", acting=cast.manager.email)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "Name the customers whose rows are meant"),
        (("A",), "Say why these rows are refused"),
        (("X",), "changes nothing for X"),
    ],
)
def test_a_refusal_of_the_command_is_a_sentence(run, cast, words, sentence):
    with pytest.raises(CommandError, match=sentence):
        answer("run", "refuse", run, *words, acting=cast.ops.email)


def test_who_refuses_must_say_who_they_are(run):
    with pytest.raises(CommandError, match="reviewed by CS ops and by managers"):
        answer("run", "refuse", run, "A", words="No")


def test_repeat_decides_everybody_again_from_what_was_kept(run):
    answer("run", "apply", run)
    Customer.objects.update(arr=5, status="left")
    found = answer("run", "repeat", run)
    assert (found["run"], found["customers"], found["different"]) == (int(run), 3, [])
    assert found["bytes"] > 0
    assert "3 customers, the same decisions" in text("run", "repeat", run)
