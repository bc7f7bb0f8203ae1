"""The client of the experiments: when it asks, what it tells of each call, and what it keeps of them."""

import asyncio
import socket
import threading
import time
from dataclasses import replace
from itertools import cycle, pairwise
from random import Random
from statistics import mean, pstdev

import pytest

from experiments.client.arrivals import STEADY, Shape, ShapeFault, arrivals, read_shape
from experiments.client.call import Call, Moments, Phased, ask, hops, http_client
from experiments.client.caller import Caller
from experiments.client.figures import Figures, median_hops
from experiments.client.loops import closed_loop, open_loop
from experiments.client.sample import HOPS, NO_ANSWER, ForeignRows, Sample, read_samples, write_samples
from tests.experiments.api_server import TIMED, api, error, good

CALL = Call("face-mask", "cpu", "face.jpg", b"12345", "image/jpeg")
DAY = Shape("working day", (0.1, 0.2, 0.5, 0.2))


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311


def one(url: str) -> Sample:
    async def asked() -> Sample:
        async with http_client(1) as http:
            return await ask(http, Caller(url), CALL, Phased("warm", time.perf_counter()), time.perf_counter())

    return asyncio.run(asked())


def test_requests_of_a_steady_rate_come_as_a_poisson_process():
    moments = list(arrivals(50, 200, seeded(1)))
    gaps = [after - before for before, after in pairwise(moments)]
    assert moments[0] > 0
    assert moments[-1] < 200
    assert len(moments) == pytest.approx(10_000, abs=3 * 100)
    assert mean(gaps) == pytest.approx(1 / 50, rel=0.03)
    assert pstdev(gaps) == pytest.approx(mean(gaps), rel=0.03), "an exponential distribution's deviation is its mean"
    assert sum(gap > 2 / 50 for gap in gaps) / len(gaps) == pytest.approx(0.1353, abs=0.011), "e to the -2"
    assert list(arrivals(50, 200, seeded(1))) == moments
    assert list(arrivals(0, 200, seeded(1))) == []


def test_requests_follow_the_shape_of_a_day():
    seconds, rate, parts = 400, 100, 20
    moments = list(arrivals(rate, seconds, seeded(2), DAY))
    assert len(moments) == pytest.approx(rate * seconds, rel=0.015), "the mean is the rate that was asked for"
    for part in range(parts):
        came = sum(part <= moment / seconds * parts < part + 1 for moment in moments)
        expected = rate * seconds / parts * mean(DAY.factor((part + at / 50) / parts) for at in range(50))
        assert came == pytest.approx(expected, abs=4 * expected**0.5)
    assert [STEADY.factor(at / 7) for at in range(7)] == pytest.approx([1] * 7)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"parts = [1, ", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"hours = [1]", "give a list of numbers"),
        (b"parts = []", "give a list of numbers"),
        (b"parts = [0, 0]", "give a list of numbers"),
        (b"parts = [1, -1]", "give a list of numbers"),
        (b"parts = [1, nan]", "give a list of numbers"),
        (b"parts = [1, true]", "give a list of numbers"),
        (None, "No such file"),
    ],
)
def test_refuses_a_shape_that_is_none_in_a_line(tmp_path, content, said):
    file = tmp_path / "day.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ShapeFault, match=said) as refused:
        read_shape(file)
    assert "\n" not in str(refused.value)
    file.write_text("parts = [1, 3]")
    assert read_shape(file) == Shape("day", [0.25, 0.75])


def test_a_schedule_tells_of_the_waits_that_a_waiting_client_leaves_out():
    """Coordinated omission: of a second in which the server stands still, one that waits has a single slow answer."""
    rate, stall_s, warm_up = 50, 1.0, 2
    asked, ends = 0, 0.0

    def answer():
        nonlocal asked, ends
        asked += 1
        if asked == 2 * warm_up + 25:
            ends = time.perf_counter() + stall_s
        time.sleep(max(0.0, ends - time.perf_counter()))
        return good()

    with api(answer) as url:
        moments = [at / rate for at in range(2 * rate)]
        scheduled = asyncio.run(open_loop(Caller(url), cycle([CALL]), moments, rate, warm_up=warm_up))
        asked = 0
        waiting = asyncio.run(closed_loop(Caller(url), cycle([CALL]), 1, 2 * rate))
    assert all(sample.is_good for sample in [*scheduled, *waiting])
    assert sum(sample.total_ms > 900 for sample in waiting) == 1
    in_turn = sorted(scheduled, key=lambda sample: sample.due_s)
    first = next(at for at, sample in enumerate(in_turn) if sample.total_ms > 900)
    for later in range(40):
        assert in_turn[first + later].total_ms > 1000 * (stall_s - later / rate) - 100, "due while it stood still"
    assert Figures.of(scheduled).p95_ms > 600
    assert Figures.of(waiting).p95_ms < 300


def test_clients_that_wait_ask_as_many_at_once_and_as_often_as_they_are_told():
    lock, now, most, asked = threading.Lock(), 0, 0, 0

    def answer():
        nonlocal now, most, asked
        with lock:
            now, asked = now + 1, asked + 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return good()

    seen = []
    with api(answer) as url:
        samples = asyncio.run(closed_loop(Caller(url), cycle([CALL]), 3, 20, seen.append))
    assert (len(samples), most, asked) == (20, 3, 20 + 2 * 3), "with those that nothing is told of"
    assert seen == samples
    assert {(sample.phase, sample.concurrency, sample.rate) for sample in samples} == {("warm", 3, 0)}


