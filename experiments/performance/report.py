"""The measurements as tables, and docs/performance.md around them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from experiments.performance.path import IN_PROCESS, SERVER, STACK, Steps

_TARGET_SYNTH = 1.3
_PROFILE, _LEVERS = ((Path(__file__).parent / name).read_text(encoding="utf-8") for name in ("profile.md", "levers.md"))


def synth_table(seconds: dict[str, float]) -> str:
    """Wall time of `cdk synth`, against the first row."""
    rows = _ratios(seconds, lambda ours, baseline: ours / baseline)
    return f"""## cdk synth

Wall time of `cdk synth --quiet`, median of 7 rounds, interleaved. Aim: at most {_TARGET_SYNTH} times an empty app.
By default CDK checks templates at each synth, which takes longer than all the rest; here the tests do that (and
cfn-lint), so the second row is what our own stacks add to.

| app | seconds | times the empty app |
|---|---|---|
{rows}
"""


def cold_start_table(seconds: dict[str, float]) -> str:
    """Time to the first prediction, against the first row."""
    rows = _ratios(seconds, lambda ours, baseline: baseline / ours)
    return f"""## Cold start

Process start to first correct prediction of diabetic-retinopathy, 224x224 JPEG, bytecode compiled, median of 5,
interleaved. Aim: at most 0.7 s, and 10 times as fast as the first row, which is how the published systems serve.
TensorFlow's own loader is favoured: it serves no HTTP. What takes the time is in the levers below, rows `fewer imports`
and `OpenVINO's own files`: of the model's process Python and what it imports are three quarters, the network the rest.

| what starts | seconds | times as fast |
|---|---|---|
{rows}
"""


def path_table(measured: dict[str, dict[str, Steps]], sent: dict[str, bytes]) -> str:
    """Totals, and the hops that make them up."""
    names = list(measured)
    head = " | ".join(f"{name} ({len(sent[name]) / 1000:,.0f} kB)" for name in names)
    totals = "\n".join(f"| {way} | {_totals(measured, way)} |" for way in (IN_PROCESS, SERVER, STACK))
    hops: dict[str, list[float]] = {}
    for ways in measured.values():
        for hop, spent in _hops(ways).items():
            hops.setdefault(hop, []).append(spent)
    parts = "\n".join(f"| {hop} | {' | '.join(f'{one:.1f}' for one in all_)} |" for hop, all_ in hops.items())
    return f"""## The path of a request

One client, milliseconds, medians over 5 interleaved rounds; in brackets, times the engine in process.

| way | {head} |
|---|{"---|" * len(names)}
{totals}

Where each millisecond of the local stack goes. On AWS the first three rows are AWS's own hops instead.

| hop | {" | ".join(names)} |
|---|{"---|" * len(names)}
{parts}
"""


def _hops(ways: dict[str, Steps]) -> Steps:
    stack, server = ways[STACK], ways[SERVER]
    container = stack["decode"] + stack["inference"] + stack["encode"]
    server_http = server["total"] - server["decode"] - server["inference"] - server["encode"]
    return {
        "gateway: HTTP, key, event, process hand-over": stack["total"] - stack["function"],
        "function: the proxy's own work": stack["function"] - stack["sagemaker"],
        "boto, SageMaker runtime emulation": stack["sagemaker"] - container - server_http,
        "model server: HTTP, queue, JSON": server_http,
        "decode: JPEG to input": stack["decode"],
        "inference": stack["inference"],
        "encode: rank and write": stack["encode"],
        "total": stack["total"],
    }


def _totals(measured: dict[str, dict[str, Steps]], way: str) -> str:
    cells = []
    for ways in measured.values():
        total = ways[way]["total"]
        cells.append(f"{total:.1f} ({total / ways[IN_PROCESS]['total']:.2f})")
    return " | ".join(cells)


def _ratios(seconds: dict[str, float], ratio: Callable[[float, float], float]) -> str:
    baseline = next(iter(seconds.values()))
    return "\n".join(f"| {name} | {taken:.2f} | {ratio(taken, baseline):.2f} |" for name, taken in seconds.items())


def page(tables: Sequence[str], machine: str) -> str:
    """docs/performance.md."""
    return f"""<!-- Made by `make bench`; edit experiments/performance instead. -->

# Performance

Measured {datetime.now(UTC):%Y-%m-%d} on this machine: {machine}. It is shared and noisy; the
ratios, each from one run, say more than the times. No figure here was measured on AWS.

{chr(10).join(tables)}
{_PROFILE}
{_LEVERS}
## The proxy's cold import

`python -X importtime -c "import lambda_handlers.proxy.runtime"` on the same kind of machine: about 150 ms, of which
botocore is 120. A router (aws-lambda-powertools 3.37.0, `event_handler`) would add 112 ms, after API Gateway
has already routed; so the proxy is the standard library and botocore alone, and logs JSON through Lambda's own setting.
"""
