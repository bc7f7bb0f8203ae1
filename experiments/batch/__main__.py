"""`python -m experiments.batch MODEL INPUT --out FILE`: a row for each picture, its prediction or its error code.

INPUT is a folder, scored by the model's server on this machine, or with `--target aws` an s3:// prefix, scored by a
SageMaker Batch Transform of the deployed model. The same command again goes on where the last run ended.
"""

import argparse
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from experiments.batch.errors import BatchError
from experiments.batch.on_aws import rows_of_job
from experiments.batch.on_this_machine import rows_of_folder
from experiments.batch.output import Output
from experiments.batch.rows import FORMATS, OK
from experiments.batch.transform import LINES, STRATEGIES
from models.registry import Model, load_models
from models.spec import SpecError

STOPPED = 130  # as a shell says of Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 once there is a row for each picture, 1 with one clear line otherwise, 130 after Ctrl-C."""
    options = _options(arguments)
    try:
        print(_score(_chosen(options.model), options), flush=True)
    except (BatchError, SpecError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped; the same command goes on after the last row of {options.out}", file=sys.stderr)
        return STOPPED
    return 0


def _score(model: Model, options: argparse.Namespace) -> str:
    """What was done, in a line. Raises BatchError."""
    rows, statuses = rows_of_job if options.target == "aws" else rows_of_folder, Counter[str]()
    with closing(Output(options.out, FORMATS[options.format](model), model)) as output:
        for row in rows(model, options, output):
            output.write(row)
            statuses[row.status] += 1
    told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items(), key=lambda item: item[0] != OK))
    return f"{options.out}: {told or 'has a row for each already'}"


def _chosen(name: str) -> Model:
    models = {model.spec.name: model for model in load_models()}
    if name not in models:
        raise BatchError(f"{name}: no such model; choose one of {', '.join(models)}")
    return models[name]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.batch", description=__doc__)
    parser.add_argument("model", help="its name in the registry, such as face-mask")
    parser.add_argument("input", help="a folder of pictures, or of clips and keypoints; s3://bucket/prefix for aws")
    parser.add_argument("--out", type=Path, required=True, help="the file of rows, begun or continued")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="of the rows (csv)")
    parser.add_argument("--target", choices=("local", "aws"), default="local", help="what scores (local)")
    parser.add_argument("--endpoint", help="aws: the SageMaker endpoint whose model does, the output EndpointName")
    parser.add_argument(
        "--strategy", choices=STRATEGIES, help=f"aws, of *{LINES}: lines in a request ({STRATEGIES[0]})"
    )
    parser.add_argument("--url", help="of a model server that runs already; without it one is started here")
    options = parser.parse_args(arguments)
    if (options.target == "aws") != (options.endpoint is not None):
        parser.error("--target aws and --endpoint NAME go together")
    if options.strategy and options.target != "aws":
        parser.error("--strategy is SageMaker's: give --target aws too")
    return options


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the server does not outlive this process
    raise SystemExit(main())
