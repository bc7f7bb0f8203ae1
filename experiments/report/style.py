"""How the plots look: one frame, the colours of docs/cost.png, numbers in milliseconds or seconds, labels that part."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path
from typing import Any

from experiments.cost.plot import COLOURS, INK
from experiments.report.candidate import Candidate

GRID, FAINT, BAD = "#e8ebef", "#5a6772", "#b3261e"
DPI = 130


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot in its file, and what it shows for whoever cannot see it."""

    name: str
    file: Path
    title: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True)
class End:
    """Where a line ends, in data coordinates, and what it is called."""

    x: float
    y: float
    text: str
    colour: str


def pyplot() -> Any:
    """matplotlib's, drawing into files. It is slow to import, and only wanted where there is something to draw."""
    import matplotlib as mpl  # noqa: PLC0415

    mpl.use("Agg")
    from matplotlib import pyplot as plots  # noqa: PLC0415

    return plots


def save(figure: Any, file: Path) -> Path:
    """Into `file`, as PNG, and out of memory."""
    figure.savefig(file, dpi=DPI)
    pyplot().close(figure)
    return file


def head(figure: Any, title: str, place: str) -> None:
    """Title and origin at the upper left; a layout that is constrained leaves them room."""
    height = figure.get_figheight()
    figure.text(
        0.12 / figure.get_figwidth(), 1 - 0.2 / height, title, fontsize=13, weight="bold", color=INK, va="center"
    )
    figure.text(0.12 / figure.get_figwidth(), 1 - 0.43 / height, place, fontsize=9.5, color=FAINT, va="center")
    if engine := figure.get_layout_engine():
        engine.set(rect=(0, 0, 1, 1 - 0.58 / height))


def frame(axis: Any, title: str = "") -> None:
    """A light grid, no box."""
    axis.set_title(title, loc="left", fontsize=11, weight="bold", color=INK)
    axis.grid(visible=True, which="major", color=GRID, linewidth=0.7)
    axis.set_axisbelow(True)
    axis.minorticks_off()
    axis.tick_params(labelsize=9, colors=INK, length=3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.spines[["left", "bottom"]].set_color(FAINT)


def time_axis(axis: Any, low_ms: float, high_ms: float) -> None:
    """A logarithmic vertical axis that holds both, marked with plain numbers at 1, 2 and 5 or, over many decades, 1."""
    bottom, top = low_ms / 1.25, high_ms * 1.6
    axis.set(yscale="log", ylim=(bottom, top))
    steps = (1, 2, 5) if top / bottom < 200 else (1, 3) if top / bottom < 5000 else (1,)
    decades = range(floor(log10(bottom)), ceil(log10(top)) + 1)
    marks = [step * 10.0**decade for decade in decades for step in steps]
    shown = [mark for mark in marks if bottom <= mark <= top]
    axis.set_yticks(shown, [_time(mark) for mark in shown])
    axis.minorticks_off()


def _time(ms: float) -> str:
    return f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:,g} s"


def colour(candidate: Candidate) -> str:
    """By kind."""
    return COLOURS[candidate.kind]


def ticks(candidates: Sequence[Candidate]) -> list[str]:
    """Labels of a few lines, for below an axis."""
    return [each.shown.replace(" (", "\n(").replace(" with ", "\nwith ").replace(", ", ",\n") for each in candidates]


def label_at_right(axis: Any, ends: Sequence[End], line_height: float = 0.062) -> None:
    """Writes beside the axis what each line is, none over another, with a thin line back to where it ends.

    `line_height` is in heights of the axis.
    """
    to_axis = axis.transAxes.inverted()
    heights = [to_axis.transform(axis.transData.transform((end.x, end.y)))[1] for end in ends]
    for end, height in zip(ends, apart(heights, line_height), strict=True):
        axis.annotate(
            end.text,
            (end.x, end.y),
            xytext=(1.035, height),
            textcoords="axes fraction",
            va="center",
            fontsize=8.5,
            color=end.colour,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": end.colour, "linewidth": 0.6, "relpos": (0, 0.5), "shrinkB": 1},
        )


def apart(heights: Sequence[float], least: float) -> list[float]:
    """The same order, moved as little as it takes for each to be `least` from the next: groups around their mean.

    None stands below 0.
    """
    order = sorted(range(len(heights)), key=heights.__getitem__)
    groups: list[list[int]] = []
    for at in order:
        groups.append([at])
        while len(groups) > 1 and _bottom(groups[-1], heights, least) < _top(groups[-2], heights, least) + least:
            last = groups.pop()
            groups[-1] += last
    placed = list(heights)
    for group in groups:
        bottom = _bottom(group, heights, least)
        for place, at in enumerate(group):
            placed[at] = bottom + place * least
    return placed


def _bottom(group: Sequence[int], heights: Sequence[float], least: float) -> float:
    middle = sum(heights[at] for at in group) / len(group)
    return max(0.0, middle - (len(group) - 1) / 2 * least)


def _top(group: Sequence[int], heights: Sequence[float], least: float) -> float:
    return _bottom(group, heights, least) + (len(group) - 1) * least
