"""One local run and one browser for all tests of the page; a tab for each."""

import pytest

from experiments.browser import chromium, open_browser
from experiments.local_run import start_local
from tests.local_run import Caller
from tests.web.visitor import Visitor


@pytest.fixture(scope="package")
def local(tmp_path_factory):
    """Endpoints as processes alone: the page sees no other difference."""
    with start_local(tmp_path_factory.mktemp("web")) as started:
        yield Caller(started)


@pytest.fixture(scope="package")
def browser():
    """Ended with this folder: while Playwright runs, its thread has an event loop that other tests would meet."""
    executable = chromium()
    if executable is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with open_browser(executable) as opened:
        yield opened


@pytest.fixture
def visit(browser):
    """Opens a tab of the page that `local` serves. No tab may complain: no error, no other origin, no broken CSP."""
    visitors = []

    def visit(local, **options):
        options = {"viewport": {"width": 1280, "height": 1000}} | options
        visitors.append(Visitor(browser.new_context(**options), local))
        return visitors[-1]

    yield visit
    for visitor in visitors:
        visitor.context.close()
        assert visitor.complaints == []


@pytest.fixture
def visitor(visit, local):
    """Whoever opened the address that `make local` prints."""
    visitor = visit(local)
    visitor.open()
    return visitor
