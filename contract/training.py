"""The figures that a training prints, and the patterns by which SageMaker finds them in its log, from one table."""

from collections.abc import Mapping

FIGURES = (
    "train:loss",
    "validation:loss",
    "validation:accuracy",
    "validation:precision",
    "validation:recall",
    "validation:f1",
    "validation:roc_auc",
    "validation:map_50",
)
"""Each becomes a metric of the training job, in CloudWatch and in SageMaker's console."""

_NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
METRIC_DEFINITIONS = [{"Name": name, "Regex": f"{name}={_NUMBER};"} for name in FIGURES]
"""AlgorithmSpecification.MetricDefinitions of a training job."""


def figures_line(step: int, figures: Mapping[str, float]) -> str:
    """`step=20; train:loss=0.125;`. Raises ValueError for a figure that no metric definition would find."""
    unknown = sorted(set(figures) - set(FIGURES))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: add it to FIGURES, or SageMaker would not find it")
    return " ".join([f"step={step};", *(f"{name}={value:.6g};" for name, value in figures.items())])
