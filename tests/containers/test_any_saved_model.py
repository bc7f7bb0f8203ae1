"""Any classifier that Keras exports is served by writing a model.toml, and answers as TensorFlow itself does."""

import base64

import numpy as np
import pytest
from PIL import Image
from skimage import data

from tests.containers.pictures import encoded
from tests.containers.server_process import serving

PHOTOGRAPH = Image.fromarray(data.astronaut())


def as_tensorflow_answers(folder, image, size, scores) -> dict[str, float]:
    """The same picture through TensorFlow's own reading of the SavedModel."""
    import tensorflow as tf  # noqa: PLC0415

    pixels = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR), np.float32)
    signature = tf.saved_model.load(str(folder)).signatures["serving_default"]
    (name,) = signature.structured_input_signature[1]
    outputs = next(iter(signature(**{name: tf.constant((pixels[None] - 127.5) / 127.5)}).values()))
    outputs = tf.nn.softmax(outputs) if scores == "logits" else outputs
    return {f"class {number}": float(score) for number, score in enumerate(outputs.numpy()[0])}


@pytest.fixture(scope="session", params=["mobilenet", "efficientnet"])
def network(request, model_dirs):
    """A folder as a user would make it, and what TensorFlow answers to the photograph."""
    from tests.containers import exported  # noqa: PLC0415

    folder, size, scores = model_dirs / request.param, 96, "probabilities"
    if request.param == "mobilenet":
        exported.export_application(folder, exported.mobilenet(), classes=7, size=size, scores=scores)
    else:
        size, scores = 64, "logits"
        exported.export_application(folder, exported.efficientnet(), classes=5, size=size, scores=scores)
    return folder, as_tensorflow_answers(folder, PHOTOGRAPH, size, scores)


@pytest.mark.parametrize("engine", ["openvino", "tensorflow"])
def test_an_exported_network_answers_as_tensorflow_does(network, logs, engine):
    folder, expected = network
    assert max(expected.values()) - min(expected.values()) > 0.01  # it does look at the picture
    with serving(folder, logs / f"{folder.name}-{engine}.log", MODEL_SERVER_ENGINE=engine) as server:
        answered = server.predict(encoded(PHOTOGRAPH), "image/png").scores()
        image = base64.b64encode(encoded(PHOTOGRAPH, "JPEG")).decode()
        batch = server.predict_json({"instances": [image] * 9}).json()["instances"]  # more than one infer call takes
    assert answered == pytest.approx(expected, abs=1e-4)
    for instance in batch:
        assert [item["score"] for item in instance["predictions"]] == pytest.approx(
            [item["score"] for item in batch[0]["predictions"]], abs=1e-4
        )
