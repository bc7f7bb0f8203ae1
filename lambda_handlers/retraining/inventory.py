"""What is trained on: every object of the data, as one hash, so that a model's entry in the registry says it.

An S3 ETag names an object's content: the hash of all keys, sizes and ETags is that of the data, without reading them.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from lambda_handlers.retraining.aws import client
from lambda_handlers.retraining.settings import settings

PLACEHOLDER = "/"  # ends the key of what a console calls a folder


class NoData(Exception):
    """A folder of the data holds nothing."""


def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """`uri`, `sha256`, `objects` and `bytes` of the data below the event's `prefix`. Raises NoData."""
    bucket, prefix = os.environ["TRAINING_BUCKET"], event["prefix"]
    s3, digest, objects, size = client("s3"), hashlib.sha256(), 0, 0
    for folder in settings().folders:
        found = 0
        for key, bytes_, etag in _listed(s3, bucket, f"{prefix}{folder}/"):
            digest.update(f"{key.removeprefix(prefix)}\0{bytes_}\0{etag}\n".encode())
            found, size = found + 1, size + bytes_
        if not found:
            raise NoData(f"s3://{bucket}/{prefix}{folder}/ holds no object; upload the examples there")
        objects += found
    return {"uri": f"s3://{bucket}/{prefix}", "sha256": digest.hexdigest(), "objects": objects, "bytes": size}


def _listed(s3: Any, bucket: str, prefix: str) -> Iterator[tuple[str, int, str]]:
    """Key, size and ETag of each object, in the order of their keys."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            if not found["Key"].endswith(PLACEHOLDER):
                yield found["Key"], found["Size"], found["ETag"]
