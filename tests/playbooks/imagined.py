"""Companies made from a seed, and CSMs for them: the same seed, the same company; no one lucky example."""

import math
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils import timezone

# Per playbook and tier: customers per full-time CSM, hours a month (docs/playbooks.md, tried by test_docs.py; what the page
# rounds is exact here: Strategic asks 478 minutes).
TIERS: Mapping[str, Mapping[str, tuple[int, float]]] = {
    "touch-by-goal": {
        "high-enterprise": (12, 8.5),
        "high-commercial": (20, 5),
        "low-enterprise": (60, 1),
        "low-commercial": (150, 0.5),
    },
    "enterprise-strategic-many-self": {"enterprise": (8, 12), "strategic": (20, 4.5), "one-to-many": (150, 0.5)},
    "even-split": {"everyone": (50, 2)},
    "segment-by-fit": {"large": (10, 10), "medium": (30, 3.5), "small": (80, 1)},
    "weighted-tiers": {
        "tier-1-cloud": (8, 13),
        "tier-1-strategic": (10, 10),
        "tier-2": (40, 2.5),
        "tier-3": (250, 0.3),
    },
    "three-axis": {"global": (6, 16), "enterprise": (15, 6.5), "scale": (40, 2.2)},
    "tech-touch-after-first-renewal": {"strategic": (12, 478 / 60), "mid-market": (40, 2.5), "tech-touch": (200, 0.4)},
    "a-plus-to-c": {"a-plus": (8, 12), "a": (15, 6), "b": (45, 2), "c": (150, 0.5)},
}  # fmt: skip
NET_HOURS = 120.0
"""Of full time (160 hours), less the quarter that is not spent on customers."""

PRODUCTS = ("Core", "Mobile", "Analytics", "Automation", "Integrations", "Compliance")
COUNTRIES = ("Germany", "France", "Norway", "")


def customers(seed: int, count: int, **facts: object) -> list[dict[str, Any]]:
    """Skewed ARR, everything that any playbook reads, a tenth of it unknown; in no particular order."""
    chance = random.Random(seed)
    rows = [{**_customer(chance, number), **facts} for number in range(count)]
    chance.shuffle(rows)
    return rows


def _customer(chance: random.Random, number: int) -> dict[str, Any]:
    def known(value: object) -> object:
        return "" if chance.random() < 0.1 else value

    arr = round(chance.lognormvariate(10.8, 1.4), 2)
    return {
        "external_id": f"C{number:04d}",
        "arr": arr,
        "potential_arr": known(round(arr * chance.uniform(1, 4), 2)),
        "vertical": chance.choice(["Finance", "Finance", "Telco", "Retail", "Media", ""]),
        "region": chance.choice(["North", "South"]),
        "country": chance.choice(COUNTRIES),
        "adoption": known(chance.randrange(101)),
        "health": known(chance.randrange(101)),
        "sentiment": known(chance.randrange(1, 6)),
        "champion": known(chance.choice(["yes", "no"])),
        "relationship_breadth": known(chance.randrange(8)),
        "reputation": known(chance.randrange(101)),
        "complexity": known(chance.randrange(101)),
        "products": ";".join(chance.sample(PRODUCTS, chance.choice([1, 1, 2, 3]))),
        "loss_felt": "yes" if chance.random() < 0.02 else "",
        "first_renewal_done": chance.choice(["yes", "yes", "no"]),
        "goals": chance.choice(["expansion", *[""] * 9]),
        "renewal_date": timezone.localdate() + timedelta(days=chance.randrange(1, 366)),
    }


def heads(playbook: str, tiers: Sequence[str]) -> float:
    """Full-time CSMs that customers of these tiers ask for, by hours and by the caps of each tier."""
    caps = TIERS[playbook]
    count = Counter(tier for tier in tiers if tier in caps)
    hours = sum(caps[tier][1] * number for tier, number in count.items()) / NET_HOURS
    return max(hours, *(number / caps[tier][0] for tier, number in count.items()), 0.0)


def csms(seed: int, count: int, part_time: float = 0.25, **facts: object) -> list[dict[str, Any]]:
    """Generalists, some of them part time, of every seniority."""
    chance = random.Random(seed)
    return [
        {
            "name": f"csm{number:02d}",
            "seniority": 1 + number % 5,
            "hours_per_month": chance.choice([80, 120]) if chance.random() < part_time else 160,
            **facts,
        }
        for number in range(count)
    ]


def enough(needed: float, spare: float) -> int:
    """Whole CSMs for what is needed and a share to spare; at least one."""
    return max(1, math.ceil(needed * (1 + spare)))


def email(csm: Mapping[str, Any]) -> str:
    """The e-mail that :meth:`Company.csms` gives."""
    return f"{csm['name']}@x.example".lower()


def with_random_csms(
    rows: Sequence[Mapping[str, Any]], team: Sequence[Mapping[str, Any]], seed: int
) -> list[dict[str, Any]]:
    """Books as history left them: each customer with anybody."""
    chance = random.Random(seed)
    return [{**row, "csm": email(chance.choice(team))} for row in rows]
