"""The measurement as Markdown: docs/performance.md, section Serving."""

from experiments.serving.results import Median, Results, failures, medians, models, pictures
from experiments.serving.servers import CLIENTS, FLOOR, OURS, SERVERS
from experiments.serving.targets import UNDER_LOAD, Medians, targets
from experiments.serving.turns import ROUNDS as TURNS
from experiments.serving.turns import SECONDS
from models.registry import ROOT

PAGE = ROOT / "docs" / "performance.md"
_TITLES = {server.name: server.title for server in SERVERS}


def serving_section(results: Results) -> str:
    """The whole section, from its heading on."""
    machine = results["machine"]
    tables = [_table(results, model, picture) for model in models(results) for picture in pictures(results)]
    curves = [_curve(results, model) for model in models(results)]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"""## Serving

Made by `{machine["command"]}` on {machine["date"]}, {_rounds(results)}:
{machine["machine"]}; load before it began {machine["load"]:.1f}.
The machine is virtual and shared; the ratios say more than the times. Servers are measured one after the other, minutes
apart, so differences of few milliseconds or per cent may be the machine's; ours and the floor are therefore measured
once more, both alive, in {TURNS} turns of {SECONDS:g} seconds each, medians: "in turns" below.

![throughput at 8 clients, and ours from 1 to 32 clients](serving.png)

Each server is its own process, alone on the machine beside its clients, warmed up, with bytecode compiled; each
client waits for its answer before it asks again, over a connection that stays open where the server allows it. Every
answer is checked: status 200 and the right label. Every server answers the five best labels. All decode with Pillow
to 224x224, bilinear, but ours and the floor by our own path. Random weights. The floor decodes and infers in a
loop, one for 1 client, one for each core otherwise, by our engine or by plain OpenVINO with a stream for each loop,
whichever is faster. Medians over the rounds; memory is the peak of the sum of PSS over all processes; the time to the
first answer counts from the process's start. The clients take their time from the same cores:
{_client_cost(results)} ms of CPU a request, median.

{chr(10).join(tables)}
{_targets(results)}
### One client and many

Ours, without a restart in between. The floor: its latency with one loop, its throughput with one on each core.

{chr(10).join(curves)}
{_failed(results)}Versions: {versions}.
"""


def _rounds(results: Results) -> str:
    rounds = 1 + max(row["round"] for row in results["records"])
    return f"{rounds} rounds, interleaved" if rounds > 1 else "one round"


def _table(results: Results, model: str, picture: str) -> str:
    measured = medians(results, model, picture)
    rows = "\n".join(_row(measured, name) for name in measured)
    return f"""### {model}, {picture}

| server | requests/s, clients 1 · 8 · 32 | p50 ms | p99 ms | MB | first answer s | ours at 8 |
|---|---|---|---|---|---|---|
{rows}
"""


def _row(measured: Medians, name: str) -> str:
    each = [measured[name][clients] for clients in CLIENTS]
    ratio = "" if OURS not in measured else f"{measured[OURS][UNDER_LOAD].per_s / measured[name][UNDER_LOAD].per_s:.2f}"
    cells = [
        _TITLES[name],
        " · ".join(f"{_short(one.per_s)}{_errors(one)}" for one in each),
        " · ".join(_short(one.p50_ms) for one in each),
        " · ".join(_short(one.p99_ms) for one in each),
        " · ".join(f"{one.memory_mb:.0f}" for one in each),
        f"{each[0].first_s:.2f}",
        f"{ratio}x",
    ]
    return f"| {' | '.join(cells)} |"


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _errors(one: Median) -> str:
    return f" ({one.errors} errors)" if one.errors else ""


def _targets(results: Results) -> str:
    rows = [
        f"| {one.model} | {one.picture} | {one.verdict.asked} | {one.verdict.measured} | {one.verdict.floor} "
        f"| {'yes' if one.verdict.reached else '**no**'} |"
        for one in targets(results)
    ]
    return f"""### What was asked

The floor computes in float32, as ours does unless model.toml says otherwise: a ratio that it does not reach itself, no
server around the same network can. What lies between it and ours is in the profile above.

| network | picture | asked | measured | the floor itself | reached |
|---|---|---|---|---|---|
{chr(10).join(rows)}
"""


def _curve(results: Results, model: str) -> str:
    lines = []
    for picture in pictures(results):
        measured = medians(results, model, picture)
        lines += [
            f"| {picture} | {clients} | {_short(one.per_s)} | {_short(one.p50_ms)} | {_short(one.p99_ms)} |"
            for clients, one in measured.get(OURS, {}).items()
        ]
        if FLOOR in measured:
            alone, loaded = measured[FLOOR][1], measured[FLOOR][UNDER_LOAD]
            lines.append(f"| {picture} | floor | {_short(loaded.per_s)} | {_short(alone.p50_ms)} | |")
    return f"""| {model} | clients | requests/s | p50 ms | p99 ms |
|---|---|---|---|---|
{chr(10).join(lines)}
"""


def _client_cost(results: Results) -> str:
    costs = []
    for picture in pictures(results):
        rows = [row["client_cpu_ms"] for row in results["records"] if row.get("picture") == picture]
        paid = sorted(cost for cost in rows if cost)
        costs.append(f"{paid[len(paid) // 2]:.2f} ({picture})" if paid else "0")
    return " and ".join(costs)


def _failed(results: Results) -> str:
    lines = failures(results)
    return "What failed:\n\n" + "\n".join(f"- {line}" for line in lines) + "\n\n" if lines else ""
