"""Pictures of the page's main states, for the README: `python -m docs.screenshots`. Look at each before it is kept."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from experiments.browser import chromium, open_browser
from experiments.local_run import Local, start_local

FOLDER = Path(__file__).resolve().parent
_ANSWER_MS = 60_000


def main() -> int:
    """Starts the local run and a browser, and writes the pictures. Exit status 1 without a browser."""
    executable = chromium()
    if executable is None:
        print("The pictures need Chromium: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as state, start_local(Path(state)) as local, open_browser(executable) as browser:
        _grade(browser, local, FOLDER / "page-answer.png")
        _boxes(browser, local, FOLDER / "page-boxes.png")
        _phone(browser, local, FOLDER / "page-phone-dark.png")
    return 0


def _grade(browser: Browser, local: Local, file: Path) -> None:
    with _tab(browser, local, 1280, 900) as page:
        _ask(page, "diabetic-retinopathy", "retina.jpg")  # the first starts the model
        page.reload()
        _ask(page, "diabetic-retinopathy", "retina.jpg")
        _keep(page, file, full_page=True)


def _boxes(browser: Browser, local: Local, file: Path) -> None:
    with _tab(browser, local, 1280, 720) as page:
        _ask(page, "object-detection", "drawn_scene.jpg")
        page.reload()
        _ask(page, "object-detection", "drawn_scene.jpg")
        page.locator("article").evaluate("(article) => article.scrollIntoView({ block: 'center' })")
        _keep(page, file)


def _phone(browser: Browser, local: Local, file: Path) -> None:
    with _tab(browser, local, 390, 844, dark=True) as page:
        _ask(page, "sign-language", "keypoints.json")
        page.reload()
        _ask(page, "sign-language", "keypoints.json")
        page.locator("#drop").evaluate("(section) => section.scrollIntoView()")
        _keep(page, file)


def _keep(page: Page, file: Path, *, full_page: bool = False) -> None:
    """256 colours show a page as well, in a third of the bytes."""
    picture = Image.open(BytesIO(page.screenshot(full_page=full_page))).convert("RGB")
    picture.quantize(256).save(file, optimize=True)


@contextmanager
def _tab(browser: Browser, local: Local, width: int, height: int, *, dark: bool = False) -> Iterator[Page]:
    size: ViewportSize = {"width": width, "height": height}
    context = browser.new_context(viewport=size, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.goto(f"{local.url}/#key={local.key}")
    yield page
    context.close()


def _ask(page: Page, model: str, sample: str) -> None:
    page.get_by_role("radio", name=model).check()
    page.get_by_role("button", name=f"Try {sample}").click()
    page.locator("article dl.times").wait_for(timeout=_ANSWER_MS)
    page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
    page.wait_for_timeout(500)  # the bars' transition


if __name__ == "__main__":
    raise SystemExit(main())
