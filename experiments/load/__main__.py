"""`python -m experiments.load --rate 50 --minutes 10`: all models of a local run at once, asked on a schedule.

Requests are drawn from a mix (experiments/load/mix.toml) and come when they are due, whatever became of those before.
With --shape, the minutes pass through a whole day of that file, and --rate is the day's mean. Kept below --out:
requests.csv, a row for each; load.json, what was asked of which machine; load.md, the tables; load.png.
"""

import argparse
import asyncio
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from pathlib import Path
from random import Random

from docs.sections import replace_section
from experiments.arguments import positive
from experiments.client.arrivals import STEADY, Shape, ShapeFault, arrivals, read_shape
from experiments.client.call import Call
from experiments.client.caller import Caller
from experiments.client.loops import closed_loop, open_loop
from experiments.client.percentiles import percentile
from experiments.client.sample import Sample, write_samples
from experiments.latency.errors import LatencyError
from experiments.latency.first_answers import first_answers
from experiments.latency.run import environment, now
from experiments.latency.targets import measured
from experiments.load import mix as mixes
from experiments.load.figures import tables
from experiments.load.parts import watched
from experiments.load.plot import draw
from local.function import MAX_CONCURRENCY
from models.registry import ROOT, load_models
from models.spec import SpecError

OUT, PAGE = ROOT / ".cache" / "experiments" / "load", ROOT / "docs" / "experiments.md"
LINE_EVERY_S = 5.0
_tell = partial(print, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with the tables printed and kept, 1 with one clear line otherwise."""
    options = _options(arguments)
    try:
        shape = read_shape(options.shape) if options.shape else STEADY
        mix = mixes.read_mix(options.mix, load_models())
        options.out.mkdir(parents=True, exist_ok=True)
        _tell("Starting the local run …")
        with measured(options.out / "state") as local:
            _load(Caller(local.url, key=local.key), local.runtime_url, mix, shape, options)
    except (ShapeFault, mixes.MixFault, SpecError, LatencyError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _load(caller: Caller, runtime_url: str, mix: mixes.Mix, shape: Shape, options: argparse.Namespace) -> None:
    _tell(f"Starting every endpoint: {len(mix.calls)} requests, one at a time …")
    asyncio.run(_warm_up(caller, mix.calls))
    random, seconds = Random(options.seed), options.minutes * 60  # noqa: S311 no secret
    moments = list(arrivals(options.rate, seconds, random, shape))
    _tell(f"{len(moments):,} requests in {options.minutes:g} minutes, {shape.name}; Ctrl-C ends it sooner")
    samples: list[Sample] = []
    began = now()
    with watched(runtime_url) as parts:
        started = time.perf_counter()
        try:
            calls, seen = mix.drawn(random), _progress(samples)
            asyncio.run(open_loop(caller, calls, moments, options.rate, seen))
        except KeyboardInterrupt:
            seconds = min(seconds, time.perf_counter() - started)
            _tell("\nEnded before its time.")
    report = tables(samples, parts, seconds)
    _tell(f"\n{report}\n\nKept in {options.out}")
    about = {"started": began, "seconds": seconds, "rate": options.rate, "shape": shape.name, "seed": options.seed}
    write_samples(samples, options.out / "requests.csv")
    (options.out / "load.json").write_text(json.dumps(about | {"environment": environment()}, indent=1) + "\n")
    (options.out / "load.md").write_text(report + "\n", encoding="utf-8")
    title = f"{options.rate:g} requests a second, {shape.name}, at a local run of every model"
    plot = draw(samples, parts, seconds, title, options.out / "load.png")
    if options.docs:
        shutil.copy(plot, PAGE.with_name("load.png"))
        replace_section(_section(options, report), PAGE)


def _section(options: argparse.Namespace, report: str) -> str:
    command = f"python -m experiments.load --rate {options.rate:g} --minutes {options.minutes:g}"
    return f"""## The last load

`{command}` on {now()[:10]}, {environment()["cores"]} cores that both answer and ask:

{report}

![Requests, times, memory and cores over the time of the load](load.png)
"""


async def _warm_up(caller: Caller, calls: Sequence[Call]) -> None:
    """Every endpoint and every proxy has started when it begins. Raises LatencyError where one gives no prediction."""
    await first_answers(caller, calls, _tell)
    await closed_loop(caller, repeat(calls[0]), MAX_CONCURRENCY, MAX_CONCURRENCY)


def _progress(samples: list[Sample]) -> Callable[[Sample], None]:
    recent: list[Sample] = []
    said = time.monotonic()

    def seen(sample: Sample) -> None:
        nonlocal said
        samples.append(sample)
        recent.append(sample)
        if time.monotonic() - said >= LINE_EVERY_S:
            good = [each.total_ms for each in recent if each.is_good]
            spread = f"p50 {percentile(good, 50):.0f} ms, p99 {percentile(good, 99):.0f} ms" if good else "none good"
            bad = sum(not each.is_good for each in samples)
            _tell(f"{sample.due_s:6.0f} s  {len(samples):,} answers, {spread}, {bad} without a prediction")
            recent.clear()
            said = time.monotonic()

    return seen


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.load", description=__doc__)
    parser.add_argument("--rate", type=positive, default=20.0, help="requests a second, in the mean (20)")
    parser.add_argument("--minutes", type=positive, default=2.0, help="how long (2)")
    parser.add_argument("--mix", type=Path, default=mixes.FILE, help="what is asked (experiments/load/mix.toml)")
    parser.add_argument("--shape", type=Path, help="a day's traffic, such as experiments/client/day.toml (steady)")
    parser.add_argument("--seed", type=int, default=0, help="of what comes when (0)")
    parser.add_argument(
        "--out", type=Path, default=OUT, help="a folder for what was measured (.cache/experiments/load)"
    )
    parser.add_argument("--docs", action="store_true", help="keep tables and plot in docs/experiments.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
