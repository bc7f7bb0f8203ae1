"""Reads a synthesized cloud assembly (cdk.out) into the few values that the local run needs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from images.assets import Image, images_of
from local.s3_cors import Bucket, CorsRule
from local.template import AssemblyError, Properties, asset_of, decided, of_type, path_of, referred, resolved


@dataclass(frozen=True, slots=True)
class Jobs:
    """Where an asynchronous endpoint writes, each the beginning of an address in S3; how many jobs it takes at once."""

    output_path: str
    failure_path: str
    at_once: int | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One SageMaker endpoint: its image, the model's archive, the limits of its kind."""

    name: str
    kind: str
    image: Image
    archive: Path
    environment: Mapping[str, str]
    memory_mb: int | None
    max_concurrency: int | None
    instance_type: str | None
    jobs: Jobs | None = None
    component: str | None = None
    """Its inference component, where it scales to zero."""
    others: Sequence[str] = ()
    """The variants beside the first, which alone is served here."""


@dataclass(frozen=True, slots=True)
class LambdaEndpoint:
    """One Lambda function that is an endpoint: its image, and what it is given."""

    name: str
    image: Image
    environment: Mapping[str, str]
    timeout_s: int
    memory_mb: int
    reserved_concurrency: int | None


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
    authorization: str  # NONE, AWS_IAM or COGNITO_USER_POOLS
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


_ARCHIVE = "ModelArchive"
"""The parameter by which the stack of a model that is trained anew is told what to serve."""


