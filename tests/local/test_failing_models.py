"""Models that fail, each behind the real gateway: the caller is told which way, and a sound model still answers."""

import io
import shutil

import pytest
from PIL import Image

from experiments.local_run import start_local
from tests.local_run import Caller


@pytest.fixture(scope="module")
def failing(copy, tmp_path_factory):
    """A local run, on TensorFlow, with a model that raises for black and gives NaN for white, and a damaged one."""
    from tests.containers.exported import export_moody  # noqa: PLC0415 TensorFlow takes seconds

    moody = copy / "models" / "moody"
    exported = export_moody(tmp_path_factory.mktemp("exported") / "moody")
    shutil.copytree(exported, moody / "artifact")
    (moody / "artifact" / "model.toml").rename(moody / "model.toml")
    damaged = shutil.copytree(copy / "models" / "diabetic_retinopathy", copy / "models" / "damaged")
    spec = (damaged / "model.toml").read_text()
    (damaged / "model.toml").write_text(spec.replace('"diabetic-retinopathy"', '"damaged"'))
    next((damaged / "artifact" / "variables").glob("*.data-*")).write_bytes(b"cut")
    with start_local(tmp_path_factory.mktemp("failing"), root=copy, MODEL_SERVER_ENGINE="tensorflow") as started:
        yield Caller(started)
    for model in (moody, damaged):
        shutil.rmtree(model)


def plain(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (32, 32), shade).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("model", "shade", "status", "code"),
    [
        ("moody", 0, 502, "MODEL_FAILED"),
        ("moody", 255, 502, "MODEL_OUTPUT_INVALID"),
        ("damaged", 128, 503, "MODEL_NOT_DEPLOYED"),
    ],
)
def test_says_how_a_model_failed_and_still_answers_for_a_sound_one(failing, fundus, model, shade, status, code):
    refused = failing.predict(plain(shade), "image/png", f"/models/{model}/predict")
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert not any(word in refused.text for word in ("secret", "Traceback", "/models/", "tensorflow"))
    assert failing.predict(plain(128), "image/png", "/models/moody/predict").status_code == 200
    assert failing.predict(fundus).json()["predictions"][0]["label"] == "No DR"


def test_tells_the_person_at_the_terminal_which_log_says_why(failing):
    failing.predict(plain(128), "image/png", "/models/damaged/predict")
    assert "fovea-dev-damaged-serverless does not start" in failing.said
