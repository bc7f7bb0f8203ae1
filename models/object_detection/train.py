"""Trains a detector on TFRecords by SageMaker's contract, as TensorFlow's Object Detection API lays out its data.

The network is our own (network.py). Of the libraries that were tried beside tensorflow-cpu 2.21, tf-models-official
2.20 and keras-hub 0.32 need tensorflow-text, which is there for TensorFlow 2.20 and fails to load; keras-cv 0.9 fails
with it, and is no longer kept. keras-hub's RetinaNet can be had by leaving that out; on two busy cores a step of eight
pictures took it 2.2 s with a ResNet-18, and ours 0.9 s in another run there.

    channel training    *.record-*, label_map.pbtxt, pipeline.config (where there is one)
    channel checkpoint  what to begin with (where there is one); see checkpoint.py
    result              SavedModel, label_map.pbtxt, model.toml, and with quantize model.tflite

TensorFlow is imported only when a training begins: others ask for the hyperparameters alone.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from training import hyperparameters
from training.data.examples import Example
from training.evaluation.detector import Objects
from training.job import Job

_DRAWN_SCENES = 1500


class Hyperparameters(hyperparameters.Hyperparameters):
    """Those of the published container; what is not given, pipeline.config may say."""

    num_steps: Annotated[int, Field(ge=1, description="Batches to learn from.")] = 100
    image_size: Annotated[int, Field(ge=64, le=2048, description="Side of the network's input, in pixels.")] = 300
    quantize: Annotated[bool, Field(description="Whether to write model.tflite too.")] = False
    inference_type: Annotated[
        Literal["FLOAT", "QUANTIZED_UINT8"], Field(description="Of model.tflite: float32, or eight bits throughout.")
    ] = "FLOAT"


def train(job: Job[Hyperparameters]) -> Sequence[Example[Objects]]:
    """Writes the artifact to `job.model_dir`; gives what it was judged by. Raises TrainingError."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its start-up notices would break the progress bar
    from models.object_detection.learn import learn  # noqa: PLC0415

    return learn(job)


def draw(folder: Path, seed: int) -> None:
    """Drawn scenes as TFRecords."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from models.object_detection.drawn_records import write_drawn  # noqa: PLC0415

    write_drawn(folder, _DRAWN_SCENES, seed)
