"""The page "Load a playbook": the eight, readably, and each can be looked at in words once it is a draft."""

import html
import re
from datetime import date

import pytest

from accounts.models import Customer, Tier
from allocation.models import TieringModel
from allocation.services.playbooks import available_playbooks
from tests import factories

pytestmark = pytest.mark.django_db

LIST = "/admin/allocation/tieringmodel/"
SINCE = date(2026, 1, 1)


def test_each_says_its_idea_its_source_its_tiers_and_where_it_stands(cast, sign_in):
    client = sign_in(cast.ops)
    client.post(f"{LIST}playbooks/", {"slug": "weighted-tiers", "publish": "1"})
    client.post(f"{LIST}playbooks/", {"slug": "a-plus-to-c", "draft": "1"})
    page = client.get(f"{LIST}playbooks/").content.decode()
    cards = re.findall(r'<section class="card playbook".*?</section>', page, re.DOTALL)
    playbooks = available_playbooks()
    assert len(cards) == len(playbooks) == 8
    for card, playbook in zip(cards, playbooks, strict=True):
        text = re.sub(r"<[^>]+>", " ", card).replace("&#x27;", "'")
        assert all(
            words in text for words in (playbook.name, playbook.idea, playbook.source, *playbook.tier_names)
        )
        standing = {"weighted-tiers": "Published", "a-plus-to-c": "Draft"}.get(playbook.slug, "Not loaded")
        assert standing in text


def test_before_it_is_put_in_force_it_says_how_many_hold_tiers_that_will_be_retired(cast, sign_in):
    client = sign_in(cast.ops)

    def confirmation(slug):
        page = html.unescape(client.get(f"{LIST}playbooks/").content.decode())
        return re.search(rf'value="{slug}">.*?data-confirm="([^"]+)"', page, re.DOTALL)[1]

    assert "Nobody holds one of those. Its policies" in confirmation("three-axis")
    client.post(f"{LIST}playbooks/", {"slug": "three-axis", "publish": "1"})
    tiers = {tier.slug: tier for tier in Tier.objects.all()}
    for slug in ("global", "global", "scale"):
        factories.CustomerFactory(tier=tiers[slug], tier_since=SINCE)
    factories.CustomerFactory(tier=tiers["scale"], tier_since=SINCE, status="left")
    gone = factories.TierFactory(rank=9, retired=True)  # that one is retired already
    factories.CustomerFactory(tier=gone, tier_since=SINCE)
    said = confirmation("touch-by-goal")
    assert "3 customers hold one of those, until the next run decides." in said
    assert "Its policies for books and for attention become the active ones." in said
    assert "Nobody holds one of those." in confirmation("three-axis")
    Customer.objects.filter(tier__slug="global").delete()
    assert "1 customer holds one of those" in confirmation("touch-by-goal")


@pytest.mark.parametrize("place", range(8))
def test_a_loaded_playbook_can_be_read_in_words(cast, sign_in, place):
    client = sign_in(cast.ops)
    playbook = available_playbooks()[place]
    client.post(f"{LIST}playbooks/", {"slug": playbook.slug, "publish": "1"})
    page = client.get(f"{LIST}{TieringModel.objects.get().pk}/change/").content.decode()
    assert all(name in page for name in playbook.tier_names)
