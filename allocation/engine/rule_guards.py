"""Reads the guards of a tiering model, and its change limit, with a sentence for every fault."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from allocation.engine.facts.rules import ChangeLimit, DeadBand, GuardRules
from allocation.engine.facts.tiering import TierFacts
from allocation.engine.written import as_number, no_number

GUARD_NAMES = ("change_limit", "dead_band", "first_year", "minimum_stay", "paid_floor", "renewal_freeze")
MOST_CUSTOMERS = 1_000_000


def read_guards(value: object, *, tiers: Sequence[TierFacts] | None, faults: list[str]) -> GuardRules:
    """The guards; what is not said has its default.

    tiers: in the order of their rank; None where it does not matter which of them are in use.
    """
    if not isinstance(value, Mapping):
        faults.append("The guards must be an object.")
        return GuardRules()
    unknown = sorted(set(map(str, value)) - set(GUARD_NAMES))
    faults.extend(
        f"There is no guard “{name}”; the guards are: {', '.join(GUARD_NAMES)}." for name in unknown
    )
    return GuardRules(
        paid_floor=_paid_floor(value.get("paid_floor", True), faults),
        first_year=_first_year(value.get("first_year"), tiers, faults),
        dead_band=_dead_band(value.get("dead_band", {}), faults),
        minimum_stay_days=_days(value.get("minimum_stay"), "minimum stay", faults),
        renewal_freeze_days=_days(value.get("renewal_freeze"), "renewal freeze", faults),
        change_limit=_change_limit(value.get("change_limit", {}), faults),
    )


def _paid_floor(value: object, faults: list[str]) -> bool:
    if value is not None and not isinstance(value, bool):
        faults.append(f"The guard “paid_floor” is true or false, not {value!r}.")
    return bool(value)


def _first_year(value: object, tiers: Sequence[TierFacts] | None, faults: list[str]) -> frozenset[str]:
    if not value:
        return frozenset()
    levels = value.get("touch_levels") if isinstance(value, Mapping) else None
    if not isinstance(levels, list) or not levels:
        faults.append(
            "The guard “first_year” needs touch_levels, a list of the touch levels it keeps closed."
        )
        return frozenset()
    closed = frozenset(str(level) for level in levels)
    if tiers is None:
        return closed
    served = [tier for tier in tiers if not tier.retired]
    unserved = sorted(closed - {tier.touch_level for tier in served})
    faults.extend(
        f"The guard “first_year” names the touch level “{level}”, which no tier has." for level in unserved
    )
    if served and served[0].touch_level in closed:
        faults.append(
            "The guard “first_year” closes the highest tier, so there is nowhere to put a new customer."
        )
    return closed


def _dead_band(value: object, faults: list[str]) -> DeadBand | None:
    if value is None or value is False:
        return None
    if not isinstance(value, Mapping):
        faults.append("The guard “dead_band” needs points and percent, or null to switch it off.")
        return None
    points = _number(value.get("points", 2), "The dead band's points", faults)
    percent = _number(value.get("percent", 5), "The dead band's percent", faults)
    if not (0 <= points < 50 and 0 <= percent < 100):
        faults.append("The dead band must have points from 0 to 50 and percent from 0 to 100.")
    return DeadBand(points=points, percent=percent)


def _days(value: object, what: str, faults: list[str]) -> int:
    if value is None or value is False:
        return 0
    days = value.get("days") if isinstance(value, Mapping) else value
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 3660:
        faults.append(f"The {what} needs days, a whole number from 0 to 3660.")
        return 0
    return days


def _change_limit(value: object, faults: list[str]) -> ChangeLimit:
    if not isinstance(value, Mapping):
        faults.append(
            "The change limit needs percent and customers; it cannot be switched off, but 100 percent lets every run through."
        )
        return ChangeLimit()
    percent = _number(value.get("percent", 5), "The change limit's percent", faults)
    customers = value.get("customers", 20)
    if not 0 <= percent <= 100:
        faults.append(f"The change limit must have a percent from 0 to 100, not {percent}.")
    if not isinstance(customers, int) or isinstance(customers, bool) or not 0 <= customers <= MOST_CUSTOMERS:
        faults.append(
            f"The change limit needs customers, a whole number from 0 to {MOST_CUSTOMERS}, not {customers!r}."
        )
        return ChangeLimit(percent=percent)
    return ChangeLimit(percent=percent, customers=customers)


def _number(value: object, what: str, faults: list[str]) -> Decimal:
    number = as_number(value)
    if number is None:
        faults.append(f"{no_number(what, value)}.")
        return Decimal(0)
    return number
