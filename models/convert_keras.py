"""A Keras model in any of its files (.keras, .h5, .json with weights) -> a SavedModel.

Import it late: it brings TensorFlow. Keras loads with safe_mode, and only what `refuse_code` has passed.
"""

import json
import shutil
import tempfile
import zipfile
from pathlib import Path

import h5py
import keras
import tensorflow as tf

from models.convert_keras_config import Config, modernised, refuse_code
from models.convert_refusal import Refusal, first_line

_LARGEST_CONFIG = 64 * 1024 * 1024


def load_keras(file: Path, weights: Path | None) -> keras.Model:
    """The trained network in `file`, with one input and one output. Raises Refusal."""
    config, version = _read(file)
    refuse_code(config, file)
    is_keras_2 = version.startswith(("1.", "2."))
    if file.suffix != ".json" and not is_keras_2:
        model = _load_whole(file)
    else:
        model = _build(config, file, is_keras_2=is_keras_2)
        _load_weights(model, weights or file)
    if not model.built or len(model.inputs) != 1 or len(model.outputs) != 1:
        raise Refusal(f"{file}: the server takes networks with one input of known shape and one output; build one")
    return model


def ending(model: keras.Model) -> str:
    """The activation that makes the output: "softmax", "sigmoid", "linear"; another class's name where it has none."""
    last = getattr(model, "operations", model.layers)[-1]
    if isinstance(last, keras.Model):
        return ending(last)
    activation = getattr(last, "activation", None)
    return str(getattr(activation, "__name__", type(last).__name__)).lower()


def two_columns(model: keras.Model, file: Path) -> tuple[keras.Model, str]:
    """One output p made [1 - p, p], as the server needs a column for each label; and what was done, in words."""
    score, activation = model.outputs[0], ending(model)
    done = "the network's one output p, of the second label, became two: [1 - p, p]"
    if activation == "linear":
        score, done = keras.ops.sigmoid(score), f"{done}, after the sigmoid that it lacked"
    elif activation not in ("sigmoid", "reshape", "flatten"):
        raise Refusal(f"{file}: its one output ends in {activation}, not in a sigmoid; train it with one")
    return keras.Model(model.inputs, keras.ops.concatenate([1 - score, score], axis=-1)), done


def _read(file: Path) -> tuple[Config, str]:
    """What the file describes, and the version of Keras that wrote it."""
    try:
        text, version = _text_of(file)
        config = json.loads(text)
        config = json.loads(config) if isinstance(config, str) else config  # json.dump(model.to_json(), file)
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        fault = f"{file}: is damaged, or not what its suffix says ({first_line(error)})"
        raise Refusal(f"{fault}; save it again") from error
    if not isinstance(config, dict) or not isinstance(config.get("config"), (dict, list)) or "class_name" not in config:
        raise Refusal(f"{file}: describes no Keras model; save it with model.save() or model.to_json()")
    return config, version or config.get("keras_version") or ("3." if "module" in config else "2.")


def _text_of(file: Path) -> tuple[str | bytes, str | None]:
    if file.suffix == ".json":
        return file.read_bytes(), None
    if file.suffix == ".keras":
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
                raise ValueError("config.json is too large")
            return archive.read("config.json"), json.loads(archive.read("metadata.json"))["keras_version"]
    with h5py.File(file, "r") as content:
        if "model_config" not in content.attrs:
            raise Refusal(
                f"{file}: holds weights alone; write the network's model.to_json() into a .json file and convert that, "
                f"with --weights {file.name}"
            )
        return content.attrs["model_config"], _as_text(content.attrs.get("keras_version"))


def _as_text(value: object) -> str | None:
    return value.decode() if isinstance(value, bytes) else None if value is None else str(value)


def _load_whole(file: Path) -> keras.Model:
    try:
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        raise Refusal(
            f"{file}: Keras {keras.__version__} cannot load it: {first_line(error)}; save it again"
        ) from error


def _build(config: Config, file: Path, *, is_keras_2: bool) -> keras.Model:
    """The untrained network."""
    try:
        if not is_keras_2:
            return keras.models.model_from_json(json.dumps(config))
        config = modernised(config)
        kind = keras.Sequential if config["class_name"] == "Sequential" else keras.Model
        return kind.from_config(config["config"])
    except Exception as error:
        raise Refusal(
            f"{file}: Keras {keras.__version__} cannot build it: {first_line(error)}; where it was trained, export a "
            "SavedModel and convert that folder"
        ) from error


def _load_weights(model: keras.Model, file: Path) -> None:
    """By topology, as the older layout has them, or in the layout of Keras 3: Keras tells them apart by name alone."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            named = Path(folder) / "model.weights.h5"
            if file.suffix == ".keras":
                with zipfile.ZipFile(file) as archive, archive.open("model.weights.h5") as packed:
                    named.write_bytes(packed.read())
            else:
                shutil.copyfile(file, named)
            with h5py.File(named, "r") as content:
                is_old = "layer_names" in content.attrs or "model_weights" in content
            model.load_weights(named.rename(named.with_name("model.h5")) if is_old else named)
    except Exception as error:
        raise Refusal(
            f"{file}: the weights do not fit the network: {first_line(error)}; give the file that was saved from it"
        ) from error


def export(model: keras.Model, folder: Path) -> None:
    """Writes the SavedModel, without optimizer.

    `model.export()` leaves open whether it is training, and layers such as RandomFlip then go on changing pictures.
    """
    network = keras.Model(model.inputs[0], model.outputs[0])
    picture = tf.TensorSpec(network.inputs[0].shape, network.inputs[0].dtype, "picture")
    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serve", lambda picture: network(picture, training=False), [picture])
    archive.write_out(folder, verbose=False)
