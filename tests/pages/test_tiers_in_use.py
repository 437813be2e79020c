"""Tiers on pages: those no longer in use have no place of their own, and those of a mere draft are offered nowhere."""

import json
import re

import pytest
from django.urls import reverse

from accounts.admin import badges
from accounts.models import Customer, Tier
from allocation.models import TieringModel
from allocation.selectors.model_preview import preview_model
from allocation.services.playbooks import load_playbook
from tests.factories import TODAY, TierFactory
from tests.pages.company import NOW, proposed_run

MARK = re.compile(r'class="tier tier-(\w+)"><span class="tier-mark" aria-hidden="true">(\d*)</span>([^<]+)<')


def marks_on(client, address):
    """(colour, number, name) of every tier that a page shows."""
    return set(MARK.findall(client.get(address).content.decode()))


@pytest.fixture
def ops(company, sign_in):
    return sign_in(company.cast.ops)


def test_a_tier_no_longer_in_use_is_shown_without_number_and_colour_everywhere(ops, company):
    load_playbook(slug="a-plus-to-c", publish=True, at=NOW)
    Tier.objects.filter(slug="global").update(rank=210)
    run = proposed_run(company.cast)
    for address in (
        reverse("customers"),
        reverse("home"),
        reverse("book", args=[company.cast.csm_a.csm.pk]),
        reverse("run", args=[run.pk]),
        reverse("admin:accounts_customer_changelist"),
        reverse("admin:accounts_customer_change", args=[company.a[0].pk]),
        reverse("admin:accounts_tier_changelist"),
        reverse("admin:allocation_tierholding_changelist"),
    ):
        assert ("retired", "", "Global") in marks_on(ops, address), address
    page = ops.get(reverse("home")).content.decode()
    assert 'class="tier-retired"' in page  # the bar of all customers by tier


def test_a_number_that_fills_no_mark_is_left_out():
    assert ">99</span>" in badges.tier_mark(name="Last", rank=99)
    assert 'tier-6"><span class="tier-mark" aria-hidden="true"></span>' in badges.tier_mark(
        name="New", rank=100
    )


def test_out_of_a_retired_tier_a_change_goes_neither_up_nor_down(company):
    before, after = Tier.objects.get(slug="global"), Tier.objects.get(slug="scale")
    assert "down" in badges.change_of_tier(before=before, after=after)
    before.retired = True
    assert "down" not in badges.change_of_tier(before=before, after=after)


def offered(response, name="tier"):
    """What a filter of a list of ours lets people choose."""
    return [str(label) for _, label in response.context["filter"].form.fields[name].choices][1:]


def offered_in_admin(response):
    spec = next(spec for spec in response.context["cl"].filter_specs if spec.title == "tier")
    return [label for _, label in spec.lookup_choices]


IN_USE = ["Global", "Enterprise", "Scale"]
ADMIN_LISTS = (
    "accounts_customer",
    "allocation_tierholding",
    "allocation_tierdecision",
    "allocation_override",
)


def test_a_draft_brings_no_tier_into_a_filter(ops, company):
    load_playbook(slug="touch-by-goal", publish=False, at=NOW)
    assert Tier.objects.count() > len(IN_USE)
    assert offered(ops.get(reverse("customers"))) == IN_USE
    run = ops.get(reverse("run", args=[company.run.pk]) + "?show=moves")
    assert (offered(run, "was"), offered(run, "to")) == (IN_USE, IN_USE)
    for name in ADMIN_LISTS:
        shown = offered_in_admin(ops.get(reverse(f"admin:{name}_changelist")))
        assert [each for each in shown if each != "No tier"] == IN_USE, name


def test_a_tier_that_is_held_or_paid_for_can_be_chosen_whether_or_not_it_is_in_force(ops, company):
    load_playbook(slug="a-plus-to-c", publish=True, at=NOW)
    Tier.objects.filter(slug="enterprise").update(retired=False)
    top, *_ = Tier.objects.filter(retired=False).order_by("rank")
    other = TierFactory(slug="bought", name="Bought", rank=900, retired=True)
    Customer.objects.update(tier=top)
    Customer.objects.filter(pk=company.a[0].pk).update(paid_tier=other)
    shown = offered(ops.get(reverse("customers")))
    assert shown[-1] == "Bought"
    assert top.name in shown
    assert not {"Global", "Enterprise", "Scale"} & set(shown)  # nobody's now, though one is not retired
    past = ops.get(reverse("run", args=[company.run.pk]) + "?show=first")
    assert {"Global", "Enterprise", "Scale"} <= set(offered(past, "to"))
    assert "Global" in offered_in_admin(ops.get(reverse("admin:allocation_tierholding_changelist")))


def test_the_preview_of_a_version_counts_no_tier_of_another_draft(ops):
    load_playbook(slug="touch-by-goal", publish=False, at=NOW)
    published = TieringModel.objects.published().get()
    preview = preview_model(definition=published.definition, as_of=TODAY)
    assert [line.tier.name for line in preview.tiers] == IN_USE
    asked = ops.post(
        reverse("admin:allocation_tieringmodel_count_new"),
        {"definition": json.dumps(published.definition)},
    )
    assert [line["name"] for line in asked.json()["spread"]] == IN_USE


def test_no_draft_is_blamed_for_tiers_of_other_drafts(ops):
    """Publishing a playbook's draft retires what its rules do not lead to, so nothing is to be said about it."""
    for slug in ("a-plus-to-c", "touch-by-goal", "weighted-tiers"):
        load_playbook(slug=slug, publish=False, at=NOW)
    for model in TieringModel.objects.all():
        page = ops.get(reverse("admin:allocation_tieringmodel_change", args=[model.pk]))
        said = " ".join(remark.words for remark in page.context["remarks"])
        assert "No rule leads to the tier" not in said, model
