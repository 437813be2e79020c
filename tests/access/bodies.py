"""What is sent to an address: nothing, and a full body such as a browser would send to it."""

from __future__ import annotations

import datetime
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Tier
from allocation.models import TieringModel
from tests.access.routes import Route
from tests.access.world import TODAY, A

LATER = (TODAY + datetime.timedelta(days=60)).isoformat()

MUCH_LATER = (TODAY + datetime.timedelta(days=70)).isoformat()


class Fields(HTMLParser):
    """The fields of the page's forms as a browser would send them back, but those of the shell (search, sign out)."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self.names: set[str] = set()  # of unticked boxes too
        self.text: str | None = None
        self.select: str | None = None
        self.offered: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        name = given.get("name", "")
        self.names.add(name)
        if tag == "input" and name and given.get("type") not in {"submit", "file", "search"}:
            if given.get("type") not in {"checkbox", "radio"} or "checked" in given:
                plain = "on" if given.get("type") in {"checkbox", "radio"} else ""
                self.values.setdefault(name, []).append(given.get("value", plain))
        elif tag == "textarea" and name:
            self.text = name
            self.values.setdefault(name, []).append("")
        elif tag == "select" and name:
            self.select, self.offered = name, []
        elif tag == "option" and self.select:
            if "selected" in given:
                self.values.setdefault(self.select, []).append(given.get("value", ""))
            self.offered.append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self.text:
            self.values[self.text][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.text = None
        if tag == "select" and self.select:
            chosen = next((value for value in self.offered if value), "")
            self.values.setdefault(self.select, [chosen])
            self.select = None


def kitchen_sink(world: SimpleNamespace) -> dict[str, Any]:
    """A value for every field that a people's page reads; what a page does not read it leaves alone."""
    customer, csm = world.customers[A][0], world.csms[A]
    return {
        "action": "refuse", "row": [str(world.moves[A].pk)], "all": "1", "query": "show=moves", "words": "Because of it",
        "reason": "other", "reason_kind": "other", "evidence": "Seen", "kind": str(world.objects["kind"].pk),
        "owner": str(csm.user_id), "csm": str(world.csms["Zorilla"].pk), "tier": str(Tier.objects.exclude(pk=customer.tier_id).order_by("rank")[0].pk),
        "starts_on": TODAY.isoformat(), "expires_on": LATER, "ends_before": LATER, "until": LATER,
        "as_of": TODAY.isoformat(), "scope": "full", "seed": "1", "moves": "3", "version": "0", "seen": "1",
        "name": "Made by the matrix", "customer": str(customer.pk), "move": str(world.moves[A].pk),
        "manager": str(world.persons["manager_a"].pk), "delegate": str(world.persons["manager_b"].pk),
        "username": "ops@example.com", "password": "wrong", "old_password": "wrong", "new_password1": "correct horse 7",
        "new_password2": "correct horse 7", "slug": "even-split", "column-0": "external_id", "column-1": "name",
        "definition": "{}", "decision": "approve", "number_style": "", "date_order": "", "allow_new_values": "on",
        "all_or_nothing": "", "save_as": "", "max_moves_pct": "", "continuity_weight": "",
        "sentiment": "4", "default": "1",
        "months": "12", "growth_pct": "10", "churn_pct": "5", "attrition_pct": "5", "head_hours_a_year": "1800",
        "spent_pct": "65", "leave_days": "25", "ramp_months": "3", "ramp_start_pct": "50", "cost_a_head": "",
    }  # fmt: skip


def said(route: Route, world: SimpleNamespace) -> dict[str, Any]:
    """What a button of the page says over the fields above."""
    return {
        "approvals/overrides/{pk}/": {"action": "approve", "version": "1", "words": "Seen"},
        "approvals/decide/": {"row": [f"override:{world.objects['allocation.override'].pk}:1"]},
        "plans/{pk}/objections/": {"action": "open"},
        "scenarios/{pk}/share/": {"shared": "1"},
        "scenarios/sensitivity/start/": {"model": str(TieringModel.objects.published().get().pk)},
        "touches/{pk}/done/": {"done_on": TODAY.isoformat(), "minutes": "5"},
        "touches/{pk}/move/": {"due_on": LATER},
        "touches/done/": {"row": [str(world.objects["allocation.touch"].pk)]},
        "customers/{pk}/touches/": {"activity": "", "done_on": TODAY.isoformat(), "minutes": "5"},
        # Later than the leave that the CSM of the book has.
        "books/{pk}/leave/": {"starts_on": LATER, "ends_before": MUCH_LATER, "covered_by": "", "leave": ""},
    }.get(route.address, {})


def full_body(route: Route, path: str, world: SimpleNamespace) -> dict[str, Any]:
    """A plausible body: the fields of the form that CS ops see at the address, over a value for every known field.

    Each form is read once.
    """
    if path not in world.forms:
        answer = world.clients["ops"].get(path)
        html = answer.status_code == 200 and answer["Content-Type"].startswith("text/html")
        world.forms[path] = Fields(answer.content.decode() if html else "")
    body = world.forms[path].values or kitchen_sink(world)
    body |= said(route, world)
    body = {name: value for name, value in body.items() if name not in NOT_SENT and "__prefix__" not in name}
    for name in TYPED & set(body):
        body[name] = [f"{A} matrix"]
    if "/new/" in path:
        body["file"] = SimpleUploadedFile("new.csv", b"external_id,name\nNew1,New one\n")
    return body


NOT_SENT = {"csrfmiddlewaretoken", "next"}
# Fields of a form for a new row that are empty and required: something is typed into them.
TYPED = {"name", "label", "external_id"}
