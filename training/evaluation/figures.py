"""The parts of the report page that show one model closely: its curves, its confusions, its classes, its mistakes."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from training.evaluation import svg
from training.evaluation.pictures import picture_of

_MOST_LABELS_WITH_SHARES = 8
_COLUMNS = {
    "examples": "Examples",
    "objects": "Objects",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
}
_MODELS = ("candidate", "current")

Report = Mapping[str, Any]


def plots(report: Report) -> str:
    """The curves of a detector, or ROC, reliability and histogram of a classifier."""
    if "precision_recall" in report["candidate"]:
        curves = _precision_recall(report["candidate"])
    else:
        curves = _roc(report) + _reliability(report)
    figures = curves + _histogram(report["candidate"]["histogram"])
    return f'<section><h2>Scores</h2><div class="plots">{figures}</div></section>'


def _precision_recall(model: Report) -> str:
    curves = model["precision_recall"]
    kinds = svg.colours(list(curves))
    lines = "".join(
        svg.line([(0.0, curve["precision"][0]), *zip(curve["recall"], curve["precision"], strict=True)], kinds[label])
        for label, curve in curves.items()
    )
    areas = {one["label"]: one["average_precision"] for one in model["per_class"]}
    legend = _legend({f"{label} {areas[label]:.3f}": kinds[label] for label in curves})
    return _figure(
        svg.square("precision over recall", "recall", "precision", lines),
        legend,
        "Precision over recall of each label; candidate. The number is the average precision.",
    )


def _roc(report: Report) -> str:
    """Of one label both models; of several labels those of the candidate."""
    curves, name = report["candidate"]["roc"], "ROC"
    if not curves:
        return ""
    if len(curves) > 1:
        kinds = svg.colours(list(curves))
        areas = {one["label"]: one["roc_auc"] for one in report["candidate"]["per_class"]}
        drawn = svg.roc(curves, kinds)
        legend = _legend({f"{label} {areas[label]:.3f}": kind for label, kind in kinds.items()}, of=kinds)
        caption = "Each label against the rest; candidate."
    else:
        models = [model for model in reversed(_MODELS) if report[model]]
        drawn = "".join(svg.roc(report[model]["roc"], dict.fromkeys(curves, model)) for model in models)
        legend = _legend({model: model for model in _MODELS if report[model]})
        caption = f"Receiver operating characteristic of {next(iter(curves))}."
    plot = svg.square(name, "false positive rate", "true positive rate", svg.diagonal() + drawn)
    return _figure(plot, legend, caption)


def _reliability(report: Report) -> str:
    calibrations = {model: report[model]["calibration"] for model in reversed(_MODELS) if report[model]}
    drawn = "".join(svg.reliability(calibration["bins"], model) for model, calibration in calibrations.items())
    errors = {model: calibration["expected_calibration_error"] for model, calibration in calibrations.items()}
    legend = _legend({f"{model}: expected calibration error {errors[model]:.3f}": model for model in reversed(errors)})
    plot = svg.square("reliability", "confidence", "accuracy", svg.diagonal() + drawn)
    return _figure(plot, legend, "On the diagonal it is right as often as it is sure. A dot's area: examples.")


def _histogram(histogram: Report) -> str:
    plot = svg.histogram(histogram["of"], histogram["counts"], histogram["groups"])
    legend = _legend({label: f"c{number}" for number, label in enumerate(histogram["groups"])})
    return _figure(plot, legend, f"How {histogram['of']} is spread, on a logarithmic scale; candidate.")


def _legend(kinds: Mapping[str, str], of: Mapping[str, str] | None = None) -> str:
    """Text -> its style; none where the lines are all alike."""
    if "many" in (of or {}).values():
        return ""
    items = "".join(f'<li class="{kind}"><i></i><span>{escape(text)}</span></li>' for text, kind in kinds.items())
    return f'<ul class="legend">{items}</ul>'


def _figure(plot: str, legend: str, caption: str) -> str:
    return f"<figure>{plot}{legend}<figcaption>{escape(caption)}</figcaption></figure>"


def confusion(report: Report) -> str:
    """The matrix of each model; nothing for a detector."""
    tables = [
        f'<figure><h3 class="{model}">{model.capitalize()}</h3>'
        f'<div class="wide">{_matrix(report[model]["confusion"], report["labels"])}</div></figure>'
        for model in _MODELS
        if report[model] and "confusion" in report[model]
    ]
    if not tables:
        return ""
    hint = "Rows are what the examples are, columns what was answered; a colour is the share of its row."
    return (
        f'<section><h2>What is taken for what</h2><div class="plots">{"".join(tables)}</div>'
        f'<p class="hint">{hint}</p></section>'
    )


def _matrix(counts: Sequence[Sequence[int]], labels: Sequence[str]) -> str:
    is_small = len(labels) <= _MOST_LABELS_WITH_SHARES
    heads = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    rows = ""
    for label, row in zip(labels, counts, strict=True):
        cells = "".join(_count(count, sum(row), with_share=is_small) for count in row)
        rows += f'<tr><th scope="row">{escape(label)}</th>{cells}</tr>'
    kind = "confusion" if is_small else "confusion many-labels"
    return f'<table class="{kind}"><thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _count(count: int, of: int, *, with_share: bool) -> str:
    share = count / of if of else 0.0
    told = f"<small>{share:.1%}</small>" if with_share else ""
    kind = ' class="full"' if share > 0.5 else ' class="none"' if not count else ""
    return f'<td{kind} style="--share: {share:.3f}">{count}{told}</td>'


def per_class(report: Report) -> str:
    """A row for each label, with the numbers of the candidate and, where there is one, of the current model."""
    ours, theirs = report["candidate"]["per_class"], (report["current"] or {}).get("per_class")
    keys = [key for key in _COLUMNS if key in ours[0]]
    rows = ""
    for number, one in enumerate(ours):
        other = theirs[number] if theirs else {}
        cells = "".join(_class_cell(one[key], other.get(key)) for key in keys)
        rows += f'<tr><th scope="row">{escape(one["label"])}</th>{cells}</tr>'
    heads = "".join(f'<th scope="col" class="number">{_COLUMNS[key]}</th>' for key in keys)
    hint = '<p class="hint">Below each number of the candidate that of the current model.</p>' if theirs else ""
    return (
        f'<section><h2>Label by label</h2><div class="wide"><table><thead><tr><th scope="col">Label</th>{heads}</tr>'
        f"</thead><tbody>{rows}</tbody></table></div>{hint}</section>"
    )


def _class_cell(ours: float | None, theirs: float | None) -> str:
    if isinstance(ours, int):
        return f'<td class="number">{ours:,}</td>'
    told = "–" if ours is None else f"{ours:.3f}"
    below = "" if theirs is None else f"<small>{theirs:.3f}</small>"
    return f'<td class="number">{told}{below}</td>'


def mistakes(report: Report, pictures: Mapping[str, Path]) -> str:
    """The candidate's worst, each with its picture."""
    worst = report["candidate"]["mistakes"]
    if not worst:
        return "<section><h2>Mistakes</h2><p>The candidate made none on these examples.</p></section>"
    is_detector = "missed" in worst[0]
    order = "with the most missed (white, dashed) or wrongly found (red)" if is_detector else "the surest first"
    figures = "".join(_mistake(one, pictures[one["file"]], is_detector=is_detector) for one in worst)
    return (
        f'<section><h2>The candidate\'s worst mistakes</h2><p class="hint">{order.capitalize()}.</p>'
        f'<div class="mistakes">{figures}</div></section>'
    )


def _mistake(mistake: Report, file: Path, *, is_detector: bool) -> str:
    boxes = _boxes(mistake) if is_detector else ""
    was, said = escape(mistake["is"]), escape(mistake["answered"])
    told = f"Missed: <b>{was}</b><br>Wrong: <b>{said}</b>" if is_detector else f"<b>{was}</b>, taken for <b>{said}</b>"
    score = "" if is_detector else f" ({mistake['score']:.3f})"
    return (
        f'<figure><div class="picture">{picture_of(file)}{boxes}</div>'
        f"<figcaption>{told}{score}<br>{escape(mistake['file'])}</figcaption></figure>"
    )


def _boxes(mistake: Report) -> str:
    drawn = "".join(
        f'<rect class="{kind}" x="{x0}" y="{y0}" width="{x1 - x0:.4f}" height="{y1 - y0:.4f}"/>'
        for of, kind in (("missed", "under"), ("missed", "missed"), ("wrong", "wrong"))
        for x0, y0, x1, y1 in mistake[of]
    )
    return f'<svg class="boxes" viewBox="0 0 1 1" preserveAspectRatio="none">{drawn}</svg>'
