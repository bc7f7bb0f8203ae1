"""Reads a synthesized cloud assembly (cdk.out) into the few values that the local run needs."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

_HASH = re.compile(r"[0-9a-f]{64}")
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")

Properties = Mapping[str, Any]
Asset = TypeVar("Asset")


class AssemblyError(Exception):
    """cdk.out holds something that the local run cannot follow; says what."""


@dataclass(frozen=True, slots=True)
class Image:
    """A container image to be built: its build context, the container's folder in it, a user's own requirements."""

    context: Path
    container: str
    accelerator: str
    own_requirements: str | None

    @property
    def requirements(self) -> Sequence[Path]:
        """The files that list what it installs; here, what its CPU image does in place of one for GPUs."""
        accelerator = "cpu" if self.accelerator == "gpu" else self.accelerator
        names = [f"containers/{self.container}/requirements-{accelerator}.txt", self.own_requirements]
        return [self.context / name for name in names if name]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One SageMaker endpoint: its image, the model's archive, the limits of its kind."""

    name: str
    kind: str
    image: "Image"
    archive: Path
    environment: Mapping[str, str]
    max_concurrency: int | None
    instance_type: str | None


@dataclass(frozen=True, slots=True)
class Function:
    """One Lambda function."""

    source: Path
    handler: str
    environment: Mapping[str, str]
    timeout_s: int
    memory_mb: int


@dataclass(frozen=True, slots=True)
class Route:
    """One method of the REST API, for example POST /models/{model}/predict."""

    method: str
    path: str
    key_required: bool
    timeout_s: float
    function: Function


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """What the gateway itself answers in one case."""

    status: int
    headers: Mapping[str, str]
    template: str


@dataclass(frozen=True, slots=True)
class Api:
    """The REST API: its routes, own answers, and its stage's rate (requests per second) and burst."""

    stage: str
    routes: Sequence[Route]
    responses: Mapping[str, GatewayResponse]
    binary_media_types: Sequence[str]
    rate: float | None
    burst: int | None


