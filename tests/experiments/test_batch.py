"""A batch on a real server: each picture has its row, once, whatever ended the runs before; and what ends a run."""

import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from experiments.batch.__main__ import main
from experiments.batch.inputs import names_in
from experiments.batch.output import Output
from experiments.batch.rows import Csv
from experiments.batch.server import serving
from local.endpoint import free_port
from models.registry import ROOT, load_models
from tests.containers.server_process import serving as serving_folder

MODEL = next(model for model in load_models() if model.spec.name == "face-mask")
PICTURE = (MODEL.folder / "samples" / "drawn_with_mask.jpg").read_bytes()
COUNT = 60


@pytest.fixture(scope="module")
def url():
    with serving(MODEL) as started:
        yield started


@pytest.fixture
def folder(tmp_path):
    """Sixty pictures in two folders, one of them cut off, one empty, and a note."""
    room = tmp_path / "pictures"
    for at in range(COUNT):
        file = room / f"{at % 2}" / f"{at:03}, a.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes({4: PICTURE[:2000], 5: b""}.get(at, PICTURE))
    (room / "notes.txt").write_text("not a picture")
    return room


def heed_ctrl_c() -> None:
    """A shell has what it starts in the background ignore it, and these tests may be there."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(folder, out, *options: str, model: str = "face-mask") -> list[str]:
    return [sys.executable, "-m", "experiments.batch", model, str(folder), "--out", str(out), *options]


def batch(*arguments, file_bytes: int | None = None, **options) -> subprocess.CompletedProcess[str]:
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))) if file_bytes else None
    return subprocess.run(
        command(*arguments, **options),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=limit,
    )


def refusal(capsys, *arguments: object) -> str:
    """The one line that a batch which cannot be done ends with."""
    assert main([str(argument) for argument in arguments]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def read(out) -> list[dict]:
    text = out.read_text()
    assert text.endswith("\n")
    if out.suffix == ".csv":
        return list(csv.DictReader(text.splitlines()))
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_each_picture_has_its_row_in_order_and_a_corrupt_one_its_code(url, folder, tmp_path, form):
    out = tmp_path / f"rows.{form}"
    done = batch(folder, out, "--url", url, "--format", form)
    assert done.returncode == 0, done.stderr
    assert "58 OK, " in done.stdout
    assert "images/s" in done.stderr
    rows = read(out)
    assert [row["name"] for row in rows] == names_in(folder, MODEL.spec.model.task)
    statuses = {row["name"]: row["status"] for row in rows}
    assert (statuses.pop("0/004, a.jpg"), statuses.pop("1/005, a.jpg")) == ("IMAGE_UNDECODABLE", "EMPTY_BODY")
    assert set(statuses.values()) == {"OK"}
    best = rows[0]["label_1"] if form == "csv" else rows[0]["predictions"][0]["label"]
    assert best in MODEL.labels.values()
    before = out.read_bytes()
    again = batch(folder, out, "--format", form)
    assert (again.returncode, again.stderr) == (0, "")
    assert "has a row for each already" in again.stdout
    assert out.read_bytes() == before


@pytest.mark.parametrize(("form", "how"), [("csv", signal.SIGKILL), ("jsonl", signal.SIGINT)], ids=["killed", "Ctrl-C"])
def test_a_run_that_was_stopped_goes_on_and_names_each_picture_once(url, folder, tmp_path, form, how):
    for at in range(1000):
        os.link(folder / "0" / "000, a.jpg", folder / f"more-{at:04}.jpg")
    out = tmp_path / f"rows.{form}"
    options = ("--url", url, "--format", form)
    started = {"cwd": ROOT, "stderr": subprocess.PIPE, "text": True, "preexec_fn": heed_ctrl_c}
    with subprocess.Popen(command(folder, out, *options), **started) as process:
        while not out.exists() or out.stat().st_size < 10_000:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.01)
        process.send_signal(how)
        said = process.communicate(timeout=60)[1]
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert said.splitlines()[-1] == f"stopped; the same command goes on after the last row of {out}"
    rows = read(out)
    assert 0 < len(rows) < COUNT + 1000
    with out.open("ab") as file:
        file.write(out.read_bytes().splitlines()[-1][:25])
    done = batch(folder, out, *options)
    assert done.returncode == 0, done.stderr
    names = [row["name"] for row in read(out)]
    assert names == names_in(folder, MODEL.spec.model.task)
    assert read(out)[: len(rows)] == rows


def test_its_own_server_is_started_and_is_gone_afterwards(folder, tmp_path):
    done = batch(folder, tmp_path / "rows.csv")
    assert (done.returncode, len(read(tmp_path / "rows.csv"))) == (0, COUNT)
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in running


def test_landmarks_are_scored_too(tmp_path):
    sample = next(model for model in load_models() if model.spec.name == "sign-language").folder / "samples"
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "keypoints.json").write_bytes((sample / "keypoints.json").read_bytes())
    (folder / "broken.json").write_text("{")
    done = batch(folder, tmp_path / "rows.jsonl", "--format", "jsonl", model="sign-language")
    assert done.returncode == 0, done.stderr
    broken, keypoints = read(tmp_path / "rows.jsonl")
    assert broken["status"] == "MALFORMED_JSON"
    assert len(keypoints["predictions"]) == 5
    assert keypoints["predictions"][0].keys() == {"label", "score"}


@contextmanager
def answering(*answers: tuple[int, dict[str, str], bytes]):
    """A server that gives `answers`, then the last of them for ever; and how many it gave."""
    given = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            status, headers, body = answers[min(len(given), len(answers) - 1)]
            given.append(time.monotonic())
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", given
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def one(tmp_path):
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(PICTURE)
    return folder


def test_a_busy_server_is_waited_for_as_it_says(one, tmp_path):
    answer = {"model": "face-mask", "version": MODEL.spec.model.version, "predictions": []}
    busy, good = (503, {"Retry-After": "1"}, b"{}"), (200, {}, json.dumps(answer).encode())
    with answering(busy, busy, good) as (url, given):
        done = batch(one, tmp_path / "rows.csv", "--url", url)
    assert done.returncode == 0, done.stderr
    assert [row["status"] for row in read(tmp_path / "rows.csv")] == ["OK"]
    assert given[2] - given[0] >= 2


def test_many_requests_at_once_are_not_shed(folder, tmp_path):
    """A server with one worker refuses the 34th request: a batch never has as many under way."""
    log = tmp_path / "server.log"
    with serving_folder(_model_dir(tmp_path), log, MODEL_SERVER_WORKERS="1") as server:
        done = batch(folder, tmp_path / "rows.csv", "--url", str(server.http.base_url))
        codes = [line["code"] for line in server.log_lines() if "code" in line]
    assert done.returncode == 0, done.stderr
    assert codes.count("OK") == COUNT - 2
    assert "OVERLOADED" not in codes


def _model_dir(tmp_path):
    folder = shutil.copytree(MODEL.artifact, tmp_path / "model")
    shutil.copy(MODEL.spec_file, folder)
    return folder


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        ((200, {}, b'{"model":"brain-tumor","version":"1","predictions":[]}'), "the server answers as brain-tumor 1"),
        ((200, {}, b"<html>"), "answers 200 without JSON; is it a model server?"),
    ],
    ids=["another model", "no model server"],
)
def test_a_server_that_is_not_this_models_ends_it(one, tmp_path, answer, line):
    with answering(answer) as (url, _):
        done = batch(one, tmp_path / "rows.csv", "--url", url)
    assert done.returncode == 1
    assert line in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("name,model,version,status\n", "has other columns than the rows of this model"),
        ('{"name":"a.jpg","model":"face-mask","version":"0.0.1"}\n', "has rows of face-mask 0.0.1, not of face-mask"),
        ("dear diary\nline\n", "line 1 is no row"),
        ("dear diary", "holds no rows"),
    ],
)
def test_a_file_of_something_else_is_left_as_it_is(url, one, tmp_path, capsys, content, line):
    out = tmp_path / "rows"
    out.write_text(content)
    form = "csv" if content.startswith("name,") else "jsonl"
    assert line in refusal(capsys, "face-mask", one, "--out", out, "--url", url, "--format", form)
    assert out.read_text() == content
    assert main(["face-mask", str(one), "--out", str(tmp_path / "good"), "--url", url]) == 0


def test_no_room_leaves_whole_rows_and_the_next_run_goes_on(url, folder, tmp_path):
    out = tmp_path / "rows.csv"
    full = batch(folder, out, "--url", url, file_bytes=2000)
    assert full.returncode == 1
    assert f"\n{out}: File too large; make room" in full.stderr  # coverage too has no room, and says so after it
    assert 1900 < out.stat().st_size <= 2000
    assert 0 < len(read(out)) < COUNT
    assert batch(folder, out, "--url", url).returncode == 0
    assert len({row["name"] for row in read(out)}) == len(read(out)) == COUNT


def test_what_cannot_be_scored_is_told_in_a_line(url, one, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    out = tmp_path / "rows.csv"
    nobody = f"http://127.0.0.1:{free_port()}"
    for model, folder, file, more, line in (
        ("cats", one, out, (), "cats: no such model; choose one of "),
        ("face-mask", tmp_path / "missing", out, (), "is no folder"),
        ("face-mask", tmp_path / "empty", out, (), "holds none of *.jpg"),
        ("face-mask", one, out, ("--url", nobody), "no model server answers there"),
        ("face-mask", one, tmp_path / "no" / "rows.csv", (), "No such file or directory"),
        ("face-mask", one, tmp_path, (), "is no file that rows can be appended to"),
    ):
        assert line in refusal(capsys, model, folder, "--out", file, *more)
    with closing(Output(out, Csv(MODEL), MODEL)):
        assert "another run writes to it" in refusal(capsys, "face-mask", one, "--out", out)
    assert main(["face-mask", str(one), "--out", str(out), "--url", url]) == 0
    capsys.readouterr()
    (one / "two\nlines.jpg").write_bytes(PICTURE)
    assert "has characters that a row cannot hold" in refusal(capsys, "face-mask", one, "--out", out)
