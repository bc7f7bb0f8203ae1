"""Somebody at the page, and what their browser must not have seen."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.local_run import Caller

_REFUSED = "Failed to load resource:"  # the browser's own line about a status or a connection, not the page's
_WATCH = """addEventListener("securitypolicyviolation",
  (event) => console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));"""
ANSWER_MS = 60_000  # a model's process may have to start, on a machine that does other things


class Visitor:
    """A tab of its own; `complaints` are what its console and its requests had that they should not."""

    def __init__(self, context: BrowserContext, local: Caller) -> None:
        self.local, self.context = local, context
        self.complaints: list[str] = []
        self.requested: list[str] = []
        context.add_init_script(_WATCH)
        self.page = self._watched(context.new_page())

    def open(self, key: str | None = None) -> Page:
        """The address that `make local` prints, or with another key; "" for none."""
        shown = self.local.key if key is None else key
        self.page.goto(self.local.url + "/" + (f"#key={shown}" if shown else ""))
        if key is None:
            self.ready()
        return self.page

    def ready(self) -> None:
        expect(self.page.get_by_role("radio").first).to_be_visible()

    def choose(self, model: str) -> None:
        self.page.get_by_role("radio", name=model).check()
        expect(self.page.locator("#accepts")).to_contain_text(model)

    def try_sample(self, name: str) -> Locator:
        before = self.page.locator("article").count()
        self.page.get_by_role("button", name=f"Try {name}").click()
        expect(self.page.locator("article")).to_have_count(before + 1)
        return self.latest(name)

    def send(self, *files: Path) -> Locator:
        self.page.locator("#choose-file").set_input_files(files)
        return self.latest(files[-1].name)

    def latest(self, name: str) -> Locator:
        """The newest article, which is about the file `name`."""
        article = self.page.locator("article").first
        expect(article).to_contain_text(name)
        return article

    def answer_first(self, **answer) -> None:
        """The next prediction is answered so, in the API's place; those after it by the API."""
        answers = [answer]
        self.page.route("**/predict?*", lambda route: route.fulfill(**answers.pop()) if answers else route.continue_())

    def predictions(self) -> list[str]:
        return [url for url in self.requested if "/predict" in url]

    def _watched(self, page: Page) -> Page:
        own = urlsplit(self.local.url).netloc, urlsplit(self.local.s3_url).netloc
        page.set_default_timeout(10_000)

        def requested(request) -> None:
            self.requested.append(request.url)
            if urlsplit(request.url).scheme not in ("blob", "data") and urlsplit(request.url).netloc not in own:
                self.complaints.append(f"asked another origin: {request.url}")

        def said(message) -> None:
            if message.type in ("error", "warning") and not message.text.startswith(_REFUSED):
                self.complaints.append(f"{message.type}: {message.text}")

        page.on("request", requested)
        page.on("console", said)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        return page


def answered(article: Locator) -> Locator:
    """Waits for the answer; refusals fail."""
    expect(article.locator("dl.times").or_(article.locator(".refused")).first).to_be_visible(timeout=ANSWER_MS)
    expect(article.locator(".refused")).to_have_count(0)
    return article


def refused(article: Locator) -> Locator:
    expect(article.locator(".refused").first).to_be_visible(timeout=ANSWER_MS)
    return article.locator(".refused").first
