"""One training from the channels to the artifact."""

import logging
import re
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.archive import SPEC_NAME
from models.labels import Labels
from models.object_detection.batches import Batches
from models.object_detection.checkpoint import load_what_fits
from models.object_detection.evaluate import Detections, detections
from models.object_detection.export import ExportedDetector, export
from models.object_detection.framing import Framing
from models.object_detection.judged import as_examples
from models.object_detection.lite import LITE, LiteDetector, write_lite
from models.object_detection.measure import Find, measured
from models.object_detection.network import build_network
from models.object_detection.plan import Plan, read_plan
from models.object_detection.records import Records, read_records
from models.object_detection.shards import shards_in
from models.object_detection.train import Hyperparameters
from models.object_detection.trainer import Trainer
from training.data.examples import Example
from training.errors import EmptyChannel, UnusableCheckpoint
from training.evaluation.detector import Objects
from training.job import Job

_REPORTS, _EVALUATIONS = 30, 6
_HELD_OUT = 10  # one record in so many, where the channel has no shards for validation
_MOMENTUM = 0.9  # a hundred steps are few
_CALIBRATED = 60  # pictures that set the scales of the eight bits

log = logging.getLogger(__name__)


def learn(job: Job[Hyperparameters]) -> list[Example[Objects]]:
    """Trains on the job's channels, and writes the artifact; gives what it was judged by. Raises TrainingError."""
    keras.utils.set_random_seed(job.hyperparameters.seed)
    tf.config.experimental.enable_op_determinism()
    folder = job.channel("training")
    plan = read_plan(folder, job.model.spec, job.hyperparameters)
    data = _records(folder, plan.labels)
    network = build_network(plan.framing.geometry, momentum=_MOMENTUM)
    trainer = Trainer(network, plan.optimizer)
    first = _begin(job, network, trainer)
    detector = ExportedDetector(network, plan.framing.geometry, plan.labels, is_letterboxed=plan.framing.is_letterboxed)
    batches = Batches(data.training, plan, job.hyperparameters.seed)
    progress = _Progress(job, plan, trainer, detector, data.validation)
    trainer.run(batches, first, plan.steps, progress.after_step)
    export(detector, plan.labels, job.model_dir)
    _write_spec(job, plan.framing)
    if job.hyperparameters.quantize:
        _quantize(job, plan, data, detector)
    return as_examples(data.validation, plan.labels, job.scratch)


class _Data(NamedTuple):
    training: Records
    validation: Records


def _records(folder: Path, labels: Labels) -> _Data:
    shards, held_out = shards_in(folder)
    if not shards:
        raise EmptyChannel(f"the channel {folder.name} holds no shards to train on, only {held_out[0].name}")
    training = read_records(shards, labels)
    validation = read_records(held_out, labels) if held_out else None
    corrupt = training.corrupt + (validation.corrupt if validation else 0)
    if corrupt:
        log.warning("%d corrupt records are skipped", corrupt)
    if validation is None:
        training, validation = training.split(_HELD_OUT)
    log.info("%d records to train on, %d for validation", len(training.places), len(validation.places))
    return _Data(training, validation)


def _begin(job: Job[Hyperparameters], network: keras.Model, trainer: Trainer) -> int:
    """Where the training begins, with the state of an earlier machine, or the weights of another network."""
    resumed = job.resumed()
    if resumed:
        trainer.restore(resumed.folder)
        return resumed.step + 1
    if job.has_channel("checkpoint"):
        try:
            taken, everything = load_what_fits(network, job.channel("checkpoint"))
        except EmptyChannel as error:
            raise UnusableCheckpoint(str(error)) from error
        log.info("%d of %d variables are taken from the channel checkpoint", taken, everything)
    return 1


class _Progress:
    """Tells how far the training is, and keeps its state."""

    def __init__(
        self, job: Job[Hyperparameters], plan: Plan, trainer: Trainer, detector: ExportedDetector, validation: Records
    ) -> None:
        self._job = job
        self._plan = plan
        self._trainer = trainer
        self._find = find_of(detector)
        self._validation = validation
        self._losses: list[float] = []

    def after_step(self, step: int, loss: float) -> None:
        """Reports the mean loss since the last report, and at times the mAP. Raises Interrupted."""
        self._losses.append(loss)
        if self._is_one_of(_REPORTS, step):
            figures = {"train:loss": float(np.mean(self._losses))}
            if self._is_one_of(_EVALUATIONS, step) and self._validation.places:
                figures["validation:map_50"] = measured(
                    self._find, self._validation, self._plan.framing, self._plan.labels
                )
            self._job.report(step, figures)
            self._losses.clear()
        self._job.after_step(step, self._trainer.save)

    def _is_one_of(self, times: int, step: int) -> bool:
        """Whether `step` is one of `times` that are spread evenly, the last step among them."""
        return step * times // self._plan.steps > (step - 1) * times // self._plan.steps


def find_of(detector: ExportedDetector) -> Find:
    """The detector for one picture of the network's size."""

    def find(pixels: NDArray[np.uint8]) -> Detections:
        return detections(detector.detect(tf.constant(pixels[None])))

    return find


def _write_spec(job: Job[Hyperparameters], framing: Framing) -> None:
    """model.toml with the size that was trained, so that the server gives pictures as the network has seen them."""
    height, width = framing.spec.size or (0, 0)
    text = job.model.spec_file.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^size = .*$", f"size = [{height}, {width}]", text)
    text = re.sub(r"(?m)^resize = .*$", f'resize = "{framing.spec.resize}"', text)
    (job.model_dir / SPEC_NAME).write_text(text, encoding="utf-8")


def _quantize(job: Job[Hyperparameters], plan: Plan, data: _Data, detector: ExportedDetector) -> None:
    """Writes model.tflite, and says what it finds beside what the SavedModel does."""
    framing, labels, file = plan.framing, plan.labels, job.model_dir / LITE
    examples = None
    if job.hyperparameters.inference_type == "QUANTIZED_UINT8":
        chosen = range(min(len(data.training.places), _CALIBRATED))
        examples = [framing.framed(data.training.image(at), data.training.boxes[at])[0] for at in chosen]
    write_lite(detector.network, framing.geometry, examples, file)
    lite = LiteDetector(file, framing.geometry, tuple(labels))
    kind = "uint8" if examples else "float32"
    whole, small = (measured(find, data.validation, framing, labels) for find in (find_of(detector), lite.detect))
    log.info("mAP at IoU 0.5: SavedModel (float32) %.4f, %s (%s) %.4f", whole, LITE, kind, small)
