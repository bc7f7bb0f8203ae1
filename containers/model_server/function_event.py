"""What a Lambda function is called with, read into one request whichever way it came.

A Function URL sends its payload format 2.0 (Lambda developer guide, "Invoking Lambda function URLs"). The proxy, and
whoever calls Invoke as it does, sends `{"headers", "body", "isBase64Encoded"}` with the options and the request id in
the header that SageMaker would pass on.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contract.errors import EmptyBody, InvalidBase64, PayloadTooLarge
from contract.limits import BODIES
from contract.options import attributes
from model_server.report import ATTRIBUTES, request_id

INVOCATIONS = "/invocations"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request; header names are in lower case, `options` is what the query or the header asks of the answer."""

    method: str
    path: str
    headers: Mapping[str, str]
    options: Mapping[str, str]
    request_id: str
    content: str
    is_base64: bool

    def body(self) -> bytes:
        """The bytes that the client sent. Raises EmptyBody, InvalidBase64, PayloadTooLarge."""
        if not self.content:
            raise EmptyBody
        try:
            body = base64.b64decode(self.content, validate=True) if self.is_base64 else _plain(self.content)
        except ValueError as error:
            raise InvalidBase64 from error
        if not body:
            raise EmptyBody
        if len(body) > BODIES.realtime:
            raise PayloadTooLarge(max_body_bytes=BODIES.realtime)
        return body


def read_event(event: object) -> Asked:
    """The request in `event`; what has not the form of either is one without headers or body, and refused as such."""
    given = _table(event)
    headers = {name.lower(): value for name, value in _texts(given.get("headers")).items()}
    asked = attributes(headers.get(ATTRIBUTES, ""))
    method, path, query, ids = "POST", INVOCATIONS, {}, headers
    if "requestContext" in given:
        context = _table(given["requestContext"])
        method = str(_table(context.get("http")).get("method", ""))
        path = str(given.get("rawPath", ""))
        query = _texts(given.get("queryStringParameters"))
        ids = {**headers, **_texts({"x-amzn-requestid": context.get("requestId")})}
    content = given.get("body")
    return Asked(
        method,
        path,
        headers,
        {**asked, **query},
        request_id(asked, ids),
        content if isinstance(content, str) else "",
        given.get("isBase64Encoded") is True,
    )


def _plain(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # half a surrogate is refused where the JSON is read


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> dict[str, str]:
    return {name: text for name, text in _table(value).items() if isinstance(text, str)}
