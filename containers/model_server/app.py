"""The routes of SageMaker's container contract (docs: "Use Your Own Inference Code with Hosting Services")."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contract.errors import ApiError, InternalError, MethodNotAllowed, ModelNotReady, RouteNotFound
from contract.limits import BODIES, MIB
from model_server.invocations import invoke, refusal, request_id
from model_server.service import Service

_ERRORS: dict[int, type[ApiError]] = {404: RouteNotFound, 405: MethodNotAllowed}


def build_app(service: Service) -> Starlette:
    """The ASGI application over `service`."""
    app = Starlette(
        routes=[
            Route("/ping", ping, methods=["GET"]),
            Route("/execution-parameters", execution_parameters, methods=["GET"]),
            Route("/invocations", invoke, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _refuse},
    )
    app.router.redirect_slashes = False  # a redirect would repeat the Host header
    app.state.service = service
    return app


async def ping(request: Request) -> Response:
    """200 with an empty body when the model can answer, 503 before."""
    try:
        request.app.state.service.model()
    except ModelNotReady as error:
        return refusal(error, request_id(request.headers))
    return Response()


async def execution_parameters(request: Request) -> Response:
    """How batch transform should call."""
    service: Service = request.app.state.service
    return JSONResponse(
        {
            "MaxConcurrentTransforms": service.settings.workers,
            "BatchStrategy": "SINGLE_RECORD",
            "MaxPayloadInMB": BODIES.realtime // MIB,
        }
    )


async def _refuse(request: Request, error: Exception) -> Response:
    """The router's own 404 and 405 in the one envelope."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    answer = refusal(_ERRORS.get(status, InternalError)(), request_id(request.headers))
    if isinstance(error, HTTPException) and "Allow" in (error.headers or {}):
        answer.headers["Allow"] = (error.headers or {})["Allow"]
    return answer
