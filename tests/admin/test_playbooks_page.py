"""The page "Load a playbook": the eight, readably, and each can be looked at in words once it is a draft."""

import re

import pytest

from allocation.models import TieringModel
from allocation.services.playbooks import available_playbooks

pytestmark = pytest.mark.django_db

LIST = "/admin/allocation/tieringmodel/"


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


@pytest.mark.parametrize("place", range(8))
def test_a_loaded_playbook_can_be_read_in_words(cast, sign_in, place):
    client = sign_in(cast.ops)
    playbook = available_playbooks()[place]
    client.post(f"{LIST}playbooks/", {"slug": playbook.slug, "publish": "1"})
    page = client.get(f"{LIST}{TieringModel.objects.get().pk}/change/").content.decode()
    assert all(name in page for name in playbook.tier_names)
