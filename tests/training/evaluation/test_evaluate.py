"""The committed models are evaluated by the served path, alone and against another; bad input has one clear line."""

import json
import shutil
from itertools import cycle
from pathlib import Path

import pytest

from contract.gate import GateError, decide
from models.archive import pack
from models.registry import ROOT
from tests.training.evaluation.conftest import FACE_MASK, OBJECT_DETECTION, PORTRAITS, SIGN_LANGUAGE
from training.errors import CorruptData, UnknownLabel, UnusableModel
from training.evaluation.evaluate import Evaluation, evaluate

TOLERANCE = 0.02


@pytest.fixture(scope="module")
def better(faces, worse) -> Evaluation:
    """The committed model, where one with wrong colours is served."""
    return evaluate(FACE_MASK, worse, faces, TOLERANCE)


def test_the_summary_has_the_form_that_the_gate_reads(better):
    summary = json.loads(json.dumps(better.summary))
    assert summary["model"] == "face-mask"
    assert summary["task"] == "image-classification"
    assert (summary["examples"], summary["corrupt"]) == (PORTRAITS, 0)
    assert summary["labels"] == ["with_mask", "without_mask"]
    assert len(summary["data"]["sha256"]) == 64
    assert summary["gated"] == ["f1", "precision", "roc_auc"]
    assert set(summary["measures"]) == {"accuracy", "precision", "recall", "f1", "roc_auc"}
    for comparison in summary["measures"].values():
        assert set(comparison) == {"candidate", "current", "difference"}
        for interval in comparison.values():
            assert interval["low"] <= interval["value"] <= interval["high"]


def test_a_better_candidate_is_deployed_and_a_worse_one_halts(better, faces, worse):
    assert better.summary["measures"]["accuracy"]["candidate"]["value"] >= 0.9
    assert better.report["gate"]["outcome"] == decide(better.summary, TOLERANCE).outcome == "deploy"
    assert evaluate(worse, FACE_MASK, faces, TOLERANCE).report["gate"]["outcome"] == "halt"


