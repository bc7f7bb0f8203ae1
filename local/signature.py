"""Signature Version 4, checked as API Gateway does: by whom, of this very request, and when.

botocore, which signs for boto3, says what the signature has to be. One in the query (a presigned address) is not read.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, NamedTuple

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest, HTTPHeaders
from botocore.credentials import Credentials
from starlette.requests import Request

from local.refused import Refused
from local.template import REGION

SERVICE = "execute-api"
MOST_OFF = timedelta(minutes=5)

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<id>\w+)/(?P<date>\d{8})/(?P<region>[\w-]+)/(?P<service>[\w-]+)/aws4_request,"
    r" *SignedHeaders=(?P<headers>[\w;-]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_ALWAYS_SIGNED = {"host", "x-amz-date"}


class AccessKey(NamedTuple):
    """The two halves of AWS credentials."""

    id: str
    secret: str


def check_signature(request: Request, body: bytes, key: AccessKey) -> None:
    """Raises Refused unless whoever has `key` signed this request just now."""
    header = request.headers.get("authorization")
    if header is None:
        raise Refused("MISSING_AUTHENTICATION_TOKEN")
    given = _AUTHORIZATION.fullmatch(header.strip())
    if given is None:
        raise Refused("INVALID_SIGNATURE")
    if given["id"] != key.id:
        raise Refused("ACCESS_DENIED")
    names, stamp = given["headers"].split(";"), request.headers.get("x-amz-date", "")
    scope = stamp[:8], REGION, SERVICE
    is_whole = (
        _ALWAYS_SIGNED <= set(names) <= set(request.headers.keys())
        and (given["date"], given["region"], given["service"]) == scope
    )
    if not (is_whole and _is_now(stamp) and _is_digest(request.headers.get("x-amz-content-sha256"), body)):
        raise Refused("INVALID_SIGNATURE")
    if not secrets.compare_digest(_signature(request, body, key, names, stamp), given["signature"]):
        raise Refused("INVALID_SIGNATURE")


def _is_now(stamp: str) -> bool:
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - signed_at) <= MOST_OFF


def _is_digest(claimed: str | None, body: bytes) -> bool:
    """botocore takes such a header at its word."""
    return claimed is None or claimed == sha256(body).hexdigest()


def _signature(request: Request, body: bytes, key: AccessKey, names: Sequence[str], stamp: str) -> str:
    path, query = (request.scope[part].decode("latin-1") for part in ("raw_path", "query_string"))
    url = f"http://{request.headers['host']}{path}" + (f"?{query}" if query else "")
    headers = {name: ",".join(request.headers.getlist(name)) for name in names}
    asked = AWSRequest(request.method, url, headers, body)
    asked.context["timestamp"] = stamp
    auth = _AsSigned(Credentials(*key), SERVICE, REGION)
    signature: str = auth.signature(auth.string_to_sign(asked, auth.canonical_request(asked)), asked)
    return signature


class _AsSigned(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """Of the headers that the caller chose, not those that botocore would."""

    def headers_to_sign(self, request: Any) -> Any:
        """All of `request`, which has no others."""
        chosen = HTTPHeaders()
        for name, value in request.headers.items():
            chosen[name] = value
        return chosen