def test_a_call_is_told_hop_by_hop_and_an_error_by_its_code():
    answers = iter(
        [
            good(),
            error(429, "THROTTLED"),
            (502, b"<html>", {}),
            (404, b"[1]", {}),
            (200, b"{}", {"Server-Timing": "decode;dur=1.0"}),
            (200, b"{}", {"Content-Length": "9", "Connection": "close"}),
        ]
    )
    with api(lambda: next(answers)) as url:
        told = one(url)
        codes = [(sample.status, sample.code) for sample in (one(url), one(url), one(url))]
        untimed, cut_off = one(url), one(url)
    assert told.is_timed
    assert (told.proxy_ms, told.service_ms, told.inference_ms) == (1.5, 4.0, 2.0)
    assert sum(getattr(told, f"{hop}_ms") for hop in HOPS) == pytest.approx(told.total_ms - told.late_ms)
    assert codes == [(429, "THROTTLED"), (502, "NO_CODE"), (404, "NO_CODE")]
    assert (untimed.is_good, untimed.is_timed) == (True, False)
    assert (cut_off.status, cut_off.code) == (NO_ANSWER, "RemoteProtocolError")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        refused = one(f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert (refused.status, refused.code) == (NO_ANSWER, "ConnectError")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "function;dur=fast,sagemaker;dur=7.5,decode;dur=1.0,inference;dur=2.0,encode;dur=0.5",
        "function;dur=9.0,decode;dur=1.0,inference;dur=2.0,encode;dur=0.5",
        "function;dur=9.0,sagemaker;dur=7.5,decode;dur=1.0",
    ],
)
def test_hops_are_unknown_where_the_header_does_not_tell_all(header):
    assert hops(header, Moments(), 0.0, 1.0) == {}
    whole = "function;dur=9.0, lambda;dur=7.5, decode;dur=1, inference;dur=2.0, encode;dur=0.5"
    assert hops(whole, Moments(), 0.0, 1.0)["service_ms"] == 4.0


def test_a_client_that_notes_late_what_it_sent_takes_no_time_from_the_gateway():
    moments = Moments()
    moments.sent, moments.answered = 0.004, 0.010
    told = hops(TIMED, moments, 0, 0.011)
    assert (told["client_ms"], told["gateway_ms"]) == (pytest.approx(2.0), 0.0)
    moments.sent = 0.0005
    told = hops(TIMED, moments, 0, 0.011)
    assert (told["client_ms"], told["gateway_ms"]) == (pytest.approx(1.5), pytest.approx(0.5))


def sample(**given) -> Sample:
    made = Sample("warm", 4, 0.0, 1.5, 0.25, 12.5, 200, "OK", "face-mask", "cpu", "face, one.jpg", 5, *[1.5] * 7)
    return replace(made, **given)


def test_reads_back_the_rows_that_it_wrote(tmp_path):
    rows = [sample(), Sample("load", 0, 2.5, 0.1, 0.0, 35e3, NO_ANSWER, "TIMEOUT", "face-mask", "cpu", "face.jpg", 5)]
    write_samples(rows, tmp_path / "requests.csv")
    again = read_samples(tmp_path / "requests.csv")
    assert again[0] == rows[0]
    assert repr(again[1]) == repr(rows[1]), "which has what equals nothing, not even itself"
    assert [row.is_timed for row in again] == [True, False]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda text: text.replace("late_ms", "delay_ms"), "has other columns"),
        (lambda text: text.partition("\n")[2], "has other columns"),
        (lambda _: "", "has other columns"),
        (lambda text: text.replace("warm", "lukewarm"), "phase lukewarm"),
        (lambda text: text.replace("12.5", "fast"), "has a row that is none"),
        (lambda text: text.rpartition(",")[0] + "\n", "has a row that is none"),
        (lambda text: text.replace("200", "2e2"), "has a row that is none"),
        (lambda text: text.replace("OK", "\udcff"), "has a row that is none"),
    ],
)
def test_refuses_a_file_of_another_version_in_a_line(tmp_path, broken, said):
    file = tmp_path / "requests.csv"
    write_samples([sample()], file)
    text = file.read_text()
    file.write_text(broken(text), errors="surrogateescape")
    with pytest.raises(ForeignRows, match=said) as refused:
        read_samples(file)
    assert "\n" not in str(refused.value)
    assert "python -m experiments.latency" in str(refused.value)
    file.unlink()
    with pytest.raises(ForeignRows, match="No such file"):
        read_samples(file)
    file.write_text(text)
    assert read_samples(file) == [sample()]


def test_figures_are_of_the_answered_and_count_the_others():
    rows = [sample(total_ms=float(at)) for at in range(1, 102)]
    rows += [sample(status=429, code="THROTTLED", total_ms=1.0)] * 2 + [sample(status=0, code="TIMEOUT", total_ms=9e4)]
    told = Figures.of(rows)
    assert (told.count, told.p50_ms, told.p95_ms, told.p99_ms, told.max_ms) == (104, 51, 96, 100, 101)
    assert told.told_errors == "2 THROTTLED, 1 TIMEOUT"
    assert Figures.of([]).told_errors == "-"
    hopped = [sample(decode_ms=float(at)) for at in (1, 2, 9)] + [sample(decode_ms=float("nan"))]
    assert (median_hops(hopped)["decode"], list(median_hops(hopped))) == (2.0, list(HOPS))
    assert median_hops(rows[:0]) == {}
