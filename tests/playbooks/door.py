"""The doors that an acceptance test of a playbook goes through: public commands, and CSV files as people send them.

Nothing here reads or writes a table, but for the touch plan, which no command shows yet.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.core.management import call_command

from accounts.models import TouchActivity

Row = Mapping[str, object]


def answer(*words: str, **options: Any) -> dict[str, Any]:
    """What a command prints in JSON mode."""
    out, remarks = io.StringIO(), io.StringIO()
    call_command(*words, format="json", stdout=out, stderr=remarks, **options)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def touch_plan(tier: str, goal_kind: str | None = None) -> dict[str, float]:
    """Times a year by activity: for every customer of the tier, or what a goal adds."""
    rows = TouchActivity.objects.filter(tier__slug=tier, goal_kind__slug=goal_kind)
    return {row.name: float(row.times_a_year) for row in rows}


class Company:
    """One installation under one playbook; files are written to ``folder``."""

    def __init__(self, folder: Path, playbook: str) -> None:
        self.folder = folder
        self.loaded = answer("load_playbook", playbook, "--publish")

    def customers(self, rows: Iterable[Row]) -> dict[str, Any]:
        """Import customers; a column that no row names is left out of the file, so it stays as it is."""
        return self._import("import_customers", [{"name": row["external_id"], **row} for row in rows])

    def csms(self, rows: Iterable[Row]) -> dict[str, Any]:
        """Import CSMs: full time, a quarter of it not spent on customers, if nothing else is said."""
        usual = {"hours_per_month": 160, "overhead_pct": 25}
        return self._import(
            "import_csms", [{**usual, "email": f"{row['name']}@x.example", **row} for row in rows]
        )

    def rates(self, text: str) -> dict[str, Any]:
        file = self.folder / "rates.csv"
        file.write_text(text, encoding="utf-8")
        return answer("import_rates", str(file))

    def retier(self, *words: str) -> dict[str, Any]:
        """Run and apply; a run that waits for a manager would leave the test with yesterday's tiers."""
        run = answer("retier", "--apply", *words)
        assert run["status"] == "applied", run["message"]
        return run

    def plan(self) -> dict[str, Any]:
        plan = answer("plan_books", "--apply")
        assert plan["status"] == "applied"
        return plan

    def export(self) -> dict[str, dict[str, str]]:
        """What colleagues get of each customer, by external id."""
        file = self.folder / "export.csv"
        answer("export_customers", str(file))
        with file.open(encoding="utf-8", newline="") as text:
            return {row["external_id"]: row for row in csv.DictReader(text)}

    def tiers(self) -> dict[str, str]:
        """The slug of the tier that each customer holds."""
        return {key: row["tier"] for key, row in self.export().items()}

    def explain(self, external_id: str) -> dict[str, Any]:
        return answer("explain", external_id)

    def _import(self, command: str, rows: list[dict[str, object]]) -> dict[str, Any]:
        columns = list(dict.fromkeys(name for row in rows for name in row))
        file = self.folder / f"{command}.csv"
        with file.open("w", encoding="utf-8", newline="") as text:
            writer = csv.DictWriter(text, columns)
            writer.writeheader()
            writer.writerows(rows)
        done = answer(command, str(file))
        assert done["rejected"] == 0, done["errors"]
        return done
