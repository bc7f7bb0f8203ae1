"""A latency experiment on the real local run: what it leaves, how cold it is, and what it says of what cannot be."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from statistics import median

import httpx
import psutil
import pytest

from experiments.client.caller import Caller
from experiments.client.sample import HOPS
from experiments.latency import targets
from experiments.latency.__main__ import main
from experiments.latency.errors import BadChoice, NotAnswering, Throttled
from experiments.latency.experiment import experiment
from experiments.latency.phases import in_flight
from experiments.latency.plan import Plan
from experiments.latency.run import read_run
from experiments.latency.targets import LocalTarget, endpoint_name
from experiments.local_run import FOR_MEASURING, MEASURED_STAGE, start_local, wait_until
from experiments.report.__main__ import main as report
from local.endpoint import free_port
from models.registry import ROOT, load_models
from stacks.naming import endpoint_name as deployed_name
from stacks.stage import STAGES
from tests.experiments.api_server import api, error, good

MODELS = {model.spec.name: model for model in load_models()}
MODEL = MODELS["face-mask"]
PICTURE = MODEL.folder / "samples" / "drawn_with_mask.jpg"
SMALL = Plan(cold=2, clients=(1, 3), requests=9, rates=(10,), seconds=1, seed=7)
TINY = Plan(cold=0, clients=(1,), requests=3, rates=())
QUICK = ("--cold", "0", "--clients", "1", "--requests", "3", "--rates", "20", "--seconds", "0.5")


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    with start_local(tmp_path_factory.mktemp("local"), *FOR_MEASURING) as started:
        yield started


@pytest.fixture(scope="module")
def target(local):
    return LocalTarget(local, MEASURED_STAGE)


@pytest.fixture
def aws(local):
    """What tells `main` that the local run's API is a deployed one."""
    return ("--target", "aws", "--url", local.url, "--key", local.key)


def processes(local, endpoint: str, model=MODEL) -> set[int]:
    name = endpoint_name(MEASURED_STAGE, model, endpoint)
    return set(httpx.get(f"{local.runtime_url}/local/processes").json()[name])


class Watched(LocalTarget):
    """Notes the processes that a cold start ends, and those that came of it."""

    def __init__(self, local):
        super().__init__(local, MEASURED_STAGE)
        self.local, self.ended = local, []

    def make_cold(self, model, endpoint):
        self.ended.append(processes(self.local, endpoint, model))
        super().make_cold(model, endpoint)
        assert processes(self.local, endpoint, model) == set()


def quiet(_line: str) -> None:
    pass


@pytest.fixture(scope="module")
def measured(local, tmp_path_factory):
    """The folder of a whole experiment, the lines that it told, and whom it made cold."""
    folder, told, target = tmp_path_factory.mktemp("results") / "serverless", [], Watched(local)
    experiment(target, MODEL, "serverless", [], SMALL, folder, told.append)
    return folder, told, target


def test_every_call_is_a_row_and_its_hops_make_its_time(measured):
    folder, told, _ = measured
    run, rows = read_run(folder)
    assert sorted(file.name for file in folder.iterdir()) == ["requests.csv", "run.json"]
    phases = [(row.phase, row.concurrency, row.rate) for row in rows]
    assert phases[: 2 + 9 + 9] == [("cold", 1, 0)] * 2 + [("warm", 1, 0)] * 9 + [("warm", 3, 0)] * 9
    assert len(phases) > 20
    assert set(phases[20:]) == {("load", 0, 10)}
    assert {row.code for row in rows} == {"OK"}
    assert {row.image for row in rows} == {"astronaut_face.jpg", "drawn_with_mask.jpg"}
    for row in rows:
        hops = {hop: getattr(row, f"{hop}_ms") for hop in HOPS}
        assert sum(hops.values()) == pytest.approx(row.total_ms - row.late_ms, abs=0.2)
        assert all(spent > -0.3 for spent in hops.values()), hops
    assert (run.model, run.endpoint, run.version) == ("face-mask", "serverless", MODEL.spec.model.version)
    assert run.endpoint_settings == MODEL.spec.endpoints["serverless"]
    assert (run.target, run.seed) == ("local", 7)
    assert "2048 MB" in run.emulated[0]
    assert int(run.environment["cores"]) == len(os.sched_getaffinity(0))
    assert any(line.startswith("warm, 3 at once: 9 of 9, p50 ") for line in told)


