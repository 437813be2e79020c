"""docs/playbooks.md says what the files say: tiers, caps, hours, bounds, guards, and the idea word for word."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine import test_stability

ROOT = Path(__file__).resolve().parents[2]
FILES = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "allocation" / "playbooks").glob("*.json"))
}
DOCUMENT = (ROOT / "docs" / "playbooks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## `([\w-]+)` — (.*?)(?=^## |\Z)", DOCUMENT, re.DOTALL | re.MULTILINE))


def plain(text: str) -> str:
    """On one line, numbers without blanks inside."""
    return re.sub(r"(?<=\d) (?=\d{3}\b)", "", " ".join(text.split()))


def bounds(clause: Any) -> Iterator[float]:
    """Every number that a rule compares with."""
    if isinstance(clause, dict):
        if isinstance(clause.get("value"), int | float) and not isinstance(clause["value"], bool):
            yield clause["value"]
        clause = list(clause.values())
    if isinstance(clause, list):
        for part in clause:
            yield from bounds(part)


def test_every_playbook_has_its_section_and_no_other():
    assert sorted(SECTIONS) == sorted(FILES)


@pytest.mark.parametrize("slug", FILES)
def test_a_section_has_name_idea_and_tiers_of_the_file(slug):
    file, section = FILES[slug], SECTIONS[slug]
    assert section.startswith(file["name"])
    assert plain(file["idea"]) in plain(section)
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))[:4]
        for line in section.splitlines()
        if line[:1] == "|"
    ]
    told = [(name, level, cap, hours) for name, level, cap, hours in rows[2:]]
    wanted = []
    for tier in file["tiers"]:
        hours = (
            sum(
                touch["times_a_year"] * touch["hours_each"]
                for touch in tier["touches"]
                if "goal_kind" not in touch
            )
            / 12
        )
        cap = "–" if tier["cap"] is None else str(tier["cap"])
        wanted.append(
            (
                tier["name"],
                tier["touch_level"].replace("_", "-"),
                cap,
                f"{hours:.1f}".removesuffix(".0") if hours else "–",
            )
        )
    assert told == wanted


@pytest.mark.parametrize("slug", FILES)
def test_a_section_names_every_bound_weight_and_guard(slug):
    model, section = FILES[slug]["model"], plain(SECTIONS[slug])
    numbers = {
        f"{number:g}" if number < 1e6 else str(number)
        for part in ("segments", "touch", "tiers")
        for number in bounds(model.get(part, []))
    }
    assert {
        number for number in numbers if not re.search(rf"(?<![\d.]){re.escape(number)}(?![\d]|\.\d)", section)
    } == set()
    band = model["guards"].get("dead_band")
    if band:
        assert (
            f"dead band {band['points']:g} points" in section
            or f"dead band ({band['points']:g} points" in section
        )
    for guard, words in (("minimum_stay", "minimum stay"), ("renewal_freeze", "renewal freeze")):
        assert (f"{words} {model['guards'].get(guard, {}).get('days')} days" in section) == (
            guard in model["guards"]
        )


def test_the_figures_of_stability_are_those_that_the_engine_gives():
    years = [test_stability.a_year(test_stability.GUARDED, seed=seed)[0] for seed in test_stability.SEEDS]
    without = [test_stability.a_year(test_stability.OFF, seed=seed)[0] for seed in test_stability.SEEDS]
    section = plain(SECTIONS["weighted-tiers"])
    told = re.search(
        r"(\d+) move on average, (\d+) at most, and some (\d+) would without the guards", section
    )
    assert told is not None
    assert [int(figure) for figure in told.groups()] == [
        round(sum(years) / len(years)),
        max(years),
        10 * round(sum(without) / len(without) / 10),
    ]
    mean = {
        drift: sum(
            test_stability.a_year(test_stability.GUARDED, drift=drift, seed=seed)[0]
            for seed in test_stability.SEEDS
        )
        / len(test_stability.SEEDS)
        for drift in (0.03, 0.04)
    }
    assert "5 on average at 4 %, hardly anybody at 3 %" in section
    assert round(mean[0.04]) == 5
    assert mean[0.03] < 1
