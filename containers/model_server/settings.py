"""The environment, read where each of the two processes starts.

In plain Python: pydantic would be a third of what the front takes to start.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contract.limits import BODIES, MIB, TIMEOUTS
from model_server.cores import cores
from model_server.messages import MOST_WORKERS

_ENGINES = ("openvino", "tensorflow", "pytorch", "native")


class SettingsError(Exception):
    """An environment variable with a value that cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment may set."""

    model_dir: Path = Path("/opt/ml/model")
    host: str = "0.0.0.0"  # noqa: S104 SageMaker asks
    port: int = 8080
    workers: int = field(default_factory=cores)
    queue: int = 32
    timeout_s: float = float(TIMEOUTS.container_s)
    engine: str = "openvino"
    max_body_bytes: int = BODIES.realtime

    @property
    def max_in_flight(self) -> int:
        """Requests that are worked on or wait at once; one more is refused."""
        return self.workers + self.queue


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; an empty variable counts as unset. Raises SettingsError."""
    given: dict[str, Any] = {}
    faults = []
    for variable, (name, read) in VARIABLES.items():
        value = environ.get(variable)
        try:
            if value:
                given[name] = read(value)
        except ValueError as error:
            faults.append(f"{variable}: give {error}, not {value!r}")
    if faults:
        raise SettingsError("; ".join(faults))
    return Settings(**given)


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) < 10 and least <= int(value) <= most):
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return read


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:
        raise ValueError("seconds above 0, at most 3600")
    return seconds


def _engine(value: str) -> str:
    if value not in _ENGINES:
        raise ValueError(" or ".join(_ENGINES))
    return value


VARIABLES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "SM_MODEL_DIR": ("model_dir", Path),
    "MODEL_SERVER_HOST": ("host", str),
    "SAGEMAKER_BIND_TO_PORT": ("port", _whole(0, 65535)),
    "MODEL_SERVER_WORKERS": ("workers", _whole(1, MOST_WORKERS)),
    "MODEL_SERVER_QUEUE": ("queue", _whole(0, 10_000)),
    "MODEL_SERVER_TIMEOUT": ("timeout_s", _seconds),
    "MODEL_SERVER_ENGINE": ("engine", _engine),
    "MODEL_SERVER_MAX_BODY_BYTES": ("max_body_bytes", _whole(MIB, BODIES.upload)),
}
"""Environment variable -> the setting's name, and how its text is read."""
