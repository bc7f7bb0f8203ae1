"""What each invocation leaves behind, whoever took it: an id to find it by, its timings, a line in the log.

SageMaker's containers and Lambda's functions tell the same, so that one query finds both.
"""

import re
from collections.abc import Mapping
from time import perf_counter
from uuid import uuid4

from contract.options import HEADER
from model_server import logs

REQUEST_ID = "x-request-id"
ATTRIBUTES = HEADER.lower()
ID_HEADERS = ("x-amzn-requestid", "x-amzn-request-id", REQUEST_ID)
"""Where callers put an id of their own."""
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:=-]{0,127}")

Spent = tuple[float, float, float]
"""Milliseconds of decoding, inference and encoding."""


def request_id(asked: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """The caller's id when it is safe to repeat, else a new one."""
    given = [asked.get("request_id", "")]  # the proxy's, through SageMaker or Lambda
    given += [headers[name] for name in ID_HEADERS if name in headers]
    return next((value for value in given if _SAFE_ID.fullmatch(value)), None) or str(uuid4())


def timings(spent_ms: Spent) -> dict[str, str]:
    """For both headers: SageMaker passes on only the second."""
    decode, inference, encode = spent_ms
    text = f"decode;dur={decode},inference;dur={inference},encode;dur={encode}"
    return {"server-timing": text, ATTRIBUTES: text}


def write_line(
    request_id: str, *, status: int, code: str, media_type: str | None, size: int, spent_ms: Spent, started: float
) -> None:
    """The line of one invocation; `started` is when it came, by `perf_counter`."""
    decode, inference, encode = spent_ms
    logs.write(
        "invocation",
        request_id=request_id,
        status=status,
        code=code,
        media_type=media_type,
        bytes=size,
        decode_ms=decode,
        inference_ms=inference,
        encode_ms=encode,
        total_ms=round((perf_counter() - started) * 1000, 2),
    )