class Assembly:
    """The templates and assets below one cdk.out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._templates: list[Mapping[str, Properties]] = []
        self._files: dict[str, Path] = {}
        self._images: dict[str, Image] = {}
        for artifact in manifest["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                self._templates.append(self._read(artifact["properties"]["templateFile"])["Resources"])
            elif artifact["type"] == "cdk:asset-manifest":
                self._add_assets(self._read(artifact["properties"]["file"]))

    def _read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def _add_assets(self, manifest: Properties) -> None:
        for key, asset in manifest.get("files", {}).items():
            self._files[key] = self.folder / asset["source"]["path"]
        for key, asset in manifest.get("dockerImages", {}).items():
            source = asset["source"]
            self._images[key] = Image(
                context=self.folder / source["directory"],
                container=Path(source["dockerFile"]).parent.name,
                accelerator=source.get("dockerBuildArgs", {}).get("ACCELERATOR", "cpu"),
                own_requirements=source.get("dockerBuildArgs", {}).get("REQUIREMENTS"),
            )

    def endpoints(self) -> Sequence[Endpoint]:
        """Every SageMaker endpoint of every stack, in the order of the templates."""
        return [
            self._endpoint(resources, properties)
            for resources in self._templates
            for properties in _of_type(resources, "AWS::SageMaker::Endpoint").values()
        ]

    def _endpoint(self, resources: Mapping[str, Properties], endpoint: Properties) -> Endpoint:
        config = _referred(resources, endpoint["EndpointConfigName"])
        variant = config["ProductionVariants"][0]
        container = _referred(resources, variant["ModelName"])["PrimaryContainer"]
        serverless = variant.get("ServerlessConfig")
        return Endpoint(
            name=endpoint["EndpointName"],
            kind="serverless" if serverless else "realtime",
            image=_asset(self._images, container["Image"], "the image"),
            archive=self._archive(container),
            environment=container.get("Environment", {}),
            max_concurrency=serverless["MaxConcurrency"] if serverless else None,
            instance_type=variant.get("InstanceType"),
        )

    def _archive(self, container: Properties) -> Path:
        source = container.get("ModelDataUrl") or container["ModelDataSource"]["S3DataSource"]["S3Uri"]
        if isinstance(source, str) and source.startswith("s3://"):
            raise AssemblyError(f"{source} is in S3; the local run needs the artifact as a folder beside model.toml")
        return _asset(self._files, source, "the model's archive")

    def api(self) -> Api:
        """The REST API. Raises AssemblyError when there is not exactly one."""
        found = [resources for resources in self._templates if _of_type(resources, "AWS::ApiGateway::RestApi")]
        if len(found) != 1:
            raise AssemblyError(f"{self.folder} has {len(found)} REST APIs; the local run serves exactly one")
        resources = found[0]
        rest_api = next(iter(_of_type(resources, "AWS::ApiGateway::RestApi").values()))
        stage = next(iter(_of_type(resources, "AWS::ApiGateway::Stage").values()))
        throttle: Properties = next(iter(stage.get("MethodSettings", [])), {})
        return Api(
            stage=stage["StageName"],
            routes=[
                self._route(resources, method) for method in _of_type(resources, "AWS::ApiGateway::Method").values()
            ],
            responses=dict(map(_response, _of_type(resources, "AWS::ApiGateway::GatewayResponse").values())),
            binary_media_types=rest_api.get("BinaryMediaTypes", []),
            rate=throttle.get("ThrottlingRateLimit"),
            burst=throttle.get("ThrottlingBurstLimit"),
        )

    def _route(self, resources: Mapping[str, Properties], method: Properties) -> Route:
        integration = method["Integration"]
        return Route(
            method=method["HttpMethod"],
            path=_path(resources, method["ResourceId"]),
            key_required=method.get("ApiKeyRequired", False),
            timeout_s=integration.get("TimeoutInMillis", 29_000) / 1000,
            function=self._function(_referred(resources, integration["Uri"], "AWS::Lambda::Function")),
        )

    def _function(self, properties: Properties) -> Function:
        return Function(
            source=_asset(self._files, properties["Code"], "the function's code"),
            handler=properties["Handler"],
            environment=properties.get("Environment", {}).get("Variables", {}),
            timeout_s=properties.get("Timeout", 3),
            memory_mb=properties.get("MemorySize", 128),
        )


def _of_type(resources: Mapping[str, Properties], kind: str) -> dict[str, Properties]:
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


def _referred(resources: Mapping[str, Properties], value: Any, kind: str | None = None) -> Properties:
    """The properties of the first resource (of type `kind`) that `value` refers to."""
    for name in _references(value):
        if name in resources and kind in (None, resources[name]["Type"]):
            properties: Properties = resources[name]["Properties"]
            return properties
    raise AssemblyError(f"the template refers to {value!r}, which the local run cannot follow")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.split(".")[0]
            elif key == "Fn::Sub":
                yield from _SUBSTITUTED.findall(inner if isinstance(inner, str) else inner[0])
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _asset(assets: Mapping[str, Asset], value: Any, what: str) -> Asset:
    for key in _HASH.findall(json.dumps(value)):
        if key in assets:
            return assets[key]
    raise AssemblyError(f"{what} is not an asset of this assembly: {value!r}")


def _path(resources: Mapping[str, Properties], resource_id: Any) -> str:
    named = (name for name in _references(resource_id) if resources[name]["Type"] == "AWS::ApiGateway::Resource")
    name = next(named, None)
    if name is None:
        return ""
    resource = resources[name]["Properties"]
    return f"{_path(resources, resource['ParentId'])}/{resource['PathPart']}"


def _response(properties: Properties) -> tuple[str, GatewayResponse]:
    prefix = "gatewayresponse.header."
    headers = {
        name.removeprefix(prefix): value.strip("'")
        for name, value in properties.get("ResponseParameters", {}).items()
        if name.startswith(prefix)
    }
    template = properties.get("ResponseTemplates", {}).get("application/json", "")
    return properties["ResponseType"], GatewayResponse(int(properties.get("StatusCode", 0)), headers, template)
