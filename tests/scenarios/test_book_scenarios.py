"""Small companies with the CSM each customer must get: read, correct and add rows without knowing the code.

`books/NAME.customers.csv` has a customer a line: hours a month, whom it is with (`holds`), who must have it (`must`: names
with | between, empty = nobody) and why. `books/NAME.csms.csv` has the CSMs, `books/NAME.json` what the policy changes.
"""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.books_cast import company, csm, plan

FOLDER = Path(__file__).parent / "books"
NAMES = sorted(path.name.removesuffix(".customers.csv") for path in FOLDER.glob("*.customers.csv"))


def lines(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def customer(line: dict[str, str]) -> dict[str, Any]:
    return {
        "id": line["external_id"],
        "tier": line["tier"],
        "minutes": round(float(line["hours"]) * 60),
        "arr": int(line["arr"]),
        "vertical": line["vertical"],
        "country": line["country"],
        "csm": line["holds"],
    }


def crew(name: str) -> list[Any]:
    return [
        csm(
            line["csm"],
            contract_minutes=int(line["hours"]) * 60,
            capacity_minutes=int(line["net_hours"]) * 60,
            verticals=[line["verticals"]] if line["verticals"] else [],
            countries=[line["countries"]] if line.get("countries") else [],
        )
        for line in lines(f"{name}.csms.csv")
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_customer_gets_the_csm_its_line_names(name: str) -> None:
    policy = FOLDER / f"{name}.json"
    rules = json.loads(policy.read_text(encoding="utf-8")) if policy.exists() else {}
    rows = lines(f"{name}.customers.csv")
    proposal = plan(company([customer(line) for line in rows], crew(name)), **rules)
    got = {line["external_id"]: proposal.assignment.get(line["external_id"], "") for line in rows}
    wrong = [
        f"{line['external_id']}: {got[line['external_id']] or 'nobody'} ({line['why']})"
        for line in rows
        if got[line["external_id"]] not in line["must"].split("|")
    ]
    assert wrong == []


def test_there_are_scenarios_to_look_at() -> None:
    assert len(NAMES) >= 2
