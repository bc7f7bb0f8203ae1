"""drift.png: a panel for each feature, the baseline's shares beside those of now, with its PSI."""

from pathlib import Path
from typing import Any

from monitoring.features import FEATURES

_COLUMNS = 5
_INK, _BEFORE = "#1c2733", "#9fb3c8"
_NOW = {"stable": "#0b6e4f", "moderate": "#c58a1a", "significant": "#b3261e"}


def draw(drift: dict[str, Any], file: Path) -> Path:
    """Bars of each bin, by the baseline's deciles or values; what has moved significantly is red."""
    import matplotlib as mpl  # noqa: PLC0415 slow to import, not in a model's image, and only wanted here

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    features = drift["features"]
    rows = -(-len(features) // _COLUMNS)
    figure, axes = pyplot.subplots(rows, _COLUMNS, figsize=(3.2 * _COLUMNS, 2.9 * rows + 0.6), layout="constrained")
    for axis in list(axes.flat)[len(features) :]:
        axis.set_axis_off()
    for axis, (name, feature) in zip(axes.flat, features.items(), strict=False):
        _panel(axis, name, feature)
    axes.flat[0].legend(fontsize=7, frameon=False)
    about = f"{drift['model']} {drift['version']}: {drift['captured']['lines']} requests, "
    figure.suptitle(f"{about}{drift['from'][:16]} to {drift['to'][:16]}", fontsize=12, color=_INK)
    figure.supylabel("share of the values (%)", fontsize=10)
    figure.savefig(file, dpi=100)
    pyplot.close(figure)
    return file


def _panel(axis: Any, name: str, feature: dict[str, Any]) -> None:
    places = range(len(feature["now"]))
    colour = _NOW[feature["verdict"]]
    axis.bar([at - 0.2 for at in places], _percent(feature["baseline"]), 0.4, color=_BEFORE, label="baseline")
    axis.bar([at + 0.2 for at in places], _percent(feature["now"]), 0.4, color=colour, label="now")
    axis.set_title(f"{name}: PSI {feature['psi']:.2f}, {feature['verdict']}", fontsize=10, color=colour)
    axis.set_xlabel(FEATURES[name], fontsize=8)
    axis.set_xticks([at + (0.5 if feature["edges"] else 0) for at in places][: len(_ticks(feature))], _ticks(feature))
    axis.tick_params(labelsize=7, colors=_INK)
    axis.tick_params(axis="x", labelrotation=60 if feature["edges"] else 20)
    axis.spines[["top", "right"]].set_visible(False)


def _ticks(feature: dict[str, Any]) -> list[str]:
    """Edges stand between the bars, names below them."""
    return [f"{edge:.4g}" for edge in feature["edges"]] or [str(name)[:14] for name in feature["names"]]


def _percent(counts: list[int]) -> list[float]:
    return [100 * count / max(1, sum(counts)) for count in counts]
