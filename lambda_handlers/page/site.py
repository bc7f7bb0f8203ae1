"""The page's bucket and the distribution in front of it, as the few verbs that a deployment needs."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

CONFIG = "config.json"
"""The one file that is not of the package: only the API's stack knows what is in it."""
MANIFEST = "site.json"  # path on the page -> content type and cache control
FILES = "site"

_READ_S, _ATTEMPTS = 20, 4


@dataclass(frozen=True)
class Site:
    """Where the page is: `package` has its files, `bucket` will."""

    package: Path
    bucket: str
    distribution: str

    @cached_property
    def _s3(self) -> Any:
        return _client("s3")

    def publish(self, request_id: str) -> None:
        """Exactly the files of the package, beside the configuration."""
        files = json.loads((self.package / MANIFEST).read_bytes())
        for key, sent_with in files.items():
            self._put(key, (self.package / FILES / key).read_bytes(), sent_with["type"], sent_with["cache"])
        self._delete(keep={*files, CONFIG})
        self._invalidate(request_id)

    def configure(self, config: Any, request_id: str) -> None:
        """Tells the page where the API is and what it asks for."""
        self._put(CONFIG, json.dumps(config, ensure_ascii=False).encode(), "application/json", "no-cache")
        self._invalidate(request_id)

    def forget_configuration(self) -> None:
        """The API goes; the page, which may stay, finds no address."""
        self._s3.delete_object(Bucket=self.bucket, Key=CONFIG)

    def empty(self) -> None:
        """So that CloudFormation can delete the bucket."""
        self._delete(keep=set())

    def _put(self, key: str, content: bytes, kind: str, cache: str) -> None:
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=content, ContentType=kind, CacheControl=cache)

    def _delete(self, keep: set[str]) -> None:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for found in page.get("Contents", []):
                if found["Key"] not in keep:
                    self._s3.delete_object(Bucket=self.bucket, Key=found["Key"])

    def _invalidate(self, request_id: str) -> None:
        """What CloudFront still has is asked for anew. One path, whatever it matches: 1000 of a month are free."""
        paths = {"Quantity": 1, "Items": ["/*"]}
        _client("cloudfront").create_invalidation(
            DistributionId=self.distribution,
            InvalidationBatch={"Paths": paths, "CallerReference": request_id},  # again: the same one, not another
        )


def _client(service: str) -> Any:
    config = Config(
        connect_timeout=2, read_timeout=_READ_S, retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}
    )
    return botocore.session.get_session().create_client(service, config=config)
