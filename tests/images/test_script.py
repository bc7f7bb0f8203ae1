"""A published inference.py in the image for scripts: the framework is in it, and nothing of the user's is."""

import json

import pytest

from tests.containers.scripts.archives import JSON, POINTS, gestures_archive
from tests.images.container import running

pytestmark = pytest.mark.docker


def test_a_published_script_runs_unmodified_and_survives_a_bad_request(images, isolated, tmp_path):
    body = json.dumps({"keypoints_list": POINTS}).encode()
    with running(images["pytorch_script"].tag, gestures_archive(tmp_path), isolated) as container:
        assert container.wait_until_ready() < 10
        answer = container.predict(body, JSON).json()
        assert [instance["gloss"] for instance in answer["instances"]] == ["HELLO", "THANKS"]
        refused = container.predict(b'{"points": 1}', JSON)
        assert (refused.status, refused.code) == (502, "MODEL_FAILED")
        assert container.predict(body, JSON).json() == answer
