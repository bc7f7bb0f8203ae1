"""A browser's upload to S3, by a form with a signed policy: what S3 asks of it, and how it refuses (moto asks nothing).

Amazon S3 API reference, "Browser-based uploads using POST": "POST policy" and "Calculating a signature".
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_BOUNDARY = re.compile(r'multipart/form-data\s*;.*\bboundary="?([^";]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'content-disposition:[^\r\n]*[;\s]name="([^"\r\n]*)"', re.IGNORECASE)
_NEEDS_NO_CONDITION = {"policy", "x-amz-signature", "file", "bucket"}
_HELD: dict[str, Callable[[str, str], bool]] = {"eq": str.__eq__, "starts-with": str.startswith}


class S3Refusal(Exception):
    """What S3 answers instead: a status, a code, a message, and elements of its own."""

    def __init__(self, status: int, code: str, message: str, **elements: object) -> None:
        super().__init__(message)
        self.status, self.code, self.elements = status, code, elements


@dataclass(frozen=True, slots=True)
class Form:
    """The fields, by their names in lower case, and the size of the file, whose name and type do not matter."""

    fields: Mapping[str, str]
    file_bytes: int


def read_form(content_type: str, body: bytes) -> Form:
    """The form in `body`, whose last field is the file. Raises S3Refusal."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise S3Refusal(412, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data")
    fields: dict[str, str] = {}
    for name, content in _parts(body, b"--" + found[1].encode()):
        if name == "file":
            return Form(fields, len(content))
        fields[name] = bytes(content).decode("utf-8", "replace")
    raise S3Refusal(400, "InvalidArgument", "POST requires exactly one file upload per request.")


def _parts(body: bytes, mark: bytes) -> Iterator[tuple[str, memoryview]]:
    """Name and content of each part (RFC 7578)."""
    at, malformed = len(mark), "The body of your POST request is not well-formed multipart/form-data."
    if not body.startswith(mark):
        raise S3Refusal(400, "MalformedPOSTRequest", malformed)
    while body[at : at + 2] != b"--":
        head = body.find(b"\r\n\r\n", at)
        end = body.find(b"\r\n" + mark, head + 4)
        named = _NAME.search(body, at, max(head, at))
        if head < 0 or end < 0 or named is None:
            raise S3Refusal(400, "MalformedPOSTRequest", malformed)
        yield named[1].decode("utf-8", "replace").lower(), memoryview(body)[head + 4 : end]
        at = end + 2 + len(mark)


def check_policy(form: Form, bucket: str, keys: Mapping[str, str], now: datetime) -> None:
    """Raises S3Refusal for what the form's policy does not allow; `keys` are secrets by their ids."""
    encoded = form.fields.get("policy")
    if encoded is None:
        raise S3Refusal(403, "AccessDenied", "Access Denied")
    _check_signature(form.fields, encoded, keys)
    try:
        policy = json.loads(base64.b64decode(encoded, validate=True))
        expiration, conditions = datetime.fromisoformat(policy["expiration"]), policy["conditions"]
        rules = [_rule(condition) for condition in conditions]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise S3Refusal(400, "InvalidPolicyDocument", "Invalid Policy: Invalid JSON.") from error
    if now > expiration:
        raise _not_allowed("Policy expired.")
    for rule in rules:
        _check_rule(rule, form, bucket)
    named = {name[1:].lower() for kind, name, _ in rules if kind != _RANGE}
    extra = [name for name in form.fields if name not in named | _NEEDS_NO_CONDITION and name[:9] != "x-ignore-"]
    if extra:
        raise _not_allowed(f"Extra input fields: {', '.join(extra)}")


Rule = tuple[str, Any, Any]
"""What must hold, of which field, and its value; or `content-length-range`, least and most."""
_RANGE = "content-length-range"


def _rule(condition: Any) -> Rule:
    if isinstance(condition, dict):
        ((name, value),) = condition.items()
        return "eq", f"${name}", value
    kind, name, value = condition
    return (_RANGE, int(name), int(value)) if kind.lower() == _RANGE else (kind.lower(), str(name), value)


def _check_rule(rule: Rule, form: Form, bucket: str) -> None:
    kind, name, value = rule
    if kind == _RANGE:
        _check_size(form.file_bytes, name, value)
        return
    given = bucket if name == "$bucket" else form.fields.get(name[1:].lower(), "")
    if kind not in _HELD or not _HELD[kind](given, str(value)):
        raise _not_allowed(f"Policy Condition failed: {json.dumps(list(rule))}")


def _check_size(size: int, least: int, most: int) -> None:
    if size > most:
        message = "Your proposed upload exceeds the maximum allowed size"
        raise S3Refusal(400, "EntityTooLarge", message, ProposedSize=size, MaxSizeAllowed=most)
    if size < least:
        message = "Your proposed upload is smaller than the minimum allowed size"
        raise S3Refusal(400, "EntityTooSmall", message, ProposedSize=size, MinSizeAllowed=least)


def _check_signature(fields: Mapping[str, str], policy: str, keys: Mapping[str, str]) -> None:
    owner, *scope = fields.get("x-amz-credential", "").split("/")
    if owner not in keys:
        message = "The AWS Access Key Id you provided does not exist in our records."
        raise S3Refusal(403, "InvalidAccessKeyId", message, AWSAccessKeyId=owner)
    key = f"AWS4{keys[owner]}".encode()
    for part in (*scope, policy):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    if not hmac.compare_digest(key.hex().encode(), fields.get("x-amz-signature", "").encode()):
        message = "The request signature we calculated does not match the signature you provided."
        raise S3Refusal(403, "SignatureDoesNotMatch", f"{message} Check your key and signing method.")


def _not_allowed(why: str) -> S3Refusal:
    return S3Refusal(403, "AccessDenied", f"Invalid according to Policy: {why}")
