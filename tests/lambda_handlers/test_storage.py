"""What S3 refuses, in our words: the proxy's real client against a small server that answers as S3 does."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from contract.errors import ApiError
from contract.limits import TIMEOUTS
from lambda_handlers.proxy.settings import Buckets
from lambda_handlers.proxy.storage import Storage, Stored
from local.endpoint import free_port

BUCKETS = Buckets("cats-inputs", "cats-results")


class _S3(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, code = self.server.answer
        self.server.calls += 1
        content = f"<Error><Code>{code}</Code><Message>arn:aws:secret</Message></Error>".encode()
        content = b"" if self.command == "HEAD" else content
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_HEAD = _answer  # noqa: N815 http.server's names

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def s3():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _S3)
    server.answer, server.calls = (500, ""), 0
    Thread(target=server.serve_forever, daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_address[1]}")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        server.storage = Storage(BUCKETS)
        assert server.storage.client
    yield server
    server.shutdown()
    server.server_close()


VERBS = {
    "read": lambda storage: storage.read("jobs/x.json"),
    "write": lambda storage: storage.write("jobs/x.json", b"{}"),
    "claim": lambda storage: storage.write_if("jobs/keys/x.json", b"{}", None),
    "replace": lambda storage: storage.write_if("jobs/keys/x.json", b"{}", Stored(b"{}", '"etag"')),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("status", "aws_code", "code"),
    [
        (503, "SlowDown", "STORAGE_UNAVAILABLE"),
        (500, "InternalError", "STORAGE_UNAVAILABLE"),
        (404, "NoSuchBucket", "MODEL_NOT_DEPLOYED"),
        (403, "AccessDenied", "INTERNAL_ERROR"),
    ],
)
def test_translates_each_error_without_a_word_of_it(s3, verb, status, aws_code, code):
    s3.answer = status, aws_code
    with pytest.raises(ApiError) as refused:
        VERBS[verb](s3.storage)
    assert refused.value.code() == code
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "code"), [(503, "STORAGE_UNAVAILABLE"), (500, "STORAGE_UNAVAILABLE"), (403, "INTERNAL_ERROR")]
)
def test_translates_a_status_that_comes_without_words(s3, status, code):
    s3.answer = status, ""
    with pytest.raises(ApiError) as refused:
        s3.storage.uploaded("cats/x")
    assert refused.value.code() == code


def test_what_is_absent_is_none(s3):
    s3.answer = 404, "NoSuchKey"
    assert s3.storage.read("jobs/x.json") is None
    assert s3.storage.uploaded("cats/x") is None


@pytest.mark.parametrize(
    ("status", "code"), [(412, "PreconditionFailed"), (409, "ConditionalRequestConflict"), (404, "NoSuchKey")]
)
def test_a_lost_race_is_no_error(s3, status, code):
    s3.answer = status, code
    assert not VERBS["claim"](s3.storage)
    assert not VERBS["replace"](s3.storage)


def test_tries_twice_and_not_for_long(s3):
    config = s3.storage.client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (TIMEOUTS.sdk_connect_s, TIMEOUTS.storage_read_s)
    s3.answer, s3.calls = (503, "SlowDown"), 0
    with pytest.raises(ApiError):
        VERBS["read"](s3.storage)
    assert s3.calls == 2


def test_says_when_nobody_answers(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(ApiError) as refused:
        Storage(BUCKETS).read("jobs/x.json")
    assert refused.value.code() == "STORAGE_UNAVAILABLE"


def test_reads_results_from_its_own_bucket_alone(s3):
    assert s3.storage.result_key("s3://cats-results/cats/output/x.out") == "cats/output/x.out"
    with pytest.raises(ApiError):
        s3.storage.result_key("s3://another/cats/output/x.out")
