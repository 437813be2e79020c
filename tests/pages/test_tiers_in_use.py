"""Tiers on pages: those no longer in use have no place of their own, and those of a mere draft are offered nowhere."""

import re

import pytest
from django.urls import reverse

from accounts.admin import badges
from accounts.models import Tier
from allocation.services.playbooks import load_playbook
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
