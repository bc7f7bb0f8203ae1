"""What Lambda says of a function that hangs, dies or does not start, said by the local run."""

import asyncio
import base64
import json
import shutil
import sys
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from images.assets import Image
from local.assembly import LambdaEndpoint
from local.function_container import bridge_address
from local.lambda_endpoint import LocalLambdaEndpoint, laid_out
from local.lambda_runtime import LambdaRuntime
from local.launch import model_function_process
from models.registry import ROOT
from tests.faults.failing_scripts import GOOD, Mood, picture, write_failing_model

TIMEOUT_S = 2


@pytest.fixture
def invoke(tmp_path):
    """Calls a function whose model does what the picture says, after it was made to fail or not `on_load`."""

    def call(*bodies: bytes, on_load: str = "") -> list[httpx.Response]:
        shutil.rmtree(tmp_path / "state", ignore_errors=True)
        environment = write_failing_model(tmp_path / "context" / "model", on_load)
        model = tmp_path / "context" / "model"
        held = {"CONTAINER": "failing", "MODEL": str(model), "ARTIFACT": "."}
        image = Image("key", ROOT, "containers/Dockerfile", "linux/amd64", build_args=held)
        endpoint = LambdaEndpoint("moody", image, environment, TIMEOUT_S, 2048, None)
        launch = model_function_process(endpoint, Path(sys.executable), laid_out(image, tmp_path / "state"))
        return asyncio.run(answers(LocalLambdaEndpoint(endpoint, launch, tmp_path / "state", 60), bodies))

    return call


async def answers(endpoint: LocalLambdaEndpoint, bodies: tuple[bytes, ...]) -> list[httpx.Response]:
    app = Starlette(routes=LambdaRuntime({"moody": endpoint}).routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lambda", timeout=60) as client:
        try:
            return [
                await client.post("/2015-03-31/functions/moody/invocations", content=json.dumps(event(body)))
                for body in bodies
            ]
        finally:
            await endpoint.close()


def event(body: bytes) -> dict:
    return {
        "headers": {"content-type": "image/png"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }


@pytest.mark.parametrize(
    ("mood", "kind", "words"),
    [
        (Mood.HOLD, "Sandbox.Timedout", "Task timed out after 2.00 seconds"),
        (Mood.KILL, "Runtime.ExitError", "Runtime exited with error: signal: kill"),
        (Mood.LEAVE, "Runtime.ExitError", "Runtime exited with error: exit status 0"),
    ],
)
def test_tells_a_broken_function_in_lambdas_words_and_starts_another(invoke, mood, kind, words):
    broken, sound = invoke(picture(mood), GOOD)
    assert (broken.status_code, broken.headers["x-amz-function-error"]) == (200, "Unhandled")
    assert broken.json()["errorType"] == kind
    assert words in broken.json()["errorMessage"]
    assert "x-amz-function-error" not in sound.headers
    assert sound.json()["statusCode"] == 200


def test_tells_a_function_that_does_not_start(invoke):
    (broken,) = invoke(GOOD, on_load="kill")
    assert broken.json()["errorType"] == "Runtime.ExitError"
    (sound,) = invoke(GOOD)
    assert sound.json()["statusCode"] == 200


@pytest.mark.parametrize("gateway", ["172.17.0.1", ""])
def test_a_container_finds_us_on_a_bridge_that_was_only_just_made(gateway):
    assert bridge_address(gateway, "172.17.0.0/16") == "172.17.0.1"
