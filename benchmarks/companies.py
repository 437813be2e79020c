"""Made-up companies whose books are to be planned, the same for the same seed on any machine.

A company is *planted*: its customers are first laid on its CSMs so that every limit holds at about 88 % of the hours, then
its history is disturbed. So a plan that serves everybody exists, and the owner list itself breaks no limit.

- ``band`` and ``no-band``: tier × region pools that share neither customers nor CSMs.
- ``overlap``: every CSM serves two or three tiers and one to three neighbouring regions of a ring, so that nothing splits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from allocation.engine.facts.books import (
    BookFacts,
    BookPolicy,
    CsmFacts,
    CustomerColumns,
    IntColumn,
    TierFacts,
)
from benchmarks.planting import UnableToPlant, Wish, drifted, planted

FAMILIES = ("band", "no-band", "overlap")
SIZES = {1_000: 20, 10_000: 60, 50_000: 250, 100_000: 500}
"""CSMs of each published size. A few more have left (one in fifty) and keep only a book to hand on."""

TIERS = (
    TierFacts(slug="global", name="Global", touch_level="high", cap=6),
    TierFacts(slug="enterprise", name="Enterprise", touch_level="mid", cap=15),
    TierFacts(slug="scale", name="Scale", touch_level="low", cap=40),
    TierFacts(slug="digital", name="Digital", touch_level="tech", cap=None),
)
AS_OF = date(2026, 1, 5)
FULL_TIME = 160 * 60  # minutes a month

_DIGITAL = 3
_CAPPED = (6, 15, 40)
_CAPS = (*_CAPPED, None)
_ROWS = {
    1_000: (20, 85, 197),
    10_000: (56, 241, 568),
    50_000: (236, 1_042, 2_434),
    100_000: (484, 2_045, 4_801),
}
_FULL_TIMES_BY_TIER = (0.237, 0.406, 0.357)
_FULL_TIMES_USED = 0.79  # full tier caps per CSM who is not digital
_DIGITAL_CSMS = 1 / 6
_UTILISATION = 0.88
_NET_MINUTES = 128 * 60  # of a full-time CSM, about; each pool's share of other work makes the rest exact
_NEW = 0.03
_VACATED = 50  # one book in this many
_DRIFT = 0.35  # shifts per customer since the books were even
_TRIES = 40

_VERTICALS = ("finance", "telco", "retail", "industry", "public")
_VERTICAL_SHARES = (0.30, 0.20, 0.20, 0.20, 0.10)
_SPECIALISTS = (
    "",
    "finance",
    "",
    "telco",
    "finance",
    "",
    "",
    "finance",
    "telco",
    "",
)  # in turn; "" = generalist
_LANGUAGES = ("en", "de", "fr", "es")
_REGIONS = ("north", "east", "south", "west", "centre", "islands")
_WORKS = ((1.0, 0.70), (0.8, 0.20), (0.6, 0.06), (0.5, 0.04))  # share of full time
_SENIORITY = ((0.0, 0.1, 0.9), (0.05, 0.7, 0.25), (0.45, 0.55, 0.0), (0.95, 0.05, 0.0))  # of 1, 3, 5
_TOUCH_PLANS = ((0.7, 0.35), (1.0, 0.35), (1.25, 0.15), (1.6, 0.10), (2.2, 0.05))  # × the tier's mean hours
_GOAL_HOURS = ((0.0, 0.75), (0.15, 0.15), (0.3, 0.10))
_ARR = ((600_000, 0.8), (150_000, 0.7), (30_000, 0.6), (2_500, 0.9))  # median and spread (of the logarithm)
_WHALES, _WHALE = 0.02, 5.0


@dataclass(frozen=True, slots=True)
class Pool:
    """Customers of one tier (and region, where pools have one) and how many CSMs are there for them."""

    tier: int
    region: str
    customers: int
    csms: int


@dataclass(frozen=True, slots=True)
class Company:
    """Facts, policy, and the plan that was planted: position of the CSM of each customer in ``facts.csms``."""

    facts: BookFacts
    policy: BookPolicy
    planted: IntColumn


def company(*, family: str, customers: int, csms: int, seed: int) -> Company:
    """The company of this family, size and seed. ``no-band`` has the same facts as ``band``."""
    if family not in FAMILIES:
        raise ValueError(f"There is no family {family}: choose one of {', '.join(FAMILIES)}.")
    if csms < 6 or customers < 20 * csms:
        raise ValueError("A company needs at least 6 CSMs and 20 customers for each.")
    overlapping = family == "overlap"
    for attempt in range(_TRIES):
        chance = np.random.Generator(np.random.PCG64([seed, customers, csms, int(overlapping), attempt]))
        try:
            return _company(chance, pools(customers, csms, overlapping), policy(family), overlapping)
        except UnableToPlant:
            continue
    raise UnableToPlant(f"No company of {customers} customers and {csms} CSMs could be planted.")


def policy(family: str) -> BookPolicy:
    """The shipped weights and tolerances (none for ``no-band``), regions binding, verticals and languages preferred."""
    usual = BookPolicy(
        name=f"benchmark {family}",
        vertical_fit="soft",
        region_fit="hard",
        language_fit="soft",
        product_fit="ignore",
        search_iterations=5_000,  # more than fits into the seconds: these are what is measured
        full_time_minutes=FULL_TIME,
        weight_hours=60.0,
        weight_arr=30.0,
        weight_fit=1.0,
        weight_continuity=3.0,
        weight_background=1.0,
        hours_tolerance_pct=5.0,
        arr_tolerance_pct=10.0,
        seniority_follows_value=True,
    )
    return replace(usual, hours_tolerance_pct=0.0, arr_tolerance_pct=0.0) if family == "no-band" else usual


def pools(customers: int, csms: int, overlapping: bool) -> list[Pool]:
    """How many customers and CSMs each pool has: 4, 7, 10 and 10 pools at the published sizes, 4 where all overlaps."""
    digital_csms = max(1, round(csms * _DIGITAL_CSMS))
    rows = _rows(customers, csms, digital_csms)
    regions = ("",) if overlapping else _REGIONS[: 1 if csms < 40 else 2 if csms < 150 else 3]
    cells = [
        (tier, region, part)
        for tier, count in enumerate(rows)
        for region, part in zip(regions, _parts(count, len(regions)), strict=True)
    ]
    wanted = np.array([count / (_CAPS[tier] or 1) for tier, _, count in cells])
    heads = _apportioned(csms - digital_csms, wanted)
    made = [Pool(tier, region, n, m) for (tier, region, n), m in zip(cells, heads, strict=True)]
    return [*made, Pool(_DIGITAL, "", customers - sum(rows), digital_csms)]


def _rows(customers: int, csms: int, digital_csms: int) -> tuple[int, ...]:
    """Customers of each capped tier: the published ones, or as many as fill the CSMs as those do."""
    if SIZES.get(customers) == csms:
        return _ROWS[customers]
    full_times = _FULL_TIMES_USED * (csms - digital_csms)
    shares = zip(_FULL_TIMES_BY_TIER, _CAPPED, strict=True)
    return tuple(max(1, round(full_times * share * cap)) for share, cap in shares)


def _parts(whole: int, count: int) -> list[int]:
    """``whole`` in ``count`` parts, the later ones a little larger."""
    shares = 1.0 + 0.08 * np.arange(count)
    ends = np.rint(np.cumsum(shares) / shares.sum() * whole).astype(int)
    return [int(size) for size in np.diff(ends, prepend=0)]


def _apportioned(heads: int, wanted: np.ndarray) -> list[int]:
    """Heads by largest remainder, none below what the caps need of full-time CSMs."""
    least = np.ceil(wanted).astype(int)
    exact = wanted / wanted.sum() * heads
    given = np.maximum(np.floor(exact).astype(int), least)
    while given.sum() < heads:
        given[np.argmax(exact - given)] += 1
    while given.sum() > heads and (given > least).any():
        given[np.argmin(np.where(given > least, exact - given, np.inf))] -= 1
    if given.sum() != heads:
        raise UnableToPlant(f"{heads} CSMs are too few for the caps.")
    return [int(head) for head in given]


def _company(chance: np.random.Generator, plan: list[Pool], rules: BookPolicy, overlapping: bool) -> Company:
    pool = np.repeat(np.arange(len(plan)), [one.customers for one in plan])
    tier = np.array([one.tier for one in plan])[pool]
    multiple = _drawn(chance, _TOUCH_PLANS, len(pool)) + _drawn(chance, _GOAL_HOURS, len(pool))
    minutes = np.maximum(1, np.rint(multiple / _mean_multiple() * _mean_minutes(plan)[tier])).astype(np.int64)
    arr = _arr_cents(chance, tier, multiple)
    vertical = chance.choice(len(_VERTICALS), size=len(pool), p=_VERTICAL_SHARES)
    staff = [csm for place, one in enumerate(plan) for csm in _staff(chance, place, one, overlapping)]
    team = np.repeat(np.arange(len(plan)), [one.csms for one in plan])
    staff = _with_hours(staff, team, np.bincount(pool, weights=minutes))
    wish = _wish(vertical, arr, pool, team, staff)
    seats = planted(pool=pool, team=team, minutes=minutes, tier=tier, wish=wish, csms=staff, caps=_CAPS)
    region = _regions_of_customers(chance, plan, pool, seats, staff, overlapping)
    able = _able(staff)
    owner = drifted(
        chance=chance,
        seats=seats,
        minutes=minutes,
        tier=tier,
        able={cell: able(*cell) for cell in {(int(t), r) for t, r in zip(tier, region, strict=True)}},
        cell=[(int(t), r) for t, r in zip(tier, region, strict=True)],
        wish=wish,
        csms=staff,
        caps=_CAPS,
        shifts=int(_DRIFT * len(pool)),
    )
    gone = [_left(chance, staff, number) for number in range(len(staff) // _VACATED)]
    for number, (template, _) in enumerate(gone):
        there = (pool == team[template]) & np.array([not _foreign(r, staff[template]) for r in region])
        owner[there & (chance.random(len(pool)) < 1 / (1 + (team == team[template]).sum()))] = (
            len(staff) + number
        )
    owner[chance.random(len(pool)) < _NEW] = -1
    keys = [*(csm.key for csm in staff), *(csm.key for _, csm in gone), ""]
    order = chance.permutation(len(pool))
    columns = CustomerColumns(
        external_id=tuple(f"c{place:06d}" for place in range(len(pool))),
        tier=tuple(TIERS[at].slug for at in tier[order]),
        csm=tuple(keys[at] for at in owner[order]),
        minutes=minutes[order],
        arr_cents=arr[order],
        vertical=tuple(_VERTICALS[at] for at in vertical[order]),
        region=tuple(region[at] for at in order),
        country=("",) * len(pool),
        language=tuple(_language(chance, region[at]) for at in order),
        products=(frozenset(),) * len(pool),
        family=("",) * len(pool),
        hold=("",) * len(pool),
    )
    everybody = (*staff, *(csm for _, csm in gone))
    return Company(BookFacts(AS_OF, columns, everybody, TIERS), rules, seats[order])


def _drawn(chance: np.random.Generator, shares: tuple[tuple[float, float], ...], size: int) -> np.ndarray:
    return chance.choice([value for value, _ in shares], size=size, p=[share for _, share in shares])


def _mean_multiple() -> float:
    return sum(value * share for value, share in (*_TOUCH_PLANS, *_GOAL_HOURS))


def _mean_minutes(plan: list[Pool]) -> np.ndarray:
    """Minutes a month of an average customer of each tier: a full cap is a full book, a digital CSM's book is full too."""
    digital = next(one for one in plan if one.tier == _DIGITAL)
    full = _UTILISATION * _NET_MINUTES
    works = sum(value * share for value, share in _WORKS)
    return np.array(
        [full / (cap * 0.86) for cap in _CAPPED] + [full * works * digital.csms / digital.customers]
    )


