"""The doors that an acceptance test of a playbook goes through: public commands, and CSV files as people send them.

Nothing here reads or writes a table, but for what people do on a page and no command does: see the touch plan, change a
policy, enter a CSM's last day.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.forms.models import model_to_dict

from accounts.models import CSM, Tier, TouchActivity
from allocation.forms.policies import PolicyForm
from allocation.models import AllocationPolicy

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

    def plan(self, *words: str) -> dict[str, Any]:
        plan = answer("plan_books", "--apply", *words)
        assert plan["status"] == "applied"
        return plan

    def policy(self, **changes: object) -> None:
        """Edit the policy in force as its page does, with what the page refuses."""
        policy = AllocationPolicy.objects.get(is_active=True)
        form = PolicyForm({**model_to_dict(policy), **changes}, instance=policy)
        assert form.is_valid(), form.errors
        form.save()

    def leaves(self, name: str, on: date) -> None:
        """Enter a CSM's last day, as the CSM's page does."""
        csm = CSM.objects.get(name=name)
        csm.leaves_on = on
        csm.full_clean()
        csm.save()

    def cap(self, tier: str, cap: int) -> None:
        """Change a tier's cap, as the tier's page does."""
        row = Tier.objects.get(slug=tier)
        row.cap = cap
        row.full_clean()
        row.save()

    def export(self) -> dict[str, dict[str, str]]:
        """What colleagues get of each customer, by external id."""
        file = self.folder / "export.csv"
        answer("export_customers", str(file))
        with file.open(encoding="utf-8", newline="") as text:
            return {row["external_id"]: row for row in csv.DictReader(text)}

    def tiers(self) -> dict[str, str]:
        """The slug of the tier that each customer holds."""
        return {key: row["tier"] for key, row in self.export().items()}

    def owners(self) -> dict[str, str]:
        """The e-mail of the CSM that each customer has, "" for none."""
        return {key: row["csm"] for key, row in self.export().items()}

    def sizes(self) -> dict[str, int]:
        """Customers of each CSM."""
        return {book["csm"]: book["customers"] for book in answer("workload_balance")["csms"]}

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
