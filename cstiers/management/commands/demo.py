"""`demo`: a generated company, tiered and planned, with the site up. What `make demo` runs after installing."""

import json
import os
import signal
import time
from argparse import ArgumentParser
from datetime import timedelta
from io import StringIO
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import roles
from accounts.models import Customer, User
from allocation.models import BookDay, BookPlan, Override, RetierRun, Scenario, Touch
from allocation.models.statuses import RunStatus
from allocation.selectors.scenario_ground import ground
from allocation.selectors.scenario_presets import presets
from allocation.services import scenarios
from allocation.services.book_days import keep_book_days
from allocation.services.demo import demo_sign_ins
from allocation.services.demo_touches import imagine_past_touches
from allocation.services.touches import plan_touches
from cstiers.embedded import Embedded, NoPortFree, open_port
from cstiers.health import migrations_are_missing

PLAYBOOK = "three-axis"
# The tiers hold since before the touches that were done, and as far back the trend goes.
TIERED_BEFORE = timedelta(weeks=8)
WEEKS_KEPT = 7
SEED = 1  # of what is made up
QUESTIONS = ("wishes", "highest")  # of allocation.selectors.scenario_presets
WISHES = (
    ("risk", "Their sponsor leaves in March; the renewal is in danger without us close by."),
    ("potential", "They open two more countries next year and want us in the room."),
)


