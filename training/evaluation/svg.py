"""The report's plots as SVG inside its HTML: sharp at any size, and coloured by the page's style, light or dark."""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

SIDE = 300
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 12, 12, 46
_TICKS = {"0": 0.0, "0.2": 0.2, "0.4": 0.4, "0.6": 0.6, "0.8": 0.8, "1": 1.0}
_COLOURS = 8
_ROW_WIDTH, _ROW_HEIGHT = 210, 34

Points = Iterable[tuple[float, float]]


def square(name: str, x_label: str, y_label: str, content: str, heights: Mapping[str, float] = _TICKS) -> str:
    """Axes from 0 to 1 with `content` in them; `name` is for those who cannot see it.

    `heights` says where the vertical axis is marked, and as what.
    """
    width, height = _LEFT + SIDE + _RIGHT, _TOP + SIDE + _BOTTOM
    across = "".join(
        f'<path class="grid" d="M{_x(at)} {_y(0)}V{_y(1)}"/>'
        f'<text x="{_x(at)}" y="{_y(0) + 16}" text-anchor="middle">{text}</text>'
        for text, at in _TICKS.items()
    )
    upwards = "".join(
        f'<path class="grid" d="M{_x(0)} {_y(at)}H{_x(1)}"/>'
        f'<text x="{_x(0) - 8}" y="{_y(at) + 4}" text-anchor="end">{text}</text>'
        for text, at in heights.items()
    )
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(name)}">{across}{upwards}'
        f'<text class="label" x="{_x(0.5)}" y="{height - 8}" text-anchor="middle">{escape(x_label)}</text>'
        f'<text class="label" transform="translate(12 {_y(0.5)}) rotate(-90)" text-anchor="middle">{escape(y_label)}'
        f"</text>{content}</svg>"
    )


def diagonal() -> str:
    """What a model that knows nothing, or one that knows how sure to be, would draw."""
    return f'<path class="diagonal" d="M{_x(0)} {_y(0)}L{_x(1)} {_y(1)}"/>'


def line(points: Points, kind: str) -> str:
    """Points in 0..1 joined, in the style `kind`."""
    joined = "L".join(f"{_x(x)} {_y(y)}" for x, y in points)
    return f'<path class="line {kind}" d="M{joined}"/>'


def roc(curves: Mapping[str, Any], kind_of: Mapping[str, str]) -> str:
    """Label -> its curve, as report.json has them."""
    return "".join(
        line(zip(curve["false_positive_rate"], curve["true_positive_rate"], strict=True), kind_of[label])
        for label, curve in curves.items()
    )


def reliability(bins: Sequence[Mapping[str, Any]], kind: str) -> str:
    """A dot for each bin that has examples, its area by how many, over the 95 % interval of its accuracy."""
    filled = [one for one in bins if one["examples"]]
    most = max(one["examples"] for one in filled)
    drawn = ""
    for one in filled:
        low, high = _wilson(one["accuracy"], one["examples"])
        x, radius = _x(one["confidence"]), 2.5 + 7 * (one["examples"] / most) ** 0.5
        drawn += (
            f'<path class="reach {kind}" d="M{x} {_y(low)}V{_y(high)}"/>'
            f'<circle class="{kind}" cx="{x}" cy="{_y(one["accuracy"])}" r="{radius:.1f}"><title>{one["examples"]} '
            f"examples: confidence {one['confidence']:.3f}, accuracy {one['accuracy']:.3f}</title></circle>"
        )
    return drawn


def _wilson(share: float, count: int) -> tuple[float, float]:
    """The 95 % interval of a share of so many (Wilson, JASA 22, 1927): it has a width even where all or none are."""
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def histogram(of: str, counted: str, groups: Mapping[str, Sequence[int]]) -> str:
    """Bars for each group, one seen through the other; on a logarithmic scale, since most scores are near 0 or 1."""
    most = max(count for counts in groups.values() for count in counts)
    marks = [count for power in range(7) if (count := 10**power) <= most]
    drawn = ""
    for number, counts in enumerate(groups.values()):
        width = SIDE / len(counts)
        for at, count in enumerate(counts):
            top = _y(_height(count, most))
            drawn += (
                f'<rect class="bar c{number}" x="{_x(0) + at * width + 1:.1f}" y="{top}" '
                f'width="{width - 2:.1f}" height="{_y(0) - top:.1f}"><title>{count}</title></rect>'
                if count
                else ""
            )
    return square(
        f"histogram of {of}", of, counted, drawn, {"0": 0.0, **{f"{mark:,}": _height(mark, most) for mark in marks}}
    )


def _height(count: int, most: int) -> float:
    return math.log1p(count) / math.log1p(max(most, 1)) * 0.97


def colours(labels: Sequence[str]) -> dict[str, str]:
    """Label -> its style: one of eight colours, or all alike where there are more labels than that."""
    return {label: f"c{number}" if len(labels) <= _COLOURS else "many" for number, label in enumerate(labels)}


class Row:
    """A line of a table with intervals on one scale, from `low` to `high`."""

    def __init__(self, low: float, high: float) -> None:
        self._low, self._high = low, high

    def drawn(self, intervals: Mapping[str, Mapping[str, float] | None], marks: Mapping[str, float], name: str) -> str:
        """Style -> interval, one below the other; style -> a place that is marked from top to bottom."""
        content = "".join(f'<path class="{kind}" d="M{self._at(at)} 0V{_ROW_HEIGHT}"/>' for kind, at in marks.items())
        step = _ROW_HEIGHT / (len(intervals) + 1)
        for number, (kind, interval) in enumerate(intervals.items(), 1):
            if interval is not None:
                y = round(number * step, 1)
                content += (
                    f'<path class="whisker {kind}" d="M{self._at(interval["low"])} {y}H{self._at(interval["high"])}"/>'
                    f'<circle class="{kind}" cx="{self._at(interval["value"])}" cy="{y}" r="4"/>'
                )
        size = f'class="row" viewBox="0 0 {_ROW_WIDTH} {_ROW_HEIGHT}"'
        return f'<svg {size} role="img" aria-label="{escape(name)}">{content}</svg>'

    def _at(self, value: float) -> float:
        inner = _ROW_WIDTH - 12
        return round(6 + inner * (value - self._low) / (self._high - self._low), 1)


def _x(value: float) -> float:
    return round(_LEFT + SIDE * value, 1)


def _y(value: float) -> float:
    return round(_TOP + SIDE * (1 - value), 1)