def test_the_report_counts_what_the_measures_say(better):
    (tp, fn), (fp, tn) = better.report["candidate"]["confusion"]
    measures = {name: told["candidate"]["value"] for name, told in better.summary["measures"].items()}
    assert tp + fn + fp + tn == PORTRAITS
    assert measures["accuracy"] == pytest.approx((tp + tn) / PORTRAITS, abs=1e-6)
    assert measures["precision"] == pytest.approx(tp / (tp + fp), abs=1e-6)
    assert measures["recall"] == pytest.approx(tp / (tp + fn), abs=1e-6)
    assert sum(one["examples"] for one in better.report["candidate"]["calibration"]["bins"]) == PORTRAITS
    groups = better.report["candidate"]["histogram"]["groups"]
    assert [sum(counts) for counts in groups.values()] == [PORTRAITS // 2] * 2
    positive = next(one for one in better.report["candidate"]["per_class"] if one["label"] == "with_mask")
    assert positive["f1"] == measures["f1"]
    assert len(better.report["current"]["mistakes"]) == 10
    assert all(
        one["is"] != one["answered"] and one["file"] in better.pictures for one in better.report["current"]["mistakes"]
    )


def test_a_model_equals_itself_as_a_folder_and_as_an_archive(faces, tmp_path):
    archive = pack(FACE_MASK / "model.toml", FACE_MASK / "artifact", tmp_path / "model.tar.gz")
    same = evaluate(archive, FACE_MASK, faces, TOLERANCE)
    differences = [told["difference"] for told in same.summary["measures"].values()]
    assert differences == [{"value": 0.0, "low": 0.0, "high": 0.0}] * 5
    assert same.report["gate"]["outcome"] == "deploy"


def test_without_a_current_model_a_person_decides(faces):
    alone = evaluate(FACE_MASK, None, faces, TOLERANCE)
    assert alone.report["gate"]["outcome"] == "approve"
    assert alone.report["current"] is None
    assert {told["difference"] for told in alone.summary["measures"].values()} == {None}


def hundred(faces: Path, folder: Path) -> Path:
    """A hundred files: the portraits again and again."""
    for number, file in zip(range(100), cycle(sorted(faces.rglob("*.png"))), strict=False):
        target = folder / file.parent.name / f"{number}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return folder


def test_a_corrupt_file_is_left_out_and_counted_and_a_second_is_too_much(faces, tmp_path):
    data = hundred(faces, tmp_path / "data")
    first, second, *_ = sorted((data / "with_mask").glob("*.png"))
    first.write_bytes(first.read_bytes()[:200])
    told = evaluate(FACE_MASK, FACE_MASK, data, TOLERANCE)
    assert (told.summary["examples"], told.summary["corrupt"]) == (99, 1)
    assert told.report["corrupt_files"] == [{"file": f"with_mask/{first.name}", "code": "IMAGE_UNDECODABLE"}]
    second.write_bytes(b"")
    with pytest.raises(CorruptData, match=r"2 of 100 examples .*mend or remove them: .*EMPTY_BODY"):
        evaluate(FACE_MASK, None, data, TOLERANCE)
    second.unlink()
    first.unlink()
    assert evaluate(FACE_MASK, None, data, TOLERANCE).summary["corrupt"] == 0


def test_refuses_models_that_cannot_be_served_or_compared_labels_of_another_and_no_tolerance(faces, tmp_path):
    with pytest.raises(GateError, match="the tolerance is 2"):
        evaluate(FACE_MASK, None, faces, 2)
    with pytest.raises(UnusableModel, match=r"the candidate, .*nowhere, cannot be served"):
        evaluate(tmp_path / "nowhere", None, faces, TOLERANCE)
    with pytest.raises(UnusableModel, match="the current model, brain-tumor, has another task or other labels"):
        evaluate(FACE_MASK, ROOT / "models" / "brain_tumor", faces, TOLERANCE)
    (tmp_path / "broken.tar.gz").write_bytes(b"no archive")
    with pytest.raises(UnusableModel, match="is damaged or no gzipped tar"):
        evaluate(FACE_MASK, tmp_path / "broken.tar.gz", faces, TOLERANCE)
    with pytest.raises(UnknownLabel, match="it knows no, yes: rename it"):
        evaluate(ROOT / "models" / "brain_tumor", None, faces, TOLERANCE)
    assert evaluate(FACE_MASK, None, faces, TOLERANCE).summary["examples"] == PORTRAITS


def test_a_detector_is_gated_by_its_map(scenes):
    told = evaluate(OBJECT_DETECTION, OBJECT_DETECTION, scenes, TOLERANCE)
    assert told.summary["gated"] == ["map_50"]
    assert 0.6 < told.summary["measures"]["map_50"]["candidate"]["value"] <= 1
    assert told.report["gate"]["outcome"] == "deploy"
    kinds = told.report["candidate"]["per_class"]
    known = [kind["average_precision"] for kind in kinds if kind["objects"]]
    mean = sum(known) / len(known)
    assert told.summary["measures"]["map_50"]["candidate"]["value"] == pytest.approx(mean, abs=1e-5)
    assert all(set(one) >= {"file", "missed", "wrong"} for one in told.report["candidate"]["mistakes"])


def test_signs_are_sent_as_the_bodies_they_are(tmp_path):
    """One label has an example, so ROC AUC has no meaning: null in the file, not NaN."""
    body = (SIGN_LANGUAGE / "samples" / "keypoints.json").read_bytes()
    alone = tmp_path / "HELLO"
    alone.mkdir()
    (alone / "clip.json").write_bytes(body)
    told = evaluate(SIGN_LANGUAGE, None, tmp_path, TOLERANCE)
    assert told.summary["gated"] == ["f1", "precision", "accuracy"]
    assert told.summary["measures"]["roc_auc"]["candidate"] is None
    assert told.summary["measures"]["accuracy"]["candidate"]["value"] in (0.0, 1.0)
    assert sum(sum(row) for row in told.report["candidate"]["confusion"]) == 1
