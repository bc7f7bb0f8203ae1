"""The image of a Lambda function, run by an emulation of Lambda's runtime API as Lambda runs it."""

import json
import time

import pytest

from experiments.local_run import wait_until
from images.docker import engine_says
from local.assembly import LambdaEndpoint
from local.function import FunctionFailed
from local.launch import model_function_container
from models.registry import ROOT
from tests.containers.function_process import FunctionProcess

pytestmark = pytest.mark.docker

IMAGE = "brain_tumor-lambda-brain_tumor"
SCAN = (ROOT / "models/brain_tumor/samples/drawn_yes.png").read_bytes()
TIMEOUT_S = 20


@pytest.fixture(scope="module")
def start(images, tmp_path_factory):
    """Starts a function of the image, with variables of its own; all end with the module."""
    started = []

    def start(timeout_s: int = TIMEOUT_S, memory_mb: int = 3008, **environment: str) -> FunctionProcess:
        image = images[IMAGE]
        endpoint = LambdaEndpoint("test", image, environment, timeout_s, memory_mb, None)
        log = tmp_path_factory.mktemp("functions") / "log"
        started.append(FunctionProcess(model_function_container(endpoint, image.tag), timeout_s, log))
        return started[-1]

    yield start
    for function in started:
        if not function.is_closed:
            function.close()


@pytest.fixture(scope="module")
def function(start):
    return start()


def test_a_cold_start_and_a_warm_call_answer_the_proxys_event(start):
    function = start()
    began = time.monotonic()
    cold = function.direct(SCAN)
    cold_s = time.monotonic() - began
    assert (cold.status, cold.json()["model"]) == (200, "brain-tumor")
    began = time.monotonic()
    assert function.direct(SCAN).json() == cold.json()
    assert time.monotonic() - began < cold_s


def test_it_answers_the_functions_url(function):
    reply = function.url(body=SCAN, query={"top_k": "1"})
    assert reply.status == 200, reply.text
    assert len(reply.json()["predictions"]) == 1
    assert function.url("GET", "/ping").json() == {"model": "brain-tumor", "version": reply.json()["version"]}


@pytest.mark.parametrize(
    ("body", "media_type", "status", "code"),
    [
        (b"", "image/png", 400, "EMPTY_BODY"),
        (SCAN, "text/html", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (SCAN[:300], "image/png", 422, "IMAGE_UNDECODABLE"),
    ],
)
def test_a_bad_request_gets_its_code_and_the_next_good_one_its_answer(function, body, media_type, status, code):
    refused = function.url(body=body, headers={"content-type": media_type})
    assert (refused.status, refused.code) == (status, code)
    assert function.direct(SCAN).status == 200


def test_a_request_over_its_time_is_ours_to_answer(start):
    function = start(MODEL_SERVER_TIMEOUT="0.001")
    late = function.direct(SCAN)
    assert (late.status, late.code) == (504, "MODEL_TIMEOUT")


def test_a_model_that_cannot_be_served_ends_it_with_one_line(start):
    function = start(SM_MODEL_DIR="/nowhere")
    with pytest.raises(FunctionFailed) as failed:
        function.direct(SCAN)
    assert failed.value.kind == "Runtime.ExitError"
    (error,) = (line for line in function.log_lines() if line["level"] == "error")
    assert error["message"] == "the model cannot be served"


def test_it_is_the_same_image_with_the_client_and_the_model_on_top(images):
    mine, theirs = (layers(images[name].tag) for name in (IMAGE, "brain_tumor"))
    assert mine[: len(theirs)] == theirs
    assert len(mine) == len(theirs) + 2


def layers(tag: str) -> list[str]:
    return json.loads(engine_says("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag))


def test_its_container_ends_with_whoever_asked_it(images, start):
    function = start()
    assert function.direct(SCAN).status == 200
    running = set(containers(images[IMAGE].tag))
    function.close()
    assert wait_until(lambda: len(running - set(containers(images[IMAGE].tag))) == 1)


def containers(tag: str) -> list[str]:
    return engine_says("ps", "--quiet", "--filter", f"ancestor={tag}").splitlines()
