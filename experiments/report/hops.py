"""Where the time of a request goes, hop by hop: stacked bars of medians, an endpoint each."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from experiments.client.sample import HOPS, Sample
from experiments.cost.plot import INK
from experiments.report.candidate import one_at_a_time
from experiments.report.runs import Measured, Runs
from experiments.report.style import FAINT, Picture, frame, head, pyplot, save
from experiments.report.words import milliseconds

# Okabe and Ito's colours, which those who see fewer of them tell apart (Color Universal Design, 2008).
_COLOURS = ("#8c8c8c", "#56b4e9", "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7")
_MOST_MS = 1000  # on an axis in ms; above, it is in s
_ON_DARK = {"proxy", "inference"}
_LEAST = 0.055  # of the axis: a part below that has no room for its number
_TITLES = {"warm": "Warm, median of each part", "cold": "Cold, median of each part"}


def draw(runs: Runs, folder: Path) -> Picture | None:
    """hops.png; None where no answer told how long its parts took."""
    panels = {phase: parts for phase in ("warm", "cold") if (parts := _parts(runs.each, phase))}
    if not panels:
        return None
    rows = [len(parts) for parts in panels.values()]
    figure, axes = pyplot().subplots(
        len(panels),
        1,
        figsize=(10.5, 0.42 * sum(rows) + 1.15 * len(panels) + 1.2),
        squeeze=False,
        layout="constrained",
        height_ratios=[count + 0.6 for count in rows],
    )
    for axis, (phase, parts) in zip(axes.flat, panels.items(), strict=True):
        _panel(axis, parts, _TITLES[phase])
    head(figure, f"{runs.model}: where the time goes", f"Measured {runs.place}")
    handles, names = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=len(HOPS), frameon=False, fontsize=9)
    return Picture(
        "hops",
        save(figure, folder / "hops.png"),
        "Where the time goes",
        "Stacked bars of the parts of a request: "
        + "; ".join(
            f"{name}, {phase}: {_told(each)}" for phase, parts in panels.items() for name, each in parts.items()
        ),
        "Service is SageMaker or Lambda with the queue and HTTP of the container, and in a cold start the start of the "
        "server. Medians of parts need not add up to the median of the whole.",
    )


def _parts(each: Sequence[Measured], phase: str) -> dict[str, list[float]]:
    """Endpoint -> the median milliseconds of each hop."""
    found = {}
    for one in each:
        samples = one_at_a_time(one.samples) if phase == "warm" else _cold(one.samples)
        timed = [sample for sample in samples if sample.is_good and sample.is_timed]
        if timed:
            found[one.candidate.shown] = [median(getattr(sample, f"{hop}_ms") for sample in timed) for hop in HOPS]
    return found


def _cold(samples: Sequence[Sample]) -> Sequence[Sample]:
    return [sample for sample in samples if sample.phase == "cold"]


def _told(parts: Sequence[float]) -> str:
    return ", ".join(f"{hop} {milliseconds(ms)}" for hop, ms in zip(HOPS, parts, strict=True))


def _panel(axis: Any, parts: dict[str, list[float]], title: str) -> None:
    frame(axis, title)
    most = max(sum(each) for each in parts.values())
    names = list(parts)
    left = [0.0] * len(names)
    for place, (hop, shade) in enumerate(zip(HOPS, _COLOURS, strict=True)):
        widths = [max(0.0, parts[name][place]) for name in names]
        axis.barh(names, widths, left=left, color=shade, height=0.66, label=hop)
        for row, width in enumerate(widths):
            if width >= _LEAST * most:
                ink = "white" if hop in _ON_DARK else INK
                axis.text(
                    left[row] + width / 2,
                    row,
                    _short(width, is_in_ms=most <= _MOST_MS),
                    ha="center",
                    va="center",
                    fontsize=8,
                    color=ink,
                )
        left = [start + width for start, width in zip(left, widths, strict=True)]
    for row, whole in enumerate(left):
        axis.text(whole + most * 0.008, row, milliseconds(whole), va="center", fontsize=8.5, color=INK, weight="bold")
    axis.set(xlim=(0, most * 1.1), ylim=(len(names) - 0.4, -0.6))
    axis.grid(visible=False, axis="y")
    unit, scale = ("s", 1000.0) if most > _MOST_MS else ("ms", 1.0)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value / scale:g} {unit}")
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", colors=FAINT)


def _short(ms: float, *, is_in_ms: bool) -> str:
    return milliseconds(ms).removesuffix(" ms") if is_in_ms else milliseconds(ms)
