"""The page stands alone, says the numbers of report.json, and takes no name for markup."""

import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from models.registry import ROOT
from tests.training.evaluation.conftest import FACE_MASK, OBJECT_DETECTION, SIGN_LANGUAGE
from training.evaluation.__main__ import main
from training.evaluation.evaluate import evaluate
from training.evaluation.page import page

VOID = {"meta", "img", "br"}
HOSTILE = "<script>\"&'</script>"


class Markup(HTMLParser):
    """Fails on a tag that is closed out of order; gathers what would be fetched, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.tags: set[str] = set()
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.fetched += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def compared(faces, worse, tmp_path_factory):
    """What the command writes for a worse candidate, read back."""
    out = tmp_path_factory.mktemp("out") / "new"
    status = main(["--candidate", str(worse), "--current", str(FACE_MASK), "--data", str(faces), "--out", str(out)])
    assert status == 0
    return {file.name: file.read_text(encoding="utf-8") for file in out.iterdir()}


def test_the_command_writes_three_files_of_which_one_is_a_part_of_the_other(compared):
    assert set(compared) == {"evaluation.json", "report.json", "report.html"}
    summary, report = (json.loads(compared[name]) for name in ("evaluation.json", "report.json"))
    assert {key: report[key] for key in summary} == summary
    assert "NaN" not in compared["report.json"]


def test_the_page_needs_nothing_else(compared):
    html = compared["report.html"]
    markup = Markup(html)
    assert not re.search(r"https?:|url\(|@import", html)
    assert markup.fetched
    assert all(value.startswith("data:image/jpeg;base64,") for value in markup.fetched)
    assert not markup.tags & {"script", "link", "iframe", "object"}
    assert "prefers-color-scheme: dark" in html


def test_the_page_says_the_numbers_of_the_report(compared):
    report, text = json.loads(compared["report.json"]), Markup(compared["report.html"]).text
    for name, told in report["measures"].items():
        for model in ("candidate", "current"):
            assert f"{told[model]['value']:.3f}" in text, name
            assert f"{told[model]['low']:.3f} to {told[model]['high']:.3f}" in text, name
        assert f"{told['difference']['low']:+.3f} to {told['difference']['high']:+.3f}" in text, name
    for model in ("candidate", "current"):
        for row in report[model]["confusion"]:
            assert all(f"{count / sum(row):.1%}" in text for count in row)
        assert f"expected calibration error {report[model]['calibration']['expected_calibration_error']:.3f}" in text
    assert all(mistake["file"] in text for mistake in report["candidate"]["mistakes"])
    assert text.count("Halt: worse than what is served now") == 1
    assert report["data"]["sha256"][:16] in text


def test_no_name_is_taken_for_markup(faces):
    told = evaluate(FACE_MASK, None, faces, 0.02)
    report = json.loads(json.dumps(told.report).replace("with_mask", json.dumps(HOSTILE)[1:-1]))
    report |= {"notice": HOSTILE, "description": HOSTILE, "corrupt_files": [{"file": HOSTILE, "code": "EMPTY_BODY"}]}
    pictures = {mistake["file"]: next(faces.rglob("*.png")) for mistake in report["candidate"]["mistakes"]}
    markup = Markup(page(report, pictures))
    assert "script" not in markup.tags
    assert HOSTILE in markup.text


@pytest.mark.parametrize("outcome", ["deploy", "approve", "halt"])
def test_each_verdict_is_said_in_words(compared, outcome):
    report = json.loads(compared["report.json"])
    report["candidate"]["mistakes"] = []
    report["gate"] |= {"outcome": outcome, "findings": [{"measure": "f1", "outcome": outcome, "reason": "f1 is it."}]}
    text = Markup(page(report, {})).text
    words = {"deploy": "passes", "approve": "a person decides", "halt": "halts"}
    assert words[outcome] in text
    assert "F1 is it." in text
    assert "The candidate made none" in text


def test_a_detector_has_curves_and_boxes_on_its_pictures(scenes):
    told = evaluate(OBJECT_DETECTION, None, scenes, 0.02)
    html = page(told.report, told.pictures)
    text = Markup(html).text
    assert "mAP at IoU 0.5" in text
    for kind in told.report["candidate"]["per_class"]:
        if kind["objects"]:
            assert f"{kind['label']} {kind['average_precision']:.3f}" in text
    assert 'class="missed"' in html
    assert 'class="wrong"' in html


def test_a_sign_that_is_mistaken_is_drawn(tmp_path):
    for name in ("WATER", "HELLO"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.json").write_bytes((SIGN_LANGUAGE / "samples" / "keypoints.json").read_bytes())
    told = evaluate(SIGN_LANGUAGE, None, tmp_path, 0.02)
    html = page(told.report, told.pictures)
    Markup(html)
    assert 'class="landmarks"' in html
    assert told.report["candidate"]["mistakes"]


def test_what_could_not_be_measured_is_a_dash(faces, tmp_path):
    """All examples have one label: of ROC AUC there is neither a number nor a curve."""
    shutil.copytree(faces / "with_mask", tmp_path / "with_mask")
    told = evaluate(FACE_MASK, None, tmp_path, 0.02)
    text = Markup(page(told.report, told.pictures)).text
    assert "ROC AUC could not be measured on these examples: a person decides." in text
    assert "Receiver operating characteristic" not in text
    assert "–" in text
    assert "nan" not in text.lower()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_the_command_says_in_one_line_what_is_wrong(tmp_path):
    places = ["--candidate", str(FACE_MASK), "--data", str(tmp_path), "--out", str(tmp_path / "out")]
    done = run("-m", "training.evaluation", *places)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("EmptyChannel: ")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_evaluation_needs_no_framework_and_no_model_of_the_repository():
    """So it starts at once in the image of any model, which has that model's folder alone."""
    done = run("-c", "import sys, training.evaluation.__main__ as _; print(*sys.modules)")
    modules = [name.split(".") for name in done.stdout.split()]
    loaded = {name[0] for name in modules}
    assert "numpy" in loaded
    assert not loaded & {"tensorflow", "keras", "torch", "sklearn", "matplotlib", "scipy"}
    assert not [name for name in modules if name[0] == "models" and len(name) > 2]
