"""A load of the whole local run: every model answers, what is read of it adds up, what cannot be asked is refused."""

import json
import signal
import subprocess
import sys
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from experiments.client.percentiles import percentile
from experiments.client.sample import Sample, read_samples
from experiments.load.__main__ import main
from experiments.load.figures import tables
from experiments.load.mix import FILE, MixFault, read_mix
from experiments.load.parts import Look, Part
from experiments.local_run import environment
from models.registry import ROOT, load_models

MODELS = load_models()


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A few seconds of every model, ended by Ctrl-C long before the end; what it said, and its folder."""
    out = tmp_path_factory.mktemp("load")
    command = [sys.executable, "-m", "experiments.load", "--rate=8", "--minutes=10", f"--out={out}", "--seed=3"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True)
    said = []
    for line in process.stdout:
        said.append(line)
        if "answers, p50" in line:
            process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0, "".join(said)
    return "".join(said), out


def test_asks_every_model_and_tells_percentiles_codes_and_what_each_part_held(loaded):
    said, out = loaded
    samples = read_samples(out / "requests.csv")
    asked = Counter(sample.model for sample in samples)
    assert asked.keys() <= {model.spec.name for model in MODELS}
    assert len(asked) >= 4
    assert {sample.code for sample in samples} == {"OK"}
    parts = {line.split(" | ")[0].strip("| ") for line in said.splitlines() if line.count("|") == 5}
    assert {f"{name}-serverless" for name in asked} | {"gateway", "proxy", "s3", "this client"} <= parts
    assert "p99.9 ms" in said


def test_what_is_measured_before_its_end_is_kept(loaded):
    said, out = loaded
    assert "Ended before its time" in said
    about = json.loads((out / "load.json").read_text())
    assert 4 < about["seconds"] < 60
    assert about["environment"]["cores"]
    assert (out / "load.md").read_text() in said
    with Image.open(out / "load.png") as plot:
        assert len(plot.getcolors(maxcolors=1_000_000)) > 100


def test_a_mix_is_drawn_by_its_shares_and_its_pictures_in_turn():
    mix = read_mix(FILE, MODELS)
    drawn = Counter(call.model for call in islice(mix.drawn(Random(1)), 4000))
    assert drawn["face-mask"] / 4000 == pytest.approx(0.35, abs=0.03)
    assert drawn["diabetic-retinopathy"] / 4000 == pytest.approx(0.20, abs=0.03)
    faces = [call.image for call in islice(mix.drawn(Random(1)), 400) if call.model == "face-mask"]
    assert len(set(faces)) == 2
    assert all(one != other for one, other in pairwise(faces))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("requests = []", "requests: "),
        ("[[requests]]\nmodel = 'no-such'\nshare = 1", "there is no model 'no-such'; choose one of brain-tumor, "),
        ("[[requests]]\nmodel = 'face-mask'\nshare = 0", "requests.0.share: "),
        ("[[requests]]\nmodel = 'face-mask'\nshare = 1\nendpoint = 'jobs'", "face-mask has no endpoint 'jobs'"),
        ("[[requests]]\nmodel = 'face-mask'\nshare = 1\nfile = 'nowhere.jpg'", "nowhere.jpg: No such file"),
        ("[[requests]]\nmodel = 'face-mask'\nshare = 1\nsize = 3", "requests.0.size: "),
        ("requests", "is not TOML"),
    ],
)
def test_refuses_a_mix_that_cannot_be_asked_in_a_line(tmp_path, text, said):
    file = tmp_path / "mix.toml"
    file.write_text(text)
    with pytest.raises(MixFault) as refused:
        read_mix(file, MODELS)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    file.write_text("[[requests]]\nmodel = 'face-mask'\nshare = 1\nendpoint = 'cpu'")
    assert {call.endpoint for call in read_mix(file, MODELS).calls} == {"cpu"}


def test_refuses_before_anything_starts(tmp_path, capsys):
    assert main(["--mix", str(tmp_path / "nowhere.toml")]) == 1
    assert main(["--shape", str(FILE)]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{tmp_path / 'nowhere.toml'}: No such file or directory",
        f"{FILE}: parts: give a list of numbers, such as the requests of each hour, none below 0",
    ]


def sample(total_ms: float, status: int = 200, code: str = "OK") -> Sample:
    return Sample("load", 0, 10, 0, 0, total_ms, status, code, "face-mask", "cpu", "a.jpg", 9)


def test_errors_are_counted_by_code_and_are_in_no_percentile():
    samples = [sample(float(at)) for at in range(1, 100)] + [sample(1e6, 429, "THROTTLED")]
    text = tables(samples, {"gateway": Part([Look(0, 10, 1), Look(4, 30, 3)])}, 10)
    assert "| face-mask cpu | 100 | 10.0 | 99.00 % | 50 | 99 | 99 |" in text
    assert "| 429 | THROTTLED | 1 | 1.00 % |" in text
    assert "| gateway | 20 | 30 | 0.50 |" in text


def test_a_percentile_is_one_of_the_values():
    assert [percentile([4, 1, 3, 2], percent) for percent in (0, 25, 50, 75, 99.9)] == [1, 1, 2, 3, 4]
    assert percentile(list(range(1000)), 99.9) == 998


def test_its_own_mix_names_files_that_are_there():
    assert all(call.body for call in read_mix(FILE, MODELS).calls)
    assert Path(FILE).is_file()
