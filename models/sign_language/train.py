"""Trains SPOTER on a user's clips of landmarks, from the beginning or from a checkpoint.

The channels: `training`, files of clips as training/data/landmark_files.py describes, and labels.json where the glosses
have an order of their own; `validation`, the same, or else a share of each gloss is held out; `checkpoint`, weights to
begin with. The result's glosses are those of training/labels.json; else the checkpoint's, where it knows all that are
shown; else all that are shown, in order.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from tqdm import tqdm

from models.labels import read_labels
from models.sign_language.augmentations import Augmentation
from models.sign_language.course import Batches, Course, Examples
from models.sign_language.fitting import BATCH_CLIPS, FEED_FORWARD, FEWEST_FRAMES, LEARNING_RATE, MOST_FRAMES
from models.sign_language.pretrained import Pretrained, read_pretrained
from models.spec import SpecError
from models.torch_export import export
from sign_language.keypoints import COUNT
from sign_language.networks.spoter import Spoter
from training.data.examples import Example
from training.data.landmark_files import write_request
from training.data.landmarks import Clip, read_clips
from training.data.split import stratified
from training.errors import InvalidHyperparameter, UnusableData
from training.hyperparameters import Hyperparameters as Shared
from training.job import Job

LABELS = "labels.json"
DRAWN_CLIPS = 1000
_EXAMPLE_FRAMES = 32


class Hyperparameters(Shared):
    """The augmentations have the published ranges; the rest made the demonstration."""

    epochs: Annotated[int, Field(ge=1, le=10_000, description="Passes over the clips, at most.")] = 30
    batch_size: Annotated[int, Field(ge=1, le=4096, description="Clips a step.")] = BATCH_CLIPS
    learning_rate: Annotated[float, Field(gt=0, le=1, description="AdamW's, at its highest.")] = LEARNING_RATE
    frames: Annotated[
        int, Field(ge=FEWEST_FRAMES, le=300, description="Of a clip, spread over it, at most, while training.")
    ] = MOST_FRAMES
    feed_forward: Annotated[
        int, Field(ge=1, le=8192, description="Units of each layer's feed-forward part; published: 2048.")
    ] = FEED_FORWARD
    validation_share: Annotated[
        float, Field(gt=0, lt=1, description="Of each gloss, held out where there is no channel validation.")
    ] = 0.2
    patience: Annotated[int, Field(ge=1, description="Epochs without a lower validation loss, then it ends.")] = 10
    augmentation_probability: Annotated[float, Field(ge=0, le=1, description="Of a clip, each time it is learnt.")] = (
        0.5
    )
    rotation_degrees: Annotated[float, Field(ge=0, le=90, description="In the picture, to either side, at most.")] = 13
    squeeze: Annotated[float, Field(ge=0, lt=0.5, description="Of the width, on each side, at most.")] = 0.15
    perspective: Annotated[float, Field(ge=0, lt=0.5, description="Of the side that turns away, at most.")] = 0.1
    joint_rotation_degrees: Annotated[float, Field(ge=0, le=90, description="Of a joint, either way, at most.")] = 4
    joint_rotation_probability: Annotated[float, Field(ge=0, le=1, description="Of each joint of an arm.")] = 0.3

    @property
    def augmentation(self) -> Augmentation:
        """As chosen, in radians."""
        return Augmentation(
            probability=self.augmentation_probability,
            rotation=math.radians(self.rotation_degrees),
            squeeze=self.squeeze,
            perspective=self.perspective,
            joint_rotation=math.radians(self.joint_rotation_degrees),
            joint_probability=self.joint_rotation_probability,
        )


def train(job: Job[Hyperparameters]) -> Sequence[Example[int]]:
    """Fits a network to the job's clips and exports the best of it; gives what it was judged by."""
    chosen = job.hyperparameters
    pretrained = read_pretrained(job.channel("checkpoint"), job.model.spec) if job.has_channel("checkpoint") else None
    glosses, training, validation = _data(job, pretrained)
    network = _network(chosen, glosses, pretrained)
    batches = Batches(training, chosen.augmentation, chosen.batch_size, chosen.frames, chosen.seed)
    course = Course(network, batches, chosen.epochs, chosen.learning_rate)
    resumed = job.resumed()
    if resumed:
        course.restore(resumed.folder)
    _follow(course, job, validation)
    export(course.best(), torch.zeros(_EXAMPLE_FRAMES, COUNT, 2), job.model_dir, dynamic_axes=(0,))
    (job.model_dir / LABELS).write_text(json.dumps(glosses, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return [
        Example(write_request(job.scratch / f"{number}.json", clip), f"{glosses[gloss]}, clip {number}", gloss)
        for number, (clip, gloss) in enumerate(zip(validation.clips, validation.labels.tolist(), strict=True))
    ]


def _follow(course: Course, job: Job[Hyperparameters], validation: Examples) -> None:
    with tqdm(total=course.steps, initial=course.step, desc="training", unit="batch") as bar:
        while course.step < course.steps and course.epochs_since_best < job.hyperparameters.patience:
            loss = course.learn()
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            bar.update()
            if course.ends_epoch:
                job.report(course.step, course.end_epoch(validation))
            job.after_step(course.step, course.save)
    if course.step < course.steps:
        tqdm.write(
            f"Ended after epoch {course.epoch}: the validation loss did not fall for {course.epochs_since_best}."
        )


def _data(job: Job[Hyperparameters], pretrained: Pretrained | None) -> tuple[Sequence[str], Examples, Examples]:
    """The glosses, and what to train and to validate on. Raises UnusableData."""
    labels = _given_labels(job)
    clips = read_clips(job.channel("training"), labels)
    glosses = _glosses(clips, labels, pretrained)
    if job.has_channel("validation"):
        held_out = read_clips(job.channel("validation"), dict(enumerate(glosses)))
        return glosses, _examples(clips, glosses), _examples(held_out, glosses)
    shown = [clip.gloss for clip in clips]
    parts = stratified(shown, job.hyperparameters.validation_share, job.hyperparameters.seed)
    if not len(parts[1]):
        raise UnusableData("there is only one clip of each gloss; add some, or a channel validation")
    kept, held_out = ([clips[number] for number in part] for part in parts)
    return glosses, _examples(kept, glosses), _examples(held_out, glosses)


def _given_labels(job: Job[Hyperparameters]) -> Mapping[int, str] | None:
    folder = job.channel("training")
    if not (folder / LABELS).is_file():
        return None
    try:
        return read_labels(job.model.spec, folder)
    except SpecError as error:
        raise UnusableData(f"the channel training: {error}") from error


def _glosses(clips: Sequence[Clip], labels: Mapping[int, str] | None, pretrained: Pretrained | None) -> Sequence[str]:
    """In the order of the network's outputs. Raises UnusableData for fewer than two."""
    shown = {clip.gloss for clip in clips}
    if len(shown) < 2:
        raise UnusableData(f"all clips of the channel training show {shown.pop()}; a network tells two glosses or more")
    if labels is not None:
        return tuple(labels.values())
    if pretrained and pretrained.glosses and shown <= set(pretrained.glosses):
        return pretrained.glosses
    return sorted(shown, key=lambda gloss: (int(gloss), gloss) if gloss.isdecimal() else (math.inf, gloss))


def _examples(clips: Sequence[Clip], glosses: Sequence[str]) -> Examples:
    numbers = {gloss: number for number, gloss in enumerate(glosses)}
    return Examples([clip.landmarks for clip in clips], np.array([numbers[clip.gloss] for clip in clips], np.int64))


def _network(chosen: Hyperparameters, glosses: Sequence[str], pretrained: Pretrained | None) -> Spoter:
    """Raises InvalidHyperparameter for another width than the checkpoint's."""
    torch.manual_seed(chosen.seed)
    if pretrained is None:
        return Spoter(len(glosses), chosen.feed_forward)
    if "feed_forward" in chosen.model_fields_set and chosen.feed_forward != pretrained.feed_forward:
        raise InvalidHyperparameter(
            f"feed_forward is {chosen.feed_forward}, and the checkpoint's {pretrained.feed_forward}; leave it out"
        )
    return pretrained.network(glosses)


def draw(folder: Path, seed: int) -> None:
    """Writes drawn clips of the demonstration's signs to an NPZ file in `folder`."""
    from models.sign_language.dataset import write_clips  # noqa: PLC0415 SciPy, which a training image does without

    write_clips(folder / "clips.npz", DRAWN_CLIPS, seed)
