"""`python -m monitoring baseline | check | plot`: makes a baseline, compares what was captured with it, draws that."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitoring.baseline import make_baseline, read_baseline
from monitoring.capture import read_captured
from monitoring.drift import compare, metric_line
from monitoring.errors import MonitoringError
from monitoring.plot import draw


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 when it is written, whatever has moved: the alarm's to say. 1 with one clear line otherwise."""
    options = _options(arguments)
    try:
        options.run(options)
    except MonitoringError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _baseline(options: argparse.Namespace) -> None:
    content = make_baseline(options.pictures, options.rows)
    options.out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"{options.out}: {content['pictures']} pictures of {content['model']} {content['version']}")


def _check(options: argparse.Namespace) -> None:
    baseline = read_baseline(options.baseline)
    captured = read_captured(options.captured, datetime.now(UTC) - timedelta(days=options.days))
    drift = compare(baseline, captured)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(drift, indent=1) + "\n", encoding="utf-8")
    for name, feature in drift["features"].items():
        print(f"{name:10} {feature['psi']:8.4f}  {feature['verdict']}")
    print(metric_line(drift, options.namespace, options.endpoint), flush=True)


def _plot(options: argparse.Namespace) -> None:
    print(draw(json.loads(options.drift.read_text(encoding="utf-8")), options.out))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m monitoring", description=__doc__)
    commands = parser.add_subparsers(required=True)
    baseline = commands.add_parser("baseline", help="of training pictures and the rows of a batch of them")
    baseline.add_argument("pictures", type=Path, help="the folder that was scored")
    baseline.add_argument("rows", type=Path, help="what `python -m experiments.batch --format jsonl` wrote of it")
    baseline.add_argument("--out", type=Path, default=Path("baseline.json"))
    baseline.set_defaults(run=_baseline)
    check = commands.add_parser("check", help="what was captured against a baseline")
    check.add_argument("captured", type=Path, help="a folder of SageMaker's captured lines, with all below it")
    check.add_argument("--baseline", type=Path, required=True)
    check.add_argument("--days", type=float, default=7.0, help="how far back (7)")
    check.add_argument("--out", type=Path, default=Path("drift.json"))
    check.add_argument("--namespace", default="Fovea/local", help="of the metric (Fovea/local)")
    check.add_argument("--endpoint", default="local", help="the metric's dimension (local)")
    check.set_defaults(run=_check)
    plot = commands.add_parser("plot", help="a picture of drift.json")
    plot.add_argument("drift", type=Path)
    plot.add_argument("--out", type=Path, default=Path("drift.png"))
    plot.set_defaults(run=_plot)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
