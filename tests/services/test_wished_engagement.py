"""What a customer asks for is recorded and shown, and decides nothing (kept for what-if)."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Customer, TouchLevel
from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.rules import UnusableRules, read_rules
from allocation.models import TieringModel
from allocation.selectors.explanations import customer_explanation
from allocation.services.playbooks import load_playbook
from allocation.snapshots.customers import customers_now
from allocation.snapshots.vocabulary import model_vocabulary
from tests.factories import TODAY
from tests.services.retiering_cast import applied, customer, looked_at, proposed, tiers

pytestmark = pytest.mark.django_db

READ = (
    "segment",
    "score",
    "contributions",
    "touch",
    "goal",
    "suggested",
    "effective",
    "decided_by",
    "guards",
    "reason",
)


@pytest.fixture(autouse=True)
def model(db):
    load_playbook(slug="three-axis", publish=True, at=timezone.now())
    return TieringModel.objects.get()


def rules_of(model):
    vocabulary = model_vocabulary()
    return read_rules(
        definition=model.definition,
        attributes=vocabulary.attributes,
        tiers=vocabulary.tiers,
        goal_kinds=vocabulary.goal_kinds,
    )


def decided(ids):
    """What `explain` says of each, but for the run's own number."""
    found = [customer_explanation(customer_id=pk, today=TODAY).found for pk in ids]
    return [{name: one[name] for name in READ} for one in found]


def digests(model, ids):
    return customers_now(rules=rules_of(model), as_of=TODAY, customer_ids=ids)


@pytest.mark.parametrize("wished", TouchLevel.values)
def test_a_wish_changes_no_decision_and_no_fact(model, wished):
    ids = [customer(arr, health=50).pk for arr in (10, 200_000, 800_000)]
    applied()
    before = decided(ids), digests(model, ids), tiers()
    Customer.objects.update(wished_engagement=wished)
    assert digests(model, ids) == before[1]
    assert looked_at(applied()) == set(ids)
    assert (decided(ids), tiers()) == (before[0], before[2])
    assert looked_at(proposed(scope="goals")) == set()


def test_a_wish_after_the_proposal_makes_nobody_skipped():
    from allocation.services.retiering import apply_run

    one = customer(800_000)
    run = proposed()
    Customer.objects.filter(pk=one.pk).update(wished_engagement="tech")
    apply_run(run_id=run.pk, owner="test", at=timezone.now())
    assert tiers() == {one.external_id: "global"}


def test_no_attribute_of_the_engine_reads_it_and_no_model_can(model):
    assert [name for name in ATTRIBUTES if "wish" in name] == []
    asking = {
        **model.definition,
        "tiers": [
            {"tier": "global", "when": [{"attribute": "wished_engagement", "op": "is", "value": "high"}]},
            {"tier": "scale"},
        ],
    }
    vocabulary = model_vocabulary()
    with pytest.raises(UnusableRules, match="wished_engagement"):
        read_rules(definition=asking, attributes=vocabulary.attributes, tiers=vocabulary.tiers)


def test_it_is_recorded_by_import_and_shown_on_the_customers_page(cast, sign_in, tmp_path):
    from django.core.management import call_command

    one = customer(10)
    file = tmp_path / "wishes.csv"
    file.write_text(f"external_id,wished_engagement\n{one.external_id},high\n", encoding="utf-8")
    call_command("import_customers", str(file), format="json")
    one.refresh_from_db()
    assert (one.wished_engagement, one.tier) == ("high", None)
    page = sign_in(cast.ops).get(reverse("customer", args=[one.pk])).content.decode()
    assert "Wished engagement" in page
    assert "High touch" in page
    admin = sign_in(cast.ops).get(reverse("admin:accounts_customer_change", args=[one.pk])).content.decode()
    assert 'name="wished_engagement"' in admin
