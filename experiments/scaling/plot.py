"""A day as a picture: what is asked, what serves it, who waits; what it costs is in the title."""

from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from experiments.cost.monthly import DAYS
from experiments.scaling.endpoint import limit_of, policy_of
from experiments.scaling.report import described
from experiments.scaling.study import Study
from models.realtime import RealtimeEndpoint

_ASKED, _SERVES, _REFUSED, _INK = "#2f5d9b", "#0b6e4f", "#b3261e", "#1c2733"
_WAITS, _TAIL, _LONGEST = "#7a4fa3", "#c0622d", "#d9bfa9"
_LEAST_S = 0.001  # shorter waits are drawn as this
_WINDOW_MIN = 10


def draw(study: Study, file: Path) -> Path:
    """Three panels above one another, hours of the day below."""
    import matplotlib as mpl  # noqa: PLC0415 slow to import, and only wanted here

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(3, 1, figsize=(9.6, 8.0), sharex=True, layout="constrained")
    figure.suptitle(_title(study), x=0.01, ha="left", fontsize=10.5, color=_INK)
    hours = np.arange(len(study.own.day.points)) / 60
    _traffic(axes[0], study, hours)
    _servers(axes[1], study, hours)
    _waiting(axes[2], study)
    for axis in axes:
        axis.grid(visible=True, color="#e8ebef", linewidth=0.7)
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
    axes[-1].set(xlim=(0, 24), xticks=range(0, 25, 3))
    axes[-1].set_xlabel("hour of the day", fontsize=9)
    figure.savefig(file, dpi=100)
    pyplot.close(figure)
    return file


def _title(study: Study) -> str:
    own = study.own
    hours = f"{own.day.instance_hours:.1f} instance-hours, " if policy_of(own.settings) else ""
    price = f"{own.usd_a_month / DAYS:,.2f} \\$ a day, {own.usd_a_month:,.2f} \\$ a month"  # a bare $ begins a formula
    return f"{study.model}, endpoint {study.name}: {described(study)}\n{hours}{price}"


def _traffic(axis: Any, study: Study, hours: Any) -> None:
    points, policy = study.own.day.points, policy_of(study.own.settings)
    axis.plot(hours, [point.arrivals for point in points], color=_ASKED, linewidth=1.1, label="all")
    if policy is not None and isinstance(study.own.settings, RealtimeEndpoint):
        metric = [point.metric for point in points]
        axis.plot(hours, metric, color=_TAIL, linewidth=0.8, label="for each instance")
        axis.axhline(policy.target, color=_INK, linewidth=0.9, linestyle="--", label=f"target {policy.target:g}")
    refused = np.array([point.refused for point in points], dtype=float)
    if refused.any():
        axis.fill_between(hours, refused, color=_REFUSED, alpha=0.6, linewidth=0, label="refused")
    _label(axis, f"requests a minute, {study.shape}")


def _servers(axis: Any, study: Study, hours: Any) -> None:
    policy = policy_of(study.own.settings)
    counts = [point.instances for point in study.own.day.points]
    bound = limit_of(study.own.settings) if policy is None else policy.most
    if isfinite(bound):
        axis.axhline(bound, color=_INK, linewidth=0.9, linestyle="--", label=f"at most {bound:g}")
    axis.step(hours, counts, where="post", color=_SERVES, linewidth=0.6 if policy is None else 1.6)
    axis.fill_between(hours, counts, step="post", color=_SERVES, alpha=0.15, linewidth=0)
    axis.set_ylim(0, max(*counts, bound if isfinite(bound) else 1) * 1.15)
    axis.yaxis.get_major_locator().set_params(integer=True)
    _label(axis, "requests at once, most of each minute" if policy is None else "instances that serve")


def _waiting(axis: Any, study: Study) -> None:
    for percent, colour, name in ((100, _LONGEST, "longest"), (99, _TAIL, "p99"), (50, _WAITS, "p50")):
        waits = np.maximum(study.own.day.waits_s(percent, _WINDOW_MIN), _LEAST_S)
        hours = np.arange(len(waits) + 1) * _WINDOW_MIN / 60
        axis.step(hours, [*waits, waits[-1]], where="post", color=colour, linewidth=1.3, label=name)
    axis.set_yscale("log")
    axis.set_ylim(bottom=_LEAST_S * 0.8)
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}" if value > _LEAST_S else "at once")
    _label(axis, f"seconds until a request is begun, in {_WINDOW_MIN} minutes each")


def _label(axis: Any, title: str) -> None:
    axis.set_title(title, loc="left", fontsize=9.5, color=_INK)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 0.99), borderaxespad=0, frameon=False, ncols=4)
