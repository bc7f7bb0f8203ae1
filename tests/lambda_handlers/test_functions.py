"""A model that is a function: the proxy's real botocore client against a small server that speaks Lambda's Invoke."""

import base64
import json
import subprocess
import sys
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest

from contract.errors import TABLE
from contract.limits import TIMEOUTS
from contract.options import HEADER
from tests.lambda_handlers.conftest import REGISTRY

FUNCTION = REGISTRY["targets"]["cats"]["web"]["name"]
TIMINGS = "decode;dur=1.5,inference;dur=2.0,encode;dur=0.1"


class _Lambda(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(SimpleNamespace(path=self.path, headers=self.headers, event=json.loads(body)))
        status, headers, content = self.server.answers.popleft()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Functions:
    """Lambda as the proxy sees it: answers in the order they were prepared."""

    def __init__(self, server):
        self._server = server
        server.seen, server.answers = [], deque()
        self.seen = server.seen

    @property
    def is_drained(self):
        return not self._server.answers

    def will_return(self, content, **headers):
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self._server.answers.append((200, headers, raw))

    def will_answer(self, status=200, body='{"predictions":[]}', **more):
        headers = {"content-type": "application/json", HEADER.lower(): TIMINGS} | more.pop("headers", {})
        self.will_return({"statusCode": status, "headers": headers, "body": body, "isBase64Encoded": False} | more)

    def will_break(self, message, kind):
        self.will_return({"errorMessage": message, "errorType": kind}, **{"X-Amz-Function-Error": "Unhandled"})

    def will_fail(self, status, code):
        content = json.dumps({"Message": "arn:aws:secret", "Type": "User"}).encode()
        self._server.answers.append((status, {"x-amzn-ErrorType": code}, content))


@pytest.fixture(scope="module")
def server(handler_module):
    """One for all, so that botocore reads its model of Lambda once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Lambda)
    Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_LAMBDA", f"http://127.0.0.1:{server.server_address[1]}")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        assert handler_module.RUNTIME.functions
    yield server
    del handler_module.RUNTIME.functions
    server.shutdown()
    server.server_close()


@pytest.fixture
def functions(server, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _s: None)
    functions = Functions(server)
    yield functions
    assert functions.is_drained


@pytest.fixture
def web(proxy, functions):  # noqa: ARG001 started for it
    """Predicts with the endpoint that is a function."""

    def predict(body=b"picture", **more):
        query = {"endpoint": "web"} | more.pop("query", {})
        return proxy.predict(body, query=query, **more)

    return predict


def envelope(code: str) -> str:
    return json.dumps({"error": {"code": code, "message": "/opt/secret Traceback", "request_id": "x"}})


def test_sends_the_event_that_the_models_function_reads(web, functions):
    functions.will_answer(body='{"predictions":[{"label":"tabby"}]}')
    answer = web(b"\xff\xd8\x00picture", query={"top_k": "3"}, headers={"accept": "text/csv"})
    assert (answer.status, answer.content) == (200, {"predictions": [{"label": "tabby"}]})
    assert answer.headers["Server-Timing"].endswith(TIMINGS)
    assert "lambda;dur=" in answer.headers["Server-Timing"]
    (seen,) = functions.seen
    assert seen.path == f"/2015-03-31/functions/{FUNCTION}/invocations"
    assert seen.headers["X-Amz-Invocation-Type"] == "RequestResponse"
    assert base64.b64decode(seen.event.pop("body")) == b"\xff\xd8\x00picture"
    assert seen.event == {
        "headers": {
            "content-type": "image/jpeg",
            "accept": "text/csv",
            HEADER.lower(): "request_id=11111111-2222-3333-4444-555555555555,top_k=3",
        },
        "isBase64Encoded": True,
    }


def test_passes_csv_and_base64_on(web, functions):
    functions.will_answer(body="tabby,0.9\n", headers={"content-type": "text/csv"})
    assert web().content == "tabby,0.9\n"
    functions.will_answer(
        body=base64.b64encode(b"tabby").decode(), headers={"content-type": "a/b"}, isBase64Encoded=True
    )
    assert web().content == "tabby"


@pytest.mark.parametrize("code", [code for code, error in TABLE.items() if error.status in (400, 415, 422, 502, 503)])
def test_translates_each_error_of_the_function(web, proxy, functions, code):
    proxy.remaining_ms = 1000  # no time for a second try
    functions.will_answer(TABLE[code].status, envelope(code))
    refused = web()
    assert (refused.status, refused.code) == (TABLE[code].status, code)
    assert "opt" not in refused.content["error"]["message"]
    assert "documented" not in refused.content["error"]["message"]
    functions.will_answer()
    assert web().status == 200


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, "Traceback (most recent call last)", "MODEL_FAILED"),
        (503, "<html>busy</html>", "OVERLOADED"),
        (418, envelope("EMPTY_BODY"), "MODEL_FAILED"),
        (422, envelope("NO_SUCH_CODE"), "MODEL_FAILED"),
        (422, "[" * 100_000, "MODEL_FAILED"),
        (422, '{"error": 5}', "MODEL_FAILED"),
        (200, 5, "MODEL_FAILED"),
        ("200", "{}", "MODEL_FAILED"),
    ],
)
def test_gives_a_strange_answer_a_code_of_ours(web, functions, status, body, code):
    functions.will_answer(status, body)
    assert web().code == code
    functions.will_answer()
    assert web().status == 200


@pytest.mark.parametrize("content", [b"null", b"not json", b"[]", b"", b'"text"', b"\xff"])
def test_an_answer_that_is_none_is_the_models_failure(web, functions, content):
    functions.will_return(content)
    assert web().code == "MODEL_FAILED"


def test_base64_that_is_not_is_the_models_failure(web, functions):
    functions.will_answer(body="!!!", isBase64Encoded=True)
    assert web().code == "MODEL_FAILED"


@pytest.mark.parametrize(
    ("message", "kind", "code"),
    [
        ("RequestId: 1 Error: Task timed out after 24.00 seconds", "Sandbox.Timedout", "MODEL_TIMEOUT"),
        ("2026-01-01T00:00:00Z 1 Task timed out after 3.00 seconds", "Unhandled", "MODEL_TIMEOUT"),
        ("RequestId: 1 Error: Runtime exited with error: exit status 1", "Runtime.ExitError", "MODEL_FAILED"),
        ("RequestId: 1 Error: Runtime exited with error: signal: killed", "Runtime.OutOfMemory", "MODEL_FAILED"),
        ("Unable to import module /opt/secret", "Runtime.ImportModuleError", "MODEL_FAILED"),
        (5, "Unhandled", "MODEL_FAILED"),
    ],
)
def test_tells_a_timeout_from_a_crash(web, functions, message, kind, code):
    functions.will_break(message, kind)
    refused = web()
    assert (refused.status, refused.code) == (TABLE[code].status, code)
    assert "secret" not in json.dumps(refused.content)
    functions.will_answer()
    assert web().status == 200


@pytest.mark.parametrize(
    ("status", "aws_code", "code"),
    [
        (429, "TooManyRequestsException", "THROTTLED"),
        (404, "ResourceNotFoundException", "MODEL_NOT_DEPLOYED"),
        (409, "ResourceConflictException", "MODEL_NOT_READY"),
        (502, "ResourceNotReadyException", "MODEL_NOT_READY"),
        (409, "CodeArtifactUserPendingException", "MODEL_NOT_READY"),
        (409, "CodeArtifactUserFailedException", "MODEL_NOT_DEPLOYED"),
        (413, "RequestTooLargeException", "PAYLOAD_TOO_LARGE"),
        (403, "AccessDeniedException", "INTERNAL_ERROR"),
        (502, "KMSDisabledException", "INTERNAL_ERROR"),
        (500, "ServiceException", "INTERNAL_ERROR"),
    ],
)
def test_translates_each_error_of_lambda_without_a_word_of_it(web, proxy, functions, status, aws_code, code):
    proxy.remaining_ms = 1000  # no time for a second try
    functions.will_fail(status, aws_code)
    refused = web()
    assert (refused.status, refused.code) == (TABLE[code].status, code)
    assert "arn" not in json.dumps(refused.content)
    functions.will_answer()
    assert web().status == 200


@pytest.mark.parametrize(("status", "code"), [(429, "TooManyRequestsException"), (502, "ResourceNotReadyException")])
def test_tries_once_more_while_there_is_time(web, functions, status, code):
    functions.will_fail(status, code)
    functions.will_answer()
    assert web().status == 200
    functions.will_fail(status, code)
    functions.will_fail(status, code)
    assert web().status in (429, 503)


def test_refuses_before_it_wakes_the_function(web, functions):
    assert web(b"x" * 3001).code == "PAYLOAD_TOO_LARGE"
    assert not functions.seen


def test_sets_every_timeout_and_leaves_retries_to_us(proxy, functions):  # noqa: ARG001 the client needs an address
    config = proxy.module.RUNTIME.functions.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (TIMEOUTS.sdk_connect_s, TIMEOUTS.sdk_read_s)
    assert config.retries["total_max_attempts"] == 1


def test_who_calls_no_function_does_not_wait_for_its_client():
    code = "from lambda_handlers.proxy.runtime import Runtime; print('functions' in vars(Runtime()))"
    environment = {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    said = subprocess.check_output([sys.executable, "-c", code], text=True, env=environment)
    assert said.strip() == "False"
