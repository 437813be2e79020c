"""The tables of docs/engine/tiering.md and scoring.md are read from there and asked of the engine: no number is copied."""

import datetime
import json
import re
from pathlib import Path

import pytest

from allocation.engine.explain import in_words
from allocation.engine.facts.attributes import ATTRIBUTES
from allocation.engine.facts.tiering import DECIDERS, GUARDS, TierFacts
from allocation.engine.rule_clauses import OPS
from allocation.engine.rules import read_rules
from allocation.engine.scoring import contributions_of
from allocation.engine.tiering import decide_tiers
from allocation.engine.whatif import nearest_changes
from tests.engine.tiering_facts import AS_OF, BY_ARR, TIERS, decide, facts, rules, scores

DOCS = Path(__file__).resolve().parents[2] / "docs" / "engine"
TIERING = (DOCS / "tiering.md").read_text(encoding="utf-8")
SCORING = (DOCS / "scoring.md").read_text(encoding="utf-8")
PLACES = {"nothing": -1, **{tier.name: place for place, tier in enumerate(TIERS)}}
NONE = "–"


def tables(text):
    """Every table of a page as a list of rows, each a dict by column; with the heading it stands under."""
    found, heading, lines = [], "", []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append([cell.strip() for cell in line.strip("|").split("|")])
            continue
        if lines:
            found.append((heading, [dict(zip(lines[0], row, strict=True)) for row in lines[2:]]))
            lines = []
        if line.startswith("#"):
            heading = line.lstrip("# ")
    return found


def table(text, *columns):
    """The one table of the page with exactly these columns."""
    [rows] = [rows for _, rows in tables(text) if tuple(rows[0]) == columns]
    return rows


def number(cell):
    """ "142 499.99" → 142499.99; "–" → None."""
    return None if cell == NONE else float(cell.replace(" ", ""))


def each(cell):
    return [part.strip() for part in cell.split(",")]


def written(cell):
    """JSON between back-ticks."""
    return json.loads(cell.strip("`"))


def decided(found, row=0):
    """ "Enterprise: dead band", as the tables say it."""
    tier, by = found.effective[row], DECIDERS[found.decided_by[row]].value
    return int(tier), "" if by == "rule" else by.replace("_", " ")


def expected(cell, places=PLACES):
    tier, _, why = cell.partition(": ")
    return places[tier], why


def customer(said):
    """Facts from words such as "ARR 20 000, pays for Enterprise, renewal in 90 days"; an unknown phrase fails."""
    row = {}
    for phrase in each(said):
        if found := re.fullmatch(r"(?:ARR )?([\d ]+(?:\.\d+)?)", phrase):
            row["arr"] = number(found[1])
        elif found := re.fullmatch(r"pays for (\w+)", phrase):
            row["paid"] = PLACES[found[1]]
        elif found := re.fullmatch(r"override to (\w+)", phrase):
            row["override"] = PLACES[found[1]]
        elif found := re.fullmatch(r"in its tier for (\d+) days?", phrase):
            row["since"] = AS_OF - datetime.timedelta(days=int(found[1]))
        elif found := re.fullmatch(r"renewal in (\d+) days?", phrase):
            row["renewal_date"] = AS_OF + datetime.timedelta(days=int(found[1]))
        elif found := re.fullmatch(r"renewal (\d+) days? ago", phrase):
            row["renewal_date"] = AS_OF - datetime.timedelta(days=int(found[1]))
        else:
            row.update(PHRASES[phrase])
    return row


PHRASES = {
    "first renewal completed": {"first_renewal_done": True},
    "first renewal not completed": {"first_renewal_done": False},
    "first renewal not recorded": {},
    "goals changed": {"goals_changed": True},
    "an override ended": {"override_ended": True},
    "left": {"left": True},
}


@pytest.mark.parametrize("row", table(TIERING, "customer", "ARR", "holds", "the rules say", "decision"))
def test_the_worked_example_of_tiering_is_what_the_engine_gives(row):
    found = decide(BY_ARR, [{**customer(row["ARR"]), "current": PLACES[row["holds"]]}])
    assert found.suggestions.tier.tolist() == [PLACES[row["the rules say"]]]
    tier, why = expected(row["decision"])
    given, by = decided(found.guards)
    assert given == tier
    # what follows the guard in the table tells why: "dead band (from 142 500 on)", or "two bounds away" for none
    assert why.startswith(by) if by else not why or why == "two bounds away"


GUARD_ROWS = table(TIERING, "guards", "customer", "holds", "the rules say", "decision")
ALL_OFF = {"paid_floor": False, "dead_band": None}


@pytest.mark.parametrize("row", GUARD_ROWS)
def test_the_example_of_a_guard_is_what_the_engine_gives(row):
    guards = {**ALL_OFF, **json.loads("{" + row["guards"].strip("`") + "}")}
    found = decide(
        {**BY_ARR, "guards": guards}, [{**customer(row["customer"]), "current": PLACES[row["holds"]]}]
    )
    assert found.suggestions.tier.tolist() == [PLACES[row["the rules say"]]]
    assert decided(found.guards) == expected(row["decision"])


