"""S3 as the few verbs that uploads and jobs need; no byte of what S3 says of an error is passed on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from contract.errors import InternalError, ModelNotDeployed, StorageUnavailable
from contract.limits import JOBS, TIMEOUTS
from contract.media import JSON
from lambda_handlers.proxy.aws import client, code_of
from lambda_handlers.proxy.settings import Buckets

_ABSENT = frozenset({"NoSuchKey", "404"})  # a HEAD has no body to name the error in
_LOST = frozenset({"PreconditionFailed", "ConditionalRequestConflict", *_ABSENT})  # absent: gone, so not as it was
_LATER = frozenset(
    {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "OperationAborted", "500", "503"}
)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What a client has uploaded."""

    size: int
    content_type: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was read, which `etag` stands for; `content` is None where it is too large for an answer."""

    content: bytes | None
    etag: str


class Storage:
    """The bucket of uploads and the bucket of results."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets

    @cached_property
    def client(self) -> Any:
        """Made for the first upload or job. Presigned addresses name the region: no redirect, and any partition."""
        return client(
            "s3",
            read_s=TIMEOUTS.storage_read_s,
            attempts=2,
            signature_version="s3v4",
            s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
        )

    def form(self, key: str, content_type: str, max_bytes: int) -> Mapping[str, Any]:
        """The url and the fields of a form with which anybody can upload this one object, of this type and size."""
        form: Mapping[str, Any] = self.client.generate_presigned_post(
            self._buckets.inputs,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[["eq", "$Content-Type", content_type], ["content-length-range", 1, max_bytes]],
            ExpiresIn=JOBS.upload_s,
        )
        return form

    def uploaded(self, key: str) -> Uploaded | None:
        """What is at `key` of the uploads."""
        with _translated():
            try:
                found = self.client.head_object(Bucket=self._buckets.inputs, Key=key)
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
        return Uploaded(found["ContentLength"], found.get("ContentType", ""))

    def upload_uri(self, key: str) -> str:
        """Where SageMaker finds an upload."""
        return f"s3://{self._buckets.inputs}/{key}"

    def result_key(self, uri: str) -> str:
        """The key of `s3://<results>/key`, which is the only bucket that we read results from."""
        key = uri.removeprefix(f"s3://{self._buckets.results}/")
        if key == uri:
            raise InternalError
        return key

    def read(self, key: str) -> Stored | None:
        """What is at `key` of the results."""
        with _translated():
            try:
                found = self.client.get_object(Bucket=self._buckets.results, Key=key)
            except ClientError as error:
                if code_of(error) in _ABSENT:
                    return None
                raise
            with found["Body"] as body:
                content = body.read() if found["ContentLength"] <= JOBS.inline_result_bytes else None
        return Stored(content, found["ETag"])

    def link(self, key: str, content_type: str) -> str:
        """An address from which anybody can fetch one result for some minutes."""
        asked = {"Bucket": self._buckets.results, "Key": key, "ResponseContentType": content_type}
        link: str = self.client.generate_presigned_url("get_object", asked, ExpiresIn=JOBS.link_s)
        return link

    def write(self, key: str, content: bytes) -> None:
        """Keeps `content` at `key` of the results, whatever was there."""
        with _translated():
            self.client.put_object(Bucket=self._buckets.results, Key=key, Body=content, ContentType=JSON)

    def write_if(self, key: str, content: bytes, was: Stored | None) -> bool:
        """The same, when there is still what `was` read there, or nothing; otherwise False."""
        condition = {"IfMatch": was.etag} if was else {"IfNoneMatch": "*"}
        with _translated():
            try:
                self.client.put_object(
                    Bucket=self._buckets.results, Key=key, Body=content, ContentType=JSON, **condition
                )
            except ClientError as error:
                if code_of(error) in _LOST:
                    return False
                raise
        return True


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        kind = ModelNotDeployed if code_of(error) == "NoSuchBucket" else InternalError
        raise (StorageUnavailable if code_of(error) in _LATER else kind) from error
    except (HTTPClientError, NoConnection) as error:
        raise StorageUnavailable from error
    except BotoCoreError as error:
        raise InternalError from error
