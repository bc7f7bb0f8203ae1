"""Whether the files of a model's artifact fit its model.toml, as far as synth can tell without a framework.

What only the network itself can tell, the model server tells when it starts.
"""

from collections.abc import Iterator
from pathlib import Path

from models.labels import read_labels
from models.saved_model import NotASavedModel, Signature, read_signature
from models.spec import SCRIPT_CONTAINER, ModelSpec, SpecError

FROZEN_GRAPH = "frozen_inference_graph.pb"
WEIGHTS, IR = "weights.pth", ("model.xml", "model.bin")
SCRIPT = "code/inference.py"
DETECTIONS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


def artifact_faults(spec: ModelSpec, folder: Path) -> list[str]:
    """A line for each fault of the artifact in `folder`, with the key and the remedy."""
    if not folder.is_dir():
        return [f"model.artifact: the folder {folder} does not exist; put the exported model there"]
    try:
        labels = len(read_labels(spec, folder))
    except SpecError as error:
        return error.faults
    if spec.model.container == SCRIPT_CONTAINER:
        faults = _script_faults(folder)
    elif spec.model.framework == "pytorch":
        faults = _pytorch_faults(spec, folder)
    else:
        faults = _tensorflow_faults(spec, labels, folder)
    return list(faults)


def _script_faults(folder: Path) -> Iterator[str]:
    if not (folder / SCRIPT).is_file() and not any(folder.glob("model.pt*")):
        yield f"model.artifact: {folder} holds neither {SCRIPT} nor model.pth; unpack the model.tar.gz there"


def _pytorch_faults(spec: ModelSpec, folder: Path) -> Iterator[str]:
    images = {spec.accelerator(name) for name in spec.endpoints}
    needed = (WEIGHTS,) * bool(images & {"gpu", "native"}) + IR * ("cpu" in images)
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        yield f"model.artifact: {folder} lacks {', '.join(missing)}; write them with python -m models.convert"


def _tensorflow_faults(spec: ModelSpec, labels: int, folder: Path) -> Iterator[str]:
    is_detector = spec.model.task == "object-detection"
    if is_detector and (folder / FROZEN_GRAPH).is_file():
        return
    try:
        signature = read_signature(folder)
    except NotASavedModel as error:
        yield f"model.artifact: {error}; export a SavedModel there with model.export()"
    else:
        yield from _detector_faults(signature) if is_detector else _classifier_faults(spec, labels, signature)


def _detector_faults(signature: Signature) -> Iterator[str]:
    missing = [name for name in DETECTIONS if name not in signature.outputs]
    if missing:
        yield (
            f"model.artifact: the SavedModel gives no {', '.join(missing)}; "
            "export it as the TensorFlow Object Detection API does"
        )


def _classifier_faults(spec: ModelSpec, labels: int, signature: Signature) -> Iterator[str]:
    for shape in signature.outputs.values():
        if shape and shape[-1] not in (-1, labels):
            yield f"model.labels: {labels} labels, but the model gives {shape[-1]} numbers; name all {shape[-1]}"
    free = spec.input.size is None or spec.input.resize == "shorter-side"
    height, width = (-1, -1) if free or spec.input.size is None else spec.input.size
    asked = (-1, height, width, 3) if spec.input.layout == "NHWC" else (-1, 3, height, width)
    for shape in signature.inputs.values():
        if len(shape) != 4 or any(have not in (-1, want) for have, want in zip(shape[1:], asked[1:], strict=True)):
            yield f"input.size: the model takes {list(shape)}, not {list(asked)}; correct size or layout"
