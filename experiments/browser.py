"""Debian's Chromium under Playwright, for tests and screenshots of the page; nothing of its own reaches out."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

_QUIET = (
    "--no-sandbox",  # root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a camera that shows a clock, for who allows it
)


def chromium() -> str | None:
    """The machine's own Chromium, or None where it has none; Playwright's is not downloaded."""
    return shutil.which("chromium", path="/usr/bin") or shutil.which("chromium")


@contextlib.contextmanager
def open_browser(executable: str) -> Iterator[Browser]:
    """A browser without a window while entered."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_QUIET))
        try:
            yield browser
        finally:
            browser.close()
