"""Pictures through a real server, captured as SageMaker writes it, against a baseline that a batch made."""

import base64
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest
from PIL import Image

from experiments.batch.__main__ import main as batch
from experiments.batch.server import serving
from models.registry import ROOT, load_models
from monitoring.__main__ import main

MODEL = next(model for model in load_models() if model.spec.name == "face-mask")
NOW = datetime.now(UTC)
HTTP = httpx.Client(timeout=60)


def picture(rng, brighter: float = 0.0) -> bytes:
    """Soft blobs of colour, of three sizes."""
    mean = rng.normal(110 + brighter, 15)
    coarse = rng.normal(mean, 30, (6, 6, 3)).clip(0, 255).astype(np.uint8)
    size = [(224, 224), (320, 240), (240, 320)][rng.integers(3)]
    file = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


def pictures(count: int, seed: int, brighter: float = 0.0) -> list[bytes]:
    rng = np.random.default_rng(seed)
    return [picture(rng, brighter) for _ in range(count)]


@pytest.fixture(scope="module")
def url():
    with serving(MODEL) as started:
        yield started


@pytest.fixture(scope="module")
def baseline(url, tmp_path_factory):
    room = tmp_path_factory.mktemp("baseline")
    (room / "pictures").mkdir()
    for at, body in enumerate(pictures(1000, seed=1)):
        (room / "pictures" / f"{at:04}.jpg").write_bytes(body)
    scored = [str(room / "pictures"), "--out", str(room / "rows.jsonl"), "--format", "jsonl", "--url", url]
    assert batch(["face-mask", *scored]) == 0
    assert main(["baseline", str(room / "pictures"), str(room / "rows.jsonl"), "--out", str(room / "b.json")]) == 0
    return room / "b.json"


