"""docs/cost.png: dollars a month against requests a day, a panel for each model, with its break-evens."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from math import atan2, degrees
from pathlib import Path
from typing import Any

from experiments.cost.breakeven import Pair, break_even, pairs
from experiments.cost.monthly import monthly
from experiments.cost.prices import NoPrice, PriceTable
from experiments.cost.stage import Served
from models.endpoints import AsyncEndpoint
from models.realtime import RealtimeEndpoint

_FEWEST, _MOST, _POINTS = 10, 3_000_000, 600
_LEAST_USD, _MOST_USD = 0.001, 20_000
COLOURS = {"serverless": "#2f5d9b", "lambda": "#0b6e4f", "async": "#7a4fa3", "realtime": "#c0622d"}
_LABELS = {"lambda": (0.62, False), "async": (0.19, False)}
"""From which share of the panel's width on a line's label stands, and whether above the line."""
_COLUMNS = 3
INK = "#1c2733"
_LEGEND = """A line is one endpoint of the model.
Solid: its requests take as long as measured here.
Dashed: they take a second each.
Dot: break-even; from there on instances cost less.
A line ends where the endpoint takes no more:
max_instances at their target, max_concurrency."""
_LONG_S = 1.0
_SLOWER = 2.0  # times the measured time, from where a second line is worth its ink


def draw(endpoints: Sequence[Served], prices: PriceTable, file: Path) -> Path:
    """Solid at the measured time of a request, dashed at a second each; endpoints without a price are left out."""
    import matplotlib as mpl  # noqa: PLC0415 slow to import, and only wanted here

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    by_model = [list(group) for _, group in groupby(endpoints, key=lambda each: each.model)]
    columns = min(_COLUMNS, len(by_model))
    rows = -(-len(by_model) // columns)
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(4.7 * columns, 3.9 * rows + 0.3), squeeze=False, layout="constrained"
    )
    for axis in list(axes.flat)[len(by_model) :]:
        axis.set_axis_off()
    if len(axes.flat) > len(by_model):
        list(axes.flat)[-1].text(0.02, 0.95, _LEGEND, va="top", fontsize=9.5, linespacing=1.9, color=INK)
    for axis, of_one in zip(axes.flat, by_model, strict=False):
        _frame(axis, of_one[0].model)
    figure.supxlabel("requests a day", fontsize=10)
    figure.supylabel(f"US dollars a month ({prices.region}, prices of {prices.date})", fontsize=10)
    figure.canvas.draw()  # lays the panels out: a label along a line needs to know how steep it looks
    for axis, of_one in zip(axes.flat, by_model, strict=False):
        _panel(axis, of_one, prices)
    figure.savefig(file, dpi=100)
    pyplot.close(figure)
    return file


def _frame(axis: Any, title: str) -> None:
    axis.set_title(title, loc="left", fontsize=11, weight="bold")
    axis.set(xscale="log", yscale="log", xlim=(_FEWEST, _MOST), ylim=(_LEAST_USD, _MOST_USD))
    axis.grid(visible=True, which="major", color="#e8ebef", linewidth=0.7)
    axis.minorticks_off()
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.3f}".rstrip("0").rstrip("."))
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)


def _panel(axis: Any, endpoints: Sequence[Served], prices: PriceTable) -> None:
    for each in endpoints:
        try:
            for asked, style in _shown(each):
                _line(axis, asked, prices, style)
        except NoPrice:
            continue
    for pair in pairs(endpoints):
        for asked, _ in _shown(pair.idle):
            _mark(axis, Pair(asked, pair.steady), prices)


def _shown(each: Served) -> Iterator[tuple[Served, str]]:
    """The endpoint at its own time; a serverless one also at a longer, as the next model may need it."""
    yield each, "-"
    if each.settings.kind == "serverless" and each.request.seconds * _SLOWER <= _LONG_S:
        yield replace(each, request=replace(each.request, seconds=_LONG_S)), "--"


def _line(axis: Any, each: Served, prices: PriceTable, style: str) -> None:
    rates = [_FEWEST * (_MOST / _FEWEST) ** (at / _POINTS) for at in range(_POINTS + 1)]
    costs = [monthly(each.settings, each.request, rate, prices) for rate in rates]
    shown = [(rate, cost.usd) for rate, cost in zip(rates, costs, strict=True) if not cost.is_beyond]
    colour = COLOURS[each.settings.kind]
    axis.plot(*zip(*shown, strict=True), style, color=colour, linewidth=1.7 if style == "-" else 1.2)
    from_, above = _LABELS.get(each.settings.kind, (0.02, True))
    start, end = (shown[min(int(_POINTS * share), len(shown) - 1)] for share in (from_, from_ + 0.15))
    (x0, y0), (x1, y1) = axis.transData.transform([start, end])
    axis.annotate(
        _label(each),
        start,
        xytext=(0, 4 if above else -4),
        textcoords="offset points",
        rotation=degrees(atan2(y1 - y0, x1 - x0)),
        rotation_mode="anchor",
        va="bottom" if above else "top",
        color=colour,
        fontsize=8,
    )


def _label(each: Served) -> str:
    if isinstance(each.settings, RealtimeEndpoint):
        how = "from zero" if each.settings.component else "always on"
        return f"{each.name}: {each.settings.instance_type}, {how}"
    if isinstance(each.settings, AsyncEndpoint):
        return f"{each.name}: {each.settings.instance_type}, a queue"
    seconds = each.request.seconds
    return f"{each.name}, {f'{seconds * 1000:.0f} ms' if seconds < 1 else f'{seconds:.2g} s'} each"


def _mark(axis: Any, pair: Pair, prices: PriceTable) -> None:
    try:
        per_day = break_even(pair, prices)
        if per_day is None or not _FEWEST < per_day < _MOST:
            return
        usd = monthly(pair.steady.settings, pair.idle.request, per_day, prices).usd
    except NoPrice:
        return
    axis.plot(per_day, usd, "o", color=INK, markersize=5, zorder=5)
    above = _LABELS.get(pair.idle.settings.kind, (0, True))[1]
    axis.annotate(
        f"{per_day:,.0f}",
        (per_day, usd),
        xytext=(-4, 7) if above else (2, -26),
        textcoords="offset points",
        ha="right" if above else "left",
        color=INK,
        fontsize=8.5,
        weight="bold",
    )
