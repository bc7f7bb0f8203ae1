"""A load over its time: what was asked and answered, how long answers took, and what each part held and used."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from experiments.client.percentiles import percentile
from experiments.client.sample import Sample
from experiments.load.parts import Part

_INK, _FAINT = "#1c2733", "#e8ebef"
_COLOURS = ("#2f5d9b", "#c0622d", "#0b6e4f", "#7a4fa3", "#a08b00", "#b3446c", "#5a6b7b", "#3fa0a0")
_WINDOWS = 60
_SHOWN = 7  # parts with a line of their own; the rest are one


def draw(samples: Sequence[Sample], parts: Mapping[str, Part], seconds: float, title: str, file: Path) -> Path:
    """Four panels above one axis of time."""
    import matplotlib as mpl  # noqa: PLC0415 slow to import, and only wanted here

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(4, 1, figsize=(10, 11), sharex=True, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, weight="bold", color=_INK)
    rates, times, memory, cores = axes
    _rates(rates, samples, seconds)
    _times(times, samples, seconds)
    shown = _largest(parts)
    for axis, value in ((memory, _memory), (cores, _cores)):
        for colour, (name, part) in zip(_COLOURS, shown.items(), strict=False):
            axis.plot(*value(part), color=colour, linewidth=1.5, label=name)
    memory.set_ylabel("memory, MB")
    memory.legend(fontsize=8, ncols=2, frameon=False, loc="upper left", bbox_to_anchor=(0, 1.02))
    memory.set_ylim(0, max((part.peak_mb for part in shown.values()), default=1) * 1.5)
    cores.set_ylabel("cores in use")
    cores.set_xlabel("seconds")
    for axis in axes:
        axis.grid(visible=True, color=_FAINT, linewidth=0.7)
        axis.spines[["top", "right"]].set_visible(False)
        axis.set_xlim(0, seconds)
        axis.tick_params(labelsize=9)
    for axis in (rates, memory, cores):
        axis.set_ylim(bottom=0)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)
    return file


def _windows(samples: Sequence[Sample], seconds: float) -> tuple[list[float], list[list[Sample]]]:
    """The middle of each stretch of time, and what was due in it."""
    width = seconds / _WINDOWS
    held: list[list[Sample]] = [[] for _ in range(_WINDOWS)]
    for sample in samples:
        held[min(_WINDOWS - 1, int(sample.due_s / width))].append(sample)
    return [(at + 0.5) * width for at in range(_WINDOWS)], held


def _rates(axis: Any, samples: Sequence[Sample], seconds: float) -> None:
    middles, held = _windows(samples, seconds)
    width = seconds / _WINDOWS
    axis.plot(middles, [len(each) / width for each in held], color=_COLOURS[0], linewidth=1.5, label="asked")
    bad = [sum(not sample.is_good for sample in each) / width for each in held]
    if any(bad):
        axis.fill_between(middles, bad, color=_COLOURS[1], alpha=0.8, linewidth=0, label="without a prediction")
    axis.set_ylabel("requests a second")
    axis.legend(fontsize=8, frameon=False, loc="lower right")


def _times(axis: Any, samples: Sequence[Sample], seconds: float) -> None:
    middles, held = _windows(samples, seconds)
    good = [[sample.total_ms for sample in each if sample.is_good] for each in held]
    for colour, percent in zip(_COLOURS, (50.0, 99.0), strict=False):
        axis.plot(middles, [percentile(each, percent) for each in good], color=colour, label=f"p{percent:g}")
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axis.yaxis.set_minor_formatter(lambda value, _: f"{value:,.0f}" if f"{value:.0e}"[0] in "25" else "")
    axis.set_ylabel("milliseconds")
    axis.legend(fontsize=8, frameon=False, loc="upper right", ncols=2)


def _largest(parts: Mapping[str, Part]) -> Mapping[str, Part]:
    ordered = sorted(parts.items(), key=lambda named: named[1].cores, reverse=True)
    return dict(ordered[:_SHOWN])


def _memory(part: Part) -> tuple[list[float], list[float]]:
    return [look.at_s for look in part.looks], [look.memory_mb for look in part.looks]


def _cores(part: Part) -> tuple[list[float], list[float]]:
    looks = part.looks[:: max(1, len(part.looks) // _WINDOWS)]
    between = [(two.at_s, (two.cpu_s - one.cpu_s) / (two.at_s - one.at_s)) for one, two in pairwise(looks)]
    return [at for at, _ in between], [used for _, used in between]
