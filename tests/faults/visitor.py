"""A person at a browser without a screen: signs in, opens pages, sends forms, and notes each answer and how long it took."""

from __future__ import annotations

import random
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar

PATIENCE = 30.0  # seconds; who waits longer counts as locked out


@dataclass(frozen=True, slots=True)
class Answer:
    what: str
    status: int  # 0: none came
    seconds: float
    text: str
    address: str = ""
    retry_after: str | None = None

    @property
    def is_bad(self) -> bool:
        """No answer, an error of the site, or the database's own words."""
        return self.status == 0 or self.status >= 500 or "database is locked" in self.text


class _Form(HTMLParser):
    """What a browser would send of the first form whose action (or the page itself) is wanted."""

    def __init__(self, marked: str) -> None:
        super().__init__()
        self.marked, self.inside, self.sent = marked, False, list[tuple[str, str]]()
        self.select, self.text = "", ""
        self.chosen: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value if value is not None else "" for name, value in attrs}
        if tag == "form":
            self.inside = self.marked in (given.get("id", ""), given.get("action", ""))
        name = given.get("name", "")
        if not self.inside or "disabled" in given or "__prefix__" in name:
            return
        if tag == "input" and name and given.get("type") not in ("submit", "button", "file"):
            box = given.get("type") in ("checkbox", "radio")
            if not box or "checked" in given:
                self.sent.append((name, given.get("value", "on" if box else "")))
        elif tag == "select":
            self.select, self.chosen = name, None
        elif tag == "option" and self.select and (self.chosen is None or "selected" in given):
            self.chosen = given.get("value", "")
        elif tag == "textarea" and name:
            self.text = name
            self.sent.append((name, ""))

    def handle_data(self, data: str) -> None:
        if self.text:
            name, before = self.sent[-1]
            self.sent[-1] = (name, before + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "textarea":
            self.text = ""
        elif tag == "select" and self.select:
            if self.chosen is not None:
                self.sent.append((self.select, self.chosen))
            self.select = ""


@dataclass(eq=False)
class Visitor:
    """`answers` keeps every answer; a POST follows to the page it leads to, and both count as one."""

    address: str
    email: str
    password: str = "cstiers-demo"
    answers: list[Answer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def _ask(self, what: str, path: str, data: bytes | None = None) -> Answer:
        url = urllib.parse.urljoin(self.address, path)
        request = urllib.request.Request(url, data=data, headers={"Accept": "text/html", "Referer": url})
        later = None
        began = time.monotonic()
        try:
            with self.opener.open(request, timeout=PATIENCE) as given:
                status, text, end = given.status, given.read().decode(errors="replace"), given.url
        except urllib.error.HTTPError as refused:
            with refused:
                status, text, end = refused.code, refused.read().decode(errors="replace"), url
                later = refused.headers.get("Retry-After")
        except OSError as nothing:
            status, text, end = 0, repr(nothing), url
        answer = Answer(what, status, time.monotonic() - began, text, end, later)
        self.answers.append(answer)
        return answer

    def see(self, path: str) -> Answer:
        """Open a page. Numbers are left out of its name, so that answers can be counted by kind."""
        return self._ask(f"GET {re.sub('[0-9]+', 'N', path.partition('?')[0])}", path)

    def send(self, path: str, *fields: tuple[str, str]) -> Answer:
        """Press a button: POST with the token of the site."""
        token = next((cookie.value for cookie in self.cookies if cookie.name == "csrftoken"), "") or ""
        sent = [*fields, ("csrfmiddlewaretoken", token)]
        return self._ask(f"POST {re.sub('[0-9]+', 'N', path)}", path, urllib.parse.urlencode(sent).encode())

    def sign_in(self) -> None:
        """Tried again where the site is busy, as a person would; the crowd's answers are counted from later on."""
        for _ in range(20):
            self.see("/sign-in/")
            done = self.send("/sign-in/", ("username", self.email), ("password", self.password))
            if done.status != 503:
                break
        assert done.status == 200, (done.status, done.text[:500])
        assert not done.address.endswith("/sign-in/"), (done.status, done.text[:500])

    def form_of(self, page: Answer, marked: str) -> dict[str, str]:
        """Fields of the form with this id or action, as the page shows them."""
        form = _Form(marked)
        form.feed(page.text)
        return {name: value for name, value in form.sent if name != "csrfmiddlewaretoken"}


def crowd_at_work(
    visitors: list[Visitor], steps: dict[Visitor, list], *, until: threading.Event, seed: int, pause: float
) -> list[threading.Thread]:
    """Every visitor in a thread of its own does one of its steps after the other until told to go home."""

    def live(visitor: Visitor, number: int) -> None:
        chance = random.Random(seed * 1000 + number)
        while not until.is_set():
            chance.choice(steps[visitor])(visitor, chance)
            until.wait(chance.uniform(0.2, 1) * pause)

    threads = [
        threading.Thread(target=live, args=(visitor, number), daemon=True)
        for number, visitor in enumerate(visitors)
    ]
    for thread in threads:
        thread.start()
    return threads


def share(seconds: list[float], part: float) -> float:
    """The quantile: 0.95 of the answers came within so many seconds."""
    inside = sorted(seconds)
    return inside[min(len(inside) - 1, int(part * len(inside)))] if inside else 0.0
