"""Looking at a page as it stands in the browser: what axe finds, what sticks out, what the policy forbade, what is empty."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import axe_playwright_python
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, Response

from tests.conftest import ROUNDS_OF_A_PROOF
from tests.journeys.person import DESKTOP, PHONE

AXE = (Path(axe_playwright_python.__file__).with_name("axe.min.js")).read_text(encoding="utf-8")
SHEET = {"width": 703, "height": 1000}  # what the margins leave of an A4 sheet
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Window, colour scheme: between them every rule of the stylesheets that depends on either.
MODES = {"1280 light": (DESKTOP, "light"), "390 dark": (PHONE, "dark")}
# CS ops may open two hundred pages: those of the admin have one design, the others are walked by the others, too. On a phone
# and in dark `make prove` looks at each of them.
PROVING = int(os.environ.get("CSTIERS_ROUNDS", "0")) >= ROUNDS_OF_A_PROOF
AT_A_DESK = MODES if PROVING else dict(list(MODES.items())[:1])
RUN = """async tags => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"], iframes: false});
  return found.violations.flatMap(rule => rule.nodes.slice(0, 3).map(node =>
    `${rule.id} (${rule.help}): ${node.html.slice(0, 200)} ${(node.any[0] || node.all[0] || node.none[0] || {}).message || ""}`));
}"""
# What a page asks for after it came stands there dimmed until it is answered.
ANSWERED = """() => new Promise(done => {
  const look = () => document.querySelector(".is-counting") ? setTimeout(look, 30) : done();
  look();
})"""
# What people would see folded away is looked at, too; menus and panels that lie over the page stay shut.
UNFOLD = """() => {
  document.querySelectorAll("main details:not([data-menu]):not(.filters)").forEach(each => { each.open = true; });
  window.scrollTo(0, 0);
  const frame = () => new Promise(done => requestAnimationFrame(done));
  return frame().then(frame).then(() => {
    document.getAnimations().forEach(each => { try { each.finish(); } catch { /* one without an end */ } });
    return frame();
  });
}"""
# What lies over the page on a press is looked at by itself, one of each kind.
OPENED = """async tags => {
  const kinds = new Map([...document.querySelectorAll("[popover]")].map(each => [each.className, each]));
  const found = [];
  for (const each of kinds.values()) {
    each.showPopover();
    const seen = await axe.run(each, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"], iframes: false});
    const box = each.getBoundingClientRect();
    if (box.left < -1 || box.right > document.documentElement.clientWidth + 1) { found.push(`popover ${each.id} leaves the window`); }
    found.push(...seen.violations.flatMap(rule => rule.nodes.slice(0, 2).map(node => `popover ${each.id}: ${rule.id}: ${node.html.slice(0, 200)}`)));
    each.hidePopover();
  }
  return found;
}"""
LOOK = """() => {
  const found = [];
  const shown = each => each.checkVisibility ? each.checkVisibility({visibilityProperty: true}) : true;
  if (!document.title.trim()) { found.push("no title"); }
  const heads = [...document.querySelectorAll("h1")].filter(shown).length;
  if (heads !== 1) { found.push(`${heads} headings of the first rank`); }
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.body.querySelectorAll("*")]
      .filter(each => each.getBoundingClientRect().right > width + 1 && shown(each)).slice(-3)
      .map(each => `${each.tagName}.${each.className} to ${Math.round(each.getBoundingClientRect().right)}`);
    found.push(`scrolls sideways: ${wide.join("; ")}`);
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.nodeValue.trim();
    const holder = walker.currentNode.parentElement;
    if (/^(None|nan|NaN|undefined|null)$|\\bNone (hours|customers|days|USD)\\b|\\bNone of None\\b|\\{\\{|\\{%|<function |object at 0x/.test(words)
        && !holder.closest("script, style, option, template") && shown(holder)) {
      found.push(`shows “${words.slice(0, 60)}” in ${holder.outerHTML.slice(0, 120)}`);
    }
  }
  document.querySelectorAll(".card, .card-body, .kpi, tbody, .empty").forEach(each => {
    if (shown(each) && !each.innerText.trim() && !each.querySelector("svg, img, input, select, textarea, progress")) {
      found.push(`empty: ${each.outerHTML.slice(0, 120)}`);
    }
  });
  return found;
}"""
# A stylesheet for another medium is fetched when there is time for it.
PAPER_LOADED = """() => new Promise(done => {
  const look = () => getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)" ? done() : setTimeout(look, 30);
  look();
})"""
PAPER = """() => {
  const found = [];
  const shown = each => each.checkVisibility({visibilityProperty: true});
  const grey = colour => { const [r, g, b] = colour.match(/[0-9.]+/g).map(Number); return Math.max(r, g, b) - Math.min(r, g, b) < 8; };
  document.querySelectorAll(".sidebar, .topbar, .filter-bar, .pagination, .btn, select, .trace-words, [type=checkbox]").forEach(each => {
    if (shown(each)) { found.push(`printed: ${each.outerHTML.slice(0, 100)}`); }
  });
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth + 1) { const wide = [...document.querySelectorAll("main *")].filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1).slice(-2);
    found.push(`wider than the sheet: ${wide.map(each => each.outerHTML.slice(0, 90)).join(" ; ")}`); }
  document.querySelectorAll(".table-wrap").forEach(each => {
    if (shown(each) && getComputedStyle(each).overflowX !== "visible") { found.push(`cut: ${each.outerHTML.slice(0, 100)}`); }
  });
  document.querySelectorAll("tbody tr").forEach(each => {
    if (shown(each) && getComputedStyle(each).breakInside !== "avoid") { found.push(`a row may be cut: ${each.innerText.slice(0, 60)}`); }
  });
  document.querySelectorAll("main *").forEach(each => {
    const style = getComputedStyle(each);
    if (!shown(each)) { return; }
    const drawn = each.closest("svg") ? (each.matches(".chart path, .chart rect, .chart circle, .chart text, .meter rect") ? [style.fill] : []) : [style.backgroundColor];
    const written = [...each.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.nodeValue.trim()) && !each.closest("svg");
    for (const colour of [...drawn, ...(written ? [style.color] : [])]) {
      if (colour.startsWith("rgb") && !grey(colour)) { found.push(`coloured ${colour}: ${each.outerHTML.slice(0, 90)}`); return; }
    }
  });
  document.querySelectorAll("figure.chart-figure").forEach(each => {
    if (shown(each) && ![...each.querySelectorAll("svg.chart")].some(shown)) { found.push("a picture is missing"); }
  });
  const end = getComputedStyle(document.getElementById("main"), "::after").content;
  if (!end.includes(location.pathname)) { found.push(`the address is not below it: ${end}`); }
  return found.slice(0, 12);
}"""
HEAR_POLICY = """
window.forbidden = [];
document.addEventListener("securitypolicyviolation", event => {
  window.forbidden.push(`${event.violatedDirective} forbids ${event.blockedURI || "inline"} ${event.sample || ""}`);
});
"""


class Look:
    """A pair of eyes: one browser context of one person; `at` says what is wrong with a page."""

    def __init__(
        self,
        browser: Browser,
        address: str,
        cookie: dict[str, Any] | None,
        modes: Mapping[str, tuple[Any, Any]] = MODES,
    ) -> None:
        self.modes = modes
        self.address = address.rstrip("/")
        self.host = urlsplit(address).netloc
        self.context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce", accept_downloads=False)
        self.context.set_default_timeout(20_000)
        self.context.add_init_script(HEAR_POLICY)
        if cookie:
            self.context.add_cookies([{**cookie, "url": self.address}])
        self.heard: list[str] = []
        self.page: Page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.heard.append(f"script: {error}"))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "status of 40" not in message.text:
            self.heard.append(f"{message.type}: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob"} and parts.netloc != self.host:
            self.heard.append(f"asks another site: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.request.resource_type != "document":
            self.heard.append(f"{response.status}: {response.url}")

    def at(self, path: str, *, status: int = 200) -> list[str]:
        """What is wrong with the page; nothing for a file or for JSON, which have no looks."""
        self.heard.clear()
        self.page.set_viewport_size(DESKTOP)
        self.page.emulate_media(color_scheme="light")
        try:
            answer = self.page.goto(self.address + path, wait_until="load")
        except Error as failed:
            if "Download is starting" in str(failed) or "ERR_ABORTED" in str(failed):
                return []
            raise
        assert answer is not None
        if answer.status != status:
            return [f"answered {answer.status}"]
        if "text/html" not in answer.headers.get("content-type", ""):
            return []
        return [*self._policy(answer), *self._seen(), *dict.fromkeys(self.heard)]

    def at_words(self, words: str) -> list[str]:
        """The same of a page that is given, as if the site had answered it: one that no address leads to at will."""
        address = f"{self.address}/as-if/"
        self.page.route(
            address, lambda route: route.fulfill(status=200, content_type="text/html", body=words)
        )
        self.heard.clear()
        self.page.set_viewport_size(DESKTOP)
        self.page.goto(address)
        found = [*self._seen(), *dict.fromkeys(self.heard)]
        self.page.unroute(address)
        return found

    def on_paper(self, path: str) -> tuple[list[str], bytes]:
        """What is wrong with the page as it is printed, from a screen that shows it dark; and the sheets as a PDF."""
        self.heard.clear()
        self.page.set_viewport_size(SHEET)
        self.page.emulate_media(color_scheme="dark")
        self.page.goto(self.address + path, wait_until="load")
        self.page.emulate_media(media="print", color_scheme="dark")
        self.page.evaluate(PAPER_LOADED)
        self.page.evaluate(UNFOLD)
        found = [*self.page.evaluate(PAPER), *self.heard]
        sheets = self.page.pdf(format="A4", print_background=True, prefer_css_page_size=True)
        self.page.emulate_media(media="screen")
        return found, sheets

    def _policy(self, answer: Response) -> Iterator[str]:
        """A page without a strict policy is wrong whatever it shows."""
        policy = answer.headers.get("content-security-policy", "")
        if "default-src 'none'" not in policy or "unsafe-inline" in policy or "unsafe-eval" in policy:
            yield f"policy: {policy or 'none'}"

    def _seen(self) -> Iterator[str]:
        self.page.evaluate(AXE)
        self.page.evaluate(ANSWERED)
        for mode, (size, scheme) in self.modes.items():
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme)
            self.page.evaluate(UNFOLD)
            found = [*self.page.evaluate(LOOK), *self.page.evaluate(RUN, TAGS)]
            yield from (f"{mode}: {words}" for words in found)
        yield from self.page.evaluate(
            OPENED, TAGS[:-1]
        )  # order of headings and the like are about whole pages
        yield from self.page.evaluate("window.forbidden")

    def leave(self) -> None:
        self.context.close()
