"""The models with some of their endpoints: say, with those that cost nothing idle, or that a new account may have.

Or one model with others than its model.toml has, to try them before one of them is written there.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, get_args

from pydantic import Field, ValidationError

from models.endpoints import Endpoint
from models.registry import Model
from models.spec import EndpointName, SpecError, fault_line
from models.table import Table

KINDS = tuple(get_args(kind.model_fields["kind"].annotation)[0] for kind in get_args(get_args(Endpoint)[0]))
"""Every kind of endpoint that a model.toml may name."""


def of_kinds(models: Sequence[Model], listed: str) -> Sequence[Model]:
    """`models` with their endpoints of the kinds in `listed`, split by commas; a model with none is left out.

    Raises SpecError for a kind that is not known, and when no endpoint is left.
    """
    kinds = [kind.strip() for kind in listed.split(",")]
    unknown = next((kind for kind in kinds if kind not in KINDS), None)
    if unknown is not None:
        raise SpecError([f"kinds: {unknown!r} is no kind of endpoint; give some of {','.join(KINDS)}"])
    chosen = [model for model in (_narrowed(model, kinds) for model in models) if model.spec.endpoints]
    if not chosen:
        raise SpecError([f"kinds: no model has an endpoint of kind {' or '.join(kinds)}; name another"])
    return chosen


def _narrowed(model: Model, kinds: Sequence[str]) -> Model:
    kept = {name: endpoint for name, endpoint in model.spec.endpoints.items() if endpoint.kind in kinds}
    return model.with_endpoints(kept)


class _Tried(Table):
    """What is tried, under the name that a fault in it is told with."""

    endpoints: Annotated[dict[EndpointName, Endpoint], Field(min_length=1)]


def tried(models: Sequence[Model], name: str | None, endpoints: str | Mapping[str, object] | None) -> Sequence[Model]:
    """The model called `name` alone, all of them for None; with `endpoints`, served as these say, and never trained.

    `endpoints` are tables by their names, as model.toml has them or that as JSON. Raises SpecError.
    """
    if name is None:
        if endpoints is not None:
            raise SpecError(["endpoints: whose are they? Name a model too, such as -c model=face-mask"])
        return models
    model = next((model for model in models if model.spec.name == name), None)
    if model is None:
        known = ", ".join(model.spec.name for model in models)
        raise SpecError([f"model: {name!r} is no model here; use -c model= with one of {known}"])
    return [model if endpoints is None else _served_by(model, endpoints)]


def _served_by(model: Model, endpoints: str | Mapping[str, object]) -> Model:
    given: object = endpoints
    if isinstance(endpoints, str):
        try:
            given = json.loads(endpoints)
        except ValueError as error:
            raise SpecError(['endpoints: is not JSON; give such as {"try": {"kind": "serverless"}}']) from error
    try:
        tables = _Tried.model_validate({"endpoints": given}).endpoints
    except ValidationError as error:
        raise SpecError([fault_line(fault) for fault in error.errors(include_url=False)]) from error
    served = model.with_endpoints(tables)
    return Model(served.spec.model_copy(update={"training": None}), served.folder)
