"""What the proxy tells a browser: whose page may read its answers, refusals included, where a stage has a page."""

import importlib.util

import pytest

from tests.lambda_handlers.conftest import Proxy

ORIGIN = "https://d111111abcdef8.cloudfront.net"


@pytest.fixture
def with_page(handler_module, monkeypatch):
    """The handler once more, as it starts where PAGE_ORIGIN is set."""
    monkeypatch.setenv("PAGE_ORIGIN", ORIGIN)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("REGISTRY_FILE", str(handler_module.SETTINGS.registry_file))
    spec = importlib.util.spec_from_file_location("handler_with_page", handler_module.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Proxy(module, None)


def of_cors(headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith("Access-Control-") or name == "Vary"}


def test_an_answer_and_a_refusal_may_be_read_by_this_page_alone(with_page):
    for answer in (with_page.send("GET", "/models"), with_page.send("GET", "/models/{model}", "dogs")):
        told = of_cors(answer.headers)
        assert (told["Access-Control-Allow-Origin"], told["Vary"]) == (ORIGIN, "Origin")
        readable = told["Access-Control-Expose-Headers"].split(",")
        assert {"server-timing", "x-request-id", "retry-after", "location"} == set(readable)
        assert "Access-Control-Allow-Credentials" not in told
    assert answer.code == "MODEL_NOT_FOUND"


def test_without_a_page_nothing_is_said_of_one(handler_module):
    assert of_cors(Proxy(handler_module, None).send("GET", "/models").headers) == {}
