"""Where each millisecond of a prediction goes: engine in process, server by HTTP, whole local stack."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import httpx

from contract.options import Options
from experiments.local_run import Local, start_model_server
from model_server.deadline import Deadline
from model_server.loading import load_predictor
from model_server.predictor import Predictor, Request, Timings

PREDICT = "/models/diabetic-retinopathy/predict"
IN_PROCESS, SERVER, STACK = "engine, in process", "model server, by HTTP", "local stack, end to end"
_HEADERS = {"content-type": "image/jpeg"}

Steps = dict[str, float]


def measure(model_dir: Path, local: Local, pictures: dict[str, bytes], rounds: int = 5) -> dict[str, dict[str, Steps]]:
    """Picture -> way -> median milliseconds, in total and of each step that the way reports; one client."""
    predictor = load_predictor(model_dir, "openvino")
    with start_model_server(model_dir) as server, httpx.Client(timeout=60) as client:
        headers = _HEADERS | {"x-api-key": local.key}
        ways: dict[str, Callable[[bytes], Steps]] = {
            IN_PROCESS: lambda body: _in_process(predictor, body),
            SERVER: lambda body: _by_http(client, f"{server}/invocations", body, _HEADERS),
            STACK: lambda body: _by_http(client, local.url + PREDICT, body, headers),
        }
        return {name: _interleaved(ways, body, rounds) for name, body in pictures.items()}


def _interleaved(ways: dict[str, Callable[[bytes], Steps]], body: bytes, rounds: int) -> dict[str, Steps]:
    calls = 40 if len(body) < 100_000 else 12
    taken: dict[str, list[Steps]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            steps = [way(body) for _ in range(calls)]
            if turn:  # the first round warms everything
                taken[name] += steps
    return {name: {step: median(one[step] for one in all_) for step in all_[0]} for name, all_ in taken.items()}


def _in_process(predictor: Predictor, body: bytes) -> Steps:
    timings, started = Timings(), time.perf_counter()
    predictor.answer(Request(body, "image/jpeg", "", Options(), Deadline.after(60), timings))
    return {"total": (time.perf_counter() - started) * 1000, **timings.rounded()}


def _by_http(client: httpx.Client, url: str, body: bytes, headers: dict[str, str]) -> Steps:
    started = time.perf_counter()
    answer = client.post(url, content=body, headers=headers).raise_for_status()
    total = (time.perf_counter() - started) * 1000
    reported = (item.split(";dur=") for item in answer.headers["server-timing"].split(","))
    return {"total": total} | {step: float(spent) for step, spent in reported}
