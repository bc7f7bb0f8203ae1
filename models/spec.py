"""model.toml as a typed, frozen value: the single source of truth about one model.

Everything that stacks, server, proxy, page and tests know about a model, they read from a ModelSpec.
This module and those it imports need only pydantic and the standard library: the image carries them as they are.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from models.capture import DataCapture
from models.drift import Drift
from models.endpoints import REFUSED, AsyncEndpoint, Endpoint, LambdaEndpoint
from models.input_output import InputSpec, OutputSpec
from models.instances import InstanceEndpoint
from models.realtime import RealtimeEndpoint
from models.table import Table
from models.training import Training

ENDPOINT_NAME_MAX = 63  # SageMaker, EndpointName
LONGEST_PREFIX = len("fovea-prod-")
FIRST_CLASS_ID = {"object-detection": 1}  # as label maps count; the other tasks count from 0
SCRIPT_CONTAINER = "pytorch_script"
_READ_BY: dict[str, set[str]] = {"object-detection": {"size", "resize"}, "pose-sequence-classification": set()}


class SpecError(Exception):
    """A model folder that cannot be used: one line for each fault, with file, key and remedy."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def _names_or_file(value: object) -> object:
    is_list = isinstance(value, list) and len(value) >= 2 and all(isinstance(name, str) and name for name in value)
    if is_list or (isinstance(value, str) and re.fullmatch(r"[\w-]+\.(json|pbtxt)", value)):
        return value
    raise ValueError("give two names or more, or the name of a .json or .pbtxt file in the artifact")


EndpointName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$")]


class ModelTable(Table):
    """What the model is."""

    name: Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=40)] = Field(
        description="Lower case, digits and hyphens, at most 40 characters; the folder has underscores for hyphens."
    )
    task: Literal["image-classification", "object-detection", "pose-sequence-classification"] = Field(
        description="What goes in and what comes out."
    )
    framework: Literal["tensorflow", "pytorch"] = Field(description="The framework that made the artifact.")
    network: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] | None = Field(
        None, description="PyTorch only: a file of the container's networks/, which builds the network for the weights."
    )
    engine: Literal["openvino", "native"] = Field(
        "openvino",
        description="What runs the network on CPUs: OpenVINO, or `native`, the framework itself in a larger image, for "
        "operations that OpenVINO refuses.",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="`bfloat16` lets OpenVINO compute in it on CPUs that have AMX: an inference takes half to a sixth "
        "of the time, and scores move by up to 0.02. Other CPUs keep to `float32`; GPUs take half precision by "
        "themselves where it answers alike.",
    )
    container: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")] = Field(
        description="A folder of containers/, such as `savedmodel`."
    )
    artifact: str = Field(
        "artifact", description="A folder beside this file, or `s3://bucket/key/model.tar.gz` made by models.archive."
    )
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")] = Field(description="Semantic version, such as `1.0.0`.")
    description: Annotated[str, Field(min_length=1, max_length=300)] = Field(description="One sentence for people.")
    labels: Annotated[tuple[str, ...] | str, BeforeValidator(_names_or_file)] = Field(
        description="The name of each output, in the network's order; or a file of the artifact that holds them, "
        "such as `labels.json` or `label_map.pbtxt`."
    )
    notice: str | None = Field(None, description="Shown with every answer, for example what the model is not for.")

    @property
    def is_remote(self) -> bool:
        """Whether the artifact is already in S3."""
        return self.artifact.startswith("s3://")

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> Self:
        if isinstance(self.labels, str):
            if self.is_remote:
                raise ValueError("labels: the file is in S3, where synth cannot read it; list the labels here")
        elif len(set(self.labels)) != len(self.labels):
            raise ValueError("labels: a label stands twice; give each output its own name")
        return self

    @model_validator(mode="after")
    def _remote_is_an_archive(self) -> Self:
        if self.is_remote and not re.match(r"^s3://[a-z0-9][a-z0-9.-]+/\S+\.tar\.gz$", self.artifact):
            raise ValueError("artifact: an S3 artifact has the form s3://bucket/key/model.tar.gz")
        return self


