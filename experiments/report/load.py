"""Latency against load: percentiles at each rate of an open loop, a panel for each endpoint, errors marked."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from experiments.client.percentiles import percentile
from experiments.cost.plot import INK
from experiments.report.candidate import Candidate, Level
from experiments.report.runs import Runs
from experiments.report.style import BAD, FAINT, End, Picture, apart, colour, frame, head, pyplot, save, time_axis
from experiments.report.words import number, share_of

_PERCENTILES = (50, 95, 99)
_STYLES = {50: "-", 95: "--", 99: ":"}
_COLUMNS = 3
_BENT = 3.0  # times the lowest rate's 95th percentile: from there on requests wait for each other


def draw(runs: Runs, folder: Path) -> Picture | None:
    """load.png; None where nothing was asked on a schedule."""
    loaded = [each for each in runs.candidates if each.levels]
    if not loaded:
        return None
    columns = min(_COLUMNS, len(loaded))
    rows = -(-len(loaded) // columns)
    figure, axes = pyplot().subplots(
        rows, columns, figsize=(max(6.5, 4.3 * columns), 3.3 * rows + 0.9), squeeze=False, layout="constrained"
    )
    all_ms = [ms for each in loaded for level in each.levels for _, ms in _percentiles(level)]
    for axis in list(axes.flat)[len(loaded) :]:
        axis.set_axis_off()
    for axis, candidate in zip(axes.flat, loaded, strict=False):
        _panel(axis, candidate, min(all_ms, default=1), max(all_ms, default=1000))
    figure.supxlabel("requests a second, on a schedule that waits for nobody", fontsize=9.5, color=INK)
    head(figure, f"{runs.model}: latency against load", f"Measured {runs.place}")
    return Picture(
        "load",
        save(figure, folder / "load.png"),
        "Latency against load",
        "Percentiles of latency at each rate: " + "; ".join(_told(each) for each in loaded),
        "Shaded: the knee lies between those two rates; from the second on requests fail, or the 95th percentile is "
        f"more than {_BENT:g} times that of the lowest rate. A cross marks the share of requests that failed.",
    )


def knee(levels: Sequence[Level]) -> tuple[float, float] | None:
    """The last rate that was kept and the first that was not (0 if none was kept); None if all were."""
    bend = _BENT * percentile(levels[0].good_ms, 95)
    kept = 0.0
    for level in levels:
        if not level.is_within(bend, 95):
            return kept, level.rate
        kept = level.rate
    return None


def _percentiles(level: Level) -> list[tuple[int, float]]:
    """Of those that were answered."""
    found = ((each, percentile(level.good_ms, each)) for each in _PERCENTILES)
    return [(each, ms) for each, ms in found if isfinite(ms)]


def _told(candidate: Candidate) -> str:
    at = knee(candidate.levels)
    top = candidate.levels[-1].rate
    return f"{candidate.shown}, " + (f"knee before {number(at[1])} a second" if at else f"kept up to {number(top)}")


def _panel(axis: Any, candidate: Candidate, low_ms: float, high_ms: float) -> None:
    frame(axis, candidate.shown)
    rates = [level.rate for level in candidate.levels]
    axis.set(xlim=(0, max(rates) * 1.17))
    time_axis(axis, low_ms, high_ms * 1.5)
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    if at := knee(candidate.levels):
        axis.axvspan(*at, color="#f6e3c5", alpha=0.55, linewidth=0)
        where = axis.get_xaxis_transform()
        axis.text(sum(at) / 2, 0.03, "knee", transform=where, ha="center", fontsize=8, color=FAINT)
    ends = []
    for each in _PERCENTILES:
        points = [(level.rate, dict(_percentiles(level))[each]) for level in candidate.levels if level.good_ms]
        if points:
            xs, ys = zip(*points, strict=True)
            axis.plot(xs, ys, _STYLES[each], marker="o", markersize=3.5, color=colour(candidate), linewidth=1.6)
            ends.append(End(xs[-1], ys[-1], f"p{each}", colour(candidate)))
    _name(axis, ends)
    for level in candidate.levels:
        if level.errors:
            _cross(axis, level)


def _name(axis: Any, ends: Sequence[End]) -> None:
    to_axis = axis.transAxes.inverted()
    places = [to_axis.transform(axis.transData.transform((end.x, end.y))) for end in ends]
    for end, (x, _), y in zip(ends, places, apart([place[1] for place in places], 0.075), strict=True):
        axis.text(x + 0.025, y, end.text, transform=axis.transAxes, va="center", fontsize=8.5, color=end.colour)


def _cross(axis: Any, level: Level) -> None:
    across = axis.get_xaxis_transform()
    axis.plot(level.rate, 0.94, "x", transform=across, color=BAD, markersize=7, markeredgewidth=1.8)
    code = max(level.errors, key=lambda each: level.errors[each])
    axis.annotate(
        f"{share_of(level.error_share)}\n{code}",
        (level.rate, 0.94),
        xycoords=across,
        xytext=(-6, 3),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=7.5,
        color=BAD,
    )
