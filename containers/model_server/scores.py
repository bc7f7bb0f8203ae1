"""What a classifier's numbers may be: as many as labels, finite, and probabilities where model.toml says so."""

import numpy as np

from model_server.engines import Array
from models.input_output import OutputSpec
from models.labels import Labels

_SUM_TOLERANCE = 1e-2
_RANGE_TOLERANCE = 1e-4


def fault_of(outputs: Array, instances: int, labels: Labels, spec: OutputSpec) -> str | None:
    """What is wrong with `outputs`, with the remedy, or None for (instances, labels) good numbers."""
    if outputs.ndim == 2 and outputs.shape[1] != len(labels):
        count = outputs.shape[1]
        return f"model.labels: {len(labels)} labels, but the model gives {count} numbers; name all {count}"
    if outputs.shape != (instances, len(labels)):
        return f"the model gives an output of {outputs.shape}, not {(instances, len(labels))}; export a classifier"
    if outputs.dtype.kind not in "fiu":
        return f"the model gives {outputs.dtype}, no numbers; export a classifier"
    if not np.isfinite(outputs).all():
        return "the model gives NaN or Inf; check input.mean, input.std and the weights"
    if spec.scores == "probabilities":
        outside = outputs.min() < -_RANGE_TOLERANCE or outputs.max() > 1 + _RANGE_TOLERANCE
        if outside or np.abs(outputs.sum(axis=1) - 1).max() > _SUM_TOLERANCE:
            return 'the model gives no probabilities that sum to 1; set output.scores = "logits" or add a softmax'
    return None


def probabilities(outputs: Array, spec: OutputSpec) -> Array:
    """(n, labels) of a network -> probabilities: a softmax of logits, else the outputs, clipped to 0..1."""
    if spec.scores == "probabilities":
        return outputs.clip(0, 1)
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    softmax: Array = powers / powers.sum(axis=1, keepdims=True)
    return softmax
