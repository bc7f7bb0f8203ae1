"""model.toml as a typed, frozen value: the single source of truth about one model.

Everything that stacks, server, proxy, page and tests know about a model, they read from a ModelSpec.
This module needs only pydantic and the standard library, so that the image carries it as it is.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

SERVERLESS_MEMORY_MB = (1024, 2048, 3072, 4096, 5120, 6144)
ENDPOINT_NAME_MAX = 63  # SageMaker, EndpointName
LONGEST_PREFIX = len("fovea-prod-")

_GPU_FAMILY = re.compile(r"^(g|p)\d")
_LOCAL_STORAGE_FAMILY = re.compile(r"^(c5d|m5d|r5d|\w+\dgd|\w+\did|g4dn|g[56]e?|p3dn|p4de?|p5(e|en)?|trn\d\w*)$")

_REFUSED_BY_SERVERLESS = {
    "instance_type": 'a serverless endpoint has neither instances nor a GPU; remove it, or set kind = "realtime"',
    "accelerator": 'a serverless endpoint has no GPU; remove it, or set kind = "realtime" with a GPU instance_type',
    "vpc": "SageMaker serverless has no VPC configuration; remove it",
    "data_capture": "SageMaker serverless has no data capture; remove it",
    "volume_kms_key_arn": 'a serverless endpoint has no volume to encrypt; remove it, or set kind = "realtime"',
}


class SpecError(Exception):
    """A model folder that cannot be used: one line for each fault, with file, key and remedy."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def _three_finite(values: tuple[float, float, float]) -> tuple[float, float, float]:
    if not all(abs(value) < 1e6 for value in values):
        raise ValueError("give three finite numbers, red, green and blue")
    return values


def _three_positive(values: tuple[float, float, float]) -> tuple[float, float, float]:
    if not all(0 < value < 1e6 for value in values):
        raise ValueError("give three numbers above 0, red, green and blue")
    return values


class InputSpec(_Table):
    """How a picture becomes the network's input: resized to `size`, then x = (pixel - mean) / std."""

    size: tuple[Annotated[int, Field(ge=8, le=4096)], Annotated[int, Field(ge=8, le=4096)]] = Field(
        description="Height and width of the network's input, in pixels."
    )
    resize: Literal["stretch", "center-crop", "letterbox"] = Field(
        "stretch",
        description="`stretch` ignores the aspect ratio, `center-crop` cuts the longer side, "
        "`letterbox` pads the shorter one with black.",
    )
    mean: Annotated[tuple[float, float, float], AfterValidator(_three_finite)] = Field(
        (0.0, 0.0, 0.0), description="Subtracted from each pixel (0..255), in the order red, green, blue."
    )
    std: Annotated[tuple[float, float, float], AfterValidator(_three_positive)] = Field(
        (255.0, 255.0, 255.0), description="Divides what is left, in the same order."
    )
    layout: Literal["NHWC", "NCHW"] = Field("NHWC", description="Order of the input's axes.")


class OutputSpec(_Table):
    """What the network's numbers mean."""

    scores: Literal["probabilities", "logits"] = Field(
        "probabilities", description="`logits` are put through a softmax; `probabilities` must already sum to 1."
    )


class ServerlessEndpoint(_Table):
    """Scales to zero and is billed by the request; CPU only."""

    kind: Literal["serverless"] = Field(description="The kind of endpoint: `serverless`.")
    memory_mb: int = Field(2048, description="1024 to 6144 in steps of 1024; CPU grows with it.")
    max_concurrency: Annotated[int, Field(ge=1, le=200)] = Field(
        5, description="Requests served at once; one more is answered 429 THROTTLED."
    )

    @property
    def is_gpu(self) -> bool:
        """Whether the endpoint runs on a GPU: never."""
        return False

    @model_validator(mode="after")
    def _memory_is_offered(self) -> Self:
        if self.memory_mb not in SERVERLESS_MEMORY_MB:
            choices = ", ".join(map(str, SERVERLESS_MEMORY_MB))
            raise ValueError(f"memory_mb: {self.memory_mb} is not offered by SageMaker; choose one of {choices}")
        return self


class RealtimeEndpoint(_Table):
    """Instances that are always on, with a GPU or without, scaled by load."""

    kind: Literal["realtime"] = Field(description="The kind of endpoint: `realtime`.")
    instance_type: Annotated[str, Field(pattern=r"^ml\.[a-z0-9]+\.[a-z0-9]+$")] = Field(
        description="A SageMaker hosting instance type, such as `ml.g5.xlarge` or `ml.c7i.large`."
    )
    min_instances: Annotated[int, Field(ge=1, le=100)] = Field(1, description="Never fewer than this.")
    max_instances: Annotated[int, Field(ge=1, le=100)] = Field(
        1, description="Never more than this; above min_instances the endpoint scales by load."
    )
    target_invocations_per_instance: Annotated[int, Field(ge=1)] = Field(
        600, description="Requests per minute and instance that scaling aims at."
    )
    volume_kms_key_arn: Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[\w-]+$")] | None = (
        Field(None, description="ARN of the storage volume's KMS key; not for instances with local storage.")
    )

    @property
    def family(self) -> str:
        """`g5` of `ml.g5.xlarge`."""
        return self.instance_type.split(".")[1]

    @property
    def is_gpu(self) -> bool:
        """Whether the instance has an NVIDIA GPU."""
        return bool(_GPU_FAMILY.match(self.family))

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.min_instances > self.max_instances:
            raise ValueError(
                f"min_instances: {self.min_instances} is above max_instances {self.max_instances}; "
                "lower it, or raise max_instances"
            )
        return self

    @model_validator(mode="after")
    def _volume_can_be_encrypted(self) -> Self:
        if self.volume_kms_key_arn and _LOCAL_STORAGE_FAMILY.match(self.family):
            raise ValueError(
                f"volume_kms_key_arn: {self.instance_type} has local storage, which encrypts itself and takes no key; "
                "remove the key, or choose an instance type without local storage"
            )
        return self