class Command(BaseCommand):
    help = "Fill an empty installation with a generated company, run the main job and serve the site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000))
        parser.add_argument("--no-site", action="store_true", help="Decide and stop; start nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        if migrations_are_missing():
            call_command("migrate", verbosity=0, interactive=False)
        if not Customer.objects.exists():
            found = self.run("seed_demo")
            self.say("Company", f"{found['customers']} customers and {found['csms']} CSMs, made up.")
        # In an installation with people's own data, deciding is theirs.
        if demo_sign_ins():
            self.decide()
        if options["no_site"]:
            self.show_balance()
        else:
            self.serve(options["port"])

    def run(self, command: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """The JSON answer of one of our own commands."""
        out = StringIO()
        call_command(command, *arguments, format="json", stdout=out, **options)
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    def say(self, title: str, words: str) -> None:
        self.stdout.write(f"{title:<12} {words}")
        self.stdout.flush()

    def decide(self) -> None:
        """The main job, once: publish a model, tier the customers, plan the books."""
        if not RetierRun.objects.filter(status=RunStatus.APPLIED).exists():
            model = self.run("load_playbook", PLAYBOOK, publish=True)
            self.say("Model", f"playbook {model['slug']} published as version {model['model_version']}.")
            run = self.run("retier", apply=True, as_of=timezone.localdate() - TIERED_BEFORE)
            spread = ", ".join(f"{tier} {count}" for tier, count in run["tiers"].items())
            self.say(
                "Tiers",
                f"run {run['run']}: {run['decided']} of {run['customers']} customers decided ({spread}).",
            )
        if not BookPlan.objects.filter(status=RunStatus.APPLIED).exists():
            plan = self.run("plan_books", apply=True)
            words = f"plan {plan['plan']}: {plan['assigned']} of {plan['customers']} customers have a CSM"
            if plan["unassigned"]:
                heads = sum(line["heads"] or 0 for line in plan["shortages"])
                words += f", {len(plan['unassigned'])} wait for {heads} more heads"
            self.say("Books", f"{words}; {len(plan['moves'])} changes of CSM.")
        if not Override.objects.exists():
            self.ask()
        if not Touch.objects.exists():
            self.plan_touches()
        if not BookDay.objects.exists():
            self.keep_days()
        if not Scenario.objects.exists():
            self.ask_what_if()

    def ask(self) -> None:
        """The CSM who signs in asks for two overrides; the manager of the team approves one, the other waits."""
        people = {who.role: who.email for who in demo_sign_ins()}
        book = Customer.objects.filter(csm__user__email=people.get(roles.CSM), tier__slug="scale")
        wishes = book.filter(csm__team__manager__email=people.get(roles.MANAGER)).order_by("pk")[:2]
        expires = timezone.localdate() + timedelta(days=180)
        asked = [
            self.run(
                "override",
                "request",
                one.external_id,
                "enterprise",
                reason=kind,
                words=words,
                expires=expires,
                acting=people[roles.CSM],
                stderr=StringIO(),
            )
            for one, (kind, words) in zip(wishes, WISHES, strict=False)
        ]
        for one in asked[:1]:
            self.run(
                "override",
                "approve",
                str(one["override"]),
                words="I spoke with them, too.",
                acting=people[roles.MANAGER],
                stderr=StringIO(),
            )
        self.say(
            "Overrides",
            f"{len(asked)} asked for by a CSM, {len(asked[:1])} approved; the rest waits under Approvals.",
        )

    def ask_what_if(self) -> None:
        """Two of the questions that are asked often, of these customers; none of them is changed."""
        ops = User.objects.get(email=next(who.email for who in demo_sign_ins() if who.role == roles.OPS))
        today, now = timezone.localdate(), timezone.now()
        offered = {one.key: one for one in presets(ground=ground(user=ops, version=None, on=today))}
        for one in (offered[key] for key in QUESTIONS if key in offered):
            asked = scenarios.ask_scenario(
                name=one.title, words=one.words, definition=one.definition, actor=ops, at=now, on=today
            )
            scenarios.compute_scenario(scenario_id=asked.pk, owner="demo", on=today)
            scenarios.share_scenario(scenario_id=asked.pk, shared=True, actor=ops)
        self.say("What if", f"{Scenario.objects.count()} scenarios computed; they stand under Scenarios.")

    def plan_touches(self) -> None:
        """The last weeks as they may have been, and what comes by the touch plans."""
        today = timezone.localdate()
        past = imagine_past_touches(on=today, seed=SEED)
        planned = plan_touches(on=today)
        self.say(
            "Touches",
            f"{planned.added} planned ahead; of the last weeks {past['done']} done, {past['late']} late.",
        )

    def keep_days(self) -> None:
        """The figures of the books as the timetable would have kept them week by week, until today."""
        today = timezone.localdate()
        days = [today - timedelta(weeks=week) for week in range(WEEKS_KEPT, -1, -1)]
        for day in days:
            keep_book_days(on=day)
        self.say("Book days", f"{len(days)} of the last weeks, for the trend of the balance.")

    def show_balance(self) -> None:
        balance = self.run("workload_balance")
        used = [csm["utilisation"] for csm in balance["csms"] if csm["utilisation"] is not None]
        if used:
            self.say(
                "Balance",
                f"{len(balance['csms'])} CSMs, used {min(used):.0%} to {max(used):.0%} of their hours.",
            )

    def serve(self, port: int) -> None:
        """Site and worker until Ctrl-C."""
        try:
            port = open_port(port)
            links = {"SITE_URL": f"http://localhost:{port}"}  # what links in its mails begin with
            embedded = Embedded(var=settings.VAR_DIR, port=port, env={**links, **os.environ})
        except NoPortFree as taken:
            raise CommandError(str(taken)) from None
        for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job is started deaf to Ctrl-C
            signal.signal(number, _as_ctrl_c)
        try:
            embedded.begin()
            self.show_balance()  # while they come up
            embedded.wait()
            self.show_sign_ins(embedded.address)
            while embedded.ended() is None:
                time.sleep(0.5)
            name = embedded.ended() or ""
            raise CommandError(f"The {name} ended by itself; its last words are in {embedded.log(name)}.")
        except RuntimeError as failed:
            raise CommandError(str(failed)) from None
        except KeyboardInterrupt:
            self.stdout.write("\nStopping.")
        finally:
            embedded.end()

    def show_sign_ins(self, address: str) -> None:
        self.stdout.write(f"\nThe site is up: {address}  (Ctrl-C ends it)")
        for who in demo_sign_ins():
            self.stdout.write(f"  {who.role:<8} {who.email:<30} {who.password}")
        self.stdout.flush()


def _as_ctrl_c(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
