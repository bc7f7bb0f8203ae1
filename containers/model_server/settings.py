"""The environment, read once where the process starts.

Plain pydantic over os.environ: pydantic-settings would add 120 ms to every cold start.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.limits import TIMEOUTS
from model_server.cores import cores
from model_server.messages import MOST_WORKERS


class SettingsError(Exception):
    """An environment variable with a value that cannot be used; the message names it."""


class Settings(BaseModel):
    """What the environment may set; the alias is the variable's name."""

    model_config = ConfigDict(frozen=True)

    model_dir: Path = Field(Path("/opt/ml/model"), alias="SM_MODEL_DIR")
    host: Annotated[str, Field(min_length=1)] = Field("0.0.0.0", alias="MODEL_SERVER_HOST")  # noqa: S104 SageMaker asks
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8080, alias="SAGEMAKER_BIND_TO_PORT")
    workers: Annotated[int, Field(ge=1, le=MOST_WORKERS)] = Field(default_factory=cores, alias="MODEL_SERVER_WORKERS")
    queue: Annotated[int, Field(ge=0, le=10_000)] = Field(32, alias="MODEL_SERVER_QUEUE")
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = Field(float(TIMEOUTS.container_s), alias="MODEL_SERVER_TIMEOUT")
    engine: Literal["openvino", "tensorflow", "pytorch"] = Field("openvino", alias="MODEL_SERVER_ENGINE")

    @property
    def max_in_flight(self) -> int:
        """Requests that are worked on or wait at once; one more is refused."""
        return self.workers + self.queue


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`; an empty variable counts as unset. Raises SettingsError."""
    names = [field.alias or name for name, field in Settings.model_fields.items()]
    try:
        return Settings.model_validate({name: environ[name] for name in names if environ.get(name)})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        lines = [f"{fault['loc'][0]}: {fault['msg'].lower()}, not {fault['input']!r}" for fault in faults]
        raise SettingsError("; ".join(lines)) from error
