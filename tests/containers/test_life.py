"""The life of the process: starting, being busy, being told to stop, and what it says meanwhile."""

import asyncio
import base64
import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import cast

import pytest

from contract.errors import InternalError
from contract.options import HEADER
from model_server.front.connection import Connection as FrontConnection
from model_server.front.connections import Connections
from model_server.front.routes import Routes
from model_server.jobs import serve_jobs
from model_server.load import Load
from model_server.logs import JsonFormatter
from model_server.messages import Channel, Job, Result
from model_server.predictor import Predictor
from tests.containers.pictures import RED, encoded, oriented, slow, solid
from tests.containers.server_process import ROOT, serving

GOOD = encoded(solid(RED), "JPEG")
CANARY = "CANARY7f3a"


def slow_request(count: int) -> dict:
    return {"instances": [base64.b64encode(image).decode() for image in slow(count)]}


def wait_until_full(server) -> None:
    """Until one more is refused. What is asked has another type, so that it takes nobody's place."""
    deadline = time.monotonic() + 20
    while server.predict(b"x", "text/plain").code != "OVERLOADED":
        assert time.monotonic() < deadline


def test_listens_while_it_loads_and_is_ready_only_when_it_can_answer(moody):
    ping, early = moody.early  # TensorFlow takes seconds to load
    assert ping == 503
    assert (early.status, early.code, early.headers["retry-after"]) == (503, "MODEL_NOT_READY", "5")
    assert moody.ping() == 200
    assert moody.predict(GOOD).status == 200


def test_is_told_to_stop_while_it_loads(start, colours):
    server = start(colours, MODEL_SERVER_ENGINE="tensorflow")
    server.wait_until_listening()
    assert server.stop() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_requests_in_flight_finish_when_it_is_told_to_stop(colours, logs, number):
    environment = {"MODEL_SERVER_WORKERS": "1", "MODEL_SERVER_QUEUE": "0"}
    with serving(colours, logs / f"stopped-{number}.log", **environment) as server, ThreadPoolExecutor() as pool:
        answer = pool.submit(server.predict_json, slow_request(12))
        wait_until_full(server)
        server.process.send_signal(number)
        while server.ping() is not None:
            pass
        assert not answer.done()
        assert len(answer.result().json()["instances"]) == 12
        assert server.process.wait(30) == 0


def test_one_request_too_many_is_refused_and_ping_still_answers(colours, logs):
    environment = {"MODEL_SERVER_WORKERS": "1", "MODEL_SERVER_QUEUE": "1"}
    with serving(colours, logs / "busy.log", **environment) as server, ThreadPoolExecutor() as pool:
        waiting = [pool.submit(server.predict_json, slow_request(10)) for _ in range(2)]
        wait_until_full(server)
        refused = server.predict(GOOD)
        assert (refused.status, refused.code, refused.headers["retry-after"]) == (503, "OVERLOADED", "1")
        assert server.ping() == 200
        assert [answer.result().status for answer in waiting] == [200, 200]
        assert server.predict(GOOD).status == 200


def test_a_request_that_takes_too_long_is_given_up(colours, logs):
    environment = {"MODEL_SERVER_WORKERS": "1", "MODEL_SERVER_QUEUE": "0", "MODEL_SERVER_TIMEOUT": "0.5"}
    with serving(colours, logs / "late.log", **environment) as server:
        start = time.monotonic()
        late = server.predict_json(slow_request(60))
        assert (late.status, late.code) == (504, "MODEL_TIMEOUT")
        assert time.monotonic() - start < 3
        deadline = time.monotonic() + 10
        while server.predict(GOOD).status != 200:  # the thread notices at its next picture
            assert time.monotonic() < deadline


