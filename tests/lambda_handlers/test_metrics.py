"""Each line of metrics is one that CloudWatch understands, and holds no word of a client's."""

import json
import os
import subprocess
import sys
import time

import pytest

from lambda_handlers.proxy.metrics import OF_ENDPOINT, OF_FUNCTION, Metrics
from local.function_worker import read_frame, write_frame
from models.registry import ROOT
from tests.lambda_handlers.conftest import REGISTRY

NAMESPACE = "Fovea/test"
UNITS = {"Milliseconds", "Bytes", "Count"}
NUMBERS = 2.0**360  # CloudWatch takes -2^360 to 2^360


@pytest.fixture
def measured(proxy, monkeypatch, capsys):
    """Sends what `proxy` sends; gives the line that was printed for it."""
    monkeypatch.setattr(proxy.module, "METRICS", Metrics(NAMESPACE, proxy.module.REGISTRY))

    def line(send=proxy.predict, **request):
        send(**request)
        (printed,) = capsys.readouterr().out.splitlines()
        return json.loads(printed, parse_constant=pytest.fail)

    return line


def values(document: dict) -> dict[tuple, dict[str, float]]:
    """What CloudWatch makes of a document: dimensions -> metric -> value. Fails where it breaks the specification."""
    (about, root) = document["_aws"], {name: value for name, value in document.items() if name != "_aws"}
    assert set(about) == {"Timestamp", "CloudWatchMetrics"}
    assert isinstance(about["Timestamp"], int)
    assert abs(about["Timestamp"] / 1000 - time.time()) < 60
    found = {}
    for directive in about["CloudWatchMetrics"]:
        assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
        assert directive["Namespace"] == NAMESPACE
        assert 1 <= len(directive["Metrics"]) <= 100
        (dimensions,) = directive["Dimensions"]
        assert len(dimensions) <= 30
        key = tuple(root[name] for name in dimensions)
        assert all(isinstance(value, str) and 1 <= len(value) <= 1024 for value in key)
        for metric in directive["Metrics"]:
            assert set(metric) == {"Name", "Unit"}
            assert metric["Unit"] in UNITS
            assert abs(root[metric["Name"]]) < NUMBERS
        found[key] = {metric["Name"]: root[metric["Name"]] for metric in directive["Metrics"]}
    spoken_of = {name for each in about["CloudWatchMetrics"] for name in each["Dimensions"][0]}
    assert set(root) == spoken_of | {name for metrics in found.values() for name in metrics}
    return found


def test_a_prediction_is_measured_by_model_and_endpoint(proxy, measured):
    proxy.will_answer(b'{"predictions":[]}', attributes="decode;dur=1.5,inference;dur=20.25,encode;dur=0.1")
    found = values(measured(body=b"\xff\xd8 five", query={"endpoint": "gpu"}))
    assert set(found) == {(), ("cats", "gpu")}
    of_it = found["cats", "gpu"]
    assert set(of_it) == set(OF_ENDPOINT)
    assert (of_it["Refused"], of_it["Failed"]) == (0, 0)
    assert (of_it["RequestBytes"], of_it["ResponseBytes"]) == (7, len(b'{"predictions":[]}'))
    assert (of_it["DecodeTime"], of_it["InferenceTime"], of_it["EncodeTime"]) == (1.5, 20.25, 0.1)
    assert 0 < of_it["ServiceTime"] <= of_it["FunctionTime"] + 0.1


@pytest.mark.parametrize("size", range(1, 8))
def test_bytes_are_counted_from_the_base64(measured, proxy, size):
    proxy.will_answer()
    assert values(measured(body=b"x" * size))["cats", "serverless"]["RequestBytes"] == size


def test_only_the_first_request_of_an_environment_is_a_cold_start(proxy, measured):
    starts = []
    for _ in range(3):
        proxy.will_answer()
        starts.append(values(measured())[()])
    assert starts == [{"ColdStarts": 1}, {"ColdStarts": 0}, {"ColdStarts": 0}]
    assert set(OF_FUNCTION) == {"ColdStarts"}


