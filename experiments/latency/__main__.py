"""`python -m experiments.latency MODEL`: how fast its endpoints answer, cold, warm and under load, and where time goes.

Against a local run that it starts, or with `--target aws` against a deployed stage. There, cold starts are brought
about by updates of the endpoints' configurations, which are undone in the end, or with `--cold-by idle` by waiting.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import boto3

from experiments.arguments import address, positive
from experiments.client.caller import Caller, NoCredentials
from experiments.latency.aws import IDLE_MINUTES, AwsTarget, api_url, aws_refusals
from experiments.latency.errors import BadChoice, LatencyError
from experiments.latency.experiment import answering, answering_endpoints, experiment
from experiments.latency.plan import add_plan, plan_of
from experiments.latency.run import read_run
from experiments.latency.tables import tables
from experiments.latency.targets import Target, local_target
from models.registry import ROOT, Model, load_models
from models.spec import SpecError

RESULTS = ROOT / ".cache" / "experiments"
STOPPED = 130  # as a shell says of Ctrl-C

_tell: Callable[[str], None] = partial(print, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 once each endpoint is measured, 1 with one clear line otherwise, 130 after Ctrl-C."""
    options = _options(arguments)
    try:
        _measure(options)
    except (LatencyError, SpecError, NoCredentials) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'the results'}: {error.strerror}; give another --out", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; of the endpoint that was being measured nothing is written", file=sys.stderr)
        return STOPPED
    return 0


def _measure(options: argparse.Namespace) -> None:
    model = _chosen(options.model)
    endpoints = list(dict.fromkeys(options.endpoint)) or answering_endpoints(model)
    for endpoint in endpoints:
        answering(model, endpoint)
    plan = plan_of(options)
    out = options.out or RESULTS / model.spec.name
    out.mkdir(parents=True, exist_ok=True)  # what cannot be written is told before it is measured
    with _local_target(options) if options.target == "local" else _aws_target(options) as target:
        for endpoint in endpoints:
            _tell(f"\n{model.spec.name} {endpoint}")
            experiment(target, model, endpoint, options.image, plan, out / endpoint, _tell)
            _tell(f"\n{tables(read_run(out / endpoint)[1])}\n\n{out / endpoint}: requests.csv and run.json")


def _chosen(name: str) -> Model:
    models = {model.spec.name: model for model in load_models()}
    if name not in models:
        raise BadChoice(f"{name}: no such model; choose one of {', '.join(models)}")
    return models[name]


@contextmanager
def _local_target(options: argparse.Namespace) -> Iterator[Target]:
    _tell("starting the local run …")
    with local_target(emulate=options.emulate) as target:
        yield target


@contextmanager
def _aws_target(options: argparse.Namespace) -> Iterator[Target]:
    with aws_refusals():
        session = boto3.Session()
    url = options.url or api_url(session, options.stage)
    caller = Caller(url, key=options.key, signs=options.sign)
    minutes = options.idle_minutes
    asked = AwsTarget(caller, options.stage, session, cold_by=options.cold_by, idle_minutes=minutes, say=_tell)
    with closing(asked) as target:
        yield target


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.latency", description=__doc__)
    parser.add_argument("model", help="its name in the registry, such as face-mask")
    parser.add_argument("--endpoint", action="append", default=[], help="this one alone; may be given again (all)")
    add_plan(parser)
    parser.add_argument("--out", type=Path, help="the folder, with one for each endpoint (.cache/experiments/MODEL)")
    parser.add_argument("--target", choices=("local", "aws"), default="local", help="what is measured (local)")
    parser.add_argument(
        "--emulate", action="store_true", help="hold each server to the memory and processors that it has in AWS"
    )
    aws = parser.add_argument_group("with --target aws")
    aws.add_argument("--stage", default="dev", help="the deployed stage (dev)")
    aws.add_argument("--url", type=address, help="of its API (the output ApiUrl of its stack)")
    aws.add_argument("--key", help="an API key")
    aws.add_argument("--sign", action="store_true", help="sign with the AWS credentials of the environment (SigV4)")
    aws.add_argument("--cold-by", choices=("update", "idle"), default="update", help="how to make it cold (update)")
    aws.add_argument("--idle-minutes", type=positive, default=IDLE_MINUTES, help=f"for idle ({IDLE_MINUTES:g})")
    options = parser.parse_args(arguments)
    if options.target == "aws" and options.emulate:
        parser.error("--emulate is for a local run: AWS's endpoints have what AWS gives them")
    if options.target == "local" and (options.url or options.key or options.sign):
        parser.error("--url, --key and --sign are of a deployed stage: give --target aws too")
    return options


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what was changed in AWS is changed back
    raise SystemExit(main())
