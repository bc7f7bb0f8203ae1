"""A user's script as a predictor: input_fn, predict_fn and output_fn are its decode, inference and encode."""

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from contract.errors import ApiError, InvalidArray, MalformedJson, ModelFailed, ModelTimeout
from contract.media import JSON
from model_server.answers import Answer
from model_server.engines import EngineError
from model_server.logs import fields, reason
from model_server.predictor import Request, withhold
from models.labels import Labels
from models.spec import ModelSpec
from pytorch_script import defaults
from pytorch_script.script import FAULTS, Context, Function, call, load_functions, told

T = TypeVar("T")

log = logging.getLogger(__name__)


class ScriptPredictor:
    """Runs the script in one thread of its own, from its import on, as SageMaker's own worker does.

    So its functions are called one at a time, and what it sets for its thread (no gradients, a CUDA device, a
    connection to a database) holds in every call.
    """

    def __init__(self, spec: ModelSpec, model_dir: Path) -> None:
        self.spec = spec
        self._model_dir = model_dir.resolve()  # the script changes the working directory to it
        gpu_id = 0 if defaults.device().type == "cuda" else None
        self._context = Context({"model_dir": str(self._model_dir), "gpu_id": gpu_id})
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="script")
        self._functions: Mapping[str, Function] = self._thread.submit(load_functions, self._model_dir).result()
        self._model = self._thread.submit(self._load).result()

    def _load(self) -> Any:
        """Raises EngineError."""
        self._start("pre_model_fn", str(self._model_dir))
        if "model_fn" in self._functions:
            return self._start("model_fn", str(self._model_dir))
        return defaults.model_fn(self._model_dir)

    def _start(self, name: str, *arguments: Any) -> Any:
        """What the script's function gives, None without one. Raises EngineError."""
        function = self._functions.get(name)
        try:
            return function and call(function, *arguments, context=self._context)
        except FAULTS as error:
            raise EngineError(f"{name} failed: {told(error)}") from error

    def warm_up(self) -> None:
        """The model is loaded; what it takes, only the script's own model_warmup_fn knows. Raises EngineError."""
        self._thread.submit(self._start, "model_warmup_fn", str(self._model_dir), self._model).result()

    def answer(self, request: Request) -> Answer:
        """Raises ModelFailed for whatever the script raises, and ModelTimeout when its turn does not come in time."""
        turn = self._thread.submit(self._answer, request)
        try:
            return turn.result(max(0.0, request.deadline.remaining_s()))
        except TimeoutError as error:
            if turn.cancel():
                raise ModelTimeout from error
            return turn.result()  # keeps this request's place for as long as the script is at it

    def _answer(self, request: Request) -> Answer:
        request.deadline.check()
        accept = request.accept if _is_header(request.accept) and request.accept != "*/*" else JSON
        if "transform_fn" in self._functions:
            with request.timings.adding_to("inference"):
                made = self._run("transform_fn", self._model, _body(request), request.media_type, accept)
            return _as_answer(made, accept)
        with request.timings.adding_to("decode"):
            data = self._input(request)
        request.deadline.check()
        with request.timings.adding_to("inference"):
            prediction = self._run("predict_fn", data, self._model)
        with request.timings.adding_to("encode"):
            return _as_answer(self._run("output_fn", prediction, accept), accept)

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
    except FAULTS as error:
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


def _as_answer(made: Any, accept: str) -> Answer:
    """`made` is a body, or a body and its content type. Raises ModelOutputInvalid for anything else."""
    body, content_type = made if isinstance(made, tuple) and len(made) == 2 else (made, _first_type(accept))
    if not isinstance(content_type, str) or not _is_header(content_type):
        withhold("output_fn gave a content type that is no header")
    if isinstance(body, bytes | bytearray):
        return Answer(bytes(body), content_type)
    if not isinstance(body, str):
        withhold(f"output_fn gave {type(body).__name__}, not text or bytes")
    try:
        return Answer(body.encode(), content_type)
    except UnicodeEncodeError:
        withhold("output_fn gave text that is no Unicode")


def _first_type(accept: str) -> str:
    """The first type that an Accept header names; JSON where that is a range."""
    name = accept.partition(",")[0].partition(";")[0].strip()
    return name if name and "*" not in name else JSON


def _is_header(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()


def build(spec: ModelSpec, _labels: Labels, _engine: None, model_dir: Path) -> ScriptPredictor:
    """The predictor. Raises EngineError for a script or a model that cannot be loaded."""
    return ScriptPredictor(spec, model_dir)
