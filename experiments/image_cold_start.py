"""`python -m experiments.image_cold_start`: from `docker run` of a built image to its first prediction.

Each image serves its model as SageMaker starts it, and the functions' as Lambda does, by an emulation of its runtime
API. What AWS does before that, fetching the image and making a sandbox, is not in it.
"""

import asyncio
import base64
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import httpx

from docs.sections import replace_section
from images.__main__ import WORK
from images.docker import build, engine_says, is_built
from images.inventory import BASE
from local.assembly import Assembly, Endpoint, LambdaEndpoint
from local.endpoint import free_port
from local.function import LocalFunction
from local.launch import HOST, as_container, model_function_container
from local.synth import synthesize
from models.archive import unpack
from models.registry import ROOT, Model, load_models
from models.samples import sample_type, samples

ROUNDS = 7
MEMORY_MB = (1769, 3008)


@dataclass(frozen=True, slots=True)
class Row:
    """One image: median seconds to its first prediction, and to the second, from when that was asked."""

    what: str
    cold_s: float
    warm_s: float


def main() -> None:
    """Prints the table, and writes it to docs/images.md."""
    assembly = Assembly(synthesize("dev", WORK / "dev"))
    rows = []
    for row in _rows(assembly):
        rows.append(f"| {row.what} | {row.cold_s:.2f} | {row.warm_s * 1000:.0f} |")
        print(rows[-1], flush=True)
    replace_section(_section(rows), ROOT / "docs" / "images.md")


def _section(rows: list[str]) -> str:
    return f"""## Cold start

Made by `python -m experiments.image_cold_start`: from `docker run` to the first prediction of a sample, and how long
the next one takes; medians of {ROUNDS}, on two cores. The first row is a container of the base image that does nothing.
SageMaker's images begin with the archive unpacked; a function has the share of a core that Lambda gives its memory.
AWS's part before that, fetching the image and making a sandbox, is not in it: none of this has met AWS.

| image | first, s | next, ms |
|---|---|---|
{chr(10).join(rows)}
"""


def _rows(assembly: Assembly) -> Iterator[Row]:
    yield _median("`true`, in the base image", [_nothing() for _ in range(ROUNDS)])
    for endpoint in assembly.endpoints():
        if endpoint.kind == "serverless":
            model = _model_of(endpoint.name)
            yield _median(f"{model.spec.name}, SageMaker", [_served(endpoint, model) for _ in range(ROUNDS)])
    for function in assembly.lambda_endpoints():
        model = _model_of(function.name)
        for memory_mb in MEMORY_MB:
            sized = replace(function, memory_mb=memory_mb)
            taken = [asyncio.run(_invoked(sized, model)) for _ in range(ROUNDS)]
            yield _median(f"{model.spec.name}, Lambda with {memory_mb} MB", taken)


def _nothing() -> tuple[float, float]:
    started = time.perf_counter()
    engine_says("run", "--rm", "--entrypoint", "true", BASE)
    return time.perf_counter() - started, 0.0


def _median(what: str, taken: list[tuple[float, float]]) -> Row:
    return Row(what, median(cold for cold, _ in taken), median(warm for _, warm in taken))


def _model_of(endpoint: str) -> Model:
    return next(model for model in load_models() if f"-{model.spec.name}-" in endpoint)


def _sample(model: Model) -> tuple[bytes, str]:
    file = next(iter(samples(model).values()))
    return file.read_bytes(), sample_type(file)


def _served(endpoint: Endpoint, model: Model) -> tuple[float, float]:
    tag, port, (body, content_type) = _tag(endpoint), free_port(), _sample(model)
    with tempfile.TemporaryDirectory() as name:
        unpack(endpoint.archive, Path(name))
        launch = as_container(endpoint, tag, None, Path(name), port)
        started = time.perf_counter()
        with subprocess.Popen(launch.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            # Asked before it listens, a container takes a second to be found: the kernel's ARP tries no sooner again.
            next(line for line in process.stdout or () if b'"ready"' in line)
            with httpx.Client(base_url=f"http://{HOST}:{port}", timeout=60) as client:
                cold = _predicted(client, body, content_type) - started
                asked = time.perf_counter()
                warm = _predicted(client, body, content_type) - asked
            process.terminate()
            process.communicate()  # its last lines: the command would leave its container for want of a reader
    return cold, warm


def _predicted(client: httpx.Client, body: bytes, content_type: str) -> float:
    client.post("/invocations", content=body, headers={"content-type": content_type}).raise_for_status()
    return time.perf_counter()


async def _invoked(function: LambdaEndpoint, model: Model) -> tuple[float, float]:
    body, content_type = _sample(model)
    encoded = base64.b64encode(body).decode()
    event = json.dumps({"headers": {"content-type": content_type}, "body": encoded, "isBase64Encoded": True}).encode()
    with tempfile.TemporaryFile() as log:
        environment = LocalFunction(model_function_container(function, _tag(function)), function.timeout_s, log)
        times = [time.perf_counter()]
        for _ in range(2):
            answer = await environment.send(event)
            if answer["statusCode"] != 200:
                raise RuntimeError(answer["body"])
            times.append(time.perf_counter())
        await environment.stop()
    return times[1] - times[0], times[2] - times[1]


def _tag(endpoint: Endpoint | LambdaEndpoint) -> str:
    image = endpoint.image
    if not is_built(image.tag):
        build(image, [image.tag], WORK / f"{image.container}{image.variant}.log")
    return image.tag


if __name__ == "__main__":
    main()
