"""A small trained network as the files that users bring: of Keras 3, and of Keras 2 (tf.keras), written by hand.

Import only where TensorFlow may be.
"""

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers

_INITIALIZER = {"class_name": "GlorotUniform", "config": {"seed": None}}


def network(units: int = 3, activation: str | None = "softmax") -> keras.Model:
    """Layers whose wording or weights differ between the versions, and a shortcut, so that the order matters."""
    keras.utils.set_random_seed(7)
    picture = keras.Input((32, 32, 3), name="picture")
    x = layers.RandomFlip("horizontal", name="flip")(picture)  # must rest when the network is served
    x = layers.Conv2D(6, 3, strides=2, name="first")(x)
    x = layers.ReLU(name="bend")(layers.BatchNormalization(name="norm")(x))
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    y = layers.SeparableConv2D(6, 3, padding="same", name="separable")(y)
    x = layers.Dropout(0.3, name="drop")(layers.Add(name="sum")([x, y]))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return _shaken(keras.Model(picture, layers.Dense(units, activation=activation, name="scores")(x), name="small"))


def chain() -> keras.Model:
    """The same as a Sequential model."""
    keras.utils.set_random_seed(8)
    first = layers.Conv2D(4, 3, activation="relu", name="first")
    rest = [layers.BatchNormalization(name="norm"), layers.Flatten(name="flat")]
    last = layers.Dense(3, activation="softmax", name="scores")
    return _shaken(keras.Sequential([keras.Input((32, 32, 3), name="picture"), first, *rest, last], name="chain"))


def _shaken(model: keras.Model) -> keras.Model:
    """With other weights than the ones a new network begins with, moving means too."""
    rng = np.random.default_rng(9)
    spread = (0.02, 0.4), (-0.02, 0.02)  # of a vector, whose variances must stay positive, and of a kernel
    model.set_weights([w + rng.uniform(*spread[w.ndim > 1], w.shape) for w in model.get_weights()])
    return model


def keras2_json(model: keras.Model) -> str:
    """What `model.to_json()` of tf.keras 2.11 gave for the same network."""
    is_chain = isinstance(model, keras.Sequential)
    every = [model.get_config()["layers"][0], *(_serialized(layer) for layer in model.layers if not _is_input(layer))]
    described: list[dict[str, Any]] = [_keras2_layer(layer) for layer in every]
    config: dict[str, Any] = {"name": model.name, "layers": described}
    if is_chain:
        described[1]["config"]["batch_input_shape"] = [None, 32, 32, 3]
    else:
        for layer, old in zip(model.layers, described, strict=True):
            old |= {"name": layer.name, "inbound_nodes": _inbound(layer)}
        config |= {"input_layers": [["picture", 0, 0]], "output_layers": [[model.layers[-1].name, 0, 0]]}
    kind = "Sequential" if is_chain else "Functional"
    return json.dumps({"class_name": kind, "config": config, "keras_version": "2.11.0", "backend": "tensorflow"})


def _is_input(layer: keras.Layer) -> bool:
    return isinstance(layer, layers.InputLayer)


def _serialized(layer: keras.Layer) -> dict[str, Any]:
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def _keras2_layer(layer: dict[str, Any]) -> dict[str, Any]:
    kind, config = layer["class_name"], dict(layer["config"])
    config["dtype"] = "float32"
    for key, value in config.items():
        if isinstance(value, dict):
            config[key] = {"class_name": value["class_name"], "config": value["config"]}
    if kind == "InputLayer":
        config = {"batch_input_shape": config["batch_shape"], "dtype": "float32", "sparse": False, "ragged": False}
        config["name"] = "picture"
    if kind == "BatchNormalization":
        config = {key: value for key, value in config.items() if "renorm" not in key and key != "synchronized"}
        config["axis"] = [3]
    if kind == "RandomFlip":
        del config["data_format"]
        config["rng_type"] = "stateful"
    if kind in ("DepthwiseConv2D", "SeparableConv2D"):
        kernel = {"kernel_initializer": _INITIALIZER, "kernel_regularizer": None, "kernel_constraint": None}
        config |= {"groups": 1} | kernel
    return {"class_name": kind, "config": config}


def _inbound(layer: keras.Layer) -> list[list[list[Any]]]:
    if _is_input(layer):
        return []
    given = layer.input if isinstance(layer.input, list) else [layer.input]
    return [[[tensor._keras_history.operation.name, 0, 0, {}] for tensor in given]]


def write_keras2_weights(model: keras.Model, file: Path, config: str | None = None) -> None:
    """`model.save_weights(file)` of tf.keras 2.11; with `config`, `model.save(file)`."""
    with h5py.File(file, "w") as content:
        root = content
        if config:
            content.attrs["model_config"] = config
            root = content.create_group("model_weights")
        root.attrs["layer_names"] = [layer.name.encode() for layer in model.layers]
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.11.0"
        for layer in model.layers:
            group = root.create_group(layer.name)
            weights = layer.trainable_weights + layer.non_trainable_weights
            names = [f"{weight.path}:0" for weight in weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, weight in zip(names, weights, strict=True):
                group.create_dataset(name, data=weight.numpy())
