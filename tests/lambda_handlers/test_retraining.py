"""The functions of a model's training: what they take for an answer, an evaluation and a reason."""

import importlib
import json

import botocore.session
import pytest
from botocore.stub import Stubber

from lambda_handlers.retraining import gate, inventory, settings, smoke, tell
from models.registry import load_models
from models.samples import sample_type, samples

LABELS = ["tabby", "siamese"]
TOLD = {
    "model": "cats",
    "stage": "dev",
    "task": "image-classification",
    "labels": LABELS,
    "folders": ["training", "held-out"],
    "tolerance": 0.01,
    "targets": [{"EndpointName": "fovea-dev-cats-serverless"}],
    "sample": "sample/cat.png",
    "sample_type": "image/png",
}


@pytest.fixture
def aws(tmp_path, monkeypatch):
    """A package with what the functions are told, and a stub behind the client of a service that they ask for."""
    (tmp_path / "sample").mkdir()
    (tmp_path / "sample" / "cat.png").write_bytes(b"png")
    (tmp_path / "retraining.json").write_text(json.dumps(TOLD))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("RETRAINING_PACKAGE", str(tmp_path))
    monkeypatch.setenv("TRAINING_BUCKET", "bucket")
    monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:eu-west-1:123456789012:trained")
    for module in (settings, inventory, gate, smoke, tell):
        importlib.reload(module)

    def stub(module, service: str) -> Stubber:
        client = botocore.session.get_session().create_client(service)
        monkeypatch.setattr(module, "client", lambda *_, **__: client)
        stubber = Stubber(client)
        stubber.activate()
        return stubber

    return stub


def answer(**content) -> bytes:
    return json.dumps({"model": "cats", "version": "1.0.0", **content}).encode()


GOOD = {
    "image-classification": answer(predictions=[{"label": "tabby", "score": 0.9}]),
    "object-detection": answer(detections=[]),
    "pose-sequence-classification": answer(instances=[{"gloss": "siamese", "score": 1}]),
}
BAD = [
    (b"\xff", "the answer is not JSON"),
    (b"[]", "the answer is not of cats"),
    (json.dumps({"model": "dogs", "predictions": []}).encode(), "the answer is not of cats"),
    (answer(), "the answer has no predictions"),
    (answer(predictions=[]), "the answer has no predictions"),
    (answer(predictions=[{"label": "lion", "score": 0.9}]), "which is no label of the model's with a score"),
    (answer(predictions=[{"label": "tabby", "score": 1.5}]), "which is no label of the model's with a score"),
    (answer(predictions=[{"label": "tabby", "score": True}]), "which is no label of the model's with a score"),
    (b'{"model": "cats", "predictions": [{"label": "tabby", "score": NaN}]}', "which is no label of the model's"),
    (answer(predictions=["tabby"]), "which is no label of the model's with a score"),
]


@pytest.mark.parametrize(("body", "fault"), BAD)
def test_an_answer_without_the_tasks_shape_is_none(body, fault):
    assert fault in smoke.fault_of(body, "image-classification", LABELS, "cats")
    for task, good in GOOD.items():
        assert smoke.fault_of(good, task, LABELS, "cats") is None


def test_each_endpoint_is_sent_the_sample_and_a_cold_one_is_asked_again(aws, monkeypatch):
    runtime = aws(smoke, "sagemaker-runtime")
    monkeypatch.setattr(smoke, "_PAUSE_S", 0)
    runtime.add_client_error("invoke_endpoint", "ModelNotReadyException", http_status_code=429)
    asked = {"EndpointName": "fovea-dev-cats-serverless", "Body": b"png", "ContentType": "image/png"}
    body = _Body(GOOD["image-classification"])
    runtime.add_response("invoke_endpoint", {"Body": body}, asked)
    assert smoke.handler({}, None) == {"asked": ["fovea-dev-cats-serverless"]}
    runtime.add_client_error("invoke_endpoint", "ModelError", "the container raised")
    with pytest.raises(smoke.SmokeTestFailed, match="fovea-dev-cats-serverless: ModelError: the container raised"):
        smoke.handler({}, None)


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self) -> bytes:
        return self._content


def test_a_sample_of_every_shipped_model_has_a_task_that_can_be_tried():
    for model in load_models():
        assert model.spec.model.task in GOOD
        assert sample_type(next(iter(samples(model).values())))


