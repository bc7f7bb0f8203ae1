"""web/sign-in.js, run by Node with its own fetch and cryptography, against a server that trades codes by RFC 7636."""

import base64
import hashlib
import json
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from models.registry import ROOT

BROWSER = ROOT / "tests" / "web" / "signing_in.js"
HERE = "https://page.example.com/"


class TokenEndpoint(BaseHTTPRequestHandler):
    """Knows one code, and the challenge that came with it."""

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: value for name, (value,) in parse_qs(form).items()}
        self.server.seen.append((self.path, self.headers["Content-Type"], asked))
        digest = hashlib.sha256(asked["code_verifier"].encode()).digest()
        right = base64.urlsafe_b64encode(digest).decode().rstrip("=") == self.server.challenge
        body = json.dumps({"id_token": "a.b.c"} if right else {"error": "invalid_grant"}).encode()
        self.send_response(200 if right else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def pool():
    with ThreadingHTTPServer(("127.0.0.1", 0), TokenEndpoint) as server:
        server.seen, server.challenge = [], None
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def browser(pool):
    """Does one of the module's two things, in a tab that keeps what it kept."""

    def does(what, search="", kept=None):
        at = {"address": f"http://127.0.0.1:{pool.server_port}", "client_id": "c1", "scopes": ["openid", "email"]}
        module = (ROOT / "web" / "sign-in.js").as_uri()
        given = {"module": module, "does": what, "at": at, "search": search, "kept": kept or {}}
        command = ["node", str(BROWSER), json.dumps(given)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return does


def query(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def test_leaving_asks_for_a_code_that_only_this_tab_can_trade(browser, pool):
    left = browser("signIn")
    asked = query(left["went"])
    assert left["went"].startswith(f"http://127.0.0.1:{pool.server_port}/oauth2/authorize?")
    kept = json.loads(left["kept"]["fovea-sign-in"])
    digest = hashlib.sha256(kept["verifier"].encode()).digest()
    assert asked == {
        "response_type": "code",
        "client_id": "c1",
        "redirect_uri": HERE,
        "scope": "openid email",
        "state": kept["state"],
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    assert len(kept["verifier"]) >= 43  # RFC 7636, 4.1
    assert kept["verifier"] not in left["went"]
    assert browser("signIn")["kept"] != left["kept"]


def test_who_comes_back_has_the_identity_token_and_a_clean_address(browser, pool):
    left = browser("signIn")
    asked = query(left["went"])
    pool.challenge = asked["code_challenge"]
    back = browser("signedIn", f"?code=x%2By&state={asked['state']}", left["kept"])
    assert (back["gave"], back["address"]) == ("a.b.c", "/")
    assert back["kept"] == {}
    ((path, kind, form),) = pool.seen
    assert (path, kind.partition(";")[0]) == ("/oauth2/token", "application/x-www-form-urlencoded")
    assert (form["grant_type"], form["code"], form["redirect_uri"]) == ("authorization_code", "x+y", HERE)


def test_a_first_visit_asks_nobody(browser, pool):
    assert browser("signedIn")["gave"] == ""
    assert pool.seen == []


@pytest.mark.parametrize("search", ["?code=x&state=other", "?code=x", "?error=access_denied&state=other"])
def test_a_way_back_that_this_tab_did_not_begin_is_refused_unasked(browser, pool, search):
    kept = browser("signIn")["kept"]
    back = browser("signedIn", search, kept)
    assert (back["code"], back["address"]) == ("SIGN_IN_FAILED", "/")
    assert browser("signedIn", "?code=x&state=undefined")["code"] == "SIGN_IN_FAILED"
    assert pool.seen == []


def test_a_sign_in_given_up_a_code_not_taken_and_a_pool_not_there_are_told(browser, pool):
    left = browser("signIn")
    state = query(left["went"])["state"]
    given_up = browser("signedIn", f"?error=access_denied&state={state}", left["kept"])
    not_taken = browser("signedIn", f"?code=x&state={state}", left["kept"])
    pool.shutdown()
    pool.server_close()
    not_there = browser("signedIn", f"?code=x&state={state}", left["kept"])
    assert given_up["message"] == "It was not completed. Sign in again."
    assert not_taken["message"] == not_there["message"] == "Its code was not taken. Sign in again."
    assert {"SIGN_IN_FAILED"} == {told["code"] for told in (given_up, not_taken, not_there)}
