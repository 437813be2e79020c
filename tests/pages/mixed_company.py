"""A company where every sum has a reason to go wrong: three currencies, odd minutes, leave that is covered across teams,
customers who left, of no tier, of a retired tier, of no CSM, of no known ARR, at risk for several reasons.

Every name of book B begins with "Zebra".
"""

import datetime
from decimal import Decimal
from types import SimpleNamespace

from accounts.models import ExchangeRate, Leave
from allocation.models import Source
from allocation.services.decisions import (
    CsmChange,
    DecisionSource,
    TierChange,
    note_departures,
    set_csms,
    set_tiers,
)
from tests.factories import (
    TODAY,
    CSMFactory,
    CustomerFactory,
    GoalFactory,
    GoalKindFactory,
    RegionFactory,
    TierFactory,
    TouchActivityFactory,
    VerticalFactory,
)

CANARY = "Zebra"
DAY = datetime.timedelta(days=1)
LONG_AGO = TODAY - 100 * DAY
# Units per 1 USD, so that thirds of cents come up.
RATES = {"EUR": Decimal("0.9137"), "SEK": Decimal("10.777")}

# name, book, tier, ARR, currency, potential, health, sentiment, renewal in days, champion, reputation
ROWS = (
    ("Alpha one", "a", "gold", "100000.10", "USD", "150000.00", 80, 4, 30, True, 90),
    ("Alpha two", "a", "gold", "33333.33", "EUR", "30000.00", 20, 1, 60, None, None),
    ("Alpha three", "a", "silver", "7777.77", "SEK", None, 39, None, 200, False, 60),
    ("Alpha four", "a", "silver", None, "USD", "500.00", 40, 3, None, None, None),
    ("Alpha five", "a", "", "12.34", "USD", None, None, 2, 91, True, None),
    ("Alpha old", "a", "old", "999.99", "EUR", "2000.00", None, None, 90, None, 10),
    ("Zebra one", "b", "gold", "50000.05", "EUR", "60000.00", 90, 5, 10, None, 50),
    ("Zebra two", "b", "silver", "1.01", "SEK", None, 10, 1, 5, None, None),
    ("Carol's", "c", "silver", "2000.00", "USD", None, 70, 3, 100, None, None),
    ("Nobody's", "", "silver", "300.33", "EUR", "400.00", 30, 4, 45, None, 70),
    ("Self-served", "", "self", "60.06", "SEK", None, 70, 4, 45, None, None),
    ("Untouched", "", "", "5.00", "USD", None, None, None, None, None, None),
)


def build(cast):
    """The company; `.of` is the customers by name, `.tiers` by slug."""
    for currency, rate in RATES.items():
        ExchangeRate.objects.create(currency=currency, day=TODAY, rate=rate, base="USD")
    tiers = {
        "gold": TierFactory(slug="gold", name="Gold", rank=1, touch_level="high"),
        "silver": TierFactory(slug="silver", name="Silver", rank=2, touch_level="mid"),
        "self": TierFactory(slug="self", name="Self", rank=3, touch_level="self_service"),
        "old": TierFactory(slug="old", name="Old", rank=9, touch_level="low", retired=True),
    }
    saving = GoalKindFactory(slug="risk-mitigation", name="Risk mitigation")
    # 52.5 minutes a month, rounded half to even: 52; gold customers being saved 7 more.
    TouchActivityFactory(tier=tiers["gold"], times_a_year=Decimal("10.5"), hours_each=Decimal(1))
    TouchActivityFactory(
        tier=tiers["gold"], goal_kind=saving, times_a_year=Decimal("1.4"), hours_each=Decimal(1)
    )
    TouchActivityFactory(tier=tiers["silver"], times_a_year=Decimal(5), hours_each=Decimal("0.35"))
    TouchActivityFactory(tier=tiers["old"], times_a_year=Decimal(1), hours_each=Decimal("0.4"))
    TouchActivityFactory(tier=tiers["self"], times_a_year=Decimal(2), hours_each=Decimal("0.1"))
    carol = CSMFactory(name="Carol Cover", team=cast.team_b)
    books = {"a": cast.csm_a.csm, "b": cast.csm_b.csm, "c": carol}
    verticals = {"a": VerticalFactory(name="Finance"), "b": VerticalFactory(name=f"{CANARY} mining")}
    of = {}
    by_hand = DecisionSource(kind=Source.MANUAL)
    for name, book, _, arr, currency, potential, health, sentiment, renewal, champion, reputation in ROWS:
        of[name] = CustomerFactory(
            name=name,
            external_id=name.lower().replace(" ", "-"),
            arr=None if arr is None else Decimal(arr),
            currency=currency,
            potential_arr=None if potential is None else Decimal(potential),
            health=health,
            sentiment=sentiment,
            renewal_date=None if renewal is None else TODAY + renewal * DAY,
            champion=champion,
            reputation=reputation,
            vertical=verticals.get(book),
            region=RegionFactory(name="North") if book == "a" else None,
            country="Norway",
        )
    of["Alpha gone"] = CustomerFactory(name="Alpha gone", arr=Decimal(77_777))
    held = [(of[name], book, tier) for name, book, tier, *_ in ROWS] + [(of["Alpha gone"], "a", "gold")]
    set_tiers(
        changes=[TierChange(one.pk, None, tiers[tier].pk) for one, _, tier in held if tier],
        on=LONG_AGO,
        decision=by_hand,
    )
    set_csms(
        changes=[CsmChange(one.pk, None, books[book].pk) for one, book, _ in held if book],
        on=LONG_AGO,
        decision=by_hand,
    )
    gone = of["Alpha gone"]
    type(gone).objects.filter(pk=gone.pk).update(status="left")
    note_departures(customer_ids=[gone.pk], on=TODAY - 50 * DAY, decision=by_hand)
    GoalFactory(customer=of["Alpha two"], kind=saving, starts_on=LONG_AGO)
    GoalFactory(customer=of["Zebra one"], kind=saving, starts_on=LONG_AGO)
    # Ben, of team B, is covered by Ada, of team A: hours cross the fence, customers and ARR do not.
    Leave.objects.create(
        csm=books["b"], starts_on=TODAY - DAY, ends_before=TODAY + 20 * DAY, covered_by=books["a"]
    )
    return SimpleNamespace(cast=cast, of=of, tiers=tiers, books=books)
