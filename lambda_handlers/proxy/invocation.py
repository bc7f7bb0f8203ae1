"""What goes to a model and what comes back, whichever service runs it."""

import re
from dataclasses import dataclass

_TIMINGS = re.compile(r"[a-z]+;dur=\d+(\.\d+)?(,[a-z]+;dur=\d+(\.\d+)?)*")


@dataclass(frozen=True, slots=True)
class Invocation:
    """What goes to the container: the body as it came, its type, the type wanted back, our attributes."""

    body: bytes
    media_type: str
    accept: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """What is queued for the container: where the body is, the job's id, and the rest as of an Invocation."""

    location: str
    job: str
    media_type: str
    accept: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """The container's answer, and the timings it measured in the form of a Server-Timing header."""

    body: bytes
    content_type: str
    timings: str


def timings(attributes: object) -> str:
    """The timings that a container wrote into its attributes; what is anything else is left out."""
    return attributes if isinstance(attributes, str) and _TIMINGS.fullmatch(attributes) else ""
