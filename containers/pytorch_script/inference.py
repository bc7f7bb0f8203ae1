"""A user's script as a predictor: input_fn, predict_fn and output_fn are its decode, inference and encode."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from contract.errors import ApiError, InvalidArray, MalformedJson, ModelFailed, ModelTimeout
from contract.media import JSON
from model_server.answers import Answer
from model_server.deadline import Deadline
from model_server.engines import EngineError
from model_server.logs import fields, reason
from model_server.predictor import Request, withhold
from models.labels import Labels
from models.spec import ModelSpec
from pytorch_script import defaults
from pytorch_script.script import Context, Function, call, load_functions

T = TypeVar("T")

log = logging.getLogger(__name__)


class ScriptPredictor:
    """Calls the script for one request at a time, as SageMaker's own worker does: scripts are seldom thread-safe."""

    def __init__(self, spec: ModelSpec, model_dir: Path) -> None:
        self.spec = spec
        self._turn = Lock()
        model_dir = model_dir.resolve()  # the script changes the working directory to it
        self._functions: Mapping[str, Function] = load_functions(model_dir)
        gpu_id = 0 if defaults.device().type == "cuda" else None
        self._context = Context({"model_dir": str(model_dir), "gpu_id": gpu_id})
        self._model = self._load(model_dir)

    def _load(self, model_dir: Path) -> Any:
        """Raises EngineError."""
        load = self._functions.get("model_fn")
        if load is None:
            return defaults.model_fn(model_dir)
        try:
            return call(load, str(model_dir), context=self._context)
        except Exception as error:
            raise EngineError(f"model_fn failed: {type(error).__name__}: {error}") from error

    def warm_up(self) -> None:
        """The model is loaded; what it takes, only the script knows."""

    def answer(self, request: Request) -> Answer:
        """Raises ModelFailed for whatever the script raises, with the reason in the log only."""
        accept = request.accept if request.accept not in ("", "*/*") else JSON
        with self._turn_before(request.deadline):
            if "transform_fn" in self._functions:
                with request.timings.adding_to("inference"):
                    made = self._run("transform_fn", self._model, _body(request), request.media_type, accept)
                return _answer(made, accept)
            with request.timings.adding_to("decode"):
                data = self._input(request)
            request.deadline.check()
            with request.timings.adding_to("inference"):
                prediction = self._run("predict_fn", data, self._model)
            with request.timings.adding_to("encode"):
                return _answer(self._run("output_fn", prediction, accept), accept)

    @contextmanager
    def _turn_before(self, deadline: Deadline) -> Iterator[None]:
        """Raises ModelTimeout when the requests before take too long."""
        if not self._turn.acquire(timeout=max(0.0, deadline.remaining_s())):
            raise ModelTimeout
        try:
            yield
        finally:
            self._turn.release()

    def _input(self, request: Request) -> Any:
        if "input_fn" in self._functions:
            return self._run("input_fn", _body(request), request.media_type)
        return _guarded("input_fn", lambda: defaults.input_fn(request.body, request.media_type, self.spec.input))

    def _run(self, name: str, *arguments: Any) -> Any:
        function = self._functions.get(name) or getattr(defaults, name)
        return _guarded(name, lambda: call(function, *arguments, context=self._context))


def _guarded(name: str, work: Callable[[], T]) -> T:
    try:
        return work()
    except ApiError:
        raise
    except Exception as error:
        log.exception("the script failed", extra=fields(function=name, reason=reason(error)))
        raise ModelFailed from error


def _body(request: Request) -> bytes | str:
    """JSON and CSV as text, everything else as bytes. Raises MalformedJson, InvalidArray for bytes that are no text."""
    if request.media_type not in defaults.TEXTS:
        return request.body
    try:
        return request.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise (MalformedJson if request.media_type == JSON else InvalidArray) from error


def _answer(made: Any, accept: str) -> Answer:
    """`made` is a body, or a body and its content type. Raises ModelOutputInvalid for anything else."""
    body, content_type = made if isinstance(made, tuple) and len(made) == 2 else (made, accept)
    if isinstance(body, bytes | bytearray | str) and isinstance(content_type, str):
        return Answer(body.encode() if isinstance(body, str) else bytes(body), content_type)
    return withhold(f"output_fn gave {type(body).__name__}, not text or bytes")


def build(spec: ModelSpec, _labels: Labels, _engine: None, model_dir: Path) -> ScriptPredictor:
    """The predictor. Raises EngineError for a script or a model that cannot be loaded."""
    return ScriptPredictor(spec, model_dir)
