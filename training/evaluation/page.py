"""The report as one page that needs nothing else: no script, no font, no picture from elsewhere."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from training.evaluation import svg
from training.evaluation.calibration import BINS
from training.evaluation.figures import confusion, mistakes, per_class, plots

_STYLE = Path(__file__).with_name("page.css")
_SAYS = {
    "deploy": "Deploy: as good as what is served now, within the tolerance",
    "approve": "A person decides",
    "halt": "Halt: worse than what is served now",
}
_CHIPS = {"deploy": "passes", "approve": "a person decides", "halt": "halts"}
NAMES = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "map_50": "mAP at IoU 0.5",
}
"""Measure -> what people call it."""

Numbers = Mapping[str, float]


def page(report: Mapping[str, Any], pictures: Mapping[str, Path]) -> str:
    """The HTML of `report`, the content of report.json; `pictures` has the file of each mistake by its name."""
    sections = (
        _head(report),
        _verdict(report),
        _measures(report),
        plots(report),
        confusion(report),
        per_class(report),
        mistakes(report, pictures),
        _method(report),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(report['model'])} {escape(report['version'])}: evaluation</title>"
        f"<style>\n{_STYLE.read_text(encoding='utf-8')}</style></head>\n<body>\n"
        + "\n".join(section for section in sections if section)
        + "\n</body></html>\n"
    )


def _head(report: Mapping[str, Any]) -> str:
    corrupt = report["corrupt"]
    facts = {
        "Version": report["version"],
        "Task": report["task"],
        "Examples": f"{report['examples']:,}",
        "Left out as corrupt": f"{corrupt:,}" + _listed(report["corrupt_files"]),
        "Data, SHA-256": report["data"]["sha256"][:16] + "…",
    }
    told = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts.items())
    notice = f'<p class="notice">{escape(report["notice"])}</p>' if report["notice"] else ""
    return (
        f"<header><h1>{escape(report['model'])}: how well it does as it is served</h1>"
        f'<p>{escape(report["description"])}</p>{notice}<dl class="facts">{told}</dl></header>'
    )


def _listed(corrupt: Iterable[Mapping[str, str]]) -> str:
    told = ", ".join(f"{one['file']}: {one['code']}" for one in corrupt)
    return f" ({told})" if told else ""


def _verdict(report: Mapping[str, Any]) -> str:
    gate = report["gate"]
    reasons = "".join(
        f"<li>{escape(finding['reason'].replace(finding['measure'], NAMES[finding['measure']], 1))}</li>"
        for finding in gate["findings"]
    )
    return f'<section class="verdict {gate["outcome"]}"><h2>{_SAYS[gate["outcome"]]}</h2><ul>{reasons}</ul></section>'


def _measures(report: Mapping[str, Any]) -> str:
    """The table: each measure with its interval, of one model or of two and their difference."""
    measures, is_compared = report["measures"], report["current"] is not None
    values, low = _values_row(measures)
    differences, most = _differences_row(measures, report["gate"]["tolerance"])
    chips = {finding["measure"]: finding["outcome"] for finding in report["gate"]["findings"]}
    marks = {"zero": 0.0, "tolerated": -report["gate"]["tolerance"]}
    rows = ""
    for name, told in measures.items():
        shown = ("candidate", "current") if is_compared else ("candidate",)
        cells = [
            f'<th scope="row">{NAMES[name]}</th>',
            *(_cell(told[model], best=model == shown[0]) for model in shown),
        ]
        cells.append(f"<td>{values.drawn({one: told[one] for one in shown}, {}, f'{NAMES[name]} with intervals')}</td>")
        if is_compared:
            drawn = differences.drawn({"difference": told["difference"]}, marks, f"difference of {NAMES[name]}")
            cells += [_cell(told["difference"], sign="+"), f"<td>{drawn}</td>"]
        chip = chips.get(name)
        said = f'<span class="chip {chip}">{_CHIPS[chip]}</span>' if chip else '<small class="hint">not gated</small>'
        rows += f"<tr>{''.join(cells)}<td>{said}</td></tr>"
    heads = ["Measure", '<span class="candidate">● Candidate</span>']
    heads += ['<span class="current">● Current</span>'] if is_compared else []
    heads += [_scale(low, 1.0)]
    heads += ["Difference", _scale(-most, most, "+")] if is_compared else []
    head = "".join(f'<th scope="col">{one}</th>' for one in [*heads, "Gate"])
    tolerated = f" The dashed line is the tolerance, {-report['gate']['tolerance']:+g}." if is_compared else ""
    return (
        "<section><h2>Measures, with 95 % intervals</h2>"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="hint">{_of_what(report)}{tolerated}</p></section>'
    )


def _values_row(measures: Mapping[str, Any]) -> tuple[svg.Row, float]:
    """A scale on which every value with its interval fits, and where it begins; it ends at 1."""
    lows = [told[one]["low"] for told in measures.values() for one in ("candidate", "current") if told[one]]
    low = max(0.0, int(min([*lows, 0.95]) * 20) / 20 - 0.05)
    return svg.Row(low, 1.0), low


def _differences_row(measures: Mapping[str, Any], tolerance: float) -> tuple[svg.Row, float]:
    """The same for the differences, with zero in the middle."""
    told = [interval for one in measures.values() if (interval := one["difference"])]
    most = 1.15 * max([tolerance, 0.005, *(abs(interval[end]) for interval in told for end in ("low", "high"))])
    return svg.Row(-most, most), most


def _scale(low: float, high: float, sign: str = "") -> str:
    return f'<span class="scale"><span>{low:{sign}.2f}</span><span>{high:{sign}.2f}</span></span>'


def _cell(interval: Numbers | None, *, best: bool = False, sign: str = "") -> str:
    if interval is None:
        return "<td>–</td>"
    kind = ' class="best"' if best else ""
    value, low, high = (f"{interval[end]:{sign}.3f}" for end in ("value", "low", "high"))
    return f"<td><span{kind}>{value}</span><small>{low} to {high}</small></td>"


def _of_what(report: Mapping[str, Any]) -> str:
    if report["task"] == "object-detection":
        return "Precision and recall are of the detections that are shown, those with a score of 0.3 or more."
    positive = report["positive"]
    if positive is None:
        return "Precision, recall, F1 and ROC AUC are means over the labels (macro), ROC AUC of each against the rest."
    return f"Precision, recall, F1 and ROC AUC are of the label {escape(positive)}."


def _method(report: Mapping[str, Any]) -> str:
    calibration = (
        f" Calibration compares the best score with how often it is right, in {BINS} bins of equal width; the expected "
        "calibration error is their mean distance (Guo et al., ICML 2017)."
    )
    is_detector = report["task"] == "object-detection"
    precision = " Average precision is that of PASCAL VOC (Everingham et al., IJCV 111, 2015), every point, IoU 0.5."
    return (
        "<section><h2>How this was measured</h2><p>Each file was given to the model server's own predictor, as a "
        "request would be: what is measured is what is served. The intervals are bootstrap percentiles over "
        f"{report['resamples']:,} resamples of the examples (Efron &amp; Tibshirani, 1993); the difference is taken "
        "within each resample, so that what is hard for both models drops out. They tell how far chance in the choice "
        "of examples reaches, not how far these examples are from those to come. Where nothing went wrong, an interval "
        f"without width says only that mistakes are rarer than about 3 in {report['examples']:,}."
        f"{precision if is_detector else calibration}</p></section>"
    )
