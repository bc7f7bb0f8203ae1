"""The real handler, with a registry of its own and a real botocore client whose answers botocore's Stubber gives."""

import base64
import importlib
import io
import json
from types import SimpleNamespace

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from lambda_handlers.proxy.aws import client
from tests.lambda_handlers.service import INPUTS, RESULTS, Asker, Queue, moto_s3

ENDPOINTS = [
    {"name": "jobs", "kind": "async", "max_body_bytes": 4000},
    {"name": "serverless", "kind": "serverless", "max_body_bytes": 1000},
    {"name": "gpu", "kind": "realtime", "max_body_bytes": 2000},
    {"name": "web", "kind": "lambda", "max_body_bytes": 3000},
    {"name": "zero", "kind": "realtime", "max_body_bytes": 2000},
]
TARGETS = {
    "jobs": {"service": "sagemaker", "name": "fovea-dev-cats-jobs", "timeout_s": 900},
    "serverless": {"service": "sagemaker", "name": "fovea-dev-cats-serverless"},
    "gpu": {"service": "sagemaker", "name": "fovea-dev-cats-gpu"},
    "web": {"service": "lambda", "name": "fovea-dev-cats-web"},
    "zero": {"service": "sagemaker", "name": "fovea-dev-cats-zero", "component": "fovea-dev-cats-zero"},
}
REGISTRY = {
    "stage": "dev",
    "auth": ["api-key"],
    "models": [
        {
            "name": "cats",
            "version": "1.0.0",
            "accepts": ["image/jpeg", "image/png", "application/json"],
            "endpoints": ENDPOINTS,
        },
        {"name": "birds", "version": "2.0.0", "accepts": ["image/jpeg"], "endpoints": ENDPOINTS[1:2]},
    ],
    "targets": {"cats": TARGETS, "birds": {"serverless": {"service": "sagemaker", "name": "fovea-dev-birds-x"}}},
}


@pytest.fixture(scope="session")
def handler_module(tmp_path_factory):
    file = tmp_path_factory.mktemp("proxy") / "registry.json"
    file.write_text(json.dumps(REGISTRY))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGISTRY_FILE", str(file))
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("INPUTS_BUCKET", INPUTS)
        patch.setenv("RESULTS_BUCKET", RESULTS)
        return importlib.import_module("lambda_handlers.proxy.handler")


class Proxy:
    """Sends events to the handler; `sagemaker` is the stub behind its client."""

    def __init__(self, module, sagemaker: Stubber) -> None:
        self.module, self.sagemaker = module, sagemaker
        self.remaining_ms = 28_000

    def send(self, method: str, resource: str, model: str | None = None, **more):
        body = more.pop("body", None)
        event = {
            "httpMethod": method,
            "resource": resource,
            "headers": more.pop("headers", None),
            "queryStringParameters": more.pop("query", None),
            "pathParameters": ({"model": model} if model else {}) | more.pop("parameters", {}) or None,
            "requestContext": {"requestId": "11111111-2222-3333-4444-555555555555", **more.pop("context", {})},
            "body": base64.b64encode(body).decode() if body else None,
            "isBase64Encoded": bool(body),
        }
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: self.remaining_ms)
        answer = self.module.handler(event, context)
        is_json = answer["headers"]["Content-Type"] == "application/json"
        content = json.loads(answer["body"]) if is_json else answer["body"]
        code = content["error"]["code"] if is_json and "error" in content else None
        return SimpleNamespace(status=answer["statusCode"], headers=answer["headers"], content=content, code=code)

    def predict(self, body: bytes = b"picture", content_type: str | None = "image/jpeg", **more):
        headers = {"Content-Type": content_type} if content_type else {}
        headers |= more.pop("headers", {})
        model = more.pop("model", "cats")
        return self.send("POST", "/models/{model}/predict", model, headers=headers, body=body, **more)

    def will_answer(self, content=b'{"predictions":[]}', expected=None, attributes="decode;dur=1.5", kind=None):
        answer = {
            "Body": StreamingBody(io.BytesIO(content), len(content)),
            "ContentType": kind or "application/json",
            "CustomAttributes": attributes,
        }
        self.sagemaker.add_response("invoke_endpoint", answer, expected)

    def will_fail(self, code: str, status: int, **more):
        self.sagemaker.add_client_error("invoke_endpoint", code, "arn:aws:secret", status, modeled_fields=more or None)

    def will_say(self, code: str, status: int, message: str):
        self.sagemaker.add_client_error("invoke_endpoint", code, message, status)

    def will_fail_in_container(self, status: int, message: str):
        self.sagemaker.add_client_error(
            "invoke_endpoint",
            "ModelError",
            f'Received error ({status}) "{message}"',
            424,
            modeled_fields={"OriginalStatusCode": status, "OriginalMessage": message},
        )


@pytest.fixture
def proxy(handler_module):
    with Stubber(handler_module.RUNTIME.sagemaker.client) as sagemaker:
        yield Proxy(handler_module, sagemaker)
        sagemaker.assert_no_pending_responses()


@pytest.fixture(scope="session")
def aws(handler_module):
    """moto's S3 and a queue, with the proxy's own clients pointed at them."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
    with moto_s3() as url, Queue(RESULTS).open() as queue, pytest.MonkeyPatch.context() as patch:
        s3 = boto3.client("s3", endpoint_url=url, **keys)
        for bucket in (INPUTS, RESULTS):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        storage = handler_module.ROUTES["GET", "/jobs/{id}"].__self__._storage
        with pytest.MonkeyPatch.context() as addresses:  # only while the clients are made: other rooms' tests come next
            addresses.setenv("AWS_ENDPOINT_URL_S3", url)
            addresses.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", queue.url)
            addresses.setenv("AWS_DEFAULT_REGION", "eu-west-1")
            addresses.setenv("AWS_ACCESS_KEY_ID", "test")
            addresses.setenv("AWS_SECRET_ACCESS_KEY", "test")
            assert storage.client
            patch.setattr(handler_module.RUNTIME.sagemaker, "client", client("sagemaker-runtime"))
        yield SimpleNamespace(s3=s3, queue=queue, storage=storage)


@pytest.fixture
def asker(handler_module, aws):
    return Asker(Proxy(handler_module, None), aws)


@pytest.fixture
def good(asker):
    """Ends a refusal's test: the next good request is answered."""

    def works():
        started = asker.start()
        assert started.status == 202
        asker.finish(started.content["id"], b'{"predictions":[]}')
        assert asker.show(started.content["id"]).content["status"] == "succeeded"

    return works
