"""Which way a run's changes go: up and down between tiers in use, neither out of a tier that was retired."""

from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Customer, Tier
from allocation.models import RetierRun, TierDecision
from allocation.services.playbooks import load_playbook
from tests.factories import TierFactory
from tests.pages.company import NOW, proposed_run
from tests.pages.reading import plain, read

NOT_IN_USE = "from a tier no longer in use"


@pytest.fixture
def ops(company, sign_in):
    return sign_in(company.cast.ops)


@pytest.fixture
def moving(company):
    """Another playbook is in force: all eight customers leave tiers that are retired and ranked below the new ones."""
    load_playbook(slug="a-plus-to-c", publish=True, at=NOW)
    assert Tier.objects.get(slug="global").rank > Tier.objects.filter(retired=False).count()
    return proposed_run(company.cast)


@pytest.fixture
def mixed(company):
    """One rises, one falls, and the two Scale customers come out of a tier that was retired by hand."""
    old = TierFactory(slug="old", name="Old", rank=9, retired=True)
    Customer.objects.filter(pk=company.a[0].pk).update(arr=Decimal(200_000))  # Global → Enterprise
    Customer.objects.filter(pk=company.a[1].pk).update(arr=Decimal(900_000))  # Enterprise → Global
    Customer.objects.filter(pk__in=[company.a[2].pk, company.b[2].pk]).update(tier=old)  # Old → Scale
    return proposed_run(company.cast)


def page_of(client, run, **query):
    return client.get(reverse("run", args=[run.pk]), query)


def test_after_another_set_up_nobody_goes_up_or_down(ops, moving):
    response = page_of(ops, moving, show="moves")
    figures = response.context["figures"]
    assert figures.moves == 8
    assert (figures.ups, figures.downs_to_apply, figures.from_retired) == (0, 0, 8)
    words = plain(read(response).shown)
    assert "Change tier 8 0 up, 0 down, 8 from tiers no longer in use" in words
    assert {row.way for row in response.context["rows"]} == {"none"}
    assert {line.way for line in response.context["flows"]} == {"none"}
    body = response.content.decode()
    assert "▲" not in body
    assert "▼" not in body
    for ribbon in ("flow-up", "flow-down"):
        assert ribbon not in body
    assert "flow-none" in body
    assert "swatch-none" in body


def test_moves_out_of_retired_tiers_are_counted_apart(company, ops, mixed):
    response = page_of(ops, mixed, show="moves")
    words = plain(read(response).shown)
    assert "Change tier 4 1 up, 1 down, 2 from tiers no longer in use" in words
    assert {row.name: row.way for row in response.context["rows"]} == {
        "Alpha customer 000": "down",
        "Alpha customer 001": "up",
        "Alpha customer 002": "none",
        "Zebra customer 002": "none",
    }
    assert {(line.source.slug, line.way) for line in response.context["flows"]} == {
        ("global", "down"),
        ("enterprise", "up"),
        ("old", "none"),
    }
    assert words.count(f"• {NOT_IN_USE}") == 3  # the flow and both rows
    assert f"gets a first tier {NOT_IN_USE}" in words  # the legend


def test_the_direction_filter_finds_what_the_rows_say(company, ops, mixed):
    for way, names in (
        ("up", {"Alpha customer 001"}),
        ("down", {"Alpha customer 000"}),
        ("none", {"Alpha customer 002", "Zebra customer 002"}),
    ):
        rows = page_of(ops, mixed, show="moves", way=way).context["rows"]
        assert {row.name for row in rows} == names, way
        assert {row.way for row in rows} == {way}


def test_refused_rows_are_taken_off_their_own_direction(company, ops, mixed):
    row = TierDecision.objects.get(run=mixed, customer=company.a[2])
    given = {"action": "refuse", "row": [row.pk], "query": "show=moves", "words": "Not yet"}
    words = plain(read(ops.post(reverse("run_rows", args=[mixed.pk]), given, follow=True)).shown)
    assert "Change tier 3 1 up, 1 down, 1 from a tier no longer in use" in words


def test_a_run_without_retired_tiers_does_not_speak_of_them(company, ops):
    Customer.objects.filter(pk=company.a[1].pk).update(arr=Decimal(900_000))
    response = page_of(ops, proposed_run(company.cast), show="moves")
    words = plain(read(response).shown)
    assert "Change tier 1 1 up, 0 down Get" in words
    assert "swatch-none" not in response.content.decode()


def test_a_run_keeps_the_directions_of_its_day_when_its_tiers_are_retired_later(company, ops):
    Customer.objects.filter(pk=company.a[1].pk).update(arr=Decimal(900_000))
    run = proposed_run(company.cast)
    load_playbook(slug="a-plus-to-c", publish=True, at=NOW)
    response = page_of(ops, run, show="moves", way="up")
    assert "1 up, 0 down" in plain(read(response).shown)
    assert [(row.name, row.way) for row in response.context["rows"]] == [("Alpha customer 001", "up")]


def test_a_run_that_kept_no_tiers_goes_by_those_of_today(company, ops, mixed):
    """As runs of an earlier version of the program."""
    RetierRun.objects.filter(pk=mixed.pk).update(vocabulary={})
    figures = page_of(ops, mixed, show="moves").context["figures"]
    assert (figures.ups, figures.downs_to_apply, figures.from_retired) == (1, 1, 2)