class ModelSpec(Table):
    """One model: what it is, what it takes, what it gives, and where it is served."""

    model: ModelTable
    input: InputSpec = Field(default_factory=lambda: InputSpec.model_validate({}))
    output: OutputSpec = Field(default_factory=OutputSpec)
    endpoints: Annotated[dict[EndpointName, Endpoint], Field(min_length=1)]
    training: Training | None = None

    @property
    def name(self) -> str:
        """The model's name, as in the path of the API."""
        return self.model.name

    def accelerator(self, endpoint: str) -> Literal["cpu", "gpu", "native"]:
        """Which of the container's images serves `endpoint`, as its Dockerfile names them."""
        if self.endpoints[endpoint].is_gpu:
            return "gpu"
        scripted = self.model.container == SCRIPT_CONTAINER
        return "native" if self.model.engine == "native" and not scripted else "cpu"

    @property
    def default_endpoint(self) -> str:
        """The first endpoint in the file that answers at once; where all take jobs, the first of them."""
        at_once = (name for name, endpoint in self.endpoints.items() if not isinstance(endpoint, AsyncEndpoint))
        return next(at_once, next(iter(self.endpoints)))

    @model_validator(mode="after")
    def _input_fits_the_task(self) -> Self:
        task, given = self.model.task, self.input
        if self.model.container == SCRIPT_CONTAINER:
            return self
        if given.accepts:
            raise ValueError(f"input.accepts: {self.model.container} takes what its task takes; remove it")
        unread = sorted(given.model_fields_set - _READ_BY.get(task, given.model_fields_set))
        if unread:
            raise ValueError(f"input.{unread[0]}: {task} does not read it; remove it")
        if task == "image-classification" and given.size is None:
            raise ValueError("input.size: is missing; add it (docs/model-toml.md)")
        if task == "object-detection" and given.resize not in ("stretch", "letterbox"):
            raise ValueError('input.resize: a detector must see the whole picture; choose "stretch" or "letterbox"')
        return self

    @model_validator(mode="after")
    def _output_fits_the_labels(self) -> Self:
        meanings, positive, labels = self.output.meanings, self.output.positive, self.model.labels
        if positive is not None and (isinstance(labels, str) or len(labels) != 2 or positive not in labels):
            raise ValueError(
                f"output.positive: {positive!r} is none of two labels in model.labels; name one, or remove it"
            )
        if meanings and isinstance(labels, str):
            raise ValueError("output.meanings: the labels are in a file; list them in model.labels, in the same order")
        if meanings and len(labels) != len(meanings):
            raise ValueError(f"output.meanings: {len(meanings)} for {len(labels)} labels; give one for each")
        return self

    @model_validator(mode="after")
    def _network_is_named(self) -> Self:
        needs = self.model.framework == "pytorch" and self.model.container != SCRIPT_CONTAINER
        if needs and self.model.network is None:
            raise ValueError("model.network: is missing; name a file of the container's networks/ folder")
        if self.model.network is not None and not needs:
            raise ValueError("model.network: only PyTorch weights need one to be built for them; remove it")
        return self

    @model_validator(mode="after")
    def _precision_is_openvinos(self) -> Self:
        if self.model.precision != "float32" and (
            self.model.engine == "native" or self.model.container == SCRIPT_CONTAINER
        ):
            raise ValueError("model.precision: only OpenVINO reads it; remove it")
        return self

    @model_validator(mode="after")
    def _an_image_can_hold_the_model(self) -> Self:
        for name, endpoint in self.endpoints.items():
            if self.model.is_remote and isinstance(endpoint, LambdaEndpoint):
                raise ValueError(
                    f"endpoints.{name}: a Lambda function has its model in its image, where {self.model.artifact} "
                    "cannot be put; set model.artifact to a folder beside this file"
                )
        return self

    @model_validator(mode="after")
    def _training_reaches_an_endpoint(self) -> Self:
        if self.training and not any(not isinstance(each, LambdaEndpoint) for each in self.endpoints.values()):
            raise ValueError(
                "training: each endpoint is a Lambda function with the model in its image, which no training reaches; "
                'remove the table, or add an endpoint of kind = "serverless"'
            )
        return self

    @property
    def artifacts(self) -> dict[str, str]:
        """Every artifact: the key that names it -> the folder or the archive in S3."""
        found = {"model.artifact": self.model.artifact}
        for name, endpoint in self.endpoints.items():
            for variant, table in endpoint.variants.items() if isinstance(endpoint, RealtimeEndpoint) else ():
                if table.artifact is not None:
                    found[f"endpoints.{name}.variants.{variant}.artifact"] = table.artifact
        return found

    def with_artifact(self, artifact: str | None) -> "ModelSpec":
        """The same model trained otherwise; as it is for None."""
        if artifact is None:
            return self
        return self.model_copy(update={"model": self.model.model_copy(update={"artifact": artifact})})

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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SpecError([f"{file}: is not TOML: {error}"]) from error
    except ValidationError as error:
        raise SpecError([f"{file}: {fault_line(fault)}" for fault in error.errors(include_url=False)]) from error


def fault_line(fault: Any) -> str:
    """One of pydantic's errors, with the key that it is about and the remedy."""
    location = [str(part) for part in fault["loc"]]
    if location[:1] == ["endpoints"] and len(location) > 2:
        del location[2]  # the kind, which pydantic puts between the endpoint's name and its key
    if location[-1:] == ["[key]"]:
        del location[-1]  # what is wrong is the name of a table, which stands before
    key, kind = location[-1] if location else "", fault["type"]
    if kind == "value_error":
        inner = str(fault["ctx"]["error"])
        named = re.match(r"^[a-z_]+(\.[a-z0-9_-]+)*: ", inner)
        return ".".join(location) + ("." if location and named else ": " if location else "") + inner
    words = fault["msg"]
    if kind == "extra_forbidden":
        words = "is not a known key; docs/model-toml.md lists them"
        tables = location[2:-1] or fault["loc"][2:3] if location[0] == "endpoints" else location[-2:-1]
        refused = REFUSED.get(".".join(tables), REFUSED.get(tables[0], {})) if tables else {}
        words = refused.get(key, words)
    elif kind == "missing":
        words = "is missing; add it (docs/model-toml.md)"
    elif kind == "string_pattern_mismatch":
        words = f"{fault['input']!r} does not fit; {_described(location[0], key)}"
    elif kind in ("union_tag_not_found", "union_tag_invalid"):
        location.append("kind")
        words = 'give kind = "serverless", kind = "realtime", kind = "async" or kind = "lambda"'
    return f"{'.'.join(location)}: {words}"


def _described(table_name: str, key: str) -> str:
    for table in (Training,) if table_name == "training" else (ModelTable, InstanceEndpoint, DataCapture, Drift):
        if key in table.model_fields:
            return str(table.model_fields[key].description)
    return "use lower case letters, digits and single hyphens between them, beginning with a letter"
