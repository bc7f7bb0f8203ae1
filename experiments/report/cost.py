"""What a thousand predictions cost against how many there are a day, and from where on instances pay."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from experiments.cost.breakeven import break_even, pairs
from experiments.cost.monthly import monthly
from experiments.cost.plot import INK
from experiments.cost.prices import NoPrice, PriceTable
from experiments.report.candidate import Candidate
from experiments.report.recommend import usd_a_thousand
from experiments.report.runs import Runs
from experiments.report.style import FAINT, End, Picture, colour, frame, head, label_at_right, pyplot, save
from experiments.report.words import dollars, number

_FEWEST, _MOST, _POINTS = 10.0, 3_000_000.0, 500
_MIDDLE = 5_000.0  # left of it a label stands to the right of its line
_HEIGHTS = (0.98, 0.9, 0.82)  # of labels, in heights of the axis, above all lines


@dataclass(frozen=True, slots=True)
class BreakEven:
    """From `per_day` on the second costs less; None where it never does, since all its instances are full before."""

    idle: Candidate
    steady: Candidate
    per_day: float | None


def break_evens(candidates: Sequence[Candidate], prices: PriceTable) -> list[BreakEven]:
    """Of every pair that experiments.cost compares; without those that have no price."""
    by_name = {(each.name, each.kind): each for each in candidates}
    found = []
    for pair in pairs([each.served("") for each in candidates]):
        try:
            at = break_even(pair, prices)
        except NoPrice:
            continue
        idle, steady = (by_name[each.name, each.settings.kind] for each in pair)
        found.append(BreakEven(idle, steady, at))
    return found


def draw(runs: Runs, others: Sequence[Candidate], prices: PriceTable, folder: Path) -> Picture:
    """cost.png; `others` were not measured and are dashed."""
    candidates = [*runs.candidates, *others]
    figure, axis = pyplot().subplots(figsize=(10.5, 6.2))
    figure.subplots_adjust(left=0.085, right=0.69, top=0.9, bottom=0.1)
    frame(axis)
    ends = [end for each in candidates if (end := _line(axis, each, prices))]
    _axes(axis)
    axis.set_xlabel("requests a day", fontsize=10, color=INK)
    axis.set_ylabel(f"US dollars for a thousand predictions ({prices.region}, {prices.date})", fontsize=9.5, color=INK)
    label_at_right(axis, ends, 0.05)
    _marks(axis, break_evens(candidates, prices), prices)
    head(
        figure,
        f"{runs.model}: cost of a thousand predictions",
        f"AWS's prices; times measured {runs.place}. Dashed: not measured, with the times of the nearest that was.",
    )
    return Picture(
        "cost",
        save(figure, folder / "cost.png"),
        "Cost of a thousand predictions",
        "Cost against requests a day; at 1,000 a day: " + "; ".join(_told(each, prices) for each in candidates),
        "A dot is a break-even: from there on the always-on instance costs less than the endpoint that is free while "
        "idle; the last of each instance is named. A line ends where the endpoint takes no more (max_instances at "
        "their target, max_concurrency).",
    )


def _line(axis: Any, candidate: Candidate, prices: PriceTable) -> End | None:
    rates = [_FEWEST * (_MOST / _FEWEST) ** (at / _POINTS) for at in range(_POINTS + 1)]
    try:
        costs = [monthly(candidate.settings, candidate.request, rate, prices) for rate in rates]
    except NoPrice:
        return None
    shown = [(rate, usd_a_thousand(cost, rate)) for rate, cost in zip(rates, costs, strict=True) if not cost.is_beyond]
    if not shown:
        return None
    style, width = ("--", 1.3) if candidate.borrowed else ("-", 1.8)
    axis.plot(*zip(*shown, strict=True), style, color=colour(candidate), linewidth=width)
    return End(*shown[-1], text=candidate.shown, colour=colour(candidate))


def _axes(axis: Any) -> None:
    axis.set(xscale="log", yscale="log", xlim=(_FEWEST, _MOST))
    low, high = axis.get_ylim()
    axis.set_ylim(low, high * (high / low) ** 0.22)  # room for the labels of break-evens
    axis.minorticks_off()
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.6f}".rstrip("0").rstrip("."))


def _marks(axis: Any, found: Sequence[BreakEven], prices: PriceTable) -> None:
    """A dot on each crossing; a number at the last of every always-on endpoint."""
    met = [(each, at) for each in found if (at := each.per_day) and _FEWEST < at < _MOST]
    for each, at in met:
        axis.plot(at, _usd(each.steady, at, prices), "o", color=INK, markersize=4.5, zorder=5)
    for height, (each, at) in zip(cycle(_HEIGHTS), last_crossings(met), strict=False):
        axis.axvline(at, color=FAINT, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
        axis.text(
            at,
            height,
            f"{number(round(at))} a day: {each.steady.name}\ncosts less than {each.idle.name}",
            transform=axis.get_xaxis_transform(),
            ha="left" if at < _MIDDLE else "right",
            va="top",
            fontsize=8.5,
            color=INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )


def last_crossings(met: Sequence[tuple[BreakEven, float]]) -> list[tuple[BreakEven, float]]:
    """Of each always-on endpoint the highest: from there on it costs less than whatever it ever will."""
    highest: dict[str, tuple[BreakEven, float]] = {}
    for each, at in sorted(met, key=lambda one: one[1]):
        highest[each.steady.name] = each, at
    return list(highest.values())


def _usd(candidate: Candidate, per_day: float, prices: PriceTable) -> float:
    return usd_a_thousand(monthly(candidate.settings, candidate.request, per_day, prices), per_day)


def _told(candidate: Candidate, prices: PriceTable) -> str:
    try:
        return f"{candidate.shown} {dollars(_usd(candidate, 1000, prices))}"
    except NoPrice:
        return f"{candidate.label} without a price"
