"""A person at a browser, and what the browser complains about while they look around."""

import os
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Response

SCREENSHOTS = Path(
    os.environ.get("SCREENSHOTS") or Path(__file__).resolve().parents[2] / "var" / "screenshots"
)
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}


class Person:
    """One browser context: cookies, a page, and the list of complaints (console, policy, failed requests)."""

    def __init__(self, browser: Browser, address: str, email: str, password: str) -> None:
        self.address, self.email, self.password = address.rstrip("/"), email, password
        self.complaints: list[str] = []
        self.context = browser.new_context(viewport=DESKTOP)
        self.context.set_default_timeout(20_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script: {error} on {self.page.url}"))
        self.page.on("response", self._answered)
        self.page.on("dialog", lambda dialog: dialog.accept())  # "Apply this run?" – yes

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text} on {self.page.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500 or (
            response.status == 404 and response.request.resource_type != "document"
        ):
            self.complaints.append(f"{response.status}: {response.url}")

    def go(self, path: str) -> Page:
        """Open an address of the site; the page must answer 200."""
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.status == 200, f"{path} answered {answer.status}"
        return self.page

    def press(self, name: str) -> Page:
        """Press the button with this name."""
        self.page.get_by_role("button", name=name, exact=True).click()
        return self.page

    def sees(self, words: str, *, seconds: float = 60) -> None:
        """Wait until the page shows these words."""
        self.page.get_by_text(words).filter(visible=True).first.wait_for(timeout=seconds * 1000)

    def status_of(self, path: str) -> int:
        """What the site answers at an address, asked with this person's cookies and without leaving the page."""
        return self.context.request.get(f"{self.address}{path}", max_redirects=0).status

    def sign_in(self) -> None:
        self.go("/sign-in/")
        self.page.fill("input[name=username]", self.email)
        self.page.fill("input[name=password]", self.password)
        self.page.click("button[type=submit], input[type=submit]")
        self.page.wait_for_url(lambda url: "sign-in" not in url)

    def picture(self, name: str, *, phone: bool = False) -> None:
        """Keep a screenshot under var/screenshots for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.set_viewport_size(PHONE if phone else DESKTOP)
        self.page.evaluate("window.scrollTo(0, 0)")  # what sticks to the top is drawn where the view stands
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
        self.page.set_viewport_size(DESKTOP)

    def leave(self) -> None:
        self.context.close()
