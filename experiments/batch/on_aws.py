"""A batch with `--target aws`: a job, a wait with progress, and the rows of what it wrote."""

import argparse
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from experiments.batch.errors import TransformFault
from experiments.batch.output import Output
from experiments.batch.rows import Row
from experiments.batch.transform import Prefix, Transform
from models.registry import Model


def rows_of_job(model: Model, options: argparse.Namespace, output: Output) -> Iterator[Row]:
    """The rows that `output` has not. Raises BatchError; a job that nobody waits for any more is stopped."""
    try:
        yield from _rows(Transform(model, Prefix.read(options.input), options.strategy), options.endpoint, output)
    except ClientError as error:
        raise TransformFault(f"AWS refuses {error.operation_name}: {error.response['Error']['Message']}") from error
    except BotoCoreError as error:
        raise TransformFault(f"AWS cannot be asked: {error}") from error


def _rows(transform: Transform, endpoint: str, output: Output) -> Iterator[Row]:
    left = [name for name in transform.names if name not in output.names]
    if not left:
        return
    transform.start(endpoint, left)
    failed: TransformFault | None = None
    with tqdm(total=len(left), unit=" objects", desc=transform.job) as bar:
        try:
            transform.wait(lambda done: bar.update(done - bar.n))
        except TransformFault as error:
            failed = error
        except KeyboardInterrupt:
            transform.stop()
            raise
    written = 0
    for row in transform.rows(left):
        written += 1
        if row.name not in output.names:
            yield row
    if failed:
        raise failed
    if not written:
        raise TransformFault(f"{transform.job}: is Completed, but nothing is below {transform.target.address}answers/")
