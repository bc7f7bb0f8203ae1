"""The endpoints that are tried: tables as model.toml has them, named for what differs between them."""

import difflib
from collections.abc import Sequence
from typing import Any

import botocore.session

from experiments.sweep.errors import BadVariant
from models.chosen import tried
from models.endpoints import SERVERLESS_MEMORY_MB, ServerlessEndpoint
from models.instances import is_graviton
from models.registry import Model
from models.spec import SpecError


def with_variants(
    models: Sequence[Model], name: str, memory: Sequence[int], instances: Sequence[str], functions: Sequence[int]
) -> Model:
    """The model called `name` with an endpoint for each serverless memory, type of instance and function's memory.

    Raises BadVariant.
    """
    if name not in (model.spec.name for model in models):
        raise BadVariant(f"{name}: no such model; choose one of {', '.join(model.spec.name for model in models)}")
    (model,) = tried(models, name, None)
    tables = {f"serverless-{each}": _serverless(model, each) for each in memory}
    tables |= {each.replace(".", "-"): _instance(each) for each in instances}
    tables |= {f"function-{each}": _function(model, each) for each in functions}
    if not tables:
        raise BadVariant("there is nothing to try; give --memory 1024,2048,3072, --instances or --functions")
    try:
        (served,) = tried(models, name, tables)
    except SpecError as error:
        raise BadVariant(str(error)) from error
    return served


def _serverless(model: Model, memory_mb: int) -> dict[str, Any]:
    """Its own concurrency is kept: what is compared is the memory."""
    if memory_mb not in SERVERLESS_MEMORY_MB:
        choices = ", ".join(map(str, SERVERLESS_MEMORY_MB))
        raise BadVariant(f"--memory {memory_mb}: is not offered by SageMaker; choose of {choices}")
    own = next((each for each in model.spec.endpoints.values() if isinstance(each, ServerlessEndpoint)), None)
    concurrency = {"max_concurrency": own.max_concurrency} if own else {}
    return {"kind": "serverless", "memory_mb": memory_mb, **concurrency}


def _instance(instance_type: str) -> dict[str, Any]:
    known = hosting_instances()
    if instance_type not in known:
        near = difflib.get_close_matches(instance_type, known, 1)
        hint = f"did you mean {near[0]}?" if near else "give such as ml.c7i.large"
        raise BadVariant(f"--instances {instance_type}: SageMaker hosts on no such instance; {hint}")
    architecture = {"architecture": "arm64"} if is_graviton(instance_type) else {}
    return {"kind": "realtime", "instance_type": instance_type, **architecture}


def _function(model: Model, memory_mb: int) -> dict[str, Any]:
    if model.spec.model.is_remote:
        raise BadVariant(
            f"--functions {memory_mb}: a function has its model in its image, where {model.spec.model.artifact} cannot "
            "be put; leave --functions out"
        )
    return {"kind": "lambda", "memory_mb": memory_mb}


def hosting_instances() -> Sequence[str]:
    """Every type of instance that this version of botocore knows SageMaker to host models on."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    types: Sequence[str] = service.shape_for("ProductionVariantInstanceType").enum
    return types
