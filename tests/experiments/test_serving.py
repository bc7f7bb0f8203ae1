"""The serving benchmark: what its clients count, and what its report says of it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle

import pytest

from docs.sections import replace_section
from experiments.serving.load import Load, percentile
from experiments.serving.report import serving_section
from experiments.serving.servers import SERVERS
from experiments.serving.targets import targets

RIGHT = (200, b'{"predictions":[{"label":"class_0007","score":0.5},{"label":"class_0001"}]}')
WRONG = (200, b'{"predictions":[{"label":"class_0001","score":0.5},{"label":"class_0007"}]}')
REFUSED = (503, RIGHT[1])
REQUEST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc"


@contextmanager
def answering(*answers: tuple[int, bytes], keep_alive: bool = True) -> Iterator[int]:
    """The port of a server that gives `answers` in turn."""
    turns = cycle(answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            assert self.rfile.read(int(self.headers["content-length"])) == b"abc"
            status, body = next(turns)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if not keep_alive:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("keep_alive", [True, False])
def test_clients_count_every_right_answer(keep_alive):
    with answering(RIGHT, keep_alive=keep_alive) as port:
        result = Load(port, REQUEST, "class_0007", 3).run(0.2)
    assert (result.errors, result.clients) == (0, 3)
    assert result.answers >= 20
    assert 0 < result.p50_ms <= result.p99_ms
    assert result.per_s == pytest.approx(result.answers / 0.2, rel=0.5)


def test_clients_count_refusals_and_wrong_labels_as_errors_and_go_on():
    with answering(RIGHT, REFUSED, RIGHT, WRONG) as port:
        result = Load(port, REQUEST, "class_0007", 1).run(0.2)
    assert set(result.faults) == {"status 503", "wrong label"}
    assert result.errors == sum(result.faults.values()) >= result.answers - 2


@pytest.mark.parametrize(("percent", "value"), [(0, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_a_value_that_was_measured(percent, value):
    assert percentile(list(range(1, 101)), percent) == value
    assert percentile([7.0], percent) == 7.0


def results(per_s: dict[str, float], errors: int = 0) -> dict:
    """One round in which every latency and size of a server follows from its throughput."""
    machine = {"date": "today", "machine": "2 cores", "command": "this", "versions": {"a": "1"}, "load": 0.0}
    records = [
        {
            "model": "mobilenet_v2",
            "server": server,
            "round": 0,
            "picture": picture,
            "first_s": 100 / rate,
            "clients": clients,
            "answers": 100,
            "errors": errors,
            "faults": {"status 503": errors},
            "per_s": rate,
            "p50_ms": 1000 / rate,
            "p99_ms": 1500 / rate,
            "client_cpu_ms": 0.1,
            "memory_mb": 10_000 / rate,
        }
        for server, rate in per_s.items()
        for picture in ("224x224", "12 megapixels")
        for clients in (1, 8, 32)
    ]
    return {"machine": machine, "records": records, "turns": []}


def turn(clients: int, share: float, more_ms: float) -> dict:
    return {"model": "mobilenet_v2", "picture": "224x224", "clients": clients, "share": share, "more_ms": more_ms}


def test_the_report_says_which_targets_were_reached():
    ours = {"fovea": 148.0, "fovea_bfloat16": 160.0, "floor": 150.0}
    measured = results({server.name: 50.0 for server in SERVERS} | ours | {"fastapi_keras": 10.0})
    measured["turns"] = [turn(1, 0.9, more_ms) for more_ms in (1.2, 1.6, 9.0)]
    measured["turns"] += [turn(8, share, 0.0) for share in (0.94, 0.96)]
    verdicts = [target.verdict for target in targets(measured)]
    missed = [verdict.asked for verdict in verdicts if not verdict.reached]
    assert [asked[: asked.index(":")] for asked in missed] == ["1 client", "8 clients"]
    assert missed[0] == "1 client: p50 within 1.5 ms of the floor, in turns"
    assert missed[1].startswith("8 clients: at least 3 times the best of (b) to (f)")
    section = serving_section(measured)
    assert section.count("**no**") == 2
    assert "95.0%" in section
    assert "+1.60 ms" in section


def test_the_report_of_a_part_leaves_out_what_was_not_measured():
    section = serving_section(results({"fovea": 100.0}))
    assert "(a)" not in section.split("### What was asked")[0]
    assert "p99 at most 2 times p50" in section


def test_the_report_never_hides_an_error():
    section = serving_section(results({"fovea": 100.0, "litserve": 50.0}, errors=3))
    assert "(3 errors)" in section
    assert "litserve, mobilenet_v2, round 1, 224x224, 8 clients: {'status 503': 3}" in section


def test_the_section_takes_the_place_of_the_old_one(tmp_path):
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\n## Cold start\n\nfast\n")
    replace_section("## Serving\n\nfirst\n", page)
    page.write_text(page.read_text() + "\n## Last\n\nend\n")
    replace_section("## Serving\n\nsecond\n\n### more\n", page)
    text = page.read_text()
    assert text == "# Performance\n\n## Cold start\n\nfast\n\n## Serving\n\nsecond\n\n### more\n\n## Last\n\nend\n"
