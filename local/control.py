"""What AWS has no call for, beside the runtimes: ending an endpoint's server, so that the next call meets a cold start,
and which processes serve what, to look at their memory. Experiments use it, and whoever tries the page cold.

    curl -X POST $RUNTIME/local/endpoints/fovea-dev-face-mask-serverless/stop
    curl $RUNTIME/local/processes
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class Stoppable(Protocol):
    """A server that the next call starts again."""

    @property
    def pids(self) -> Sequence[int]:
        """The processes that it was started as; their children are its own."""

    async def stop(self) -> None:
        """Ends it."""


class Control:
    """Over `servers`, by their names in AWS, and `beside` them what cannot be stopped. Offers `routes`."""

    def __init__(self, servers: Mapping[str, Stoppable], beside: Mapping[str, Callable[[], Sequence[int]]]) -> None:
        self._servers, self._beside = servers, beside
        self.routes = [
            Route("/local/endpoints/{name}/stop", self._stop, methods=["POST"]),
            Route("/local/processes", self._processes),
        ]

    async def _stop(self, request: Request) -> Response:
        server = self._servers.get(request.path_params["name"])
        if server is None:
            return JSONResponse({"Message": f"no such endpoint; one of {', '.join(self._servers)}"}, 404)
        await server.stop()
        return Response(status_code=204)

    async def _processes(self, _request: Request) -> Response:
        servers = {name: server.pids for name, server in self._servers.items()}
        return JSONResponse(servers | {name: pids() for name, pids in self._beside.items()})
