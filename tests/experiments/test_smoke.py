"""The smoke test of a deployed stage, against the local run; and what it says of one that does not answer so."""

import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from experiments.local_run import start_local
from local.endpoint import free_port
from models.registry import ROOT, load_models

VERSIONS = {model.spec.name: model.spec.model.version for model in load_models()}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "eu-west-1"}


def smoke(url: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null"}
    environment |= {"AWS_SHARED_CREDENTIALS_FILE": "/dev/null"} | variables
    command = [sys.executable, "-m", "experiments.smoke", url, *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)


@contextmanager
def deployed(answer):
    """The address of an API with one model, face-mask, whose predictions `answer` gives; and the requests it got."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.append((self.command, self.path, dict(self.headers.items()), body))
            kinds = {"serverless": "serverless", "cpu": "realtime", "bulk": "async"}
            endpoints = [{"name": name, "kind": kind} for name, kind in kinds.items()]
            listed = {"models": [{"name": "face-mask", "endpoints": endpoints}]}
            status, content = (200, listed) if self.command == "GET" else answer(self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content if isinstance(content, bytes) else json.dumps(content).encode())

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()


def good(_path):
    return 200, {"model": "face-mask", "version": VERSIONS["face-mask"], "predictions": []}


def test_each_model_of_the_local_run_answers(tmp_path):
    with start_local(tmp_path) as local:
        refused = smoke(local.url, "--key", "wrong")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == "GET /models: 403 INVALID_API_KEY\n"
        done = smoke(local.url, "--key", local.key)
    assert (done.returncode, done.stderr) == (0, "")
    listed, *lines = done.stdout.splitlines()
    assert listed == f"GET /models: {', '.join(VERSIONS)}"
    assert [line.split()[0] for line in lines] == list(VERSIONS)
    for line, version in zip(lines, VERSIONS.values(), strict=True):
        assert line.endswith(f" ms, version {version}")


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((502, {"error": {"code": "MODEL_FAILED", "message": "", "request_id": ""}}), "502 MODEL_FAILED"),
        ((200, {"model": "face-mask", "version": "0.0.1"}), "answers as face-mask 0.0.1, not as face-mask"),
        ((500, b"<html>"), "500 no answer of the API's own"),
        ((503, {"error": {"code": "MODEL_NOT_READY", "message": "", "request_id": ""}}), "503 MODEL_NOT_READY"),
    ],
    ids=["failed", "old version", "no JSON", "never ready"],
)
def test_a_model_that_does_not_answer_as_it_should_is_told(answer, line):
    with deployed(lambda _: answer) as (url, _):
        done = smoke(url, "--patience-s", "0.1")
    assert done.returncode == 1
    assert done.stderr.startswith(f"face-mask serverless: {line}")
    with deployed(good) as (url, _):
        assert smoke(url).returncode == 0


def test_one_fault_does_not_keep_the_others_from_being_asked():
    def answer(path):
        return (502, {}) if path.endswith("=serverless") else good(path)

    with deployed(answer) as (url, seen):
        done = smoke(url, "--each-endpoint")
    assert done.returncode == 1
    assert "face-mask cpu: " in done.stdout
    assert [path for method, path, _, _ in seen if method == "POST"] == [
        f"/models/face-mask/predict?endpoint={endpoint}" for endpoint in ("serverless", "cpu")
    ]


def test_a_cold_endpoint_is_waited_for():
    answers = iter([(503, {}), (200, good("")[1])])
    with deployed(lambda _: next(answers)) as (url, _):
        assert smoke(url).returncode == 0


def test_nobody_there_is_told():
    done = smoke(f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert done.stderr.startswith("GET http://127.0.0.1:")


def test_a_request_is_signed_as_api_gateway_asks():
    with deployed(good) as (url, seen):
        unsigned = smoke(url, "--sign")
        assert (unsigned.returncode, unsigned.stderr.count("\n")) == (1, 1)
        assert unsigned.stderr.startswith("--sign: there are no AWS credentials")
        assert smoke(url, "--sign", **KEYS).returncode == 0
    assert [method for method, *_ in seen] == ["GET", "POST"]
    for method, path, headers, body in seen:
        sent = {name.lower(): value for name, value in headers.items()}
        request = AWSRequest(method, url + path, data=body, headers={"Content-Type": sent["content-type"]})
        request.context["timestamp"] = sent["x-amz-date"]
        signer = SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), "execute-api", "eu-west-1")
        request.headers["X-Amz-Date"] = sent["x-amz-date"]
        expected = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        assert f"Signature={expected}" in sent["authorization"]
        assert "/eu-west-1/execute-api/aws4_request" in sent["authorization"]
