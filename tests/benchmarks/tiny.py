"""A company small enough to try every assignment."""

import itertools
from dataclasses import replace

import numpy as np

from allocation.engine.facts.books import BookPolicy
from benchmarks.sheet import Sheet
from tests.engine.books_cast import company, csm

POLICY = BookPolicy(vertical_fit="soft", region_fit="hard", language_fit="soft", seniority_follows_value=True)
CSMS = (
    csm("ann", capacity_minutes=400, verticals={"Finance"}, regions={"North"}, seniority=5),
    csm("bo", capacity_minutes=400, contract_minutes=80 * 60, regions={"North", "South"}, seniority=1),
    csm("cy", capacity_minutes=500, languages={"de"}, seniority=3),
    csm("di", capacity_minutes=400, leaving="gone"),
)
ROWS = (
    {"tier": "global", "csm": "ann", "minutes": 150, "arr": 900, "vertical": "Finance", "region": "North"},
    {"tier": "enterprise", "csm": "bo", "minutes": 120, "arr": 500, "region": "South", "language": "fr"},
    {"tier": "scale", "csm": "di", "minutes": 60, "arr": 100, "vertical": "Telco", "region": "North"},
    {"tier": "scale", "csm": "", "minutes": 70, "arr": 80, "vertical": "Finance", "region": "South"},
    {"tier": "scale", "csm": "ann", "minutes": 200, "arr": 300, "region": "South", "language": "de"},
)


def sheet(**changed):
    """Five customers, three CSMs and one who left; ``changed`` = fields of the policy."""
    return Sheet(company(ROWS, CSMS), replace(POLICY, **changed))


def every_plan(question):
    """Every way to seat all customers, as positions of CSMs."""
    return [
        np.array(seats, dtype=np.int64)
        for seats in itertools.product(range(len(question.capacity)), repeat=len(question.ids))
    ]
