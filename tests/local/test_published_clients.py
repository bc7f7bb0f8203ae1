"""Clients that were written for the published systems get what they expect, through the whole local stack."""

import base64
import io
import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from contract.media import JSON
from experiments.local_run import start_local
from models.registry import ROOT
from tests.containers.model_folder import write_spec
from tests.containers.scripts.network import Gestures
from tests.local_run import Caller

MODELS = ROOT / "models"
SCRIPTS = ROOT / "tests" / "containers" / "scripts"


def predict(local, model, body, media_type=JSON, query="", **more):
    answer = local.predict(body, media_type, path=f"/models/{model}/predict{query}", **more)
    assert answer.status_code == 200, answer.text
    return answer


def sample(model, suffix):
    (file,) = (MODELS / model / "samples").glob(f"*{suffix}")
    return file.read_bytes()


def draw_boxes(image: Image.Image, response: dict, threshold: float) -> list[tuple[int, tuple[float, ...]]]:
    """As the published detection client draws: rows of class id, score and fractions, its own threshold."""
    pen, drawn = ImageDraw.Draw(image), []
    for class_id, score, x0, y0, x1, y1 in response["prediction"]:
        if score < threshold:
            continue
        box = (x0 * image.width, y0 * image.height, x1 * image.width, y1 * image.height)
        pen.rectangle(box, outline=(255, 0, 255), width=2)
        drawn.append((int(class_id), box))
    return drawn


def test_a_detection_client_draws_its_boxes(local):
    scene = Image.open(io.BytesIO(sample("object_detection", ".jpg"))).convert("RGB")
    body = json.dumps({"image": base64.b64encode(sample("object_detection", ".jpg")).decode()}).encode()
    content = predict(local, "object-detection", body).json()
    clean, drawn = np.asarray(scene).copy(), draw_boxes(scene, content, threshold=0.3)
    assert drawn
    assert (np.asarray(scene) != clean).any()
    assert all(0 <= x0 < x1 <= scene.width and 0 <= y0 < y1 <= scene.height for _, (x0, y0, x1, y1) in drawn)
    confident = [found for found in content["detections"] if found["score"] >= 0.3]
    assert [row[1] for row in content["prediction"] if row[1] >= 0.3] == [found["score"] for found in confident]
    for (_, box), found in zip(drawn, confident, strict=True):
        assert np.allclose(np.array(box) / ([scene.width, scene.height] * 2), found["box"])


def test_a_clip_of_a_person_gives_five_glosses(local):
    content = predict(local, "sign-language", sample("sign_language", ".mp4"), "video/mp4").json()
    scores = [instance["score"] for instance in content["instances"]]
    assert len({instance["gloss"] for instance in content["instances"]}) == 5
    assert scores == sorted(scores, reverse=True)


def test_both_layouts_of_the_landmarks_give_the_same_glosses(local):
    points = np.array(json.loads(sample("sign_language", ".json"))["keypoints_list"])
    layouts = [points, points.transpose(0, 2, 1)]
    answers = [
        predict(local, "sign-language", json.dumps({"keypoints_list": layout.tolist()}).encode()).json()
        for layout in layouts
    ]
    assert answers[0] == answers[1]
    assert len(answers[0]["instances"]) == 5
    only = predict(local, "sign-language", sample("sign_language", ".json"), query="?top_k=1").json()["instances"]
    assert only == answers[0]["instances"][:1]


def test_a_mask_is_told_as_csv_too(local):
    (file, *_) = sorted((MODELS / "face_mask" / "samples").glob("*.[jp][pn]g"))
    kind = "image/png" if file.suffix == ".png" else "image/jpeg"
    best = predict(local, "face-mask", file.read_bytes(), kind).json()["predictions"][0]
    row = predict(local, "face-mask", file.read_bytes(), kind, headers={"accept": "text/csv"}).text
    assert row.strip().split(",")[:2] == [best["label"], str(best["score"])]


@pytest.fixture
def with_gestures(copy):
    """The repository with a model.tar.gz of a SageMaker PyTorch container unpacked into a model folder."""
    folder = copy / "models" / "gestures"
    (folder / "artifact" / "code").mkdir(parents=True)
    shutil.copy(SCRIPTS / "gestures.py", folder / "artifact" / "code" / "inference.py")
    shutil.copy(SCRIPTS / "network.py", folder / "artifact" / "code")
    (folder / "artifact" / "code" / "labels.json").write_text('["HELLO", "THANKS", "YES"]')
    weights = {"fc.weight": torch.tensor([[0.0, 4], [4, 0], [0, 0]]), "fc.bias": torch.zeros(3)}
    network = Gestures(3)
    network.load_state_dict(weights)
    torch.save(network.state_dict(), folder / "artifact" / "model.pth")
    labels, accepts = ["HELLO", "THANKS", "YES"], f'accepts = ["{JSON}"]'
    write_spec(folder, labels, 8, more=accepts, framework='"pytorch"', container="pytorch_script")
    yield copy
    shutil.rmtree(folder)


def test_a_users_script_runs_unmodified(with_gestures, tmp_path):
    with start_local(tmp_path, root=with_gestures) as started:
        caller = Caller(started)
        body = json.dumps({"keypoints_list": [[[1.0, 0.0]] * 54] * 3}).encode()
        content = predict(caller, "gestures", body).json()
        assert content["instances"][0]["gloss"] == "THANKS"
        path = "/models/gestures/predict"
        assert caller.predict(b"x", "image/png", path=path).json()["error"]["code"] == "UNSUPPORTED_MEDIA_TYPE"
        assert caller.predict(b'{"no": 1}', JSON, path=path).json()["error"]["code"] == "MODEL_FAILED"
        assert predict(caller, "gestures", body).json() == content