def test_the_log_is_json_and_holds_nothing_that_a_client_sent(colours, logs):
    with serving(colours, logs / "canary.log") as server:
        commented = encoded(solid(RED), "JPEG", comment=CANARY)
        assert server.predict(commented, user_agent=CANARY, x_request_id=f"{CANARY}\t!").status == 200
        server.predict(commented, f"image/{CANARY}")
        server.predict(CANARY.encode())
        server.predict(GOOD, **{HEADER: f"top_k={CANARY}"})
        server.predict(oriented(solid(RED), 6, "JPEG")[:200] + CANARY.encode())
        server.predict_json({"image": CANARY, "key": CANARY})
        server.predict(f'{{"{CANARY}": '.encode(), "application/json")
        server.predict(b"{}", "application/json", accept=CANARY)
        server.request("GET", f"/{CANARY}?{CANARY}={CANARY}")
        good = server.predict(GOOD)
        lines = server.log_lines()
    assert CANARY not in server.said()
    (line,) = (line for line in lines if line.get("request_id") == good.headers["x-request-id"])
    assert (line["status"], line["code"], line["media_type"], line["bytes"]) == (200, "OK", "image/jpeg", len(GOOD))
    assert line["decode_ms"] > 0
    assert line["inference_ms"] > 0
    assert line["encode_ms"] > 0
    assert sum(line["message"] == "invocation" for line in lines) == 10
    assert all(json.dumps(line) for line in lines)


@pytest.mark.parametrize(
    ("script", "unwanted"),
    [
        ("import model_server.serve", ["numpy", "PIL", "openvino", "torch", "pydantic"]),
        (
            "import sys, pathlib; from model_server.loading import load_predictor\n"
            "load_predictor(pathlib.Path(sys.argv[1]), 'openvino')",
            ["tensorflow", "httptools", "uvloop", "openvino_telemetry", "openvino.tools.ovc.convert"],
        ),
    ],
    ids=["front", "model"],
)
def test_each_process_imports_nothing_that_it_does_not_need(colours, script, unwanted):
    unwanted = [*unwanted, "httpx", "boto3", "pydantic_settings", "aws_cdk"]
    script += f"\nimport sys; print([name for name in {unwanted} if sys.modules.get(name)])"
    done = subprocess.run(
        [sys.executable, "-c", script, str(colours)],
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_client_that_goes_away_in_the_middle_disturbs_nobody(server):
    with socket.create_connection(("127.0.0.1", server.http.base_url.port)) as client:
        client.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 99\r\n\r\nx"
        )
        time.sleep(0.1)
    assert server.predict(GOOD).status == 200
    assert any(line.get("code") == "CLIENT_DISCONNECTED" for line in server.log_lines())


def test_a_body_that_never_ends_is_given_up(colours, logs):
    with serving(colours, logs / "trickle.log", MODEL_SERVER_TIMEOUT="0.5") as server:
        client = socket.create_connection(("127.0.0.1", server.http.base_url.port), timeout=10)
        client.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 99\r\n\r\nx"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 504 ")
        assert server.predict(GOOD).status == 200
        client.close()


def test_a_defect_is_answered_as_one_and_logged_without_its_message(caplog):
    front, model = (Channel(end) for end in socket.socketpair())
    broken = cast("Predictor", object())  # no model at all: whatever is done with it raises
    Thread(target=serve_jobs, args=(model, broken, Load()), daemon=True).start()
    front.send(tuple(Job("an-id", "image/jpeg", "", None, None, time.monotonic() + 10, 1, GOOD)))
    result = Result(*front.wait())
    assert (result.code, result.content.decode()) == ("INTERNAL_ERROR", InternalError.message)
    (record,) = (record for record in caplog.records if record.exc_info)
    line = json.loads(JsonFormatter().format(record))
    assert line["request_id"] == "an-id"
    assert line["exception"] == "AttributeError"
    assert "no attribute" not in json.dumps(line)


def test_a_defect_of_the_front_is_answered_as_one_and_logged_without_its_message(caplog):
    class Broken:
        paths = frozenset({b"/ping"})

        def begin(self, _exchange):
            raise KeyError("secret")

    async def ask() -> bytes:
        routes = cast("Routes", Broken())
        server = await asyncio.get_running_loop().create_server(
            lambda: FrontConnection(routes, Connections()), "127.0.0.1"
        )
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await reader.read()
        server.close()
        return answer

    answer = asyncio.run(ask())
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"INTERNAL_ERROR" in answer
    (record,) = (record for record in caplog.records if record.message == "defect")
    line = json.loads(JsonFormatter().format(record))
    assert line["exception"] == "KeyError"
    assert "secret" not in json.dumps(line)
