"""The figures of an epoch, as they are printed for SageMaker: of all validation examples, each label counting alike."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, precision_recall_fscore_support, roc_auc_score

_LEAST_PROBABILITY = 1e-7  # as Keras clips: a certain mistake costs 16, not infinity


def validation_figures(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> Mapping[str, float]:
    """Of probabilities [n, labels] and the numbers of the true labels [n]; some of each label.

    The loss is the mean cross-entropy. Precision, recall and F1 are means over the labels; the area below the ROC curve
    is that of one label against the rest, also the mean.
    """
    count = probabilities.shape[1]
    called = probabilities.argmax(axis=1)
    of_truth = probabilities[np.arange(len(labels)), labels].clip(_LEAST_PROBABILITY, 1)
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, called, labels=range(count), average="macro", zero_division=0.0
    )
    area = np.mean([roc_auc_score(labels == label, probabilities[:, label]) for label in range(count)])
    return {
        "validation:loss": float(np.log(1 / of_truth).mean()),
        "validation:accuracy": float(accuracy_score(labels, called)),
        "validation:precision": float(precision),
        "validation:recall": float(recall),
        "validation:f1": float(f1),
        "validation:roc_auc": float(area),
    }
