"""What `--emulate` promises: a server has the memory and the processors that AWS would give it, and no more."""

import asyncio
import base64
import io
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest
from PIL import Image

from experiments.local_run import environment, start_local, wait_until
from local import bounds
from local.assembly import Assembly
from local.bounds import Bounds, bounds_of
from local.control_groups import Groups, controllers
from local.endpoint import ContainerDied, LocalEndpoint, open_log
from local.function import FunctionFailed
from local.lambda_endpoint import LocalLambdaEndpoint, laid_out
from local.launch import Launch, as_process, model_function_process
from models.registry import ROOT
from tests.local_run import Caller

FACE = next((ROOT / "models" / "face_mask" / "samples").glob("*.*g"))
PREDICT = "/models/face-mask/predict?endpoint="
ENDPOINTS = {
    "smallest": {"kind": "lambda", "memory_mb": 128},
    "small": {"kind": "serverless", "memory_mb": 1024},
}
GROUPS = pytest.mark.skipif(
    controllers().keys() != {"memory", "cpu"}, reason="nobody may make control groups on this machine"
)
ALLOCATE = "b = bytearray({mb} << 20); print(len(b))"
BY_A_CHILD = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {script!r}]).returncode)"


def memory_alone(held: Bounds) -> Bounds:
    """Its share of a processor would make a test of memory take half a minute."""
    controller = controllers()["memory"]
    settings = {controller.folder: controller.memory(held.memory_mb << 20)}
    return replace(held, cores=(), groups=Groups(settings))


