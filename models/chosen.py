"""The models with some of their endpoints: say, with those that cost nothing idle, or that a new account may have."""

from collections.abc import Sequence
from typing import get_args

from models.endpoints import Endpoint
from models.registry import Model
from models.spec import SpecError

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