def _arr_cents(chance: np.random.Generator, tier: IntColumn, multiple: np.ndarray) -> IntColumn:
    median, spread = np.array(_ARR)[tier].T
    whale = np.where(chance.random(len(tier)) < _WHALES, _WHALE, 1.0)
    amount = median * np.exp(spread * chance.standard_normal(len(tier))) * whale * np.sqrt(multiple)
    cents: IntColumn = np.rint(amount).astype(np.int64) * 100
    return cents


def _staff(chance: np.random.Generator, place: int, pool: Pool, overlapping: bool) -> list[CsmFacts]:
    """The CSMs of a pool; enough of them full-time for the caps. Their net hours come later."""
    works = _drawn(chance, _WORKS, pool.csms)
    cap = TIERS[pool.tier].cap
    while cap and sum(int(cap * round(share * 10) // 10) for share in works) < 1.04 * pool.customers:
        if works.min() == 1.0:
            break
        works[np.argmin(works)] = 1.0
    made = []
    turn = int(chance.integers(len(_SPECIALISTS)))
    for number, share in enumerate(works):
        regions = _ring(chance, number) if overlapping else frozenset(filter(None, [pool.region]))
        vertical = _SPECIALISTS[(turn + number) % len(_SPECIALISTS)]
        made.append(
            CsmFacts(
                key=f"csm{place:02d}-{number:03d}@example.com",
                name=f"CSM {place}-{number}",
                team=f"{TIERS[pool.tier].name} {pool.region}".strip(),
                contract_minutes=round(FULL_TIME * float(share)),
                capacity_minutes=0,
                seniority=int(chance.choice([1, 3, 5], p=_SENIORITY[pool.tier])),
                verticals=frozenset(filter(None, [vertical])),
                regions=regions,
                languages=_spoken(chance, regions),
                tiers=_tiers(chance, pool.tier, overlapping),
            )
        )
    return made


def _tiers(chance: np.random.Generator, tier: int, overlapping: bool) -> frozenset[str]:
    wide = bool(chance.random() < 0.5)
    if not overlapping:
        return frozenset({TIERS[tier].slug})
    two = (tier, tier + 1) if tier < _DIGITAL else (tier - 1, tier)
    three = (max(0, tier - 1), tier, min(_DIGITAL, tier + 1))
    return frozenset(TIERS[at].slug for at in (three if wide else two))


def _ring(chance: np.random.Generator, number: int) -> frozenset[str]:
    width = int(chance.choice([1, 2, 3], p=[0.2, 0.5, 0.3]))
    return frozenset(_REGIONS[(number + step) % len(_REGIONS)] for step in range(width))


def _spoken(chance: np.random.Generator, regions: frozenset[str]) -> frozenset[str]:
    """English and the languages of the CSM's regions (all regions where none is named); one in twelve has English only."""
    mains = [_main_language(region) for region in _REGIONS if region in (regions or _REGIONS)]
    return frozenset({"en", *([] if chance.random() < 1 / 12 else mains)})


def _main_language(region: str) -> str:
    return _LANGUAGES[_REGIONS.index(region) % len(_LANGUAGES)] if region else "en"


def _language(chance: np.random.Generator, region: str) -> str:
    """Of a customer: six in ten speak that of the region, a good third English, the rest any."""
    lot = chance.random()
    if lot < 0.97:
        return _main_language(region) if lot < 0.6 else "en"
    return str(chance.choice(_LANGUAGES))


def _with_hours(staff: list[CsmFacts], team: IntColumn, asked: np.ndarray) -> list[CsmFacts]:
    """Net hours: contract less a share of other work, the same in a pool, so that its customers take 88 % of them."""
    contracts = np.bincount(team, weights=[csm.contract_minutes for csm in staff])
    net = np.minimum(1.0, asked / _UTILISATION / contracts)
    return [
        replace(csm, capacity_minutes=int(csm.contract_minutes * net[at]))
        for csm, at in zip(staff, team, strict=True)
    ]


def _wish(
    vertical: IntColumn, arr: IntColumn, pool: IntColumn, team: IntColumn, staff: list[CsmFacts]
) -> Wish:
    """Vertical against vertical; and in each pool the highest ARR to the most senior, the smallest to juniors."""
    fit = [
        [0.0 if name in csm.verticals else 1.0 if csm.verticals else 0.5 if at < 2 else 0.0 for csm in staff]
        for at, name in enumerate(_VERTICALS)
    ]
    seniority = np.array([csm.seniority for csm in staff], dtype=np.float64)
    wanted = np.empty(len(pool))
    for one in range(int(pool.max()) + 1):
        members = np.flatnonzero(pool == one)
        ranked = np.sort(seniority[team == one])[::-1]
        by_value = members[np.argsort(-arr[members], kind="stable")]
        wanted[by_value] = ranked[np.arange(len(members)) * len(ranked) // len(members)]
    return Wish(vertical=vertical, fit=np.array(fit), wanted=wanted, seniority=seniority)


def _regions_of_customers(
    chance: np.random.Generator,
    plan: list[Pool],
    pool: IntColumn,
    seats: IntColumn,
    staff: list[CsmFacts],
    overlapping: bool,
) -> list[str]:
    """The pool's region; in the digital pool any of the company's; where all overlaps, one of the planted CSM's."""
    if overlapping:
        served = [sorted(csm.regions) for csm in staff]
        return [served[seat][int(chance.integers(len(served[seat])))] for seat in seats]
    everywhere = sorted({one.region for one in plan if one.region})
    return [plan[at].region or everywhere[int(chance.integers(len(everywhere)))] for at in pool]


def _foreign(region: str, csm: CsmFacts) -> bool:
    return bool(csm.regions) and region not in csm.regions


def _able(staff: list[CsmFacts]) -> Callable[[int, str], IntColumn]:
    def able(tier: int, region: str) -> IntColumn:
        return np.array(
            [
                at
                for at, csm in enumerate(staff)
                if TIERS[tier].slug in csm.tiers and not _foreign(region, csm)
            ],
            dtype=np.int64,
        )

    return able


def _left(chance: np.random.Generator, staff: list[CsmFacts], number: int) -> tuple[int, CsmFacts]:
    """A colleague of somebody who is there, who has left; and that somebody's position."""
    template = int(chance.integers(len(staff)))
    key = f"left-{number:02d}@example.com"
    return template, replace(
        staff[template], key=key, name=f"Left {number}", capacity_minutes=0, accepting=False, leaving="gone"
    )
