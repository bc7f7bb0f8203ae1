"""The pictures of a classifier's job: channels `training` and `validation`, or a part of the first for the second."""

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.classifier_hyperparameters import ClassifierHyperparameters
from training.data.examples import Example, labelled_examples, refuse_missing
from training.data.pictures import Pictures
from training.data.split import stratified
from training.job import Job
from training.opt_ml import TRAINING

VALIDATION = "validation"
VALIDATION_FILE = "validation.csv"


@dataclass(frozen=True, slots=True)
class ClassifierData:
    """What is learnt from and what is judged by; all of it can be read."""

    pictures: Pictures
    training: Sequence[Example[int]]
    validation: Sequence[Example[int]]
    fingerprint: str
    """Of both: names, labels and sizes."""


def read_data(job: Job[ClassifierHyperparameters]) -> ClassifierData:
    """Opens every picture once, and writes what is judged by to output/data/validation.csv, as the CSV channels are.

    Its paths are below input/data. Raises UnusableData and the errors below it.
    """
    labels = tuple(job.model.labels.values())
    chosen, pictures = job.hyperparameters, Pictures(job.model.spec.input)

    def readable(channel: str) -> Sequence[Example[int]]:
        named = labelled_examples(job.channel(channel), labels)
        refuse_missing(named, labels, f"{channel} holds")
        examples = pictures.read(named, channel, job.before_steps)
        refuse_missing(examples, labels, f"of what can be read, {channel} has")
        return examples

    training = readable(TRAINING)
    if job.has_channel(VALIDATION):
        validation = readable(VALIDATION)
    else:
        split = stratified([one.truth for one in training], chosen.validation_share, chosen.seed)
        training, validation = ([training[place] for place in places] for places in split)
        refuse_missing(validation, labels, "a single picture cannot be split: to judge by there is")
    _write(job.output_data / VALIDATION_FILE, validation, labels, job.input_data)
    return ClassifierData(pictures, training, validation, _fingerprint([*training, *validation], job.input_data))


def _write(file: Path, examples: Sequence[Example[int]], labels: Sequence[str], root: Path) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(("path", "label"))
        rows.writerows((one.file.relative_to(root).as_posix(), labels[one.truth]) for one in examples)


def _fingerprint(examples: Sequence[Example[int]], root: Path) -> str:
    digest = hashlib.sha256()
    for one in examples:
        digest.update(f"{one.file.relative_to(root)}\0{one.truth}\0{one.file.stat().st_size}\n".encode())
    return digest.hexdigest()
