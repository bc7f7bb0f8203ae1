"""`python -m experiments.sweep MODEL --memory 1024,2048,3072 --instances ml.c7i.large,ml.g5.xlarge --functions 2048`:
the latency experiment on each of these variants, one after the other, into a folder for each.

Here, it starts a local run that holds each server to what it would have in AWS. With `--target aws` it deploys one
variant at a time, in a stage of its own, and removes everything in the end, whatever ends it; `--clean-up` does that
alone. What is measured already is left out, so the same command goes on where it was interrupted.
"""

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import boto3

from experiments.arguments import several
from experiments.client.caller import NoCredentials
from experiments.cost.prices import PriceTableFault
from experiments.latency.__main__ import RESULTS, STOPPED
from experiments.latency.aws import aws_refusals
from experiments.latency.errors import LatencyError
from experiments.latency.experiment import experiment
from experiments.latency.plan import add_plan, plan_of
from experiments.latency.targets import Target
from experiments.sweep.errors import BadVariant, SweepError
from experiments.sweep.on_aws import SIGNALS, OnAws
from experiments.sweep.on_this_machine import on_this_machine
from experiments.sweep.price import ask
from experiments.sweep.sweep import Place, left_to_measure, sweep
from experiments.sweep.variants import with_variants
from models.registry import Model, load_models
from models.spec import SpecError

LOG = "cdk.log"


def _tell(line: str) -> None:
    """To whoever listens still: a terminal that is closed must not keep what was deployed from being removed."""
    with suppress(OSError):
        print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 once each variant is measured, 1 with a line for each fault, 130 after Ctrl-C."""
    options = _options(arguments)
    try:
        faults = _clean_up(options) if options.clean_up else _sweep(options)
    except (SweepError, LatencyError, SpecError, NoCredentials, PriceTableFault) as error:
        faults = [str(error)]
    except OSError as error:
        faults = [f"{error.filename or options.out}: {error.strerror}; give another --out"]
    except KeyboardInterrupt:
        print("stopped; the same command goes on with the variant that was being measured", file=sys.stderr)
        return STOPPED
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _sweep(options: argparse.Namespace) -> list[str]:
    model = with_variants(load_models(), options.model, options.memory, options.instances, options.functions)
    plan = plan_of(options)
    folder = options.out or RESULTS / model.spec.name
    left = list(model.spec.endpoints) if options.again else left_to_measure(model, options.target, folder)
    if not left:
        _tell(f"all {len(model.spec.endpoints)} are measured already, in {folder}; --again measures them anew")
        return []

    def measure(target: Target, model: Model, variant: str, into: Path) -> None:
        experiment(target, model, variant, options.image, plan, into, _tell)

    place = _in_aws(model, left, folder, agreed=options.yes) if options.target == "aws" else _here(model)
    with place as entered:
        faults = sweep(entered, model, left, measure, folder, say=_tell)
    _tell(f"\n{len(left) - len(faults)} measured; compare them all: python -m experiments.report {folder}")
    return faults


@contextmanager
def _here(model: Model) -> Iterator[Place]:
    _tell("starting the local run …")
    with on_this_machine(model) as here:
        yield here


@contextmanager
def _in_aws(model: Model, left: Sequence[str], folder: Path, *, agreed: bool) -> Iterator[Place]:
    """Whatever ends it, nothing stays that is paid for."""
    session = _session()
    place = OnAws(session, model, folder / LOG, _tell)
    place.refuse_another()
    if not agreed:
        ask(model, left, session.region_name, sys.stdin)
    try:
        yield place
    finally:
        place.remove_everything()


def _clean_up(options: argparse.Namespace) -> list[str]:
    model = next((model for model in load_models() if model.spec.name == options.model), None)
    if model is None:
        raise BadVariant(f"{options.model}: no such model; give the one that was swept")
    folder = options.out or RESULTS / model.spec.name
    OnAws(_session(), model, folder / LOG, _tell).remove_everything()
    return []


def _session() -> boto3.Session:
    """Raises AwsFault where nobody can be asked: before anything is deployed."""
    with aws_refusals():
        session = boto3.Session()
        session.client("sagemaker")  # which needs a region
        session.client("sts").get_caller_identity()
    return session


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.sweep", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", help="its name in the registry, such as face-mask")
    parser.add_argument("--memory", type=several, default=(), help="of serverless endpoints, MB between commas")
    parser.add_argument("--instances", type=_listed, default=(), help="types of real-time endpoints, between commas")
    parser.add_argument("--functions", type=several, default=(), help="memory of Lambda functions, MB between commas")
    parser.add_argument("--target", choices=("local", "aws"), default="local", help="where they are measured (local)")
    parser.add_argument("--out", type=Path, help="the folder, with one for each variant (.cache/experiments/MODEL)")
    parser.add_argument("--again", action="store_true", help="measure anew what is measured already")
    add_plan(parser)
    aws = parser.add_argument_group("with --target aws")
    aws.add_argument("--yes", action="store_true", help="deploy without asking, whatever it costs")
    aws.add_argument("--clean-up", action="store_true", help="remove what a sweep has left, and deploy nothing")
    return parser.parse_args(arguments)


def _listed(text: str) -> Sequence[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


if __name__ == "__main__":
    for number in SIGNALS:  # as Ctrl-C: what was deployed is removed
        signal.signal(number, signal.default_int_handler)
    raise SystemExit(main())