def test_a_cold_call_waits_for_a_new_process(local, measured):
    folder, _, target = measured
    run, rows = read_run(folder)
    assert run.how_cold.startswith("a new process")
    first, second = target.ended
    assert first
    assert second
    assert len(first | second | processes(local, "serverless")) == 3, "each of its own"
    cold = [row for row in rows if row.phase == "cold"]
    warm = median(row.total_ms for row in rows if row.phase == "warm")
    assert all(row.total_ms > 4 * warm and row.service_ms > 0.8 * row.total_ms for row in cold)


def test_a_function_is_made_cold_as_well(local, tmp_path):
    target, model = Watched(local), MODELS["brain-tumor"]
    experiment(target, model, "web", [], replace(TINY, cold=1), tmp_path / "web", quiet)
    run, rows = read_run(tmp_path / "web")
    assert run.endpoint_settings.kind == "lambda"
    assert [row.phase for row in rows] == ["cold", "warm", "warm", "warm"]
    assert all(row.is_timed for row in rows)
    assert target.ended[0]
    assert not target.ended[0] & processes(local, "web", model)


def test_nobody_meets_a_cold_start_where_instances_are_always_on(target, tmp_path):
    experiment(target, MODEL, "cpu", [PICTURE], replace(TINY, cold=5), tmp_path, quiet)
    run, rows = read_run(tmp_path)
    assert run.how_cold == ""
    assert [row.phase for row in rows] == ["warm"] * 3
    assert "ml.c7i.large" in run.emulated[0]


def test_the_local_run_stops_no_endpoint_that_it_does_not_have(local):
    stop = "/local/endpoints/{}/stop"
    refused = httpx.post(local.runtime_url + stop.format("fovea-prod-face-mask-gpu"))
    assert refused.status_code == 404
    assert "fovea-prod-face-mask-cpu" in refused.json()["Message"]
    name = endpoint_name(MEASURED_STAGE, MODEL, "cpu")
    assert name == deployed_name(STAGES[MEASURED_STAGE], MODEL.spec, "cpu")
    assert httpx.post(local.runtime_url + stop.format(name)).status_code == 204
    assert processes(local, "cpu") == set()


def test_warms_up_as_many_as_will_be_under_way():
    assert [in_flight(*each) for each in ((2, 0.02), (25, 0.36), (50, 4))] == [10, 15, 32]


def test_the_command_measures_a_local_run_and_prints_where_the_time_goes(local, tmp_path, monkeypatch, capsys):
    @contextmanager
    def started(_state, *arguments):
        assert arguments == FOR_MEASURING
        yield local

    monkeypatch.setattr(targets, "start_local", started)
    options = ["--out", str(tmp_path), *QUICK, "--cold", "1", "--image", str(PICTURE)]
    assert main(["face-mask", *options]) == 0
    said = capsys.readouterr().out
    for endpoint in MODEL.spec.endpoints:
        assert read_run(tmp_path / endpoint)[0].endpoint == endpoint
    rows = [line.split() for line in said.splitlines()]
    assert ["hop", "warm", "cold"] in rows
    assert [row[0] for row in rows if row and row[0] in HOPS] == [*HOPS, *HOPS]
    assert any(row[:1] == ["cold"] and row[-1] == "-" and len(row) == 7 for row in rows)
    assert any(row[:4] == ["warm,", "1", "at", "once"] and row[-1] == "-" for row in rows)
    assert report([str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("serverless with 2048 MB: at 1,000 requests a day ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["face-masks"], "choose one of brain-tumor, diabetic-retinopathy, face-mask, "),
        (["face-mask", "--endpoint", "gpu"], "has no such endpoint; choose one of serverless, cpu"),
        (["diabetic-retinopathy", "--endpoint", "jobs"], "is asynchronous, so that its callers do not wait for it"),
        (["face-mask", "--image", "no.jpg"], "no.jpg: there is no such file"),
        (["face-mask", "--out", "README.md/results"], "Not a directory; give another --out"),
    ],
)
def test_refuses_what_is_not_there_before_it_starts_anything(arguments, said, capsys):
    assert refusal(capsys, *arguments).rstrip().count(said) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["face-mask", "--cold", "-1"],
        ["face-mask", "--clients", "1,0"],
        ["face-mask", "--requests", "0"],
        ["face-mask", "--rates", "2,inf"],
        ["face-mask", "--seconds", "0"],
        ["face-mask", "--url", "api.example.com"],
        ["face-mask", "--url", "http://api:port"],
        ["face-mask", "--key", "of-a-deployed-stage"],
        ["face-mask", "--target", "gcp"],
    ],
)
def test_refuses_an_option_that_cannot_be(arguments, capsys):
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert "usage: python -m experiments.latency" in capsys.readouterr().err


