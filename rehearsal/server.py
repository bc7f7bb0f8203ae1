"""moto's server, as a process of its own: `python -m rehearsal.server PORT TEMPLATE_FOLDER`."""

import json
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from moto.apigateway.models import Method
from moto.cloudformation import parsing
from moto.ecr.exceptions import RepositoryNotFoundException
from moto.ecr.models import Repository
from moto.s3.models import FakeBucket, s3_backends
from moto.sagemaker.models import FakeEndpoint, FakeEndpointConfig, Model, SageMakerModelBackend
from moto.server import ThreadedMotoServer

from rehearsal.custom_resources import CustomResource
from rehearsal.gaps import accept

_VALIDATE = SageMakerModelBackend.validate_production_variants


def _update_in_place(name: str, kind: Any, original_resource: Any, new_resource_name: str, **given: Any) -> Any:  # noqa: ARG001
    """Under the name it had. moto deletes it before it has moved to the new one what refers to it."""
    same = getattr(original_resource, name)
    kind.delete_from_cloudformation_json(resource_name=same, **given)
    return kind.create_from_cloudformation_json(resource_name=same, **given)


_delete_repository = Repository.delete


def _delete_if_there(repository: Any, *given: Any) -> None:
    """As CloudFormation does, for what somebody has deleted already."""
    with suppress(RepositoryNotFoundException):
        _delete_repository(repository, *given)


def _validate_those_with_a_model(backend: Any, variants: list[dict[str, Any]]) -> None:
    """An endpoint for inference components has no model of its own, which moto does not know."""
    _VALIDATE(backend, [variant for variant in variants if "ModelName" in variant])


_delete_bucket = FakeBucket.delete_from_cloudformation_json


def _delete_bucket_if_empty(_kind: Any, name: str, template: dict[str, Any], account: str, region: str) -> None:
    """moto says nothing of one that is not; told, it tries again after what else goes, such as what empties it."""
    _delete_bucket(name, template, account, region)
    if name in s3_backends[account]["aws"].buckets:
        raise RuntimeError(f"{name} is not empty")


_make_method = Method.create_from_cloudformation_json


def _make_method_of_any_kind(_kind: Any, name: str, template: dict[str, Any], *given: Any, **more: Any) -> Any:
    """One that the gateway answers itself calls nobody, which moto does not know."""
    properties = template["Properties"]
    integration = {"IntegrationHttpMethod": "", "Uri": "", **properties["Integration"]}
    return _make_method(name, {**template, "Properties": {**properties, "Integration": integration}}, *given, **more)


def main(port: str, templates: str) -> None:
    """Serves until it is killed; the first line it prints is what it accepts without effect."""
    FakeEndpointConfig.validate_instance_type = lambda *_: None  # moto's list of instance types ends in 2021
    SageMakerModelBackend.validate_production_variants = _validate_those_with_a_model
    FakeEndpoint.cloudformation_name_type = staticmethod(lambda: "EndpointName")  # which moto ignores
    for kind, name in ((Model, "model_name"), (FakeEndpointConfig, "endpoint_config_name")):
        kind.update_from_cloudformation_json = classmethod(partial(_update_in_place, name))
    Repository.delete = _delete_if_there
    FakeBucket.delete_from_cloudformation_json = classmethod(_delete_bucket_if_empty)
    Method.create_from_cloudformation_json = classmethod(_make_method_of_any_kind)
    CustomResource.endpoint_url = f"http://127.0.0.1:{port}"
    parsing.CustomModel = CustomResource
    print(json.dumps(accept(Path(templates))), flush=True)
    ThreadedMotoServer("127.0.0.1", int(port), verbose=False).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
