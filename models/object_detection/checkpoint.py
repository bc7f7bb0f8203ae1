"""Transfer learning: a network begins with what another one has learned, as far as the two are alike.

The channel may hold the model.tar.gz of an earlier job, a SavedModel, a TensorFlow checkpoint (.index), or a file of
Keras (.weights.h5, .keras). A variable is taken when it has the same place in the network and the same shape, so that
all but the last layers come along to other classes, and everything to another image size.
"""

import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.errors import UnusableCheckpoint

_INDEX = ".index"
_OPERATION = re.compile(r"_operations/(\d+)/_?(\w+)/\.ATTRIBUTES/VARIABLE_VALUE$")
_KERAS_NAMES = {keras.layers.Conv2D: "conv2d", keras.layers.BatchNormalization: "batch_normalization"}
_ACCEPTED = "model.tar.gz, a SavedModel, a TensorFlow checkpoint (.index), .weights.h5 or .keras"


def load_what_fits(network: keras.Model, folder: Path) -> tuple[int, int]:
    """Takes over what fits; how many variables that were, of how many. Raises UnusableCheckpoint."""
    with TemporaryDirectory() as unpacked:
        file = _checkpoint_in(folder, Path(unpacked))
        try:
            values = _of_tensorflow(file) if file.suffix == _INDEX else _of_keras(file)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, tf.errors.OpError) as error:
            raise UnusableCheckpoint(f"{file.name} in the channel {folder.name} is damaged; copy it again") from error
    taken = 0
    variables = list(_placed(network, is_keras=file.suffix != _INDEX))
    for place, variable in variables:
        value = values.get(place)
        if value is not None and value.shape == tuple(variable.shape):
            variable.assign(value)
            taken += 1
    if not taken:
        raise UnusableCheckpoint(
            f"{file.name} in the channel {folder.name} is of another network, none of its variables "
            "fits; give one that this training made, or train without the channel"
        )
    return taken, len(variables)


def _checkpoint_in(folder: Path, unpacked: Path) -> Path:
    """The first file that can be read. Raises UnusableCheckpoint."""
    for archive in sorted(folder.rglob("*.tar.gz")):
        try:
            with tarfile.open(archive) as opened:
                opened.extractall(unpacked, filter="data")
        except (tarfile.TarError, OSError, EOFError) as error:
            raise UnusableCheckpoint(f"{archive.name} in the channel {folder.name} cannot be unpacked") from error
    for place in (folder, unpacked):
        for pattern in (f"*{_INDEX}", "*.weights.h5", "*.keras"):
            file = next(iter(sorted(place.rglob(pattern), reverse=True)), None)
            if file:
                return file
    raise UnusableCheckpoint(f"the channel {folder.name} holds no checkpoint; put {_ACCEPTED} there")


def _placed(network: keras.Model, *, is_keras: bool) -> Iterator[tuple[str, Any]]:
    """Each variable with its place, as the two kinds of files name it."""
    counted: Counter[str] = Counter()
    for number, layer in enumerate(layer for layer in network.layers if layer.weights):
        kind = _KERAS_NAMES[type(layer)]
        name = f"{kind}_{counted[kind]}" if counted[kind] else kind
        counted[kind] += 1
        for at, variable in enumerate(layer.weights):
            yield (f"layers/{name}/vars/{at}" if is_keras else f"{number}/{variable.name}"), variable


def _of_tensorflow(index: Path) -> Mapping[str, NDArray[np.float32]]:
    """Of the network in a checkpoint of tf.train.Checkpoint or a SavedModel: `3/kernel` for its fourth layer's."""
    reader = tf.train.load_checkpoint(str(index.with_suffix("")))
    found = [(_OPERATION.search(key), key) for key in reader.get_variable_to_shape_map()]
    keys = {(int(named[1]), named[2]): key for named, key in found if named}
    layers = {number: at for at, number in enumerate(sorted({number for number, _ in keys}))}
    return {f"{layers[number]}/{name}": reader.get_tensor(key) for (number, name), key in keys.items()}


def _of_keras(file: Path) -> Mapping[str, NDArray[np.float32]]:
    """`layers/conv2d/vars/0` -> its value."""
    if file.suffix == ".keras":
        with zipfile.ZipFile(file) as archive, archive.open("model.weights.h5") as opened, h5py.File(opened) as weights:
            return _arrays(weights)
    with h5py.File(file) as weights:
        return _arrays(weights)


def _arrays(weights: h5py.File) -> Mapping[str, NDArray[np.float32]]:
    values: dict[str, NDArray[np.float32]] = {}

    def keep(name: str, found: Any) -> None:
        if isinstance(found, h5py.Dataset):
            values[name] = found[()]

    weights.visititems(keep)
    return values
