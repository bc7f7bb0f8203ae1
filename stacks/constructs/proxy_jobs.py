"""What the proxy needs for uploads and jobs, besides the endpoints: the buckets' names, and what it may do there."""

from collections.abc import Iterator, Sequence

from models.registry import Model
from stacks.constructs.role import Statement
from stacks.naming import PARTITION, inputs_bucket, results_bucket
from stacks.stage import Stage

RECORDS = "jobs"  # no model's name, since it is a stack's


def buckets(stage: Stage) -> dict[str, str]:
    """The function's environment."""
    return {"INPUTS_BUCKET": inputs_bucket(stage), "RESULTS_BUCKET": results_bucket(stage)}


def keeping_jobs(models: Sequence[Model], stage: Stage) -> Iterator[Statement]:
    """For `models`: to let clients upload and see what came, to read results, to keep records.

    Without ListBucket S3 answers 403 for what is not there; a GET has no prefix to bind it to.
    """
    if not models:
        return
    inputs, results = (f"arn:{PARTITION}:s3:::{name}" for name in buckets(stage).values())
    names = [model.spec.name for model in models]
    keep = ["s3:PutObject", "s3:GetObject"]
    yield {"Action": keep, "Resource": [*(f"{inputs}/{name}/*" for name in names), f"{results}/{RECORDS}/*"]}
    yield {"Action": "s3:GetObject", "Resource": [f"{results}/{name}/*" for name in names]}
    yield {"Action": "s3:ListBucket", "Resource": [inputs, results]}