def refusal(capsys, *arguments: str) -> str:
    """The one line that a run which cannot be ends with."""
    assert main(list(arguments)) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


def test_says_in_a_line_why_an_api_cannot_be_measured(local, aws, tmp_path, capsys):
    cpu = ("face-mask", "--endpoint", "cpu", "--out", str(tmp_path), *QUICK)
    there = f"http://127.0.0.1:{free_port()}"
    assert f"{there}: nobody answers" in refusal(capsys, *cpu, *aws, "--url", there)
    assert "refuses this caller (403 " in refusal(capsys, *cpu, *aws, "--key", "wrong")
    assert "but not as Fovea's API" in refusal(capsys, *cpu, *aws, "--url", local.runtime_url)
    note, cut_off = tmp_path / "note.txt", tmp_path / "cut_off.jpg"
    note.write_text("no picture")
    cut_off.write_bytes(PICTURE.read_bytes()[:2000])
    for image in (note, cut_off):
        said = refusal(capsys, *cpu, *aws, "--image", str(PICTURE), "--image", str(image))
        assert said.startswith(f"{image.name}: face-mask does not take it (4")
    assert not (tmp_path / "cpu").exists()
    assert main([*cpu, *aws]) == 0
    run, _ = read_run(tmp_path / "cpu")
    assert (run.target, run.emulated, run.environment["api"]) == ("aws", [], local.url)


def test_an_endpoint_of_this_checkout_that_is_not_deployed_is_told(target, tmp_path):
    more = MODEL.with_endpoints({**MODEL.spec.endpoints, "later": MODEL.spec.endpoints["cpu"]})
    with pytest.raises(NotAnswering, match=r"the API does not have it \(404 ENDPOINT_NOT_FOUND\)"):
        experiment(target, more, "later", [], TINY, tmp_path, quiet)
    with pytest.raises(NotAnswering, match="the local run has no such endpoint"):
        target.make_cold(more, "later")
    with pytest.raises(BadChoice, match="No such file"):
        experiment(target, MODEL, "cpu", [tmp_path / "no.jpg"], TINY, tmp_path, quiet)
    experiment(target, more, "cpu", [], TINY, tmp_path, quiet)


class Deployed(LocalTarget):
    """An API at another address."""

    def __init__(self, url):
        self.caller, self._emulates = Caller(url), False

    def make_cold(self, model, endpoint):
        pass


def test_an_endpoint_that_is_not_in_service_is_told_at_once_and_one_that_starts_is_waited_for(tmp_path):
    with api(lambda: error(503, "MODEL_NOT_DEPLOYED")) as url, pytest.raises(NotAnswering, match="is not in service"):
        experiment(Deployed(url), MODEL, "cpu", [], TINY, tmp_path, quiet)
    answers = count()
    with api(lambda: good() if next(answers) else error(503, "MODEL_NOT_READY")) as url:
        experiment(Deployed(url), MODEL, "cpu", [PICTURE], TINY, tmp_path, quiet)
    assert next(answers) == 1 + 1 + 2 + 3, "one refused, one good, two to warm up, three that count"
    answers = iter([good(), *[error(503, "MODEL_NOT_READY")] * 2, *[good()] * 6])
    with api(lambda: next(answers)) as url:
        experiment(Deployed(url), MODEL, "serverless", [PICTURE], replace(TINY, cold=1), tmp_path, quiet)
    cold = read_run(tmp_path)[1][0]
    assert (cold.phase, cold.code) == ("cold", "OK")
    assert cold.total_ms > 500, "from when it was first asked"
    with api(lambda: error(502, "MODEL_FAILED")) as url, pytest.raises(NotAnswering, match="502 MODEL_FAILED"):
        experiment(Deployed(url), MODEL, "cpu", [], TINY, tmp_path, quiet)


