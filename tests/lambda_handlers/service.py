"""AWS as the proxy sees it, moto's S3 in its own process and a queue that speaks SageMaker's API; and who calls."""

import contextlib
import json
import subprocess
import sys
import uuid
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import httpx

from experiments.local_run import answers, wait_until
from local.endpoint import free_port

INPUTS, RESULTS = "cats-inputs", "cats-results"
PICTURE = b"\xff\xd8\xffpicture"


@contextlib.contextmanager
def moto_s3() -> Iterator[str]:
    """moto's server while entered; gives its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: answers(f"{url}/moto-api/data.json"), 60)
        yield url
    finally:
        process.terminate()
        process.wait(20)


class _SageMaker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = {name.lower().removeprefix("x-amzn-sagemaker-"): value for name, value in self.headers.items()}
        self.server.seen.append(SimpleNamespace(path=self.path, **{k.replace("-", "_"): v for k, v in asked.items()}))
        status, headers, content = self.server.refusals.popleft() if self.server.refusals else self._queued()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _queued(self):
        name = uuid.uuid4()
        headers = {
            "X-Amzn-SageMaker-OutputLocation": f"s3://{self.server.results}/cats/output/{name}.out",
            "X-Amzn-SageMaker-FailureLocation": f"s3://{self.server.results}/cats/failure/{name}-error.out",
        }
        return 202, headers, b"{}"

    def log_message(self, *_):
        pass


class Queue:
    """SageMaker's InvokeEndpointAsync: takes every job, but for the refusals that were prepared."""

    def __init__(self, results: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _SageMaker)
        self._server.seen, self._server.refusals, self._server.results = [], deque(), results
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.seen, self.refusals = self._server.seen, self._server.refusals

    def will_refuse(self, status: int, code: str) -> None:
        content = json.dumps({"Message": "arn:aws:secret"}).encode()
        self.refusals.append((status, {"x-amzn-ErrorType": code}, content))

    @contextlib.contextmanager
    def open(self) -> Iterator["Queue"]:
        Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()


def post_form(url: str, fields: dict[str, str], file: bytes) -> httpx.Response:
    """As a browser or `curl -F` sends it."""
    return httpx.post(url, data=fields, files={"file": ("picture", file)}, timeout=60)


class Asker:
    """Somebody who uploads and asks; and SageMaker, which finishes what was asked."""

    def __init__(self, proxy, aws) -> None:
        self._proxy, self.s3, self.queue = proxy, aws.s3, aws.queue
        self.queue.seen.clear()

    def post(self, route: str, content=None, model="cats", **more):
        body = content if isinstance(content, bytes) else None if content is None else json.dumps(content).encode()
        headers = {"Content-Type": "application/json"} | more.pop("headers", {})
        return self._proxy.send("POST", f"/models/{{model}}/{route}", model, headers=headers, body=body, **more)

    def form(self, content_type="image/jpeg", **more):
        return self.post("uploads", {"content_type": content_type}, **more)

    def upload(self, file=PICTURE, content_type="image/jpeg", model="cats") -> str:
        form = self.form(content_type, model=model).content
        assert post_form(form["url"], form["fields"], file).status_code == 204
        return form["upload_id"]

    def start(self, upload_id=None, key=None, **more):
        headers = more.pop("headers", {}) | ({"Idempotency-Key": key} if key is not None else {})
        content = {"upload_id": upload_id or self.upload()} | more.pop("asked", {})
        return self.post("jobs", content, headers=headers, **more)

    def show(self, job: str):
        return self._proxy.send("GET", "/jobs/{id}", parameters={"id": job})

    def record(self, job: str) -> dict:
        return json.loads(self.s3.get_object(Bucket=RESULTS, Key=f"jobs/{job}.json")["Body"].read())

    def finish(self, job: str, content: bytes, where="output") -> None:
        self.s3.put_object(Bucket=RESULTS, Key=self.record(job)[where], Body=content)

    def objects(self, bucket: str, prefix: str) -> list[str]:
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])]
