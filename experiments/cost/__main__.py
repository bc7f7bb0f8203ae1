"""`python -m experiments.cost`: what every endpoint of a stage costs a month, and where one kind overtakes another."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from docs.sections import replace_section
from experiments.arguments import positive, positives
from experiments.cost.plot import draw
from experiments.cost.prices import FILE, PriceTableFault, read_prices
from experiments.cost.report import Bill, break_even_section, month_section, not_counted_section
from experiments.cost.request import BODY_BYTES, measurements
from experiments.cost.stage import archive_bytes, as_deployed, read_around, served
from local.synth import SynthFailed, synthesize
from models.registry import ROOT, Model, load_models
from models.spec import SpecError

PAGE, PLOT = ROOT / "docs" / "cost.md", ROOT / "docs" / "cost.png"
RATES = (100.0, 1_000.0, 10_000.0, 100_000.0)


class UnknownModel(Exception):
    """`--model` names none; the message lists those there are."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with the tables printed, 1 with one clear line otherwise."""
    options = _options(arguments)
    try:
        bill = _bill(options)
        print("\n".join(sections_of(bill)), flush=True)
        _keep(bill, options)
    except (SynthFailed, SpecError, PriceTableFault, UnknownModel) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _keep(bill: Bill, options: argparse.Namespace) -> None:
    if options.docs:
        for section in sections_of(bill):
            replace_section(section, PAGE)
        draw(bill.endpoints, bill.prices, PLOT)
    if options.plot is not None:
        draw(bill.endpoints, bill.prices, options.plot)


def sections_of(bill: Bill) -> Sequence[str]:
    """Those of docs/cost.md, in its order."""
    return month_section(bill), break_even_section(bill), not_counted_section(bill)


def _bill(options: argparse.Namespace) -> Bill:
    """Raises SynthFailed, SpecError, PriceTableFault, UnknownModel."""
    prices, models = read_prices(options.prices), _chosen(options.model)
    stage = options.stage or ("prod" if options.docs else "dev")
    with TemporaryDirectory(prefix="fovea-cost-") as folder:
        assembly = synthesize(stage, Path(folder))
        around = read_around(assembly)
        endpoints = as_deployed(served(models, measurements(), options.kilobytes_per_request * 1000), assembly)
    if options.seconds_per_request is not None:
        given = options.seconds_per_request
        endpoints = [replace(each, request=replace(each.request, seconds=given, source="given")) for each in endpoints]
    return Bill(stage, endpoints, around, archive_bytes(models), options.requests_per_day, prices)


def _chosen(name: str | None) -> Sequence[Model]:
    models = load_models()
    chosen = [model for model in models if name in (None, model.spec.name)]
    if not chosen:
        names = ", ".join(model.spec.name for model in models)
        raise UnknownModel(f"--model {name}: no such model; choose one of {names}")
    return chosen


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.cost", description=__doc__)
    parser.add_argument("--stage", help="the stage to synthesize and price (dev; prod for --docs)")
    parser.add_argument("--model", help="this model's endpoints alone; alarms and dashboard stay the stage's")
    parser.add_argument(
        "--requests-per-day",
        type=positives,
        default=RATES,
        help="of each endpoint, several with commas (100,1000,10000,…)",
    )
    parser.add_argument("--seconds-per-request", type=positive, help="instead of the measured time of each model")
    parser.add_argument(
        "--kilobytes-per-request", type=positive, default=BODY_BYTES / 1000, help=f"({BODY_BYTES / 1000:g})"
    )
    parser.add_argument("--prices", type=Path, default=FILE, help="another price table")
    parser.add_argument("--plot", type=Path, help="draw the costs to this file")
    parser.add_argument("--docs", action="store_true", help="write docs/cost.md's tables and docs/cost.png")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