def test_a_target_that_throttles_callers_who_wait_is_refused_and_one_that_throttles_load_is_measured(tmp_path):
    answers = count(1)

    def every_third():
        return error(429, "THROTTLED") if next(answers) % 3 == 0 else good()

    plan = replace(TINY, clients=(3,), requests=12)
    with api(every_third) as url:
        for cold, what in ((0, r"4 of 12 calls with --clients 3"), (3, r"1 of 3 calls that were to be cold")):
            with pytest.raises(Throttled, match=rf"{what} were throttled \(429\); lower --clients, or raise"):
                experiment(Deployed(url), MODEL, "serverless", [], replace(plan, cold=cold), tmp_path, quiet)
        assert list(tmp_path.iterdir()) == []
        loaded = replace(TINY, clients=(), rates=(40,), seconds=0.5)
        experiment(Deployed(url), MODEL, "serverless", [], loaded, tmp_path, quiet)
    _, rows = read_run(tmp_path)
    assert {row.code for row in rows} == {"OK", "THROTTLED"}


def test_an_api_that_ends_in_the_middle_is_told(tmp_path):
    answers = count()
    ended = pytest.raises(NotAnswering, match=r"answers no more \(3 MODEL_TIMEOUT\)")
    with api(lambda: good() if next(answers) < 2 else error(504, "MODEL_TIMEOUT")) as url, ended:
        experiment(Deployed(url), MODEL, "serverless", [], TINY, tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []


def test_a_local_run_that_does_not_start_is_told(monkeypatch, capsys):
    monkeypatch.setattr(targets, "FOR_MEASURING", ("--port=99999",))
    said = refusal(capsys, "face-mask", *QUICK)
    assert said.startswith("the local run does not start: ")
    assert "'99999' is not a port" in said


def heed_ctrl_c() -> None:
    """A shell has what it starts in the background ignore it, and these tests may be there."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_interrupted_leaves_the_results_of_before(number, aws, tmp_path):
    folder = tmp_path / "cpu"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps("of before"))
    arguments = ["face-mask", "--endpoint", "cpu", "--out", str(tmp_path), *aws, *QUICK, "--requests", "100000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.latency", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,  # noqa: PLW1509
    )
    try:
        said = iter(process.stdout.readline, "")
        assert "face-mask cpu\n" in said
        process.send_signal(number)
        assert process.wait(20) == 130
        assert process.stderr.read() == "stopped; of the endpoint that was being measured nothing is written\n"
    finally:
        process.kill()
        process.communicate()
    assert [file.name for file in folder.iterdir()] == ["run.json"]
    assert json.loads((folder / "run.json").read_text()) == "of before"


def test_what_is_stopped_while_its_local_run_starts_leaves_none(tmp_path):
    """Even where SIGINT is ignored, as of what a shell starts in the background."""
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments.latency", "face-mask", "--out", str(tmp_path / "results")],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509
    )
    try:
        assert process.stdout.readline().startswith("starting the local run")
        assert wait_until(lambda: len(started_in(tmp_path)) > 1), "the local run, and the CDK command that it calls"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.communicate()
    assert wait_until(lambda: started_in(tmp_path) == [])
    assert list(tmp_path.glob("fovea-*")) == []


def started_in(folder) -> list[int]:
    """The processes that were told of a state below `folder`."""
    state = str(folder / "fovea-measured-")
    return [each.pid for each in psutil.process_iter(["cmdline"]) if state in " ".join(each.info["cmdline"] or [])]