def test_every_guard_has_an_example_in_which_it_holds_and_one_in_which_it_does_not():
    for guard in (guard.value for guard in GUARDS if guard.value != "left"):
        held = {
            expected(row["decision"])[1] == guard.replace("_", " ")
            for row in GUARD_ROWS
            if f'"{guard}"' in row["guards"]
        }
        assert held == {True, False}, guard


@pytest.mark.parametrize("row", table(TIERING, "guards", "score", "holds", "the rules say", "decision"))
def test_the_example_of_a_dead_band_in_points_is_what_the_engine_gives(row):
    definition = {
        **BY_ARR,
        "criteria": [criterion({"kind": "linear", "low": 0, "high": 100})],
        "tiers": [
            {"tier": "global", "when": [{"attribute": "score", "op": ">=", "value": 50}]},
            {"tier": "scale", "when": []},
        ],
        "guards": {**ALL_OFF, **json.loads("{" + row["guards"].strip("`") + "}")},
    }
    assert "Global begins at a score of 50" in TIERING
    found = decide(definition, [{"health": number(row["score"]), "current": PLACES[row["holds"]]}])
    assert found.scores.cents[0] / 100 == number(row["score"])
    assert found.suggestions.tier.tolist() == [PLACES[row["the rules say"]]]
    assert decided(found.guards) == expected(row["decision"])


@pytest.mark.parametrize(
    "row", table(TIERING, "setting", "customers that hold a tier", "would change", "the run")
)
def test_the_example_of_the_change_limit_is_what_the_engine_gives(row):
    limit = rules({**BY_ARR, "guards": {"change_limit": written(row["setting"])}}).guards.change_limit
    waits = limit.is_exceeded(moves=int(row["would change"]), tiered=int(row["customers that hold a tier"]))
    assert row["the run"] == ("waits for a manager" if waits else "waits for nobody")


@pytest.mark.parametrize(
    "row", table(TIERING, "ARR of the company's customers", "ARR percentile", "ARR share above")
)
def test_the_example_of_standing_is_what_the_engine_gives(row):
    reading = [{"attribute": name, "op": "known"} for name in ("arr_percentile", "arr_share_above")]
    definition = {**BY_ARR, "tiers": [{"tier": "global", "when": reading}, BY_ARR["tiers"][-1]]}
    rows = [{"arr": number(cell)} for cell in each(row["ARR of the company's customers"])]
    found = decide(definition, rows).derived
    for name, column in (("arr_percentile", "ARR percentile"), ("arr_share_above", "ARR share above")):
        assert found.numbers(name).tolist() == [number(cell) for cell in each(row[column])]


KINDS = {
    row["goal kind"]: row["asks for"].replace(NONE, "") for row in table(TIERING, "goal kind", "asks for")
}


@pytest.mark.parametrize("row", table(TIERING, "open goals", "`goal`", "`goals_ask_for`"))
def test_the_example_of_goals_is_what_the_engine_gives(row):
    order = json.loads("{" + re.search(r'`("goals": \[.*?\])`', TIERING)[1] + "}")
    goals = [] if row["open goals"] == NONE else each(row["open goals"])
    found = decide({**BY_ARR, **order}, [{"open_goals": goals}, {"open_goals": list(KINDS)}], KINDS).derived
    for name in ("goal", "goals_ask_for"):
        column = found.columns[name]
        code = int(column.codes[0])
        assert row[f"`{name}`"] == (NONE if code < 0 else column.vocabulary[code])


TWO = TIERING.split("### Two companies")[1]
TWO_MODEL = json.loads(re.search(r"```json\n(.*?)```", TWO, re.DOTALL)[1])
TWO_TIERS = tuple(
    TierFacts(row["tier"], rank, row["touch level"], row["name"])
    for rank, row in enumerate(table(TIERING, "tier", "name", "touch level"), 1)
)
COMPANIES = next(
    rows for heading, rows in tables(TIERING) if heading == "Two companies" and "customer" in rows[0]
)


@pytest.mark.parametrize("row", COMPANIES)
def test_company_a_and_company_b_get_what_the_page_says(row):
    places = {"nothing": -1, **{tier.name: place for place, tier in enumerate(TWO_TIERS)}}
    goals = [] if row["open goals"] == NONE else each(row["open goals"])
    known = {
        "arr": number(row["ARR"]),
        "potential_arr": number(row["potential ARR"]),
        "adoption": number(row["adoption"]),
        "health": number(row["health"]),
        "relationship_breadth": number(row["breadth"]),
        "open_goals": goals,
        "current": places[row["holds"]],
    }
    read = read_rules(definition=TWO_MODEL, attributes=ATTRIBUTES, tiers=TWO_TIERS, goal_kinds=KINDS)
    found = decide_tiers(facts=facts([known]), rules=read, tiers=TWO_TIERS)
    assert found.scores.cents[0] / 100 == number(row["score"])
    assert read.touch[found.suggestions.touch[0]].level == row["touch level"]
    assert found.suggestions.tier[0] == places[row["the rules say"]]
    assert decided(found.guards) == expected(row["decision"], places)


