"""`python -m experiments.batch MODEL INPUT --out FILE`: a row for each picture, its prediction or its error code.

INPUT is a folder, scored by the model's server on this machine, or with `--target aws` an s3:// prefix, scored by a
SageMaker Batch Transform of the deployed model. The same command again goes on where the last run ended.
"""

import argparse
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, nullcontext
from pathlib import Path

from tqdm import tqdm

from experiments.batch.errors import BatchError
from experiments.batch.inputs import names_in
from experiments.batch.output import Output
from experiments.batch.rows import FORMATS, OK
from experiments.batch.score import IN_FLIGHT, Scorer
from experiments.batch.server import running, serving
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
    folder = Path(options.input)
    names, left_out = names_in(folder, model.spec.model.task)
    with closing(Output(options.out, FORMATS[options.format](model), model)) as output:
        left = [name for name in names if name not in output.names]
        others = f"; {left_out} other files left out" if left_out else ""
        if not left:
            return f"{options.out}: a row for each of {len(names)} is there already{others}"
        statuses, in_flight = Counter[str](), IN_FLIGHT + (0 if options.url else os.cpu_count() or 1)
        with (
            nullcontext(running(options.url)) if options.url else serving(model) as url,
            tqdm(total=len(names), initial=len(names) - len(left), unit=" images", smoothing=0) as bar,
        ):
            for row in Scorer(url, folder, model, in_flight).rows(left):
                output.write(row)
                statuses[row.status] += 1
                bar.update()
            rate = bar.format_dict["n"] - bar.format_dict["initial"], bar.format_dict["elapsed"]
    told = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items(), key=lambda item: item[0] != OK))
    return f"{options.out}: {told}; {rate[0] / rate[1]:.1f} images/s{others}"


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
    parser.add_argument("--url", help="of a model server that runs already; without it one is started here")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the server does not outlive this process
    raise SystemExit(main())
