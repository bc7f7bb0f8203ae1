"""The training of an image classifier by SageMaker's contract; a model's train.py says with which network.

Data, hyperparameters and checkpoint are known to be good before a framework is imported: what is wrong with them is
told in a second.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from training.classifier_data import read_data
from training.classifier_hyperparameters import ClassifierHyperparameters
from training.data.augmentation import Augmentation
from training.data.batches import TrainingBatches
from training.data.class_weights import class_weights
from training.data.examples import Example
from training.fitting import fit
from training.given_checkpoint import given_checkpoint
from training.job import Job
from training.network import Network

ClassifierJob = Job[ClassifierHyperparameters]


def train_classifier(
    job: ClassifierJob, augmentation: Augmentation, network_of: Callable[[ClassifierJob, Path | None], Network]
) -> Sequence[Example[int]]:
    """`network_of` imports its framework, and builds the network with the weights of the file that it is given, if any.

    Gives what the network was judged by. Raises TrainingError, Interrupted.
    """
    chosen, spec = job.hyperparameters, job.model.spec
    with given_checkpoint(job) as checkpoint:
        data = read_data(job)
        network = network_of(job, checkpoint)
    labels, count = np.array([one.truth for one in data.training]), len(job.model.labels)
    batches = TrainingBatches(
        examples=data.training,
        pictures=data.pictures,
        spec=spec.input,
        size=chosen.batch_size,
        seed=chosen.seed,
        weights=class_weights(labels, count) if chosen.class_weights else np.ones(count, np.float32),
        augmentation=augmentation if chosen.augment else None,
    )
    fit(job, network, data, batches)
    network.export(job.model_dir)
    return data.validation
