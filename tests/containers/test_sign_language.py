"""A real server of the sign language model, in the container's own environment: landmarks, clips, and every refusal."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import skimage

from contract.limits import VIDEOS
from contract.options import HEADER
from local.environment import interpreter
from model_server.engines.openvino import OpenVinoEngine
from models.labels import read_labels
from models.sign_language.demonstration import FOLDER
from models.sign_language.evaluate import predict
from models.spec import read_spec
from sign_language.inference import build
from sign_language.normalisation import normalise
from tests.containers.pictures import encoded, solid
from tests.containers.server_process import ROOT, Server, serving

SAMPLE = json.loads((FOLDER / "samples" / "keypoints.json").read_text())
SAMPLE_GLOSS = "WATER"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def python():
    """The container's own environment, made when it is not there yet."""
    return interpreter("sign_language", [ROOT / "containers" / "sign_language" / "requirements-cpu.txt"])


@pytest.fixture(scope="module")
def model_dir(tmp_path_factory):
    """The model as its archive unpacks."""
    folder = tmp_path_factory.mktemp("models") / "sign_language"
    shutil.copytree(FOLDER / "artifact", folder)
    shutil.copy(FOLDER / "model.toml", folder)
    return folder


@pytest.fixture(scope="module")
def server(model_dir, logs, python):
    with serving(model_dir, logs / "sign.log", python=python, MODEL_SERVER_TIMEOUT="120") as started:
        yield started


@pytest.fixture(scope="module")
def clips(tmp_path_factory, python):
    folder = tmp_path_factory.mktemp("clips")
    photograph = Path(skimage.__file__).parent / "data" / "astronaut.png"
    command = [python, "-m", "tests.containers.sign_clips", photograph, folder]
    path = {"PYTHONPATH": f"{ROOT}:{ROOT / 'containers'}"}
    subprocess.run(command, cwd=ROOT, env=path, check=True, capture_output=True)
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def glosses(reply) -> list[str]:
    assert reply.status == 200, reply.response.text
    instances = reply.json()["instances"]
    assert all(sorted(one) == ["gloss", "score"] for one in instances)
    scores = [one["score"] for one in instances]
    assert scores == sorted(scores, reverse=True)
    assert sum(scores) <= 1 + 1e-5
    return [one["gloss"] for one in instances]


@pytest.fixture(autouse=True)
def a_good_request_still_succeeds(server):
    yield
    assert len(glosses(server.predict_json(SAMPLE))) == 5


def test_landmarks_give_five_glosses_best_first(server):
    reply = server.predict_json(SAMPLE)
    best_first = glosses(reply)
    assert len(set(best_first)) == 5
    assert set(best_first) < set(json.loads((FOLDER / "artifact" / "labels.json").read_text()))
    assert best_first[0] == SAMPLE_GLOSS
    body = reply.json()
    assert (body["model"], body["version"]) == ("sign-language", "1.0.0")
    assert body["notice"] == "Demonstration only: trained on drawn motions, not on a sign language."


def test_both_layouts_give_the_same_answer(server):
    turned = np.array(SAMPLE["keypoints_list"]).transpose(0, 2, 1).tolist()
    assert server.predict_json({"keypoints_list": turned}).json() == server.predict_json(SAMPLE).json()


def test_top_k_and_threshold_are_respected_wherever_they_come_from(server):
    assert len(glosses(server.predict_json(SAMPLE | {"top_k": 2}))) == 2
    assert len(glosses(server.predict_json(SAMPLE | {"top_k": 20}))) == 20
    assert len(glosses(server.predict_json(SAMPLE, **{HEADER: "top_k=3"}))) == 3
    likely = server.predict_json(SAMPLE | {"top_k": 20, "threshold": 0.2}).json()["instances"]
    assert likely
    assert all(one["score"] >= 0.2 for one in likely)
    assert server.predict_json(SAMPLE | {"top_k": 0}).code == "INVALID_PARAMETER"


def test_csv_when_asked(server):
    reply = server.predict_json(SAMPLE, accept="text/csv")
    assert reply.headers["content-type"].startswith("text/csv")
    (row,) = reply.response.text.splitlines()
    asked = [
        part for one in server.predict_json(SAMPLE).json()["instances"] for part in (one["gloss"], str(one["score"]))
    ]
    assert row.split(",") == asked


@pytest.mark.parametrize(("name", "media_type"), [("person.mp4", "video/mp4"), ("person.webm", "video/webm")])
def test_a_clip_of_a_person_gives_five_glosses(server, clips, name, media_type):
    reply = server.predict(clips[name], media_type)
    assert len(glosses(reply)) == 5
    assert "decode;dur=" in reply.headers["server-timing"]
    assert server.peak_rss_bytes() < 1024 * MIB


def test_the_sample_clip_is_answered_the_same_each_time(server):
    clip = (FOLDER / "samples" / "astronaut.mp4").read_bytes()
    assert glosses(server.predict(clip, "video/mp4")) == glosses(server.predict(clip, "video/mp4"))


