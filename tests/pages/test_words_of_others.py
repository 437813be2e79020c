"""The nearest change never tells a word that only other customers have, whoever asks and by whichever door."""

import json

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from allocation.models import TieringModel
from allocation.selectors.explanations import customer_explanation
from allocation.services.models import publish_model
from allocation.services.playbooks import load_playbook
from tests.factories import TODAY, CustomerFactory, VerticalFactory
from tests.pages.reading import plain, read
from tests.services.retiering_cast import applied

pytestmark = pytest.mark.django_db

CANARY = "Zebra"


def has(attribute, op, value=None):
    return {"attribute": attribute, "op": op, "value": value}


@pytest.fixture
def decided(cast):
    """Decide a customer of A's book by one rule, and one of B's book that has words of its own."""

    def decide(when, scale=None, **facts):
        load_playbook(slug="three-axis", publish=True, at=timezone.now())
        definition = {
            "segments": [{"name": "Everyone", "when": []}],
            "criteria": [{"name": "Fit", "weight": 1, **scale}] if scale else [],
            "tiers": [{"tier": "global", "when": [when]}, {"tier": "scale", "when": []}],
            "guards": {"dead_band": None},
        }
        model = TieringModel.objects.draft(name="Words", definition=definition, created_by_id=None)
        publish_model(model_id=model.pk, at=timezone.now())
        zebra = VerticalFactory(name=f"{CANARY} breeding")
        mine = CustomerFactory(csm=cast.csm_a.csm, csm_since=TODAY, arr=1, **facts)
        # At both ends of the alphabet.
        for letter in ("A", "z"):
            word = f"{letter} {CANARY}"
            CustomerFactory(
                csm=cast.csm_b.csm, csm_since=TODAY, arr=1, package=word, products=[word], country=word, vertical=zebra
            )  # fmt: skip
        applied()
        return mine

    return decide


BY_PACKAGE = {"attribute": "package", "scale": {"kind": "choices", "points": {"Basic": 0}, "other": 90}}


@pytest.mark.parametrize(
    ("when", "scale", "facts", "change"),
    [
        (has("package", "is_not", "Basic"), None, {"package": "Basic"}, "package from Basic to another package: Global"),
        (has("package", "known"), None, {"package": ""}, "package from unknown to another package: Global"),
        (has("score", ">=", 50), BY_PACKAGE, {"package": "BASIC"}, "package from BASIC to another package: Global"),
        (has("package", "is", "Gold"), None, {"package": "Basic"}, "package from Basic to Gold: Global"),
        (has("product_count", ">=", 2), None, {"products": ["One"]}, "products with another product: Global"),
        (has("product_count", "<", 2), None, {"products": ["One"]}, "products with another product: Scale"),
        (has("product_count", "<", 1), None, {"products": ["One"]}, "products without One: Global"),
        (has("country", "is_not", "France"), None, {"country": "France"}, "country from France to another country: Global"),
        (has("vertical", "known"), None, {}, "vertical from unknown to another vertical: Global"),
        (has("goal", "known"), None, {}, "open goals with"),
    ],
)  # fmt: skip
def test_the_nearest_change_names_words_of_the_model_and_of_the_customer_only(
    when, scale, facts, change, decided, cast, sign_in, capsys
):
    mine = decided(when, scale, **facts)
    for user in (cast.csm_a, cast.manager, cast.ops):
        words = plain(read(sign_in(user).get(reverse("customer", args=[mine.pk]))).words)
        assert change in words
        assert CANARY not in words
        call_command("explain", mine.external_id, format="json", acting=user.email)
        told = capsys.readouterr().out
        assert change in json.loads(told)["nearest_change"]["words"]
        assert CANARY not in told


def test_a_run_keeps_no_words_but_those_of_its_facts_and_reads_those_of_earlier_versions(decided):
    mine = decided(has("package", "is_not", "Basic"), package="Basic")
    before = customer_explanation(customer_id=mine.pk, today=TODAY)
    run = before.run
    assert CANARY not in json.dumps(run.population)
    # As an earlier version of the program kept it.
    run.population = {**run.population, "words": {"package": ["Basic", CANARY]}}
    run.save(update_fields=["population"])
    after = customer_explanation(customer_id=mine.pk, today=TODAY)
    assert after.found == before.found
