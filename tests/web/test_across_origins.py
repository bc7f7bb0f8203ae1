"""The page in a real browser as AWS would have it: its own origin, the API on another, Cognito on a third.

What the API says to OPTIONS, and what CloudFront sends, is the synthesized templates'; the three servers only say it.
"""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from contract.page import readable_from, security_headers
from models.registry import ROOT, load_models
from stacks.constructs.page_publisher import package
from tests.stacks.assembly import said, synthesize

MODEL = {
    "name": "cats",
    "description": "Cats and dogs.",
    "task": "image-classification",
    "accepts": ["image/jpeg"],
    "endpoints": [{"name": "serverless", "kind": "serverless", "max_body_bytes": 1000}],
}


class Saying(BaseHTTPRequestHandler):
    """Answers as its server's `answer` says: status, headers, body."""

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        status, headers, content = self.server.answer(self.command, self.path, self.headers, body)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_OPTIONS = _answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def servers():
    made = [ThreadingHTTPServer(("127.0.0.1", 0), Saying) for _ in range(3)]
    for server in made:
        server.seen = []
        Thread(target=server.serve_forever, daemon=True).start()
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def preflight(tmp_path_factory):
    """The headers that the API's template has for OPTIONS /models, of an origin."""
    api = synthesize("dev", tmp_path_factory.mktemp("across") / "out", page="on").api
    (method,) = [m for name, m in api.resources("ApiGateway::Method") if name.startswith("ApiDefinitionOPTIONSmodels0")]
    (answer,) = method["Properties"]["Integration"]["IntegrationResponses"]
    headers = {name.rpartition(".")[2]: said(value).strip("'") for name, value in answer["ResponseParameters"].items()}
    return lambda origin: {name: value.replace("${PageOrigin}", origin) for name, value in headers.items()}


def origin_of(server: ThreadingHTTPServer) -> str:
    return f"http://localhost:{server.server_port}"


@pytest.fixture
def opened(browser, servers, preflight):
    """What the browser shows after the page has been opened, the API answering to `allowed`."""
    page, api, pool = servers
    files = package(ROOT, load_models())
    types = json.loads(files["site.json"])
    sign_in = {"address": origin_of(pool), "client_id": "c1", "scopes": ["openid", "email"]}
    config = {"api": origin_of(api), "shows": ["token"], "samples": {}, "sign_in": sign_in}

    def answer_page(_verb, path, _headers, _body):
        name = urlsplit(path).path.strip("/") or "index.html"
        headers = security_headers(origin_of(api), origin_of(pool))
        if name == "config.json":
            return 200, {**headers, "Content-Type": "application/json"}, json.dumps(config).encode()
        if name not in types:
            return 404, {}, b""
        return 200, {**headers, "Content-Type": types[name]["type"]}, files[f"site/{name}"].read_bytes()

    def answer_pool(verb, path, _headers, _body):
        if verb == "POST":
            return 200, {"Access-Control-Allow-Origin": "*"}, b'{"id_token": "a.b.c"}'
        asked = {name: value for name, (value,) in parse_qs(urlsplit(path).query).items()}
        back = urlencode({"code": "x", "state": asked["state"]})
        return 302, {"Location": f"{asked['redirect_uri']}?{back}"}, b""

    def opens(allowed: str) -> str:
        def answer_api(verb, _path, headers, _body):
            if verb == "OPTIONS":
                return 204, preflight(allowed), b""
            known = headers.get("Authorization") == "Bearer a.b.c"
            content = {"models": [MODEL]} if known else {"error": {"code": "INVALID_TOKEN", "message": "No."}}
            return 200 if known else 401, readable_from(allowed), json.dumps(content).encode()

        page.answer, api.answer, pool.answer = answer_page, answer_api, answer_pool
        with browser.new_context() as context:
            tab = context.new_page()
            tab.goto(f"{origin_of(page)}/")
            tab.wait_for_selector("#models label, #trouble:not([hidden])", timeout=20_000)
            return tab.inner_text("body")

    return opens


def test_somebody_signs_in_comes_back_and_sees_the_models(opened, servers):
    page, api, pool = servers
    shown = opened(origin_of(page))
    assert "Cats and dogs." in shown
    assert "Try again" not in shown
    assert [verb for verb, *_ in pool.seen] == ["GET", "POST"]
    assert [verb for verb, *_ in api.seen] == ["OPTIONS", "GET"]
    (_, _, asked, _) = api.seen[0]
    assert asked["Origin"] == origin_of(page)
    assert asked["Access-Control-Request-Headers"] == "authorization"


def test_a_page_of_another_origin_reads_nothing(opened, servers):
    shown = opened("https://other.example.com")
    assert "Cats and dogs." not in shown
    assert "The API cannot be reached" in shown
    assert "GET" not in [verb for verb, *_ in servers[1].seen]
