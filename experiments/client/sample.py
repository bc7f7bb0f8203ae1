"""What one request was and what became of it: a row of requests.csv, which every experiment here writes and reads."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Literal

NO_ANSWER = 0
UNKNOWN = float("nan")

Phase = Literal["cold", "warm", "load"]
"""The first after a server's start; from clients that wait for each answer; on a schedule."""
PHASES: Sequence[Phase] = ("cold", "warm", "load")
HOPS = ("client", "gateway", "proxy", "service", "decode", "inference", "encode")
"""What `total_ms` is made of, from the outside in; `service` is SageMaker or Lambda with the container's own HTTP."""


class ForeignRows(Exception):
    """A file of requests that this version did not write; one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. Times in milliseconds, NaN where nothing told them; `due_s` in seconds since its phase began."""

    phase: Phase
    concurrency: int
    """Clients that each waited for an answer before they asked again; 0 where requests came on a schedule."""
    rate: float
    """Requests a second that were to come; 0 where clients waited."""
    due_s: float
    late_ms: float
    """How long after it was due it was sent: this client's own doing, and part of the total."""
    total_ms: float
    """From when it was due until the whole answer was there."""
    status: int
    """Of HTTP; 0 when no answer came."""
    code: str
    """OK, the error's code, or what broke the connection."""
    model: str
    endpoint: str
    image: str
    bytes: int
    client_ms: float = UNKNOWN
    gateway_ms: float = UNKNOWN
    proxy_ms: float = UNKNOWN
    service_ms: float = UNKNOWN
    decode_ms: float = UNKNOWN
    inference_ms: float = UNKNOWN
    encode_ms: float = UNKNOWN

    @property
    def is_good(self) -> bool:
        """Whether a prediction came."""
        return self.status == 200

    @property
    def container_ms(self) -> float:
        """What the model's server was busy with."""
        return self.decode_ms + self.inference_ms + self.encode_ms

    @property
    def is_timed(self) -> bool:
        """Whether the hops are known."""
        return isfinite(self.container_ms) and isfinite(self.client_ms)


COLUMNS = tuple(field.name for field in fields(Sample))
_TYPES = {field.name: field.type for field in fields(Sample)}


def write_samples(samples: Iterable[Sample], file: Path) -> None:
    """A header and a row for each; numbers with six digits that count."""
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(COLUMNS)
        rows.writerows([_text(value) for value in astuple(sample)] for sample in samples)


def read_samples(file: Path) -> list[Sample]:
    """The rows of `file`. Raises ForeignRows when it has other columns, or values that do not fit."""
    again = "another version wrote it; measure again with python -m experiments.latency"
    try:
        with file.open(newline="", encoding="utf-8") as rows:
            table = csv.reader(rows)
            if tuple(next(table, ())) != COLUMNS:
                raise ForeignRows(f"{file}: has other columns than {', '.join(COLUMNS[:4])} …: {again}")
            return [_sample(row) for row in table]
    except OSError as error:
        raise ForeignRows(f"{file}: {error.strerror}; make it with python -m experiments.latency") from error
    except (ValueError, csv.Error) as error:
        raise ForeignRows(f"{file}: has a row that is none ({error}): {again}") from error


def _sample(row: Sequence[str]) -> Sample:
    values = [_value(name, text) for name, text in zip(COLUMNS, row, strict=True)]
    sample = Sample(*values)  # type: ignore[arg-type]
    if sample.phase not in PHASES:
        raise ValueError(f"phase {sample.phase}")
    return sample


def _value(name: str, text: str) -> object:
    kind = _TYPES[name]
    if kind is float:
        return float(text) if text else UNKNOWN
    return int(text) if kind is int else text


def _text(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.6g}" if isfinite(value) else ""
    return value
