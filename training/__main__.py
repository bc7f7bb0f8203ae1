"""`python -m training train`: what SageMaker starts in a training image.

    docker run -v FOLDER:/opt/ml IMAGE train

An evaluation there is `python -m training.evaluation`, as a processing job's ContainerEntrypoint says.
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


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 with a model, 143 when interrupted, else 1 with the reason in output/failure."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("verb", choices=["train"], help="what SageMaker says")
    model = Path(os.environ.get(FOLDER_VARIABLE, "")).name.replace("_", "-")
    parser.add_argument("--model", default=model, help=f"one with a train.py (that of ${FOLDER_VARIABLE}, in an image)")
    parser.add_argument("--root", type=Path, default=OptMl().root, help="SageMaker's folders (%(default)s)")
    given = parser.parse_args(arguments)
    return run(given.model, OptMl(given.root))


if __name__ == "__main__":
    raise SystemExit(main())