def captured(body: bytes, url: str, at: int, as_json: bool) -> str:
    """One line of SageMaker's, for an answer of the real server."""
    sent = {"observedContentType": "image/jpeg", "mode": "INPUT", "data": base64.b64encode(body).decode()}
    sent["encoding"] = "BASE64"
    if as_json:
        data = json.dumps({"image": base64.b64encode(body).decode()})
        sent |= {"observedContentType": "application/json", "data": data, "encoding": "JSON"}
    content = data.encode() if as_json else body
    headers = {"content-type": sent["observedContentType"]}
    answer = HTTP.post(f"{url}/invocations", content=content, headers=headers)
    said = {"observedContentType": "application/json", "mode": "OUTPUT", "data": answer.text, "encoding": "JSON"}
    time = (NOW - timedelta(minutes=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
    about = {"eventId": f"{at}", "inferenceTime": time}
    data = {"endpointInput": sent, "endpointOutput": said}
    return json.dumps({"captureData": data, "eventMetadata": about, "eventVersion": "0"})


def write(folder, lines: list[str]):
    file = folder / "captured" / "endpoint" / "model" / "2026" / "11" / "27" / "03" / "00-00-000-a1.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(lines) + "\n")
    return folder / "captured"


def capture(folder, url, bodies):
    return write(folder, [captured(body, url, at, as_json=at % 5 == 0) for at, body in enumerate(bodies)])


def check(folder, baseline, tmp_path, capsys, *options: str):
    """drift.json, and the line that CloudWatch reads."""
    command = ["check", str(folder), "--baseline", str(baseline), "--out", str(tmp_path / "drift.json"), *options]
    assert main(command) == 0
    return json.loads((tmp_path / "drift.json").read_text()), json.loads(capsys.readouterr().out.splitlines()[-1])


def test_the_same_distribution_is_stable(baseline, url, tmp_path, capsys):
    folder = capture(tmp_path, url, pictures(400, seed=2))
    drift, metric = check(folder, baseline, tmp_path, capsys, "--namespace", "Fovea/prod", "--endpoint", "gpu")
    assert {name: each["verdict"] for name, each in drift["features"].items()} == dict.fromkeys(
        ("brightness", "contrast", "red", "green", "blue", "width", "height", "aspect", "score", "label"), "stable"
    )
    assert drift["captured"] == {"unusable": 0, "lines": 400}
    assert metric["Drift"] == drift["most"]["psi"] < 0.1
    assert (metric["Model"], metric["Endpoint"]) == ("face-mask", "gpu")
    (directive,) = metric["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "Fovea/prod",
        "Dimensions": [["Model", "Endpoint"]],
        "Metrics": [{"Name": "Drift", "Unit": "None"}],
    }


def test_brighter_pictures_are_significant_and_drawn(baseline, url, tmp_path, capsys):
    folder = capture(tmp_path, url, pictures(300, seed=3, brighter=40))
    drift, metric = check(folder, baseline, tmp_path, capsys)
    features = drift["features"]
    assert features["brightness"]["psi"] > 0.25
    assert features["width"]["verdict"] == "stable"
    assert metric["Drift"] > 0.25
    assert metric["feature"] in ("brightness", "red", "green", "blue")
    assert main(["plot", str(tmp_path / "drift.json"), "--out", str(tmp_path / "drift.png")]) == 0
    with Image.open(tmp_path / "drift.png") as drawn:
        assert drawn.width > 1000


def test_a_damaged_line_is_counted_and_more_than_one_in_a_hundred_are_refused(baseline, url, tmp_path, capsys):
    lines = [captured(body, url, at, as_json=False) for at, body in enumerate(pictures(300, seed=4))]
    folder = write(tmp_path, [*lines, lines[0][:500], '{"eventVersion": "0"}', lines[0].replace("BASE64", "JSON")])
    drift, _ = check(folder, baseline, tmp_path, capsys)
    assert drift["captured"] == {"unusable": 1, "lines": 301, "damaged": 2}
    with (folder / "more.jsonl").open("w") as file:
        file.write("[]\n\x00\n")
    assert main(["check", str(folder), "--baseline", str(baseline), "--out", str(tmp_path / "drift.json")]) == 1
    assert "4 of 305 lines are damaged, over 1 %" in capsys.readouterr().err


def test_what_does_not_do_is_told_in_a_line(baseline, url, tmp_path, capsys):
    few = capture(tmp_path / "few", url, pictures(5, seed=5))
    (tmp_path / "empty").mkdir()
    (tmp_path / "no.json").write_text('{"features": {"brightness": {"edges": [1], "counts": [1]}}}')
    (tmp_path / "rows.jsonl").write_text("name,model\n")
    for arguments, line in (
        (("check", tmp_path / "empty", "--baseline", baseline), "nothing captured since"),
        (("check", few, "--baseline", baseline), "5 lines are too few to compare, 200 at least"),
        (("check", few, "--baseline", baseline, "--days", "0.0000001"), "nothing captured since"),
        (("check", few, "--baseline", tmp_path / "missing.json"), "make one with `python -m monitoring baseline`"),
        (("check", few, "--baseline", tmp_path / "no.json"), "its bins and counts do not fit"),
        (("baseline", tmp_path, tmp_path / "rows.jsonl"), "holds no rows; write it with --format jsonl"),
        (("plot", tmp_path / "missing.json"), "missing.json: No such file or directory"),
    ):
        assert main([str(argument) for argument in arguments]) == 1
        said = capsys.readouterr().err
        assert line in said
        assert said.count("\n") == 1


def test_it_runs_on_what_a_models_image_has(baseline, url, tmp_path):
    """Without the packages of training, of plots and of AWS."""
    folder = capture(tmp_path, url, pictures(200, seed=6))
    banned = ("matplotlib", "tqdm", "boto3", "tensorflow", "torch", "sklearn", "aws_cdk")
    (tmp_path / "without").mkdir()
    for name in banned:
        (tmp_path / "without" / f"{name}.py").write_text("raise ImportError('not in the image')\n")
    path = os.pathsep.join(map(str, (tmp_path / "without", ROOT / "containers", ROOT)))
    command = [sys.executable, "-m", "monitoring", "check", folder, "--baseline", baseline, "--out", "drift.json"]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["Model"] == "face-mask"