def test_the_gate_says_what_the_contract_decides_and_keeps_the_measures(aws):
    s3 = aws(gate, "s3")
    value = {"value": 0.9, "low": 0.8, "high": 1.0}
    f1 = {"candidate": value, "current": value, "difference": {"value": 0, "low": -0.2, "high": -0.1}}
    evaluation = {"gated": ["f1"], "measures": {"f1": f1, "map_50": None}, "data": {"sha256": "ab"}, "examples": 7}
    asked = {"Bucket": "bucket", "Key": "cats/evaluations/1/evaluation.json"}
    s3.add_response("get_object", {"Body": _Body(json.dumps(evaluation).encode())}, asked)
    verdict = gate.handler({"key": asked["Key"]}, None)
    assert verdict["outcome"] == "halt"
    assert verdict["reason"].startswith("f1 is 0.900, now 0.900; the difference lies in -0.200 to -0.100")
    assert verdict["metrics"] == {"metric:f1": "0.9", "held-out:sha256": "ab", "held-out:examples": "7"}
    for body in (b"{", b"[]"):
        s3.add_response("get_object", {"Body": _Body(body)}, asked)
        with pytest.raises(gate.EvaluationUnreadable, match="the processing job's log says what it wrote"):
            gate.handler({"key": asked["Key"]}, None)


def test_the_datas_hash_is_of_what_they_hold_and_not_of_where_they_lie(aws):
    def hashed(prefix: str, etag: str) -> str:
        s3 = aws(inventory, "s3")
        for folder in TOLD["folders"]:
            found = [
                {"Key": f"{prefix}{folder}/", "Size": 0, "ETag": '"0"'},
                {"Key": f"{prefix}{folder}/1.png", "Size": 3, "ETag": etag},
            ]
            s3.add_response("list_objects_v2", {"Contents": found, "IsTruncated": False})
        told = inventory.handler({"prefix": prefix}, None)
        assert (told["uri"], told["objects"], told["bytes"]) == (f"s3://bucket/{prefix}", 2, 6)
        return told["sha256"]

    assert hashed("cats/data/", '"1"') == hashed("kittens/data/", '"1"') != hashed("cats/data/", '"2"')


REASONS = [
    ({"failure": {"Error": "States.TaskFailed", "Cause": json.dumps({"FailureReason": "no space"})}}, "no space"),
    ({"failure": {"Cause": json.dumps({"FailureReason": "exit code 1", "ExitMessage": "why"})}}, "why"),
    ({"failure": {"Cause": json.dumps({"errorType": "NoData", "errorMessage": "no object"})}}, "no object"),
    ({"failure": {"Error": "X", "Cause": "plain words"}}, "plain words"),
    ({"failure": {"Error": "X", "Cause": "[1]"}}, "[1]"),
    ({"failure": {"Error": "States.Timeout"}}, "States.Timeout"),
    ({"verdict": {"reason": "f1 is worse."}}, "f1 is worse."),
]


@pytest.mark.parametrize(("known", "reason"), REASONS)
def test_a_reason_is_found_wherever_aws_has_put_it(known, reason):
    assert tell.reason_of({"said": "", "input": known}) == reason
    assert tell.reason_of({"said": "Nothing has changed.", "input": known}).startswith("Nothing has changed.")


def test_a_message_says_how_to_decide_and_holds_no_token(aws):
    sns = aws(tell, "sns")
    sent = {}
    sns.client.meta.events.register("before-parameter-build.sns.Publish", lambda params, **_: sent.update(params))
    sns.add_response("publish", {"MessageId": "1"})
    execution = "arn:aws:states:eu-west-1:123456789012:execution:cats:1"
    event = {
        "kind": "asked",
        "state": "AskForApproval",
        "hours": 72,
        "token": "a-token-of-the-task",
        "run": "fovea-dev-cats-1",
        "execution": execution,
        "input": {"verdict": {"reason": "f1 is open."}, "candidate": {"archive": "s3://bucket/model.tar.gz"}},
    }
    assert tell.handler(event, None) == {"Cause": "f1 is open."}
    assert sent["Subject"] == "cats (dev): AskForApproval"
    for words in (f"python -m experiments.approve {execution}", "--reject", "f1 is open.", "72 hours", "model.tar.gz"):
        assert words in sent["Message"]
    assert "a-token-of-the-task" not in json.dumps(sent)
