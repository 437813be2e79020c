"""Reads a criterion's scale: linear, log, steps, choices or percentile."""

from collections.abc import Callable, Collection, Mapping
from itertools import pairwise

from allocation.engine.facts.attributes import Attribute, Kind
from allocation.engine.facts.rules import ChoiceScale, LinearScale, PercentileScale, Scale, StepScale
from allocation.engine.written import as_number, no_number

_NUMERIC = frozenset({Kind.NUMBER})
_NAMED = frozenset({Kind.CHOICE, Kind.FLAG, Kind.SET})
_FITS: Mapping[str, frozenset[Kind]] = {
    "linear": _NUMERIC,
    "log": _NUMERIC,
    "steps": _NUMERIC,
    "choices": _NAMED,
    "percentile": _NUMERIC,
}


class _Fault(ValueError):
    """What is wrong with a scale, as the second half of a sentence."""


def read_scale(value: object, *, attribute: Attribute | None, where: str, faults: list[str]) -> Scale | None:
    """The scale, or None with a sentence added to ``faults``. An unknown attribute was told already."""
    if not isinstance(value, Mapping) or not _is_one_of(value.get("kind"), _FITS):
        faults.append(f"{where}: the scale must be of a kind: {', '.join(_FITS)}.")
        return None
    kind = str(value["kind"])
    if attribute is not None and attribute.kind not in _FITS[kind]:
        faults.append(f"{where}: {attribute.label} is a {attribute.kind}, which has no {kind} scale.")
        return None
    try:
        return _READERS[kind](value)
    except _Fault as fault:
        faults.append(f"{where}: {fault}.")
        return None


def _is_one_of(value: object, words: Collection[str]) -> bool:
    """A list or an object is none of them; asking a mapping or a set for it would be an error."""
    return isinstance(value, str) and value in words


def _number(value: object, what: str) -> float:
    number = as_number(value)
    if number is None:
        raise _Fault(no_number(what, value))
    return float(number)


def _points(value: object, what: str) -> float:
    points = _number(value, what)
    if not 0 <= points <= 100:
        raise _Fault(f"{what} must be from 0 to 100, not {points:g}")
    return points


def _linear(value: Mapping[str, object]) -> Scale:
    low, high = _number(value.get("low"), "low"), _number(value.get("high"), "high")
    if low == high:
        raise _Fault(f"low and high of the scale are the same ({low:g}), so it tells nobody apart")
    if value["kind"] == "log" and min(low, high) <= 0:
        raise _Fault("a log scale needs low and high above zero")
    return LinearScale(low, high, log=value["kind"] == "log")


def _steps(value: Mapping[str, object]) -> Scale:
    steps = value.get("steps")
    if not isinstance(steps, list) or not steps:
        raise _Fault("steps needs a list of pairs, each a bound and its points")
    if not all(isinstance(step, list) and len(step) == 2 for step in steps):
        raise _Fault("each step is a pair of a bound and its points")
    bounds = tuple(_number(step[0], "a step's bound") for step in steps)
    if any(after <= before for before, after in pairwise(bounds)):
        raise _Fault("the bounds of the steps must rise")
    points = tuple(_points(step[1], "a step's points") for step in steps)
    return StepScale(bounds, points, _points(value.get("below", 0), "the points below the first step"))


def _choices(value: Mapping[str, object]) -> Scale:
    given = value.get("points")
    if not isinstance(given, Mapping) or not given:
        raise _Fault("choices needs points, an object with the points of each choice")
    if not all(str(choice).strip() for choice in given):
        raise _Fault("choose a value for each of the points")
    points = {
        str(choice).casefold(): _points(each, f"the points of “{choice}”") for choice, each in given.items()
    }
    other = value.get("other")
    return ChoiceScale(points, None if other is None else _points(other, "the points of other choices"))


def _percentile(value: Mapping[str, object]) -> Scale:
    within = value.get("within", "everyone")
    if not _is_one_of(within, ("everyone", "segment")):
        raise _Fault(f"a percentile is within everyone or segment, not {within!r}")
    return PercentileScale(within_segment=within == "segment", reverse=bool(value.get("reverse", False)))


_READERS: Mapping[str, Callable[[Mapping[str, object]], Scale]] = {
    "linear": _linear,
    "log": _linear,
    "steps": _steps,
    "choices": _choices,
    "percentile": _percentile,
}
