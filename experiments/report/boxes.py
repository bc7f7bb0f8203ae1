"""Box plots of cold and of warm latency, an endpoint each, beside a panel of what others published."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from experiments.cost.plot import INK
from experiments.report.candidate import Candidate, one_at_a_time
from experiments.report.published import Figure, Published
from experiments.report.runs import Runs
from experiments.report.style import FAINT, Picture, apart, colour, frame, head, pyplot, save, ticks, time_axis
from experiments.report.words import milliseconds

_EVERY = 40  # requests up to which each is drawn, not the box alone


def draw(runs: Runs, published: Published, folder: Path) -> Picture:
    """boxes.png; without a row of cold starts where nobody met one."""
    candidates = runs.candidates
    phases = [phase for phase in ("cold", "warm") if any(times(each, phase) for each in candidates)]
    width = 3.2 + max(2.6, 1.45 * len(candidates))
    figure = pyplot().figure(figsize=(width + 0.6, 3.9 * len(phases) + 0.7), layout="constrained")
    grid = figure.add_gridspec(len(phases), 2, width_ratios=(width - 2.6, 2.6))
    for row, phase in enumerate(phases):
        ours = figure.add_subplot(grid[row, 0])
        theirs = figure.add_subplot(grid[row, 1], sharey=ours)
        frame(ours, _title(runs, phase))
        _row(ours, theirs, candidates, published.of_phase(phase), phase)
    head(figure, f"{runs.model}: latency", f"Measured {runs.place}")
    return Picture(
        "boxes",
        save(figure, folder / "boxes.png"),
        "Latency, cold and warm",
        "Box plots of latency: " + "; ".join(_told(each, phase) for phase in phases for each in candidates),
        "The line is the median, the box holds half of all requests, the whiskers nine of ten. The grey panel has "
        "published figures of another system on AWS: another model, server and picture, for orientation alone.",
    )


def times(candidate: Candidate, phase: str) -> list[float]:
    """Of those that were answered, in ms."""
    return [each for each in (candidate.cold_ms if phase == "cold" else candidate.warm_ms) if isfinite(each)]


def _title(runs: Runs, phase: str) -> str:
    if phase == "cold":
        return "Cold: the first request after a start"
    fewest = {sample.concurrency for one in runs.each for sample in one_at_a_time(one.samples)}
    return "Warm: one caller at a time" if fewest == {1} else "Warm: as few callers at a time as were measured"


def _told(candidate: Candidate, phase: str) -> str:
    found = times(candidate, phase)
    said = f"median {milliseconds(median(found))}" if found else "none measured"
    return f"{candidate.label}, {phase}, {said}"


def _row(ours: Any, theirs: Any, candidates: Sequence[Candidate], figures: Sequence[Figure], phase: str) -> None:
    found = [times(each, phase) for each in candidates]
    all_ms = [each for one in found for each in one] + [figure.seconds * 1000 for figure in figures]
    for at, (candidate, ms) in enumerate(zip(candidates, found, strict=True)):
        _box(ours, at, candidate, ms)
    ours.set(xlim=(-0.6, len(candidates) - 0.4))
    counts = [_count(candidate, ms) for candidate, ms in zip(candidates, found, strict=True)]
    names = [f"{name}\n{count}" for name, count in zip(ticks(candidates), counts, strict=True)]
    ours.set_xticks(range(len(candidates)), names, fontsize=8.5)
    ours.grid(visible=False, axis="x")
    time_axis(ours, min(all_ms), max(all_ms))
    _published(theirs, figures)


def _count(candidate: Candidate, ms: Sequence[float]) -> str:
    if ms:
        return f"n = {len(ms)}"
    return "no cold start" if candidate.idle_s is None else "not measured"


def _box(axis: Any, at: int, candidate: Candidate, ms: Sequence[float]) -> None:
    if not ms:
        return
    shade = colour(candidate)
    line = {"color": shade, "linewidth": 1.4}
    (body,) = axis.boxplot(
        [ms],
        positions=[at],
        widths=0.44,
        whis=(5, 95),
        showfliers=False,
        patch_artist=True,
        whiskerprops=line,
        capprops=line,
        medianprops={"color": INK, "linewidth": 1.8},
        boxprops={"edgecolor": shade, "linewidth": 1.4},
        manage_ticks=False,
    )["boxes"]
    body.set_facecolor((*body.get_edgecolor()[:3], 0.18))
    if len(ms) <= _EVERY:
        across = [at + 0.27 + 0.03 * (place % 3) for place in range(len(ms))]
        axis.plot(across, ms, "o", color=shade, markersize=2.6, alpha=0.65)
    axis.annotate(
        milliseconds(median(ms)),
        (at - 0.24, median(ms)),
        xytext=(-2, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize=8,
        color=INK,
    )


def _published(axis: Any, figures: Sequence[Figure]) -> None:
    frame(axis)
    axis.set_title("Published, not ours", loc="left", fontsize=9.5, color=FAINT)
    axis.set(xlim=(0, 1), facecolor="#f4f5f6")
    axis.set_xticks([])
    axis.tick_params(labelleft=False, left=False)
    axis.grid(visible=False)
    axis.spines["left"].set_visible(False)
    at_ms = [figure.seconds * 1000 for figure in figures]
    to_axis = axis.transAxes.inverted()
    heights = [to_axis.transform(axis.transData.transform((0, ms)))[1] + 0.035 for ms in at_ms]
    for figure, ms, height in zip(figures, at_ms, apart(heights, 0.062), strict=True):
        axis.axhline(ms, color=FAINT, linewidth=1.1, linestyle=(0, (5, 3)))
        axis.text(0.03, height, figure.text, transform=axis.transAxes, fontsize=8, color=FAINT, va="center")
