"""What a TensorFlow graph would do beyond computing: a model is data, and must not write, read or call what it likes.

TensorFlow runs whatever operations a graph names, some of them while it loads. Only those that can run are looked at:
every SavedModel also holds the operations that saved it, which nothing calls here.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from model_server.engines import EngineError

_OUTWARD = re.compile(
    "(Experimental)?("
    + "|".join(
        (
            r"(Read|Write)File|MatchingFiles(Dataset)?|FileSystemSetConfiguration|LoadAndRemapMatrix",
            r"Save(V2|Slices|Dataset|DatasetV2)?|MergeV2Checkpoints|DistributedSave|LoadDataset|DatasetToTFRecord",
            r"(Cache|Snapshot|TextLine|TFRecord|FixedLengthRecord|CSV|LMDB|Sql|ListSnapshotChunks|DataService)\w*Dataset\w*",
            r"\w+Reader(V2)?|RecordInput|DatasetFromGraph|RegisterDataset(V2)?|Rpc\w+",
            r"SummaryWriter|CreateSummary(File|Db)Writer|Write\w*Summary|ImportEvent|CalibrationStatisticsSaver",
            r"Debug\w+|DumpTensor|Abort|(Eager)?PyFunc(Stateless)?|XlaCustomCall(V2)?",
        )
    )
    + ")"
)
_PRINT, _TO_FILE = "PrintV2", b"file:"
_SWAPPED_IN = "api_implements"  # TensorFlow's optimizer may call such a function in place of another


def check_saved_model(saved_model: Any) -> None:
    """Raises EngineError for a SavedModel protocol buffer that would do more than compute."""
    for graph in saved_model.meta_graphs:
        objects = graph.HasField("object_graph_def")  # otherwise TensorFlow 1 wrote it, and the graph itself is run
        nodes = () if objects else _leading_to(_ends(graph), graph.graph_def.node)
        _check(nodes, graph.object_graph_def.concrete_functions, graph.graph_def.library)


def check_graph(graph: Any) -> None:
    """The same for a GraphDef."""
    _check(graph.node, (), graph.library)


def _check(nodes: Iterable[Any], called: Iterable[str], library: Any) -> None:
    functions = {function.signature.name: function.node_def for function in library.function}
    waiting = [*called, *(function.signature.name for function in library.function if _SWAPPED_IN in function.attr)]
    bodies = [nodes]
    seen: set[str] = set()
    while bodies:
        for node in bodies.pop():
            if _OUTWARD.fullmatch(node.op) or _prints_to_a_file(node):
                raise EngineError(f"the model's graph has the operation {node.op}, which does more than compute")
            waiting.extend(_calls(node))
        unseen = set(waiting) & functions.keys() - seen
        bodies.extend(functions[name] for name in unseen)
        seen |= unseen
        waiting.clear()


def _prints_to_a_file(node: Any) -> bool:
    return node.op == _PRINT and bool(node.attr["output_stream"].s.startswith(_TO_FILE))


def _calls(node: Any) -> Iterator[str]:
    """The functions that `node` may call: an operation's name may be a function's too."""
    yield node.op
    for value in node.attr.values():
        yield value.func.name
        yield from (function.name for function in value.list.func)


def _ends(graph: Any) -> Iterator[str]:
    """What TensorFlow runs of its version 1's graphs: signatures, what initializes, what restores the variables."""
    yield graph.saver_def.restore_op_name
    for collection in graph.collection_def.values():
        yield from collection.node_list.value
    for signature in graph.signature_def.values():
        for tensor in signature.outputs.values():
            sparse = tensor.coo_sparse
            parts = [part.name for part in tensor.composite_tensor.components]
            yield from (tensor.name, sparse.values_tensor_name, sparse.indices_tensor_name, *parts)
            yield sparse.dense_shape_tensor_name


def _leading_to(ends: Iterable[str], nodes: Iterable[Any]) -> list[Any]:
    """`ends` and all that they need."""
    by_name = {node.name: node for node in nodes}
    waiting, found = list(ends), {}
    while waiting:
        name = waiting.pop().lstrip("^").partition(":")[0]
        if name in by_name and name not in found:
            found[name] = by_name[name]
            waiting.extend(by_name[name].input)
    return list(found.values())
