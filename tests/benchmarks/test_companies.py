"""Benchmark companies: the same for the same seed, servable as planted, shaped as their family says."""

from dataclasses import fields

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from benchmarks.companies import FAMILIES, SIZES, company, pools
from benchmarks.evaluator import broken_limits
from benchmarks.sheet import Sheet

SMALL = {"customers": 400, "csms": 12}


def groups(sheet):
    """How many groups of customers and CSMs there are that no pair links."""
    pairs = np.argwhere(sheet.everything_allowed)
    customers, csms = sheet.everything_allowed.shape
    size = customers + csms
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], customers + pairs[:, 1])), shape=(size, size))
    number, label = connected_components(graph, directed=False)
    return number - sum(np.bincount(label) == 1)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_planted_plan_serves_everybody_within_every_limit(family, seed):
    made = company(family=family, seed=seed, **SMALL)
    sheet = Sheet(made.facts, made.policy)
    assert (made.planted >= 0).all()
    assert broken_limits(sheet, made.planted) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_owners_who_are_still_there_break_no_limit(family):
    made = company(family=family, seed=1, **SMALL)
    sheet = Sheet(made.facts, made.policy)
    assert broken_limits(sheet, np.where(sheet.home, sheet.current, -1)) == []


def test_the_same_seed_gives_the_same_company():
    one, other = (company(family="overlap", seed=4, **SMALL).facts for _ in range(2))
    assert one.csms == other.csms
    for column in fields(one.customers):
        assert np.array_equal(getattr(one.customers, column.name), getattr(other.customers, column.name))


def test_another_seed_gives_another_company():
    one, other = (company(family="band", seed=seed, **SMALL).facts.customers for seed in (1, 2))
    assert not np.array_equal(one.arr_cents, other.arr_cents)


def test_without_tolerance_only_the_tolerance_differs():
    usual, strict = (company(family=family, seed=1, **SMALL) for family in ("band", "no-band"))
    assert np.array_equal(usual.facts.customers.minutes, strict.facts.customers.minutes)
    assert usual.facts.csms == strict.facts.csms
    assert (strict.policy.hours_tolerance_pct, strict.policy.arr_tolerance_pct) == (0.0, 0.0)
    assert (usual.policy.hours_tolerance_pct, usual.policy.arr_tolerance_pct) == (5.0, 10.0)


@pytest.mark.parametrize(("customers", "expected"), [(1_000, 4), (10_000, 7), (50_000, 10), (100_000, 10)])
def test_published_sizes_have_the_published_pools(customers, expected):
    made = pools(customers, SIZES[customers], overlapping=False)
    assert len(made) == expected
    assert sum(pool.customers for pool in made) == customers
    assert sum(pool.csms for pool in made) == SIZES[customers]


def test_rows_by_tier_are_the_published_ones():
    tiers = company(family="band", customers=1_000, csms=20, seed=1).facts.customers.tier
    assert [tiers.count(slug) for slug in ("global", "enterprise", "scale", "digital")] == [20, 85, 197, 698]


def test_pools_share_nobody():
    made = company(family="band", customers=1_000, csms=20, seed=1)
    assert groups(Sheet(made.facts, made.policy)) == 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_overlapping_skills_make_one_group(seed):
    made = company(family="overlap", customers=1_000, csms=20, seed=seed)
    assert groups(Sheet(made.facts, made.policy)) == 1


def test_hours_taken_are_about_88_per_cent():
    made = company(family="band", customers=1_000, csms=20, seed=1)
    there = sum(csm.capacity_minutes for csm in made.facts.csms)
    # Whole minutes and the cut at the contract leave a little less or more.
    assert 0.85 < made.facts.customers.minutes.sum() / there < 0.95


def test_one_book_in_fifty_is_left_behind_and_some_customers_are_new():
    made = company(family="band", customers=2_500, csms=100, seed=1)
    gone = [csm.key for csm in made.facts.csms if csm.leaving == "gone"]
    assert len(gone) == 2  # 100 ÷ 50
    assert any(key in gone for key in made.facts.customers.csm)
    # 3 % of 2 500 are 75; the standard deviation is 8.5.
    assert 40 < made.facts.customers.csm.count("") < 110


@pytest.mark.parametrize(
    ("family", "customers", "csms", "sentence"),
    [
        ("sideways", 400, 12, "no family"),
        ("band", 400, 5, "at least 6 CSMs"),  # a tier would have nobody
        ("band", 200, 12, "20 customers for each"),  # no digital customers would be left
    ],
)
def test_impossible_companies_are_refused(family, customers, csms, sentence):
    with pytest.raises(ValueError, match=sentence):
        company(family=family, customers=customers, csms=csms, seed=1)
