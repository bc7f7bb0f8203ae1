"""A batch with `--target local`: the model's server here, and the rows of what it answers."""

import argparse
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

from tqdm import tqdm

from experiments.batch.inputs import names_in
from experiments.batch.output import Output
from experiments.batch.rows import Row
from experiments.batch.score import IN_FLIGHT, Scorer
from experiments.batch.server import running, serving
from models.registry import Model


def rows_of_folder(model: Model, options: argparse.Namespace, output: Output) -> Iterator[Row]:
    """The rows that `output` has not. Raises BatchError."""
    folder = Path(options.input)
    names = names_in(folder, model.spec.model.task)
    left = [name for name in names if name not in output.names]
    if not left:
        return
    in_flight = IN_FLIGHT + (0 if options.url else os.cpu_count() or 1)
    with (
        nullcontext(running(options.url)) if options.url else serving(model) as url,
        tqdm(total=len(names), initial=len(names) - len(left), unit=" images", smoothing=0) as bar,
    ):
        for row in Scorer(url, folder, model, in_flight).rows(left):
            yield row
            bar.update()
