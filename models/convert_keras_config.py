"""What a Keras file says it will build, read as the JSON that it is, before Keras sees it.

A layer that carries code is refused here, and the wording of Keras 2 (tf.keras) is brought up to that of Keras 3.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from models.convert_refusal import Refusal

Config = dict[str, Any]

_CODE = ("Lambda", "__lambda__", "function", "type", "__typespec__")
_FOREIGN = ("TFOpLambda", "SlicingOpLambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer")
_CLASS = re.compile(r"[A-Z]\w*|__[a-z_]+__")  # a function of Keras must not be called by a file either
_PACKAGES = ("keras", "tf_keras", "builtins")

# What tf.keras wrote for these layers and never used. ("groups" goes where it is 1, which means none.)
_UNUSED = {
    "DepthwiseConv2D": ("kernel_initializer", "kernel_regularizer", "kernel_constraint", "filters"),
    "SeparableConv2D": ("kernel_initializer", "kernel_regularizer", "kernel_constraint"),
    "Conv2DTranspose": (),
}
_ONLY_KERAS_3 = ("module", "registered_name", "build_config", "compile_config")  # tf.keras 2.12 began to write them


def refuse_code(config: Config, file: object) -> None:
    """Raises Refusal for anything but layers of Keras. How the model was compiled does not matter: it is not read."""
    for part in _parts({key: value for key, value in config.items() if key != "compile_config"}):
        class_name, module = str(part["class_name"]), part.get("module", "keras")
        inner = part.get("config")
        name = inner.get("name", class_name) if isinstance(inner, dict) else inner or class_name
        if class_name in _CODE:
            raise Refusal(
                f"{file}: {name!r} is code ({class_name}), which would run here and on the server; replace it by "
                "layers of Keras, or export a SavedModel yourself with model.export()"
            )
        is_of_keras = isinstance(module, str) and module.partition(".")[0] in _PACKAGES
        if class_name in _FOREIGN or not is_of_keras or not _CLASS.fullmatch(class_name):
            raise Refusal(
                f"{file}: {name!r} is a {class_name}, which Keras alone cannot build; where the model was trained, "
                "export a SavedModel with model.export() or tf.saved_model.save(), and convert that folder"
            )


def _parts(value: object) -> Iterator[Config]:
    """Every object in the configuration that Keras would build, the outermost first."""
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def modernised(config: Config) -> Config:
    """The configuration of a Keras 2 model as one that Keras 3 builds the same network from."""
    class_name, inner = config["class_name"], config["config"]
    if isinstance(inner, list):  # a Sequential model of Keras 2.2 and before
        inner = {"name": "sequential", "layers": inner}
    rest = {key: value for key, value in config.items() if key not in _ONLY_KERAS_3}
    if "layers" not in inner:
        return {**rest, "config": _modern_layer(class_name, inner)}
    layers = [modernised(layer) for layer in inner["layers"]]
    inner = {**inner, "layers": layers}
    if class_name == "Sequential":
        inner["layers"] = _with_input(config["config"], layers)
    else:
        class_name = "Functional"  # before 2.4 it was "Model"
        _count_nodes_from_0(inner)
    return {**rest, "class_name": class_name, "config": inner}


def _modern_layer(class_name: str, inner: Config) -> Config:
    inner = {key: value for key, value in inner.items() if key != "rng_type"}
    if class_name != "InputLayer":
        inner.pop("batch_input_shape", None)
    for key in _UNUSED.get(class_name, ()):
        inner.pop(key, None)
    if class_name in _UNUSED and inner.get("groups") == 1:
        del inner["groups"]
    if isinstance(inner.get("activation"), dict):  # a layer such as LeakyReLU, whose place Keras 3 wants to know
        inner["activation"] = {"module": "keras.layers", "registered_name": None} | inner["activation"]
    return inner


def _with_input(given: Config | list[Config], layers: list[Config]) -> list[Config]:
    """Keras 2 let the first layer of a Sequential model say the shape of the input; Keras 3 wants an input layer."""
    if not layers or layers[0]["class_name"] == "InputLayer":
        return layers
    before = given if isinstance(given, list) else given["layers"]
    shape = before[0]["config"].get("batch_input_shape")
    if not shape:
        return layers
    return [{"class_name": "InputLayer", "config": {"batch_shape": shape, "name": "input"}}, *layers]


def _count_nodes_from_0(inner: Config) -> None:
    """In Keras 2 the first call of a nested model has number 1, in Keras 3 it has 0; of a Sequential as an output too.

    A list of one output would come out of a nested model as a list; Keras 2 gave the tensor.
    """
    nested = [layer for layer in inner["layers"] if "layers" in layer["config"]]
    names = [layer["config"].get("name") for layer in nested]
    for layer in inner["layers"]:
        layer["inbound_nodes"] = [_renumbered(node, names) for node in layer.get("inbound_nodes", [])]
    sequential = [layer["config"].get("name") for layer in nested if layer["class_name"] == "Sequential"]
    outputs = _renumbered(inner["output_layers"], sequential)
    inner["output_layers"] = outputs[0] if len(outputs) == 1 else outputs


def _renumbered(tensors: list[Any], names: Sequence[str]) -> list[Any]:
    """Tensors are [name, number of the call, number of the output, …], one or a list of them."""
    if tensors and isinstance(tensors[0], str):
        name, call, *rest = tensors
        return [name, call - 1 if name in names and call else call, *rest]
    return [_renumbered(tensor, names) if isinstance(tensor, list) else tensor for tensor in tensors]
