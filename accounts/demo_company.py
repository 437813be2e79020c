"""A believable company for demonstrations: people and customers as plain values, the same for the same seed.

ARR is log-normal (median 50 000, a few above a million), as real customer lists are; verticals, regions and
currencies hang together; about one value in ten is missing, as in real systems. Nothing here touches the database.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal


def _each(words: str, between: str) -> list[str]:
    return words.split(between)


ARR_LOG_MEAN, ARR_LOG_SIGMA = 10.83, 1.54  # 4 % above 750 000, 24 % above 150 000
MISSING = 0.1
DAYS_OF_RATES = 70  # since before the day of the first tiers

VERTICALS = {"Finance": 33, "Telco": 19, "Healthcare": 18, "Retail": 16, "Manufacturing": 14}
# region: (weight, [(country, language, currency)])
REGIONS = {
    "North America": (40, [("United States", "English", "USD"), ("Canada", "English", "USD")]),
    "UK & Ireland": (20, [("United Kingdom", "English", "GBP"), ("Ireland", "English", "EUR")]),
    "Continental Europe": (
        30,
        [
            ("Germany", "German", "EUR"),
            ("France", "French", "EUR"),
            ("Netherlands", "English", "EUR"),
            ("Switzerland", "German", "CHF"),
            ("Spain", "Spanish", "EUR"),
        ],
    ),
    "Latin America": (10, [("Mexico", "Spanish", "USD"), ("Chile", "Spanish", "USD")]),
}
RATES = {"EUR": Decimal("0.86"), "GBP": Decimal("0.75"), "CHF": Decimal("0.80")}  # units per 1 USD
# Asked how they want to be served, most customers want the most there is; "" has said nothing.
WISHES = {"high": 62, "mid": 18, "low": 8, "": 12}
PRODUCTS = ["Core", "Analytics", "Automation", "Integrations", "Mobile", "Compliance"]
PACKAGES = ["Starter", "Business", "Premium"]
GOAL_KINDS = {
    "risk-mitigation": "Risk mitigation",
    "adoption": "Adoption",
    "retention": "Retention",
    "expansion": "Expansion",
    "onboarding": "Onboarding",
    "migration": "Migration",
    "key-contact-turnover": "Key-contact turnover",
    "advocacy": "Advocacy",
    "nurture": "Nurture",
}
FIRST = _each(
    "Acorn Alder Amber Anchor Arbor Aspen Atlas Aurora Badger Beacon Birch Bluebell Bolt Bramble "
    "Bridge Brook Canyon Cedar Chalk Cinder Clover Cobalt Compass Copper Coral Crane Crest Delta "
    "Drift Dune Eagle Ember Falcon Fern Field Finch Flint Forge Fox Garnet Glen Granite Grove "
    "Harbour Hawk Hazel Heron Hollow Indigo Iris Ivory Jasper Juniper Kestrel Lantern Larch Lark "
    "Laurel Linden Lotus Maple Marble Meadow Mercury Mistral Moss Nimbus North Oak Ocean Olive Onyx "
    "Opal Orchard Osprey Otter Pearl Pebble Pine Pioneer Plum Poppy Quarry Quartz Raven Reed Ridge "
    "River Robin Rowan Saffron Sage Sable Silver Slate Sparrow Spruce Sterling Stone Summit Swift "
    "Tern Thistle Timber Topaz Valley Vale Verge Violet Walnut Willow Wren Yarrow Zephyr",
    " ",
)
SECOND = {
    "Finance": ["Bank", "Capital", "Insurance", "Payments", "Wealth", "Credit Union"],
    "Telco": ["Telecom", "Mobile", "Networks", "Broadband", "Fibre"],
    "Healthcare": ["Clinics", "Health", "Biotech", "Care", "Diagnostics"],
    "Retail": ["Stores", "Market", "Outfitters", "Foods", "Home"],
    "Manufacturing": ["Works", "Steel", "Motors", "Plastics", "Tools", "Robotics"],
}
PEOPLE = _each(
    "Amara Okafor|Ben Whitfield|Carla Mendes|Daniel Roth|Elif Kaya|Farid Haddad|Grace Lindqvist|"
    "Hugo Bernard|Ines Castillo|Jonas Weber|Keiko Tanaka|Liam O'Connor|Maya Singh|Nils Berg|"
    "Olivia Grant|Pavel Novak|Quinn Parker|Rosa Marin|Samir Patel|Tessa de Vries|Umar Farouk|"
    "Vera Ivanova|Wen Li|Ximena Rojas|Yusuf Demir|Zoe Martin|Adam Clarke|Beatrice Conti|"
    "Cedric Moreau|Dana Cohen|Emil Larsen|Fiona Walsh|Gita Rao|Henrik Dahl|Irene Papas|Jack Turner|"
    "Karin Holm|Lars Vogel|Mina Park|Noah Fischer",
    "|",
)
TEAMS = ["Finance & Telco East", "Finance & Telco West", "Growth Industries North", "Growth Industries South"]
DIRECTOR, OPS = "Helena Brandt", "Robin Hale"
MANAGERS = ["Marcus Lind", "Priya Nair", "Sofia Keller", "Tom Avery"]


@dataclass(frozen=True, slots=True)
class DemoCsm:
    name: str
    email: str
    team: str
    seniority: int
    hours_per_month: Decimal
    overhead_pct: Decimal
    ramp_pct: Decimal
    verticals: list[str]
    languages: list[str]
    countries: list[str]


@dataclass(frozen=True, slots=True)
class DemoCustomer:
    external_id: str
    name: str
    parent: str | None
    csm: str | None  # e-mail
    goals: list[str]
    words: dict[str, str]  # vertical, region, language by name
    facts: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DemoCompany:
    csms: list[DemoCsm]
    customers: list[DemoCustomer]
    rates: list[tuple[str, date, Decimal]]


def email_of(name: str) -> str:
    return name.lower().replace(" ", ".").replace("'", "") + "@demo.example"


def imagine_company(*, customers: int, csms: int, seed: int, today: date) -> DemoCompany:
    """A company of so many customers and CSMs; the same arguments give the same company."""
    chance = random.Random(seed)
    people = _imagine_csms(chance, csms)
    return DemoCompany(
        csms=people,
        customers=_imagine_customers(chance, customers, people, today),
        rates=_imagine_rates(chance, today),
    )


def _imagine_csms(chance: random.Random, count: int) -> list[DemoCsm]:
    found = []
    for index in range(count):
        name = PEOPLE[index % len(PEOPLE)]
        if index >= len(PEOPLE):
            name = f"{name} {index // len(PEOPLE) + 1}"
        team = TEAMS[index % len(TEAMS)]
        found.append(
            DemoCsm(
                name=name,
                email=email_of(name),
                team=team,
                seniority=1 + (index * 7 + chance.randrange(2)) % 5,
                hours_per_month=Decimal(chance.choice(["160", "160", "160", "160", "160", "120"])),
                overhead_pct=Decimal(chance.choice(["15", "20", "20", "25"])),
                ramp_pct=Decimal(60 if index % 12 == 11 else 100),
                verticals=_specialities(index),
                languages=_languages(index),
                countries=[],
            )
        )
    return found


def _specialities(index: int) -> list[str]:
    if index % 4 in (0, 1):  # the two Finance & Telco teams
        return [["Finance"], ["Finance"], ["Telco"], ["Finance"], ["Telco"], []][(index // 4) % 6]
    return [["Healthcare"], ["Retail"], ["Manufacturing"], [], [], []][(index // 4) % 6]


def _languages(index: int) -> list[str]:
    extra = [[], ["German"], ["French"], ["Spanish"], ["German", "French"], []][index % 6]
    return ["English", *extra]


def _imagine_customers(
    chance: random.Random, count: int, people: list[DemoCsm], today: date
) -> list[DemoCustomer]:
    names = _company_names(chance, count)
    found: list[DemoCustomer] = []
    books: Counter[str] = Counter()
    past = random.Random(chance.random())  # of its own: who had whom changes no customer
    wishes = random.Random(count)  # of its own as well: what is wished for changes no fact
    for index in range(count):
        vertical, name = names[index]
        region = chance.choices(list(REGIONS), [weight for weight, _ in REGIONS.values()])[0]
        country, language, currency = chance.choice(REGIONS[region][1])
        facts = _imagine_facts(chance, currency, today)
        facts["country"] = country
        facts["wished_engagement"] = wishes.choices(list(WISHES), list(WISHES.values()))[0]
        parent = found[chance.randrange(len(found))].external_id if found and chance.random() < 0.03 else None
        found.append(
            DemoCustomer(
                external_id=f"C-{index + 1:05d}",
                name=name,
                parent=parent,
                csm=_historical_owner(past, people, vertical, books),
                goals=_imagine_goals(chance, facts),
                words={"vertical": vertical, "region": region, "language": language},
                facts=facts,
            )
        )
    return found


def _company_names(chance: random.Random, count: int) -> list[tuple[str, str]]:
    """Distinct names, each with its vertical."""
    seen: set[str] = set()
    found: list[tuple[str, str]] = []
    while len(found) < count:
        vertical = chance.choices(list(VERTICALS), list(VERTICALS.values()))[0]
        name = f"{chance.choice(FIRST)} {chance.choice(SECOND[vertical])}"
        if name in seen:
            name = f"{chance.choice(FIRST)} & {name}"
        while name in seen:
            name = f"{name} {len(found)}"
        seen.add(name)
        found.append((vertical, name))
    return found


def _historical_owner(
    chance: random.Random, people: list[DemoCsm], vertical: str, books: Counter[str]
) -> str | None:
    """Who has the customer today: usually somebody fitting with hours, sometimes by accident, sometimes nobody."""
    if not people or chance.random() < 0.05:
        return None
    fitting = [person for person in people if vertical in person.verticals or not person.verticals] or people
    pool = fitting if chance.random() < 0.97 else people
    # The emptier of two: books grew with the hours there are, but not evenly, so that the plan has work to do.
    two = chance.choices(pool, [2 if vertical in person.verticals else 1 for person in pool], k=2)
    owner = min(two, key=lambda person: (books[person.email] / (_room(person) or 1), person.email)).email
    books[owner] += 1
    return owner


def _room(person: DemoCsm) -> float:
    return float(person.hours_per_month * person.ramp_pct * (100 - person.overhead_pct))


def _maybe(chance: random.Random, value: object) -> object | None:
    return None if chance.random() < MISSING else value


def _clipped(chance: random.Random, mean: float, spread: float) -> Decimal:
    return Decimal(str(round(min(100.0, max(0.0, chance.gauss(mean, spread))), 1)))


def _imagine_facts(chance: random.Random, currency: str, today: date) -> dict[str, object]:
    base = chance.lognormvariate(ARR_LOG_MEAN, ARR_LOG_SIGMA)
    arr = (Decimal(round(base)) * RATES.get(currency, Decimal(1))).quantize(Decimal("1"))
    contract_start = today - timedelta(days=chance.randrange(30, 5 * 365))
    years_done = (today - contract_start).days // 365
    renewal = contract_start + timedelta(days=365 * (years_done + 1))
    health = _maybe(chance, _clipped(chance, 68, 18))
    products = chance.sample(PRODUCTS, chance.choices([1, 2, 3, 4, 5], [35, 30, 20, 10, 5])[0])
    return {
        "arr": arr.quantize(Decimal("0.01")),
        "currency": currency,
        "potential_arr": _maybe(
            chance, (arr * Decimal(str(round(chance.triangular(1, 3.5, 1.1), 2)))).quantize(Decimal("0.01"))
        ),
        "package": chance.choices(PACKAGES, [45, 40, 15])[0],
        "products": sorted(products),
        "employees": _maybe(chance, int(base / chance.uniform(40, 400)) + 3),
        "adoption": _maybe(chance, _clipped(chance, 60, 20)),
        "health": health,
        "health_on": today - timedelta(days=chance.randrange(1, 40)) if health is not None else None,
        "sentiment": _maybe(chance, chance.choices([1, 2, 3, 4, 5], [4, 10, 26, 40, 20])[0]),
        "champion": _maybe(chance, chance.random() < 0.4),
        "relationship_breadth": _maybe(chance, chance.choices([1, 2, 3, 4, 6], [40, 28, 18, 10, 4])[0]),
        "reputation": _maybe(chance, _clipped(chance, 40, 22)),
        "complexity": _maybe(chance, _clipped(chance, 45, 20)),
        "loss_felt": chance.random() < 0.05,
        "contract_start": contract_start,
        "first_renewal_done": years_done >= 1,
        "renewal_date": renewal,
    }


def _imagine_goals(chance: random.Random, facts: dict[str, object]) -> list[str]:
    goals = []
    health, adoption = facts["health"], facts["adoption"]
    if isinstance(health, Decimal) and health < 40:
        goals.append("risk-mitigation")
    if isinstance(adoption, Decimal) and adoption < 30:
        goals.append("adoption")
    if not facts["first_renewal_done"] and chance.random() < 0.5:
        goals.append("onboarding")
    if chance.random() < 0.04:
        goals.append(chance.choice(["expansion", "advocacy", "migration", "key-contact-turnover"]))
    return goals


def _imagine_rates(chance: random.Random, today: date) -> list[tuple[str, date, Decimal]]:
    found = []
    for currency, rate in RATES.items():
        value = rate
        for back in range(DAYS_OF_RATES):
            day = today - timedelta(days=back)
            if day.weekday() < 5 or back == 0:
                found.append((currency, day, value.quantize(Decimal("0.0001"))))
            value *= Decimal(str(round(chance.gauss(1, 0.002), 5)))
    return found