Endpoint = Annotated[ServerlessEndpoint | RealtimeEndpoint, Field(discriminator="kind")]
EndpointName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$")]


class ModelTable(_Table):
    """What the model is."""

    name: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=40)] = Field(
        description="Lower case, digits and hyphens, at most 40 characters; the folder has underscores for hyphens."
    )
    task: Literal["image-classification"] = Field(description="What goes in and what comes out.")
    framework: Literal["tensorflow"] = Field(description="The framework that made the artifact.")
    container: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="A folder of containers/, such as `savedmodel`."
    )
    artifact: str = Field(
        "artifact", description="A folder beside this file, or `s3://bucket/key/model.tar.gz` made by models.archive."
    )
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] = Field(description="Semantic version, such as `1.0.0`.")
    description: Annotated[str, Field(min_length=1, max_length=300)] = Field(description="One sentence for people.")
    labels: Annotated[tuple[str, ...], Field(min_length=2)] = Field(
        description="The name of each output, in the network's order."
    )
    notice: str | None = Field(None, description="Shown with every answer, for example what the model is not for.")

    @property
    def is_remote(self) -> bool:
        """Whether the artifact is already in S3."""
        return self.artifact.startswith("s3://")

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> Self:
        if len(set(self.labels)) != len(self.labels) or not all(self.labels):
            raise ValueError("labels: a label is empty or stands twice; give each output its own name")
        return self

    @model_validator(mode="after")
    def _remote_is_an_archive(self) -> Self:
        if self.is_remote and not re.match(r"^s3://[a-z0-9][a-z0-9.-]+/\S+\.tar\.gz$", self.artifact):
            raise ValueError("artifact: an S3 artifact has the form s3://bucket/key/model.tar.gz")
        return self


class ModelSpec(_Table):
    """One model: what it is, what it takes, what it gives, and where it is served."""

    model: ModelTable
    input: InputSpec
    output: OutputSpec = Field(default_factory=OutputSpec)
    endpoints: Annotated[dict[EndpointName, Endpoint], Field(min_length=1)]

    @property
    def name(self) -> str:
        """The model's name, as in the path of the API."""
        return self.model.name

    @property
    def default_endpoint(self) -> str:
        """The first endpoint in the file."""
        return next(iter(self.endpoints))

    @model_validator(mode="after")
    def _endpoint_names_fit(self) -> Self:
        room = ENDPOINT_NAME_MAX - LONGEST_PREFIX - len(self.name) - 1
        for name in self.endpoints:
            if len(name) > room:
                raise ValueError(
                    f"endpoints.{name}: with the stage and the model's name it passes SageMaker's "
                    f"{ENDPOINT_NAME_MAX} characters; use at most {room}"
                )
        return self


def read_spec(file: Path) -> ModelSpec:
    """The spec in `file`. Raises SpecError with a line for each fault."""
    try:
        return ModelSpec.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise SpecError([f"{file}: cannot be read; create it"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError([f"{file}: is not TOML: {error}"]) from error
    except ValidationError as error:
        raise SpecError([f"{file}: {_fault(fault)}" for fault in error.errors(include_url=False)]) from error


def _fault(fault: Any) -> str:
    location = [str(part) for part in fault["loc"]]
    if location[:1] == ["endpoints"] and len(location) > 2:
        del location[2]  # the kind, which pydantic puts between the endpoint's name and its key
    key, kind = location[-1] if location else "", fault["type"]
    if kind == "value_error":
        inner = str(fault["ctx"]["error"])
        named = re.match(r"^[a-z_]+(\.[a-z0-9-]+)?: ", inner)
        return ".".join(location) + ("." if location and named else ": " if location else "") + inner
    words = fault["msg"]
    if kind == "extra_forbidden":
        words = "is not a known key; docs/model-toml.md lists them"
        if location[0] == "endpoints" and key in _REFUSED_BY_SERVERLESS and "serverless" in fault["loc"][2:3]:
            words = _REFUSED_BY_SERVERLESS[key]
    elif kind == "missing":
        words = "is missing; add it (docs/model-toml.md)"
    elif kind == "string_pattern_mismatch":
        words = f"{fault['input']!r} does not fit; {_described(key)}"
    elif kind in ("union_tag_not_found", "union_tag_invalid"):
        location.append("kind")
        words = 'give kind = "serverless" or kind = "realtime"'
    return f"{'.'.join(location)}: {words}"


def _described(key: str) -> str:
    for table in (ModelTable, RealtimeEndpoint):
        if key in table.model_fields:
            return str(table.model_fields[key].description)
    return "use lower case letters, digits and single hyphens between them, beginning with a letter"