def run(held: Bounds, script: str) -> tuple[int, str, int]:
    """The script's exit status and output, and how often it was killed for memory."""
    launch = held.hold(Launch([sys.executable, "-c", script], environment(), Path.cwd()))
    process = subprocess.Popen(
        launch.command, env=launch.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said, _ = process.communicate(timeout=60)
    killed = launch.killed_for_memory(process.pid)
    asyncio.run(launch.tidy(process.pid))
    assert not [group for group in (held.groups.of(process.pid) if held.groups else ()) if group.exists()]
    return process.returncode, said, killed


@GROUPS
@pytest.mark.parametrize("ways", [str, lambda script: BY_A_CHILD.format(script=script)], ids=["itself", "a child"])
def test_whoever_wants_more_memory_is_killed_and_that_is_known(ways: Callable[[str], str]):
    held = memory_alone(bounds_of("lambda", 128, None))
    code, said, killed = run(held, ways(ALLOCATE.format(mb=300)))
    assert (code in (-signal.SIGKILL, 256 - signal.SIGKILL), said, killed) == (True, "", 1)
    assert run(held, ways(ALLOCATE.format(mb=60))) == (0, f"{60 << 20}\n", 0)


def test_without_control_groups_each_process_is_refused_more_memory(monkeypatch):
    monkeypatch.setattr(bounds, "controllers", dict)
    held = bounds_of("lambda", 256, None)
    code, said, _ = run(held, ALLOCATE.format(mb=400))
    assert code == 1
    assert said.endswith("MemoryError\n")
    assert run(held, ALLOCATE.format(mb=60)) == (0, f"{60 << 20}\n", 0)
    assert held.told == [
        "256 MB of memory are what each process of the server may have for its data (RLIMIT_DATA), not what all may "
        "have together: no control group can be made here.",
        f"0.14 vCPUs are 1 of this machine's {psutil.cpu_count()} cores, whole: no control group can be made here that "
        "divides one.",
    ]


@GROUPS
def test_a_quarter_of_a_processor_takes_four_times_as_long():
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint(len(__import__('os').sched_getaffinity(0)))"
    began = time.perf_counter()
    assert run(bounds_of("lambda", 1769 // 4, None), burn) == (0, "1\n", 0)
    assert time.perf_counter() - began > 0.8 * 0.3 * 4


@GROUPS
def test_nothing_that_was_started_outlives_the_server():
    left = "['sleep', '100'], start_new_session=True, stdout=-3, stderr=-3"
    script = f"import subprocess; print(subprocess.Popen({left}).pid)"
    _, said, _ = run(bounds_of("lambda", 512, None), script)
    assert wait_until(lambda: not psutil.pid_exists(int(said)) or psutil.Process(int(said)).status() == "zombie")


@GROUPS
def test_a_group_that_nobody_removed_is_removed_by_the_next_run():
    groups = bounds_of("serverless", 1024, None).groups
    ended = subprocess.Popen(["true"])
    ended.wait()
    for group in groups.of(ended.pid):
        group.mkdir()
    groups.remove_abandoned()
    assert not [group for group in groups.of(ended.pid) if group.exists()]


@pytest.mark.parametrize(
    ("endpoint", "sentence"),
    [
        (("serverless", 1024, None), "as Lambda has it, is assumed."),
        (("realtime", None, "ml.g5.xlarge"), "ml.g5.xlarge has a GPU, which is not emulated"),
        (("realtime", None, "ml.r7i.48xlarge"), "Of 192 vCPUs this machine has "),
        (("realtime", None, "ml.r7i.48xlarge"), "Of 1,572,864 MB of memory this machine has "),
        (("realtime", None, "ml.p3.2xlarge"), "How large ml.p3.2xlarge is does not follow from its name"),
        (("async", None, "ml.c7i.large"), "a core of this machine is a vCPU."),
    ],
)
def test_what_is_not_as_in_aws_is_told(endpoint, sentence):
    assert sentence in " ".join(bounds_of(*endpoint).told)


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    context = ("-c", "model=face-mask", "-c", f"endpoints={json.dumps(ENDPOINTS)}")
    with start_local(tmp_path_factory.mktemp("emulated"), "--emulate", *context) as started:
        yield started


def picture(side: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), "white").save(file, "PNG")
    return file.getvalue()


@GROUPS
def test_a_function_that_dies_of_its_memory_is_answered_as_in_lambda_and_told(emulated, tmp_path, caplog):
    (entry,) = Assembly(emulated.state / "cdk.out").lambda_endpoints()
    held = memory_alone(bounds_of("lambda", entry.memory_mb, None))
    launch = held.hold(model_function_process(entry, Path(sys.executable), laid_out(entry.image, tmp_path)))

    async def both() -> bytes:
        function = LocalLambdaEndpoint(entry, launch, tmp_path, 300)
        with pytest.raises(FunctionFailed, match="Runtime exited with error: signal: kill"):
            await function.invoke(event(picture(7000)))
        answered = await function.invoke(event(picture(64)))
        await function.close()
        return answered

    with caplog.at_level(logging.ERROR):
        answered = json.loads(asyncio.run(both()))
    assert caplog.messages == [
        "fovea-dev-face-mask-smallest: an environment was killed: it wanted more memory than it has in AWS"
    ]
    assert answered["statusCode"] == 200


@GROUPS
def test_a_server_that_dies_of_its_memory_is_a_failed_container_and_told(emulated, tmp_path, caplog):
    (entry,) = Assembly(emulated.state / "cdk.out").endpoints()
    held = memory_alone(bounds_of(entry.kind, 128, None))
    launch = partial(as_process, entry, Path(sys.executable))
    open_log(tmp_path, entry.name).close()

    async def both() -> tuple[int, int]:
        endpoint = LocalEndpoint(entry, lambda folder, port: held.hold(launch(folder, port)), tmp_path, 300)
        killed = await status_of(endpoint, picture(7000))
        while (then := await status_of(endpoint, picture(64))) == 503:  # its model starts anew
            await asyncio.sleep(0.1)
        await endpoint.close()
        return killed, then

    with caplog.at_level(logging.ERROR):
        killed, then = asyncio.run(both())
    assert killed >= 500
    assert caplog.messages == [
        "fovea-dev-face-mask-small: its server was killed: it wanted more memory than it has in AWS"
    ]
    assert then == 200


async def status_of(endpoint: LocalEndpoint, body: bytes) -> int:
    try:
        return (await endpoint.invoke(body, {"Content-Type": "image/png"})).status_code
    except ContainerDied:
        return 500  # as the runtime tells it


def event(body: bytes) -> bytes:
    given = {"headers": {"content-type": "image/png"}, "body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return json.dumps(given).encode()


@GROUPS
def test_every_process_of_a_server_is_held_and_lets_its_groups_go(emulated):
    assert "Emulated, fovea-dev-face-mask-smallest:\n  128 MB of memory are all that the server gets" in emulated.said
    caller = Caller(emulated)
    assert caller.predict(FACE.read_bytes(), path=PREDICT + "small").status_code == 200
    servers = [process for process in caller.servers() if process.name() != "sh"]
    assert servers
    for process in servers:
        for group in (Path("/proc") / str(process.pid) / "cgroup").read_text().splitlines():
            hierarchy, names, path = group.split(":", 2)
            assert "/fovea-" in path or not {"memory", "cpu"} & set(names.split(",")) or hierarchy == "0"
        assert len(process.cpu_affinity()) == 1
    emulated.process.send_signal(signal.SIGINT)
    emulated.process.wait(60)
    groups = bounds_of("serverless", 1024, None).groups
    assert not [group for process in servers for group in groups.of(process.pid) if group.exists()]
