"""TensorFlow itself on a SavedModel's `serving_default` signature or a frozen graph: for GPUs, and for
operations that OpenVINO refuses.

On a GPU, requests go together as batches, and TensorFlow's own rewriting of graphs (auto_mixed_precision) puts matrix
products and convolutions into half precision, where that answers alike; weights stay as they are stored. Nothing is
compiled by XLA: it would do so for each size of batch, seconds each, in every cold start.
"""

import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its banners are not JSON

import numpy as np
import tensorflow as tf

from model_server.engines import FLOAT32, FROZEN_GRAPH, Array, EngineError, Outputs, wrong_input
from model_server.engines.batching import HALF_PARITY, Batcher, difference
from model_server.engines.operations import check_graph, check_saved_model
from model_server.logs import fields

SIGNATURE = "serving_default"
_MAX_BATCH = 8
_NOISE = (0.0, 0.05, 0.2)  # times the example's own deviation; some inputs are whole numbers, and stay so

log = logging.getLogger(__name__)


class TensorFlowEngine:
    """Calls the signature with up to eight instances, or one where the model was exported with a fixed batch."""

    max_batch = 1
    precision = FLOAT32

    def __init__(self, in_flight: Callable[[], int] = lambda: 1) -> None:  # noqa: ARG002 a GPU is one for all
        self._given: Any = None
        self._call: Callable[[Any], dict[str, Any]] = lambda _: {}
        self._infer: Callable[[Array], Outputs] = self._run

    def load(self, model_dir: Path) -> None:
        """Reads the SavedModel or the frozen graph in `model_dir`. Raises EngineError."""
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)
        try:
            frozen = (model_dir / FROZEN_GRAPH).is_file()
            self._given, self._call = _frozen(model_dir / FROZEN_GRAPH) if frozen else _saved(model_dir)
        except KeyError as error:
            raise EngineError(f"the SavedModel has no {SIGNATURE} signature; export it with model.export()") from error
        except EngineError:
            raise
        except Exception as error:  # IndexError, DecodeError, OpError …: each kind of damage has its own
            raise EngineError(f"TensorFlow cannot read the model in {model_dir}: {error}") from error

    def warm_up(self, example: Array, dynamic_axes: Sequence[int] = (), *, one_by_one: bool = False) -> Outputs:
        """Traces and, on a GPU, chooses kernels for the largest and the smallest batch. Raises EngineError."""
        given = self._given
        shape = [None if axis in dynamic_axes else size for axis, size in enumerate(example.shape)]
        if given.dtype.as_numpy_dtype != example.dtype or not given.shape.is_compatible_with((None, *shape[1:])):
            raise wrong_input(f"{given.shape} of {given.dtype.name}", example)
        fixed = None if given.shape.rank is None else given.shape[0]
        if fixed not in (None, 1):
            raise EngineError(f"the model takes exactly {fixed} pictures at once; export it with a batch of None")
        self.max_batch = 1 if one_by_one or dynamic_axes else fixed or _MAX_BATCH
        sizes = [self.max_batch]
        if accelerates():
            self._halve(example)
            sizes = list(range(1, self.max_batch + 1))  # kernels are chosen for each
            self._infer = Batcher(self._run, self.max_batch).infer if self.max_batch > 1 else self._run
        for size in sizes:
            self.infer(np.repeat(example, size, axis=0))
        return self.infer(example)

    def infer(self, batch: Array) -> Outputs:
        """The outputs for `batch`, by the signature's names. On a GPU, callers of one shape may go together."""
        return self._infer(batch)

    def _run(self, batch: Array) -> Outputs:
        return {name: value.numpy() for name, value in self._call(tf.constant(batch)).items()}

    def _halve(self, example: Array) -> None:
        """Half precision, if noisy variants of `example` are answered alike. The setting is the process's own."""
        noise = np.random.default_rng(0).standard_normal(example.shape)
        inputs = [(example + level * example.std() * noise).astype(example.dtype) for level in _NOISE]
        exact = [self._run(x) for x in inputs]
        _set_half(True)
        gap = max(difference(wanted, self._run(x)) for wanted, x in zip(exact, inputs, strict=True))
        _set_half(gap <= HALF_PARITY)
        log.info("precision", extra=fields(half=gap <= HALF_PARITY, difference=gap, bound=HALF_PARITY))


def accelerates() -> bool:
    """Whether there is a GPU, which gains from half precision and batches."""
    return bool(tf.config.list_physical_devices("GPU"))


def _set_half(chosen: bool) -> None:
    tf.config.optimizer.set_experimental_options({"auto_mixed_precision": chosen})


def _saved(model_dir: Path) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
    """The input and the call of a SavedModel. The closure keeps the model, and with it its variables, alive."""
    check_saved_model(tf.__internal__.saved_model.parse_saved_model(str(model_dir)))
    model = tf.saved_model.load(str(model_dir))
    inputs = model.signatures[SIGNATURE].structured_input_signature[1]
    if len(inputs) != 1:
        raise EngineError(f"the model has {len(inputs)} inputs; export one with a single input")
    ((name, given),) = inputs.items()
    return given, lambda batch: model.signatures[SIGNATURE](**{name: batch})


def _frozen(file: Path) -> tuple[Any, Callable[[Any], dict[str, Any]]]:
    """The input and the call of a TensorFlow 1 graph: its one placeholder, and every node that feeds no other."""
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(file.read_bytes())
    check_graph(graph)
    inputs = [node.name for node in graph.node if node.op == "Placeholder"]
    if len(inputs) != 1:
        raise EngineError(f"the frozen graph has {len(inputs)} placeholders; export one with a single input")
    read = {name.lstrip("^").partition(":")[0] for node in graph.node for name in node.input}
    ends = [node.name for node in graph.node if node.name not in read and node.op not in ("Const", "NoOp")]
    wrapped = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph, name=""), [])
    given = wrapped.graph.as_graph_element(f"{inputs[0]}:0")
    ends = [name for name in ends if wrapped.graph.get_operation_by_name(name).outputs]  # an Assert has none
    call = wrapped.prune([given], [wrapped.graph.as_graph_element(f"{name}:0") for name in ends])
    return given, lambda batch: dict(zip(ends, call(batch), strict=True))
