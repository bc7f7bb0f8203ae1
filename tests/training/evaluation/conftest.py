"""Drawn examples of three tasks, and models to compare: the committed ones, and one that was given wrong colours."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.face_mask.mask import Worn
from models.face_mask.portrait import draw_wearer
from models.object_detection.dataset import Split, scene_of
from models.object_detection.shapes import KINDS
from models.registry import ROOT

FACE_MASK, OBJECT_DETECTION, SIGN_LANGUAGE = (
    ROOT / "models" / name for name in ("face_mask", "object_detection", "sign_language")
)
PORTRAITS = 40


@pytest.fixture(scope="session")
def faces(tmp_path_factory) -> Path:
    """A directory per label with drawn portraits."""
    folder = tmp_path_factory.mktemp("faces")
    for number in range(PORTRAITS):
        worn = (Worn.PROPERLY, Worn.NOT_AT_ALL)[number % 2]
        file = folder / ("with_mask", "without_mask")[number % 2] / f"{number}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(draw_wearer(worn, np.random.default_rng([20_261, number]))).save(file)
    return folder


@pytest.fixture(scope="session")
def scenes(tmp_path_factory) -> Path:
    """Twelve drawn scenes, with JSON lines that say where what is."""
    folder = tmp_path_factory.mktemp("scenes")
    lines = []
    for number in range(12):
        scene = scene_of(Split.HELD_OUT, 20_261, number)
        Image.fromarray(scene.image).save(folder / f"{number}.png")
        objects = [
            {"label": KINDS[kind - 1], "box": [float(edge) for edge in (xmin, ymin, xmax, ymax)]}
            for (ymin, xmin, ymax, xmax), kind in zip(scene.boxes, scene.classes, strict=True)
        ]
        lines.append(json.dumps({"image": f"{number}.png", "objects": objects}))
    (folder / "objects.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="session")
def worse(tmp_path_factory) -> Path:
    """The mask model with a model.toml that feeds it wrong colours: it answers, and often wrongly."""
    folder = tmp_path_factory.mktemp("models") / "worse"
    shutil.copytree(FACE_MASK / "artifact", folder)
    spec = (FACE_MASK / "model.toml").read_text()
    wrong = spec.replace("[123.68, 116.779, 103.939]", "[20.0, 200.0, 20.0]")
    assert wrong != spec
    (folder / "model.toml").write_text(wrong)
    return folder