def test_a_refusal_and_a_failure_are_counted_where_they_were_asked(proxy, measured):
    refused = values(measured(body=b""))["cats", "serverless"]
    assert (refused["Refused"], refused["Failed"], refused["RequestBytes"]) == (1, 0, 0)
    assert "ServiceTime" not in refused
    proxy.remaining_ms = 1000
    proxy.will_fail("InternalFailure", 500)
    failed = values(measured())["cats", "serverless"]
    assert (failed["Refused"], failed["Failed"]) == (0, 1)
    proxy.will_answer()
    assert values(measured())["cats", "serverless"]["Failed"] == 0


@pytest.mark.parametrize(
    "request_",
    [
        {"model": "dogs"},
        {"model": "cats\n"},
        {"query": {"endpoint": "tpu"}},
        {"model": "x" * 5000},
        {"model": "dogs", "query": {"endpoint": "serverless"}},
    ],
    ids=["model", "line", "endpoint", "long", "both"],
)
def test_what_is_not_in_the_registry_has_no_dimension(measured, request_):
    assert set(values(measured(**request_))) == {()}


def test_nothing_that_a_client_wrote_is_in_a_line(proxy, measured):
    marked = "wrote-by-client"
    request = {
        "body": marked.encode(),
        "headers": {"user-agent": marked, "accept": marked, "x-forwarded-for": marked},
        "query": {"top_k": marked, "threshold": marked, marked: marked},
    }
    for more in ({}, {"model": marked}, {"content_type": f"image/{marked}"}, {"query": {"endpoint": marked}}):
        assert marked not in json.dumps(measured(**request | more))
    proxy.will_answer(marked.encode(), attributes=f"{marked};dur=1", kind="text/csv")
    assert marked not in json.dumps(measured(body=marked.encode()))


def test_timings_of_a_container_of_somebody_elses_are_left_out_where_they_are_none(proxy, measured):
    proxy.will_answer(attributes=f"inference;dur={'9' * 400},decode;dur=2,warp;dur=1")
    of_it = values(measured())["cats", "serverless"]
    assert "InferenceTime" not in of_it
    assert of_it["DecodeTime"] == 2


def test_reading_what_is_deployed_is_not_a_prediction(proxy, measured):
    for path, model in (("/models", None), ("/models/{model}", "cats"), ("/openapi.json", None)):
        document = measured(lambda path=path, model=model: proxy.send("GET", path, model))
        assert set(values(document)) == {()}
    document = measured(lambda: proxy.send("POST", "/models/{model}/jobs", "cats"))
    assert set(values(document)) == {()}


@pytest.mark.parametrize("namespace", [None, NAMESPACE])
def test_the_function_prints_a_bare_line_where_it_is_told_a_namespace_and_none_else(tmp_path, namespace):
    """A process as Lambda's: what `logging` writes is wrapped, what is printed is not."""
    (tmp_path / "registry.json").write_text(json.dumps(REGISTRY))
    environment = {
        "PATH": os.environ["PATH"],
        "REGISTRY_FILE": str(tmp_path / "registry.json"),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_LAMBDA_FUNCTION_NAME": "proxy",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    } | ({"METRICS_NAMESPACE": namespace} if namespace else {})
    event = {"httpMethod": "GET", "resource": "/models", "requestContext": {"requestId": "1"}}
    command = [sys.executable, ROOT / "local/function_worker.py", ROOT, "lambda_handlers.proxy.handler.handler", "5"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as worker:
        assert read_frame(worker.stdout) == b""
        write_frame(worker.stdin, json.dumps(event).encode())
        assert json.loads(read_frame(worker.stdout))["answer"]["statusCode"] == 200
        worker.stdin.close()
        lines = [json.loads(line) for line in worker.stderr.read().splitlines()]
    embedded = [line for line in lines if "_aws" in line]
    assert [values(line) for line in embedded] == ([{(): {"ColdStarts": 1}}] if namespace else [])
    assert [line["message"] for line in lines if "message" in line] == ["answered"]