class Assembly:
    """The templates and assets below one cdk.out."""

    def __init__(self, folder: Path, archives: Mapping[str, Path] = MappingProxyType({})) -> None:
        """`archives` has a model.tar.gz, by the model's name, to serve in place of its own. Raises AssemblyError."""
        self.folder, self._given = folder, dict(archives)
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._templates: list[Mapping[str, Properties]] = []
        self._files: dict[str, Path] = {}
        self._images: dict[str, Image] = {}
        for artifact in manifest["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                self._templates.append(self._resources(artifact["properties"]))
            elif artifact["type"] == "cdk:asset-manifest":
                self._add_assets(self._read(artifact["properties"]["file"]))
        if self._given:
            raise AssemblyError(
                f"{', '.join(self._given)}: no stack has an endpoint that takes an archive of it; "
                "name a model with an endpoint that is no Lambda function"
            )

    def _resources(self, stack: Properties) -> Mapping[str, Properties]:
        template, model = self._read(stack["templateFile"]), stack.get("tags", {}).get("model", "")
        served = of_type(template["Resources"], "AWS::SageMaker::Model")
        given = self._given.pop(model).as_uri() if served and model in self._given else None
        if given is None or _ARCHIVE in template.get("Parameters", {}):
            return decided(template, {_ARCHIVE: given} if given else {})
        for properties in served.values():  # no training reaches it in AWS; here anybody may try one
            properties["PrimaryContainer"]["ModelDataUrl"] = given
        return decided(template, {})

    def _read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def _add_assets(self, manifest: Properties) -> None:
        for key, asset in manifest.get("files", {}).items():
            self._files[key] = self.folder / asset["source"]["path"]
        self._images |= {image.key: image for image in images_of(self.folder, manifest)}

    def endpoints(self) -> Sequence[Endpoint]:
        """Every SageMaker endpoint of every stack, in the order of the templates."""
        return [
            self._endpoint(resources, properties)
            for resources in self._templates
            for properties in of_type(resources, "AWS::SageMaker::Endpoint").values()
        ]

    def lambda_endpoints(self) -> Sequence[LambdaEndpoint]:
        """Every function of every stack that has an image of its own."""
        return [
            self._lambda_endpoint(properties)
            for resources in self._templates
            for properties in of_type(resources, "AWS::Lambda::Function").values()
            if properties.get("PackageType") == "Image"
        ]

    def _lambda_endpoint(self, properties: Properties) -> LambdaEndpoint:
        return LambdaEndpoint(
            name=properties["FunctionName"],
            image=asset_of(self._images, properties["Code"]["ImageUri"], "the function's image"),
            environment=_variables(properties),
            timeout_s=properties.get("Timeout", 3),
            memory_mb=properties.get("MemorySize", 128),
            reserved_concurrency=properties.get("ReservedConcurrentExecutions"),
        )

    def _endpoint(self, resources: Mapping[str, Properties], endpoint: Properties) -> Endpoint:
        config = referred(resources, endpoint["EndpointConfigName"])
        variants: list[Properties] = config["ProductionVariants"] + config.get("ShadowProductionVariants", [])
        variant = variants[0]
        component = _component_of(resources, endpoint["EndpointName"])
        served = component["Specification"] if component else variant
        container = referred(resources, served["ModelName"])["PrimaryContainer"]
        serverless = variant.get("ServerlessConfig")
        jobs = _jobs(config)
        return Endpoint(
            name=endpoint["EndpointName"],
            kind="serverless" if serverless else "async" if jobs else "realtime",
            image=asset_of(self._images, container["Image"], "the image"),
            archive=self._archive(container),
            environment=container.get("Environment", {}),
            memory_mb=serverless["MemorySizeInMB"] if serverless else None,
            max_concurrency=serverless["MaxConcurrency"] if serverless else None,
            instance_type=variant.get("InstanceType"),
            jobs=jobs,
            component=component["InferenceComponentName"] if component else None,
            others=[other["VariantName"] for other in variants[1:]],
        )

    def _archive(self, container: Properties) -> Path:
        source = container.get("ModelDataUrl") or container["ModelDataSource"]["S3DataSource"]["S3Uri"]
        if isinstance(source, str) and source.startswith("file:"):
            return Path(unquote(urlsplit(source).path))
        if isinstance(source, str) and source.startswith("s3://"):
            raise AssemblyError(f"{source} is in S3; the local run needs the artifact as a folder beside model.toml")
        return asset_of(self._files, source, "the model's archive")

    def buckets(self) -> Sequence[Bucket]:
        """Every bucket of every stack."""
        return [
            Bucket(resolved(properties["BucketName"]), _cors(properties))
            for resources in self._templates
            for properties in of_type(resources, "AWS::S3::Bucket").values()
        ]

    def api(self) -> Api:
        """The REST API. Raises AssemblyError when there is not exactly one."""
        found = [resources for resources in self._templates if of_type(resources, "AWS::ApiGateway::RestApi")]
        if len(found) != 1:
            raise AssemblyError(f"{self.folder} has {len(found)} REST APIs; the local run serves exactly one")
        resources = found[0]
        rest_api = next(iter(of_type(resources, "AWS::ApiGateway::RestApi").values()))
        stage = next(iter(of_type(resources, "AWS::ApiGateway::Stage").values()))
        throttle: Properties = next(iter(stage.get("MethodSettings", [])), {})
        return Api(
            stage=stage["StageName"],
            routes=[
                self._route(resources, method) for method in of_type(resources, "AWS::ApiGateway::Method").values()
            ],
            responses=dict(map(_response, of_type(resources, "AWS::ApiGateway::GatewayResponse").values())),
            binary_media_types=rest_api.get("BinaryMediaTypes", []),
            rate=throttle.get("ThrottlingRateLimit"),
            burst=throttle.get("ThrottlingBurstLimit"),
        )

    def _route(self, resources: Mapping[str, Properties], method: Properties) -> Route:
        integration = method["Integration"]
        return Route(
            method=method["HttpMethod"],
            path=path_of(resources, method["ResourceId"]),
            key_required=method.get("ApiKeyRequired", False),
            authorization=method.get("AuthorizationType", "NONE"),
            timeout_s=integration.get("TimeoutInMillis", 29_000) / 1000,
            function=self._function(referred(resources, integration["Uri"], "AWS::Lambda::Function")),
        )

    def _function(self, properties: Properties) -> Function:
        return Function(
            source=asset_of(self._files, properties["Code"], "the function's code"),
            handler=properties["Handler"],
            environment=_variables(properties),
            timeout_s=properties.get("Timeout", 3),
            memory_mb=properties.get("MemorySize", 128),
        )


def _cors(bucket: Properties) -> Sequence[CorsRule]:
    rules = bucket.get("CorsConfiguration", {}).get("CorsRules", [])
    return [CorsRule(rule["AllowedOrigins"], rule["AllowedMethods"]) for rule in rules]


def _component_of(resources: Mapping[str, Properties], endpoint: str) -> Properties | None:
    components = of_type(resources, "AWS::SageMaker::InferenceComponent").values()
    return next((component for component in components if component["EndpointName"] == endpoint), None)


def _variables(properties: Properties) -> Mapping[str, str]:
    variables: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
    return {name: resolved(value) for name, value in variables.items()}


def _jobs(config: Properties) -> Jobs | None:
    given = config.get("AsyncInferenceConfig")
    if given is None:
        return None
    output, client = given["OutputConfig"], given.get("ClientConfig", {})
    return Jobs(
        resolved(output["S3OutputPath"]),
        resolved(output["S3FailurePath"]),
        client.get("MaxConcurrentInvocationsPerInstance"),
    )


def _response(properties: Properties) -> tuple[str, GatewayResponse]:
    prefix = "gatewayresponse.header."
    headers = {
        name.removeprefix(prefix): value.strip("'")
        for name, value in properties.get("ResponseParameters", {}).items()
        if name.startswith(prefix)
    }
    template = properties.get("ResponseTemplates", {}).get("application/json", "")
    return properties["ResponseType"], GatewayResponse(int(properties.get("StatusCode", 0)), headers, template)