def test_the_two_companies_of_the_playbook_are_among_them():
    names = [row["customer"] for row in COMPANIES]
    assert {"Company A", "Company B", "Company A, at risk", "Company A, calm again"} <= set(names)


def test_the_nearest_change_of_alder_is_as_told():
    told = re.search(r"For Alder it is an ARR of ([\d ]+\.\d+), which gives (\w+)\.", TIERING)
    rows = table(TIERING, "customer", "ARR", "holds", "the rules say", "decision")
    alder = next(row for row in rows if row["customer"] == "Alder")
    found = decide(BY_ARR, [{"arr": number(alder["ARR"])}])
    change = nearest_changes(findings=found, rules=rules(BY_ARR), tiers=TIERS, rows=[0])[0]
    assert (change.attribute, change.after, TIERS[change.tier].name) == ("arr", number(told[1]), told[2])


@pytest.mark.parametrize("row", table(TIERING, "Global is for", "the package", "the products", "nearest change: from", "to"))  # fmt: skip
def test_the_words_of_a_nearest_change_are_as_told(row):
    tiers = [{"tier": "global", "when": [written(row["Global is for"])]}, BY_ARR["tiers"][-1]]
    definition = {**BY_ARR, "tiers": tiers, "guards": {"dead_band": None}}
    package, product = (None if row[name] == NONE else row[name] for name in ("the package", "the products"))
    known = {"package": package, "products": [product] if product else []}
    found = decide(definition, [known, {"package": "Zebra", "products": ["Zebra"]}])
    change = nearest_changes(findings=found, rules=rules(definition), tiers=TIERS, rows=[0])[0]
    assert (change.before or NONE, change.after) == (row["nearest change: from"], row["to"])


def test_the_example_of_a_document_is_a_good_one():
    document = json.loads(
        re.search(r"```json\n(.*?)```", TIERING.split("## The model's document")[1], re.DOTALL)[1]
    )
    tiers = (TierFacts("enterprise", 1, "mid"), TierFacts("scale", 2, "low"))
    read = read_rules(definition=document, attributes=ATTRIBUTES, tiers=tiers, goal_kinds=KINDS)
    assert in_words(read.touch[0].when) == "touch level the goals ask for is high"
    assert set(document) == {"segments", "goals", "criteria", "touch", "tiers", "guards"}


def test_every_attribute_and_operator_is_documented():
    told = set(re.findall(r"`([^`]+)`", TIERING))
    assert set(ATTRIBUTES) <= told
    assert {op for ops in OPS.values() for op in ops} <= told


def criterion(scale, attribute="health", weight=1, **more):
    return {"name": attribute, "attribute": attribute, "weight": weight, "scale": scale, **more}


FULL = {"kind": "linear", "low": 0, "high": 100}


def value(attribute, cell):
    if attribute in {"vertical"}:
        return cell
    return {"yes": True, "no": False}[cell] if attribute == "champion" else number(cell)


@pytest.mark.parametrize("row", table(SCORING, "attribute", "scale", "values", "points"))
def test_the_example_of_a_scale_is_what_the_engine_gives(row):
    name = row["attribute"]
    rows = [{name: value(name, cell)} for cell in each(row["values"])]
    given = scores([criterion(written(row["scale"]), name)], *rows)
    assert given == [number(cell) for cell in each(row["points"])]


def test_every_kind_of_scale_has_an_example():
    kinds = {
        written(row["scale"])["kind"] for row in table(SCORING, "attribute", "scale", "values", "points")
    }
    told = {re.match(r"`(\w+)", row["scale"])[1] for row in table(SCORING, "scale", "what it does")}
    assert kinds == told == {"linear", "log", "steps", "choices", "percentile"}


@pytest.mark.parametrize("row", table(SCORING, "health", "adoption", "a missing adoption", "score"))
def test_the_example_of_a_missing_value_is_what_the_engine_gives(row):
    criteria = [criterion(FULL, weight=3), criterion(FULL, "adoption", **written(row["a missing adoption"]))]
    assert "Health weighs 3 and adoption 1" in SCORING
    known = {"health": number(row["health"]), "adoption": number(row["adoption"])}
    assert scores(criteria, known) == [number(row["score"])]


@pytest.mark.parametrize(
    "row", table(SCORING, "weights", "health, adoption, reputation", "score", "contributions")
)
def test_the_example_of_contributions_is_what_the_engine_gives(row):
    names = ("health", "adoption", "reputation")
    weights = [number(cell) for cell in each(row["weights"])]
    criteria = [criterion(FULL, name, weight) for name, weight in zip(names, weights, strict=True)]
    values = [number(cell) for cell in each(row["health, adoption, reputation"])]
    found = decide({**BY_ARR, "criteria": criteria}, [dict(zip(names, values, strict=True))]).scores
    assert found.cents[0] / 100 == number(row["score"])
    assert (contributions_of(found)[0] / 100).tolist() == [
        number(cell) for cell in each(row["contributions"])
    ]
