"""The arithmetic of heads, step by step with the very numbers, and in sentences. ``docs/headcount.md``, "A head", "A line"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from allocation.engine.attention import whole
from allocation.engine.headcount import HeadLine, caps_in_all, exact_in_all, heads_in_all, hours_in_all
from allocation.engine.headcount_months import WORKING_DAYS, Ahead, MonthAhead, kept, later, ramp_of

MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Head:
    """A full-time CSM: paid hours a year, share of them spent on customers, working days of leave a year."""

    paid_hours: Fraction
    spent_pct: Fraction
    leave_days: Fraction = Fraction(0)

    @property
    def spent_hours(self) -> Fraction:
        return self.paid_hours * self.spent_pct / 100

    @property
    def net_hours(self) -> Fraction:
        """Of a year."""
        return self.spent_hours * (WORKING_DAYS - self.leave_days) / WORKING_DAYS

    @property
    def minutes(self) -> int:
        """Net minutes of a month; at least 1, so that hours can be turned into heads."""
        return max(1, whole(self.net_hours * 60 / MONTHS_A_YEAR))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the arithmetic: ``words`` says it with its numbers, ``value`` is what comes out, in ``unit``."""

    step: str
    value: float
    unit: str
    words: str


def head_steps(head: Head) -> tuple[Step, ...]:
    """From paid hours to net hours."""
    paid, spent, net = head.paid_hours, head.spent_hours, head.net_hours
    steps = [
        Step("paid_hours", _value(paid), "hours a year", f"A full-time CSM is paid {shown(paid)} h a year."),
        Step(
            "spent_hours",
            _value(spent),
            "hours a year",
            f"{shown(paid)} h × {shown(head.spent_pct)} % spent on customers = {shown(spent)} h a year.",
        ),
    ]
    if head.leave_days:
        there = WORKING_DAYS - head.leave_days
        steps.append(
            Step(
                "net_hours",
                _value(net),
                "hours a year",
                f"Less {shown(head.leave_days)} of {WORKING_DAYS} working days of leave: {shown(spent)} h × {shown(there)} ÷ "
                f"{WORKING_DAYS} = {shown(net)} h a year.",
            )
        )
    return tuple(steps)


def line_steps(line: HeadLine, head: Head) -> tuple[Step, ...]:
    """How the heads of one line come, step by step."""
    return (*head_steps(head), *_each(line, head), *_needed(line))


def line_sentence(line: HeadLine, head: Head) -> str:
    """All of it in one line: "1,800 h × 65 % = 1,170 h a year ÷ 75 h = 15.6 customers a head; …"."""
    hours = f"{shown(head.paid_hours)} h × {shown(head.spent_pct)} %"
    if head.leave_days:
        hours += f" × {shown(WORKING_DAYS - head.leave_days)} ÷ {WORKING_DAYS}"
    hours += f" = {shown(head.net_hours)} h a year"
    each, by_hours, by_cap, held = _a_customer(line), _by_hours(line, head), line.cap, _a_head(line, head)
    parts = []
    if by_hours is None:
        parts.append("this tier asks no hours")
    else:
        parts.append(f"{hours} ÷ {shown(each)} h = {shown(by_hours)} customers a head")
    parts.append("no cap" if by_cap is None else f"cap {by_cap}")
    if held is None:
        return "; ".join([*parts, "so no head is needed."])
    parts.append(f"so {shown(held)}")
    heads = line.exact
    parts.append(f"{_counted(line.customers)} ÷ {shown(held)} = {shown(heads)} → {_heads(line.heads_needed)}")
    return "; ".join(parts) + "."


def whole_sentences(
    lines: tuple[HeadLine, ...], *, tiers: Mapping[str, str], there: float
) -> tuple[str, ...]:
    """The heads of all lines together. ``tiers``: names by slug."""
    hours, caps, exact = hours_in_all(lines), caps_in_all(lines), exact_in_all(lines)
    one_by_one = sum((line.exact for line in lines), Fraction(0))
    said = [f"The hours of all lines together ask {shown(hours)} heads."]
    if caps:
        highest = max(caps, key=lambda slug: (caps[slug], slug))
        said.append(
            f"Of the caps, that of {tiers.get(highest, highest)} asks the most: {shown(caps[highest])} heads."
        )
    said.append(
        f"The larger, rounded up once: {_heads(heads_in_all(lines))}. {shown(there)} full-time heads are there."
    )
    if shown(one_by_one) != shown(exact):
        said.append(
            f"With books of one line only it would be {shown(one_by_one)}; who is at the cap of one tier has hours for another."
        )
    return tuple(said)


def month_sentences(
    month: MonthAhead, *, today: MonthAhead, months: tuple[MonthAhead, ...], ahead: Ahead
) -> tuple[str, ...]:
    """How the figures of one month come."""
    said = [_customers_then(month, today, ahead), _heads_then(month, today, ahead), _there_then(month, ahead)]
    if month.hires:
        ready = later(today.on, month.number + ahead.ramp_months)
        ramp = f", fully productive on {_day(ready)}" if ahead.ramp_months else ""
        said.append(f"{_heads(month.hires)} to begin in this month{ramp}.")
    if month.hired:
        said.append(_hired_then(month, months, ahead))
    if month.minutes_short:
        said.append(f"{shown(Fraction(month.minutes_short, 60))} h a month are short.")
    return tuple(said)


