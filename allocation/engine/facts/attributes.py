"""The attributes a tiering model may name: what kind each is, what it can be, and when it is known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum


class Kind(StrEnum):
    NUMBER = "number"
    CHOICE = "choice"
    FLAG = "yes/no"
    DATE = "date"
    SET = "set"


class Unit(StrEnum):
    """POINTS run from 0 to 100 and take the dead band's points; all other numbers take its percentage."""

    MONEY = "money"
    POINTS = "points"
    COUNT = "count"
    DAYS = "days"
    NONE = ""


class Stage(IntEnum):
    """When an attribute is known: segments read facts, criteria also segments, touch rules also scores, tier rules everything."""

    FACT = 0
    SEGMENTED = 1
    SCORED = 2
    TOUCHED = 3


# How a tier can be served, the most of a CSM's time first.
TOUCH_LEVELS = ("high", "mid", "low", "tech", "self_service")


@dataclass(frozen=True, slots=True)
class Attribute:
    """low and high are what a value can be, inclusive unless said to be open; None is no limit. whole: no fractions."""

    name: str
    kind: Kind
    label: str
    unit: Unit = Unit.NONE
    low: float | None = None
    high: float | None = None
    stage: Stage = Stage.FACT
    open_low: bool = False
    open_high: bool = False
    whole: bool = False


def _money(name: str, label: str) -> Attribute:
    return Attribute(name, Kind.NUMBER, label, Unit.MONEY, low=0)


def _points(name: str, label: str, stage: Stage = Stage.FACT) -> Attribute:
    return Attribute(name, Kind.NUMBER, label, Unit.POINTS, low=0, high=100, stage=stage)


def _count(name: str, label: str) -> Attribute:
    return Attribute(name, Kind.NUMBER, label, Unit.COUNT, low=0, whole=True)


def _percentile(name: str, label: str, stage: Stage = Stage.FACT) -> Attribute:
    """Half of those equal count, oneself among them: nobody is at 0 or at 100."""
    return replace(_points(name, label, stage), open_low=True, open_high=True)


# Not here on purpose: wished engagement (recorded, never applied) and the tier held (a tier may not feed on itself).
ATTRIBUTES: Mapping[str, Attribute] = {
    attribute.name: attribute
    for attribute in (
        _money("arr", "ARR"),
        _money("potential_arr", "potential ARR"),
        _money("expansion_potential", "expansion potential"),
        _percentile("arr_percentile", "ARR percentile"),
        _points("arr_share", "share of total ARR"),
        replace(_points("arr_share_above", "ARR share above"), open_high=True),
        _count("employees", "employees"),
        _count("product_count", "number of products"),
        _count("relationship_breadth", "relationship breadth"),
        _count("goal_count", "number of open goals"),
        _points("adoption", "adoption"),
        _points("health", "health"),
        _points("reputation", "reputation"),
        _points("complexity", "complexity"),
        Attribute("sentiment", Kind.NUMBER, "CSM sentiment", Unit.NONE, low=1, high=5, whole=True),
        Attribute("days_to_renewal", Kind.NUMBER, "days to renewal", Unit.DAYS, whole=True),
        Attribute("days_since_start", Kind.NUMBER, "days since contract start", Unit.DAYS, whole=True),
        Attribute("health_age", Kind.NUMBER, "days since health was taken", Unit.DAYS, whole=True),
        Attribute("sentiment_age", Kind.NUMBER, "days since CSM sentiment was given", Unit.DAYS, whole=True),
        Attribute("vertical", Kind.CHOICE, "vertical"),
        Attribute("region", Kind.CHOICE, "region"),
        Attribute("country", Kind.CHOICE, "country"),
        Attribute("language", Kind.CHOICE, "language"),
        Attribute("package", Kind.CHOICE, "package"),
        Attribute("currency", Kind.CHOICE, "currency"),
        Attribute("paid_tier", Kind.CHOICE, "paid tier"),
        Attribute("goal", Kind.CHOICE, "leading goal"),
        Attribute("goals_ask_for", Kind.CHOICE, "touch level the goals ask for"),
        Attribute("champion", Kind.FLAG, "champion"),
        Attribute("loss_felt", Kind.FLAG, "loss would be felt"),
        Attribute("first_renewal_done", Kind.FLAG, "first renewal completed"),
        Attribute("has_parent", Kind.FLAG, "part of a larger customer"),
        Attribute("contract_start", Kind.DATE, "contract start"),
        Attribute("renewal_date", Kind.DATE, "renewal date"),
        Attribute("health_on", Kind.DATE, "health as of"),
        Attribute("sentiment_on", Kind.DATE, "CSM sentiment as of"),
        Attribute("open_goals", Kind.SET, "open goals"),
        Attribute("products", Kind.SET, "products"),
        Attribute("segment", Kind.CHOICE, "segment", stage=Stage.SEGMENTED),
        _points("score", "score", stage=Stage.SCORED),
        _percentile("score_percentile", "score percentile", stage=Stage.SCORED),
        Attribute("touch", Kind.CHOICE, "touch level", stage=Stage.TOUCHED),
    )
}

CUSTOM_PREFIX = "attr:"

# Attributes the engine works out from others: no snapshot needs to carry them, and no single change can set them.
DERIVED: Mapping[str, tuple[str, ...]] = {
    "expansion_potential": ("arr", "potential_arr"),
    "arr_percentile": ("arr",),
    "arr_share": ("arr",),
    "arr_share_above": ("arr",),
    "product_count": ("products",),
    "goal_count": ("open_goals",),
    "days_to_renewal": ("renewal_date",),
    "days_since_start": ("contract_start",),
    "health_age": ("health_on",),
    "sentiment_age": ("sentiment_on",),
    "goal": ("open_goals",),
    "goals_ask_for": ("open_goals",),
    "segment": (),
    "score": (),
    "score_percentile": (),
    "touch": (),
}