REFUSED_CLIPS = [
    ("black.mp4", 1, "video/mp4", (422, "NO_PERSON_FOUND")),
    ("noise.webm", 1, "video/webm", (422, "NO_PERSON_FOUND")),
    ("person.mp4", 0.5, "video/mp4", (422, "VIDEO_UNDECODABLE")),
    ("person.webm", 0.5, "video/webm", (422, "VIDEO_UNDECODABLE")),
    ("long.mp4", 1, "video/mp4", (422, "VIDEO_TOO_LONG")),
    ("long.webm", 1, "video/webm", (422, "VIDEO_TOO_LONG")),
    ("large.mp4", 1, "video/mp4", (422, "VIDEO_TOO_LONG")),
    ("person.mp4", 1, "video/webm", (415, "UNSUPPORTED_MEDIA_TYPE")),
    ("person.webm", 1, "video/mp4", (415, "UNSUPPORTED_MEDIA_TYPE")),
    ("person.mp4", 1, "application/json", (400, "MALFORMED_JSON")),
]


@pytest.mark.parametrize(("name", "share", "media_type", "answer"), REFUSED_CLIPS)
def test_refuses_a_clip_that_it_cannot_use(server, clips, name, share, media_type, answer):
    body = clips[name]
    reply = server.predict(body[: int(len(body) * share)], media_type)
    assert (reply.status, reply.code) == answer


REFUSED_BODIES = [
    (b"\x00\x00\x00\x18ftypisom" + b"\x00" * 500, "video/mp4", (422, "VIDEO_UNDECODABLE")),
    (b"\x1a\x45\xdf\xa3" + b"\xff" * 500, "video/webm", (422, "VIDEO_UNDECODABLE")),
    (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "video/mp4", (415, "UNSUPPORTED_MEDIA_TYPE")),
    (encoded(solid(), "PNG"), "video/mp4", (415, "UNSUPPORTED_MEDIA_TYPE")),
    (encoded(solid(), "JPEG"), "image/jpeg", (415, "UNSUPPORTED_MEDIA_TYPE")),
    (b"", "video/mp4", (400, "EMPTY_BODY")),
    (b"{", "application/json", (400, "MALFORMED_JSON")),
    (b"[]", "application/json", (400, "INVALID_KEYPOINTS")),
    (b"{}", "application/json", (400, "INVALID_KEYPOINTS")),
    (b'{"image": "aGk="}', "application/json", (400, "INVALID_KEYPOINTS")),
    (b'{"keypoints_list": [[[0.1, 0.2]]]}', "application/json", (400, "INVALID_KEYPOINTS")),
    (b'{"keypoints_list": [[[NaN, 0.2]]]}', "application/json", (400, "MALFORMED_JSON")),
    (b'{"url": "http://127.0.0.1/"}', "application/json", (400, "URL_INPUT_UNSUPPORTED")),
    (json.dumps(SAMPLE | {"threshold": 2}).encode(), "application/json", (400, "INVALID_PARAMETER")),
    (
        json.dumps({"keypoints_list": SAMPLE["keypoints_list"][:1] * (VIDEOS.max_frames + 1)}).encode(),
        "application/json",
        (400, "INVALID_KEYPOINTS"),
    ),
]


@pytest.mark.parametrize(("body", "media_type", "answer"), REFUSED_BODIES)
def test_refuses_a_body_that_is_not_what_it_says(server, body, media_type, answer):
    reply = server.predict(body, media_type)
    assert (reply.status, reply.code) == answer
    assert "passwd" not in reply.response.text


def test_the_415_names_what_is_taken(server):
    message = server.predict(encoded(solid()), "image/jpeg").json()["error"]["message"]
    assert "application/json, video/mp4, video/webm" in message


def test_a_clip_of_one_frame_first_does_not_spoil_the_next(model_dir):
    """As it would if the warm-up had one frame."""
    spec, engine = read_spec(model_dir / "model.toml"), OpenVinoEngine()
    engine.load(model_dir)
    predictor = build(spec, read_labels(spec, model_dir), engine, model_dir)
    predictor.warm_up()
    frames = np.array(SAMPLE["keypoints_list"], np.float32)
    predictor.scores(frames[:1])
    assert predictor.scores(frames) == pytest.approx(predict(model_dir, [normalise(frames)])[0], abs=1e-3)


def test_a_clip_that_takes_too_long_is_given_up(model_dir, clips, tmp_path, python):
    with serving(model_dir, tmp_path / "hurried.log", python=python, MODEL_SERVER_TIMEOUT="0.6") as hurried:
        reply = hurried.predict(clips["numbered.mp4"], "video/mp4")
        assert (reply.status, reply.code) == (504, "MODEL_TIMEOUT")
        assert hurried.predict_json(SAMPLE).status == 200


def test_landmarks_need_neither_mediapipe_nor_opencv(model_dir, clips, tmp_path):
    """This interpreter has neither; the log says which is missing, the caller is told no more than that it failed."""
    with serving(model_dir, tmp_path / "bare.log") as bare:
        reply = bare.predict(clips["person.mp4"], "video/mp4")
        assert (reply.status, reply.code) == (502, "MODEL_FAILED")
        assert "cv2" in said(bare)
        assert len(glosses(bare.predict_json(SAMPLE))) == 5


def said(server: Server) -> str:
    return "\n".join(line.get("reason", "") for line in server.log_lines() if line["level"] == "error")
