"""docs/serving.png: throughput of all servers under load, and ours from one client to many."""

from pathlib import Path
from typing import Any

from experiments.serving.results import Results, medians, models, pictures
from experiments.serving.servers import BFLOAT16, CURVE, FLOOR, OURS, SERVERS
from experiments.serving.targets import UNDER_LOAD, Medians

_OURS, _BFLOAT16, _FLOOR, _OTHER, _LATENCY = "#0b6e4f", "#7fb8a4", "#9aa5b1", "#c98b5e", "#2f5d9b"
_TITLES = {server.name: server.title.replace("`", "") for server in SERVERS}


def draw(results: Results, file: Path) -> Path:
    """Two rows for each network, a column for each picture: bars of all servers, and below them our curve."""
    import matplotlib as mpl  # noqa: PLC0415 slow to import, and only wanted here

    mpl.use("Agg")
    from matplotlib import pyplot  # noqa: PLC0415

    names, sent = models(results), pictures(results)
    figure = pyplot.figure(figsize=(6.4 * len(sent), 5.8 * len(names)), layout="constrained")
    rows = iter(figure.subfigures(2 * len(names), 1, hspace=0.03).ravel())
    for model in names:
        for title, plot in (("8 clients: requests/s", _bars), ("ours, 1 to 32 clients", _curve)):
            row = next(rows)
            row.suptitle(f"{model}, {title}", x=0.01, ha="left", fontsize=12, weight="bold")
            for axis, picture in zip(row.subplots(1, len(sent), squeeze=False)[0], sent, strict=True):
                axis.set_title(picture, fontsize=10, loc="left")
                plot(axis, medians(results, model, picture))
    figure.savefig(file, dpi=100)
    pyplot.close(figure)
    return file


def _bars(axis: Any, measured: Medians) -> None:
    rates = {name: each[UNDER_LOAD].per_s for name, each in measured.items()}
    order = sorted(rates, key=rates.__getitem__)
    colours = [{OURS: _OURS, BFLOAT16: _BFLOAT16, FLOOR: _FLOOR}.get(name, _OTHER) for name in order]
    bars = axis.barh([_TITLES[name] for name in order], [rates[name] for name in order], color=colours, height=0.72)
    texts = [f"{rates[name]:.0f}" if rates[name] >= 100 else f"{rates[name]:.1f}" for name in order]
    axis.bar_label(bars, texts, padding=3, fontsize=9)
    axis.set_xlim(0, max(rates.values()) * 1.13)
    axis.tick_params(axis="y", labelsize=9)
    axis.spines[["top", "right"]].set_visible(False)


def _curve(axis: Any, measured: Medians) -> None:
    ours = measured.get(OURS)
    if not ours:
        axis.set_axis_off()
        return
    rates, waits = [one.per_s for one in ours.values()], [one.p50_ms for one in ours.values()]
    axis.plot(list(ours), rates, "o-", color=_OURS, label="requests/s")
    axis.set_xscale("log", base=2)
    axis.set_xticks(CURVE, [str(count) for count in CURVE])
    axis.set_xlabel("clients", fontsize=9)
    axis.set_ylabel("requests/s", color=_OURS, fontsize=9)
    latency = axis.twinx()
    latency.plot(list(ours), waits, "s--", color=_LATENCY, markersize=4)
    latency.set_yscale("log")
    latency.set_ylabel("p50, ms (log)", color=_LATENCY, fontsize=9)
    latency.set_ylim(min(waits) / 2.5, max(waits) * 2)
    highest = max(rates)
    if FLOOR in measured:
        floor = measured[FLOOR]
        highest = max(highest, floor[UNDER_LOAD].per_s)
        axis.axhline(floor[UNDER_LOAD].per_s, color=_OURS, lw=1, ls=":")
        axis.text(1, floor[UNDER_LOAD].per_s, "floor, all cores", color=_OURS, fontsize=8, va="bottom")
        latency.axhline(floor[1].p50_ms, color=_LATENCY, lw=1, ls=":")
        latency.text(CURVE[-1], floor[1].p50_ms, "floor, one loop", color=_LATENCY, fontsize=8, va="top", ha="right")
    axis.set_ylim(0, highest * 1.15)
    for each in (axis, latency):
        each.spines["top"].set_visible(False)
