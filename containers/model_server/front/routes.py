"""The routes of SageMaker's container contract (docs: "Use Your Own Inference Code with Hosting Services")."""

import json

from contract.errors import MethodNotAllowed, ModelNotReady, RouteNotFound
from contract.limits import MIB
from model_server.front.exchange import Exchange
from model_server.front.invocation import Invocation
from model_server.front.pool import Pool
from model_server.settings import Settings

_PING, _PARAMETERS, _INVOCATIONS = "/ping", "/execution-parameters", "/invocations"
_METHODS = {_PING: ("GET", "HEAD"), _PARAMETERS: ("GET", "HEAD"), _INVOCATIONS: ("POST",)}


class Routes:
    """What is answered where."""

    paths = frozenset(path.encode() for path in _METHODS)

    def __init__(self, settings: Settings, pool: Pool) -> None:
        self._settings, self._pool = settings, pool

    def begin(self, exchange: Exchange) -> None:
        """Answers what needs no body; what does becomes pending."""
        methods = _METHODS.get(exchange.path)
        if methods is None:
            exchange.refuse(RouteNotFound())
        elif exchange.method not in methods:
            exchange.refuse(MethodNotAllowed(), {"allow": ", ".join(methods)})
        elif exchange.path == _INVOCATIONS:
            Invocation(exchange, self._pool, self._settings).begin()
        elif exchange.path == _PARAMETERS:
            exchange.respond(self._parameters())
        elif self._pool.is_ready:
            exchange.respond(b"")
        else:
            exchange.refuse(ModelNotReady())

    def _parameters(self) -> bytes:
        """How batch transform should call."""
        values = {
            "MaxConcurrentTransforms": self._settings.workers,
            "BatchStrategy": "SINGLE_RECORD",
            "MaxPayloadInMB": self._settings.max_body_bytes // MIB,
        }
        return json.dumps(values).encode()
