"""`python -m training train` and `evaluate`: what SageMaker starts in a training image, as either kind of job.

docker run -v FOLDER:/opt/ml IMAGE train
docker run -v FOLDER:/opt/ml/processing IMAGE evaluate --candidate … --data … --out …
"""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from training.opt_ml import OptMl
from training.run import run

FOLDER_VARIABLE = "TRAINING_MODEL"
"""The model's folder, which each image names."""


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0 with a result, 143 when a training was interrupted, else 1 with the reason told."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    verb, *rest = arguments or [""]
    if verb == "evaluate":
        from training.evaluation.__main__ import main as evaluate  # noqa: PLC0415 takes a second that a training saves

        return evaluate(rest)
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", choices=["train", "evaluate"], help="`evaluate --help` has the options of that one")
    model = Path(os.environ.get(FOLDER_VARIABLE, "")).name.replace("_", "-")
    parser.add_argument("--model", default=model, help=f"one with a train.py (that of ${FOLDER_VARIABLE}, in an image)")
    parser.add_argument("--root", type=Path, default=OptMl().root, help="SageMaker's folders (%(default)s)")
    given = parser.parse_args(arguments)
    return run(given.model, OptMl(given.root))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