def shown(value: Fraction | float) -> str:
    """With thousands set apart and at most two decimals: "1,170", "15.6", "3.01"."""
    text = f"{float(value):,.2f}"
    return text.rstrip("0").rstrip(".")


def _each(line: HeadLine, head: Head) -> list[Step]:
    each, by_hours, held = _a_customer(line), _by_hours(line, head), _a_head(line, head)
    asked = Fraction(line.minutes_asked, 60)
    steps = [
        Step(
            "hours_a_customer",
            _value(each),
            "hours a year",
            f"{_counted(line.customers)} ask {shown(asked)} h a month: × 12 ÷ {line.customers:,} = {shown(each)} h a customer and year.",
        )
    ]
    if by_hours is not None:
        steps.append(
            Step(
                "customers_by_hours",
                _value(by_hours),
                "customers",
                f"{shown(head.net_hours)} h ÷ {shown(each)} h = {shown(by_hours)} customers a head.",
            )
        )
    if held is not None:
        limit = "There is no cap" if line.cap is None else f"The cap is {line.cap}"
        steps.append(
            Step(
                "customers_a_head",
                _value(held),
                "customers",
                f"{limit}, so a head holds {shown(held)} customers.",
            )
        )
    return steps


def _needed(line: HeadLine) -> list[Step]:
    exact = line.exact
    how = (
        f"{_counted(line.customers)} ÷ {shown(line.customers / exact)}"
        if exact
        else f"{_counted(line.customers)} ask nothing"
    )
    return [
        Step(
            "heads_exact",
            _value(exact),
            "heads",
            f"{how} = {shown(exact)} heads." if exact else f"{how}: 0 heads.",
        ),
        Step("heads_needed", float(line.heads_needed), "heads", f"Rounded up: {_heads(line.heads_needed)}."),
        Step(
            "heads_there",
            round(line.heads_there, 2),
            "heads",
            f"There: {shown(line.heads_there)} full-time heads, by where the minutes of their books lie.",
        ),
    ]


def _a_customer(line: HeadLine) -> Fraction:
    """Hours a year."""
    return Fraction(line.minutes_asked * MONTHS_A_YEAR, 60 * line.customers)


def _by_hours(line: HeadLine, head: Head) -> Fraction | None:
    """Customers a head can hold by its hours; None where they ask none."""
    return Fraction(line.head_minutes * line.customers, line.minutes_asked) if line.minutes_asked else None


def _a_head(line: HeadLine, head: Head) -> Fraction | None:
    """Customers a head can hold; None without hours and cap."""
    limits = [
        limit
        for limit in (_by_hours(line, head), Fraction(line.cap) if line.cap else None)
        if limit is not None
    ]
    return min(limits) if limits else None


def _customers_then(month: MonthAhead, today: MonthAhead, ahead: Ahead) -> str:
    now = f"{_counted(today.customers)} asking {shown(Fraction(today.minutes_asked, 60))} h a month"
    if not month.number or ahead.growth_pct == ahead.churn_pct:
        return f"{now}."
    net = 1 + (ahead.growth_pct - ahead.churn_pct) / 100
    return (
        f"{now} today, × {max(0.0, net):g} to the power {month.number} ÷ 12 (growth {ahead.growth_pct:g} %, churn "
        f"{ahead.churn_pct:g} % a year) = {month.customers:,} asking {shown(Fraction(month.minutes_asked, 60))} h."
    )


def _heads_then(month: MonthAhead, today: MonthAhead, ahead: Ahead) -> str:
    if not month.number or ahead.growth_pct == ahead.churn_pct:
        return f"All lines together ask {shown(month.heads_exact)} → {_heads(month.heads_needed)}."
    return f"Heads in the same way: {shown(today.heads_exact)} today → {shown(month.heads_exact)} → {_heads(month.heads_needed)}."


def _there_then(month: MonthAhead, ahead: Ahead) -> str:
    share = kept(ahead, month.number)
    lost = (
        f" after attrition ({ahead.attrition_pct:g} % a year: × {share:.3f})"
        if ahead.attrition_pct and month.number
        else ""
    )
    ramped = (
        f", who give as much as {shown(month.heads_ramped)}"
        if shown(month.heads_ramped) != shown(month.heads_there)
        else ""
    )
    return (
        f"Of today's CSMs {shown(month.heads_there)} full-time heads are here then{lost}{ramped}, with "
        f"{shown(Fraction(month.minutes_there, 60))} net hours."
    )


def _hired_then(month: MonthAhead, months: tuple[MonthAhead, ...], ahead: Ahead) -> str:
    parts = [
        f"{one.hires} × {100 * ramp_of(ahead, month.number - one.number):.0f} %"
        for one in months[: month.number + 1]
        if one.hires
    ]
    return (
        f"{_heads(month.hired)} hired by then ({', '.join(parts)} ramped): "
        f"{shown(Fraction(month.minutes_with_hires, 60))} net hours with them."
    )


def _counted(customers: int) -> str:
    return f"{customers:,} {'customer' if customers == 1 else 'customers'}"


def _heads(number: int) -> str:
    return f"{number:,} {'head' if number == 1 else 'heads'}"


def _day(day: object) -> str:
    return f"{day:%d %b %Y}".lstrip("0")


def _value(value: Fraction | float) -> float:
    return round(float(value), 4)
