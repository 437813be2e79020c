"""Between a scenario's definition and the fields of its form, both ways and without loss.

Only what differs from today goes into a definition. What a definition says that the form has no field for (several
verticals of one head, say) stays in its JSON box, and comes back from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from allocation.engine.written import as_number
from allocation.selectors.scenario_ground import Ground

Values = Mapping[str, Any]
Definition = dict[str, Any]

POLICY_FIELDS = (
    "vertical_fit", "region_fit", "language_fit", "country_law", "weight_hours", "weight_arr", "weight_fit",
    "weight_continuity", "hours_tolerance_pct", "max_moves_pct",
)  # fmt: skip
ADDS, OPENS, AMOUNTS = 3, 2, 3
"""Rows that the form has at least; one more than a definition needs."""
MOST_ROWS = 12
ADD_WORDS = (
    ("vertical", "verticals"),
    ("region", "regions"),
    ("country", "countries"),
    ("language", "languages"),
)
ADD_NUMBERS = (("seniority", "seniority"), ("hours", "hours_per_month"))
WHERE = ("vertical", "region", "country", "tier")
WISHES = {"keeps": "wished, keeps", "highest": "wished, highest"}


def plain(value: Decimal) -> int | float:
    """As JSON has numbers."""
    return int(value) if value == value.to_integral_value() else float(value)


def merged(base: Any, extra: Any) -> Any:
    """What the form says with what the box says: objects part by part, lists one after the other, else the box."""
    if isinstance(base, dict) and isinstance(extra, dict):
        both = [key for key in extra if key in base]
        return base | extra | {key: merged(base[key], extra[key]) for key in both}
    if isinstance(base, list) and isinstance(extra, list):
        return [*base, *(item for item in extra if item not in base)]
    return extra


# ---- from the fields to a definition ----


def composed(values: Values, ground: Ground) -> Definition:
    """The definition of these cleaned values: parts that say nothing are left out."""
    parts = {
        "model": _model(values, ground),
        "tiers": _tiers(values, ground),
        "policy": _policy(values, ground),
        "roster": _kept({"add": list(_adds(values)), "without": list(values.get("without") or ())}),
        "goals": _kept({"close": list(values.get("close") or ()), "open": list(_opens(values))}),
        "amounts": list(_amounts(values)),
        "engagement": _engagement(values),
        "books": "planned anew" if values.get("books") else "",
    }
    return dict(merged(_kept(parts), values.get("more") or {}))


def _kept(parts: Definition) -> Definition:
    return {name: part for name, part in parts.items() if part}


def _model(values: Values, ground: Ground) -> Definition:
    said: Definition = {}
    if ground.version is not None and ground.version != ground.published:
        said["version"] = ground.version
    said["weights"] = {
        line.criterion: plain(given)
        for place, line in enumerate(ground.weights)
        if (given := values.get(f"weight_{place}")) is not None and given != line.value
    }
    said["bounds"] = [
        {"rule": line.rule, "attribute": line.attribute, "value": plain(given)}
        for place, line in enumerate(ground.bounds)
        if (given := values.get(f"bound_{place}")) is not None and given != line.value
    ]
    said["guards"] = "run out" if values.get("guards") else ""
    return _kept(said)


def _tiers(values: Values, ground: Ground) -> Definition:
    said: Definition = {}
    for tier in ground.tiers:
        line: Definition = {}
        cap, hours = values.get(f"cap_{tier.slug}"), values.get(f"hours_{tier.slug}")
        if values.get(f"nocap_{tier.slug}"):
            line |= {} if tier.cap is None else {"cap": None}
        elif cap is not None and cap != tier.cap:
            line["cap"] = cap
        if hours is not None and hours != tier.hours:
            line["hours_a_year"] = plain(hours)
        if line:
            said[tier.slug] = line
    return said


def _policy(values: Values, ground: Ground) -> Definition:
    name = values.get("policy") or ""
    now = ground.policy(name)
    said: Definition = {"name": name} if name and not now.is_active else {}
    for field in POLICY_FIELDS:
        given = values.get(f"policy_{field}")
        if given in (None, "") or given == getattr(now, field):
            continue
        said[field] = plain(given) if isinstance(given, Decimal) else given
    return said


def _adds(values: Values) -> Iterator[Definition]:
    for place in _places(values, "add"):
        heads = values.get(f"add_{place}_heads")
        if not heads:
            continue
        words = {there: [given] for here, there in ADD_WORDS if (given := values.get(f"add_{place}_{here}"))}
        numbers = {
            there: plain(Decimal(given))
            for here, there in ADD_NUMBERS
            if (given := values.get(f"add_{place}_{here}")) is not None
        }
        yield {"heads": heads} | words | numbers


def _opens(values: Values) -> Iterator[Definition]:
    for place in _places(values, "open"):
        if kind := values.get(f"open_{place}_kind"):
            yield {"kind": kind} | _where(values, f"open_{place}")


def _amounts(values: Values) -> Iterator[Definition]:
    for place in _places(values, "amount"):
        attribute, change = values.get(f"amount_{place}_attribute"), values.get(f"amount_{place}_change")
        if attribute and change is not None:
            yield {"attribute": attribute, "change_pct": plain(change)} | _where(values, f"amount_{place}")


def _where(values: Values, prefix: str) -> Definition:
    where = {name: [given] for name in WHERE if (given := values.get(f"{prefix}_{name}"))}
    return {"where": where} if where else {}


def _places(values: Values, prefix: str) -> Iterator[int]:
    return (
        place for place in range(MOST_ROWS) if any(key.startswith(f"{prefix}_{place}_") for key in values)
    )


def _engagement(values: Values) -> Definition:
    chosen = {words: without for without, words in WISHES.items()}.get(values.get("engagement") or "")
    return {"as": "wished", "without_a_wish": chosen} if chosen else {}


# ---- from a definition to the fields ----


def taken_apart(definition: Mapping[str, Any], ground: Ground) -> tuple[dict[str, Any], Definition]:
    """(initial values of the fields, what is left for the JSON box). `composed` gives the definition back."""
    values: dict[str, Any] = {}
    rest: Definition = deepcopy(dict(definition))
    for take in (
        _take_model,
        _take_tiers,
        _take_policy,
        _take_roster,
        _take_goals,
        _take_amounts,
        _take_rest,
    ):
        take(rest, values, ground)
    return values, {name: part for name, part in rest.items() if part not in ({}, [])}


def _part(rest: Definition, name: str) -> Definition:
    """A part that is an object, in place; anything else is left to the box."""
    found = rest.get(name)
    return found if isinstance(found, dict) else {}


def _take_model(rest: Definition, values: dict[str, Any], ground: Ground) -> None:
    model = _part(rest, "model")
    if model.get("version") == ground.version and "version" in model:
        del model["version"]
    if model.get("guards") in ("run out", "as the model says"):
        values["guards"] = model.pop("guards") == "run out"
    places = {line.criterion: place for place, line in enumerate(ground.weights)}
    for name, weight in list(_part(model, "weights").items()):
        if name in places and (number := as_number(weight)) is not None:
            values[f"weight_{places[name]}"] = number
            del model["weights"][name]
    bounds = {(line.rule, line.attribute): place for place, line in enumerate(ground.bounds)}
    for line in list(_list(model, "bounds")):
        place = (
            bounds.get((str(line.get("rule")), str(line.get("attribute"))))
            if isinstance(line, dict)
            else None
        )
        if place is not None and (number := as_number(line.get("value"))) is not None:
            values[f"bound_{place}"] = number
            model["bounds"].remove(line)
    _drop_empty(model, "weights", "bounds")


def _take_tiers(rest: Definition, values: dict[str, Any], ground: Ground) -> None:
    tiers = _part(rest, "tiers")
    for tier in ground.tiers:
        line = _part(tiers, tier.slug)
        if "cap" in line and line["cap"] is None:
            values[f"nocap_{tier.slug}"] = True
            del line["cap"]
        elif isinstance(line.get("cap"), int):
            values[f"cap_{tier.slug}"] = line.pop("cap")
        if (number := as_number(line.get("hours_a_year"))) is not None:
            values[f"hours_{tier.slug}"] = number
            del line["hours_a_year"]
        _drop_empty(tiers, tier.slug)


def _take_policy(rest: Definition, values: dict[str, Any], ground: Ground) -> None:
    policy = _part(rest, "policy")
    if policy.get("name") in {one.name for one in ground.policies}:
        values["policy"] = policy.pop("name")
    now = ground.policy(values.get("policy", ""))
    for field in POLICY_FIELDS:
        if field not in policy:
            continue
        if isinstance(getattr(now, field), str | bool):
            values[f"policy_{field}"] = policy.pop(field)
        elif (number := as_number(policy[field])) is not None:
            values[f"policy_{field}"] = number
            del policy[field]


def _take_roster(rest: Definition, values: dict[str, Any], ground: Ground) -> None:
    roster = _part(rest, "roster")
    known = {
        "verticals": ground.verticals,
        "regions": ground.regions,
        "countries": ground.countries,
        "languages": ground.languages,
    }
    place = 0
    for row in list(_list(roster, "add")):
        fits = isinstance(row, dict) and set(row) <= {"heads", *known, *(there for _, there in ADD_NUMBERS)}
        if not fits or not isinstance(row.get("heads"), int) or place >= MOST_ROWS - 1:
            continue
        if any(not _one_of(row.get(name, []), names) for name, names in known.items()):
            continue
        values[f"add_{place}_heads"] = row["heads"]
        for here, there in ADD_WORDS:
            values[f"add_{place}_{here}"] = next(iter(row.get(there, [])), "")
        for here, there in ADD_NUMBERS:
            values[f"add_{place}_{here}"] = row.get(there)
        roster["add"].remove(row)
        place += 1
    keys = {key for key, _ in ground.csms}
    values["without"] = [key for key in _list(roster, "without") if key in keys]
    if "without" in roster and isinstance(roster["without"], list):
        roster["without"] = [key for key in roster["without"] if key not in keys]
    _drop_empty(roster, "add", "without")


def _take_goals(rest: Definition, values: dict[str, Any], ground: Ground) -> None:
    goals = _part(rest, "goals")
    kinds = {slug for slug, _ in ground.goal_kinds}
    values["close"] = [slug for slug in _list(goals, "close") if slug in kinds]
    if isinstance(goals.get("close"), list):
        goals["close"] = [slug for slug in goals["close"] if slug not in kinds]
    place = 0
    for row in list(_list(goals, "open")):
        fits = isinstance(row, dict) and set(row) <= {"kind", "where"} and row.get("kind") in kinds
        if fits and place < MOST_ROWS - 1 and _where_fits(row, ground):
            values[f"open_{place}_kind"] = row["kind"]
            _take_where(row, values, f"open_{place}")
            goals["open"].remove(row)
            place += 1
    _drop_empty(goals, "close", "open")


def _take_amounts(rest: Definition, values: dict[str, Any], ground: Ground) -> None:
    place = 0
    for row in list(_list(rest, "amounts")):
        fits = isinstance(row, dict) and set(row) <= {"attribute", "change_pct", "where"}
        number = as_number(row.get("change_pct")) if fits else None
        if number is not None and place < MOST_ROWS - 1 and _where_fits(row, ground):
            values[f"amount_{place}_attribute"] = row.get("attribute")
            values[f"amount_{place}_change"] = number
            _take_where(row, values, f"amount_{place}")
            rest["amounts"].remove(row)
            place += 1


def _take_rest(rest: Definition, values: dict[str, Any], ground: Ground) -> None:
    wish = rest.get("engagement")
    if isinstance(wish, dict) and wish.get("as") == "wished" and set(wish) <= {"as", "without_a_wish"}:
        values["engagement"] = WISHES.get(wish.get("without_a_wish", "keeps"), "")
        if values["engagement"]:
            del rest["engagement"]
    if rest.get("books") in ("planned anew", "as they are"):
        values["books"] = rest.pop("books") == "planned anew"


def _list(part: Definition, name: str) -> list[Any]:
    found = part.get(name)
    return found if isinstance(found, list) else []


def _one_of(given: Any, names: Sequence[str]) -> bool:
    """The form has room for one name at most, and it has to be one that it offers."""
    return isinstance(given, list) and len(given) <= 1 and all(name in names for name in given)


def _where_fits(row: Definition, ground: Ground) -> bool:
    where = row.get("where", {})
    known = {
        "vertical": ground.verticals,
        "region": ground.regions,
        "country": ground.countries,
        "tier": tuple(tier.slug for tier in ground.tiers),
    }
    return isinstance(where, dict) and all(
        name in known and _one_of(given, known[name]) for name, given in where.items()
    )


def _take_where(row: Definition, values: dict[str, Any], prefix: str) -> None:
    for name, given in row.get("where", {}).items():
        values[f"{prefix}_{name}"] = next(iter(given), "")


def _drop_empty(part: Definition, *names: str) -> None:
    for name in names:
        if part.get(name) in ({}, []):
            part.pop(name, None)
