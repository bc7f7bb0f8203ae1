"""SavedModels that do more than compute, and some that only seem to. Import only where a test needs TensorFlow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.containers.model_folder import COLOURS, write_spec
from tests.faults.failing_scripts import SIDE

v1 = tf.compat.v1


class _Classifier(tf.Module):
    """Sound but for what `inside` does with each picture's pixels."""

    def __init__(self, inside: Callable[[Any], Any]) -> None:
        super().__init__()
        self._inside = inside

    @tf.function(input_signature=[tf.TensorSpec([None, SIDE, SIDE, 3], tf.float32)])
    def classify(self, pictures):
        return {"scores": tf.nn.softmax(tf.reduce_mean(self._inside(pictures), [1, 2]))}


class _Resource(tf.saved_model.experimental.TrackableResource):
    """Writes when it is initialized, which is while a model that has it loads."""

    def __init__(self, mark: str) -> None:
        super().__init__()
        self._mark = mark

    def _create_resource(self):
        return tf.raw_ops.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64)

    def _initialize(self):
        tf.io.write_file(self._mark, "was run")


def _exported(folder: Path, inside: Callable[[Any], Any], **tracked: Any) -> Path:
    model = _Classifier(inside)
    for name, value in tracked.items():
        setattr(model, name, value)
    tf.saved_model.save(model, str(folder), signatures=model.classify)
    write_spec(folder, COLOURS, SIDE)
    return folder


def export_writing_model(folder: Path, mark: Path) -> Path:
    """The folder of a classifier that writes `mark` whenever it is asked."""

    def inside(pictures):
        with tf.control_dependencies([tf.io.write_file(str(mark), "was run")]):
            return tf.identity(pictures)

    return _exported(folder, inside)


def export_writing_within(folder: Path, mark: Path) -> Path:
    """It writes in a function of a function."""

    def one(picture):
        with tf.control_dependencies([tf.io.write_file(str(mark), "was run")]):
            return tf.identity(picture)

    return _exported(folder, lambda pictures: tf.map_fn(one, pictures))


def export_writing_on_load(folder: Path, mark: Path) -> Path:
    resource = _Resource(str(mark))

    def inside(pictures):
        size = tf.raw_ops.LookupTableSizeV2(table_handle=resource.resource_handle)
        return pictures + 0 * tf.cast(size, tf.float32)

    return _exported(folder, inside, resource=resource)


def export_printing(folder: Path, mark: Path) -> Path:
    """It prints into a file."""

    def inside(pictures):
        tf.print("was run", output_stream=f"file://{mark}")
        return pictures

    return _exported(folder, inside)


def export_saving(folder: Path, mark: Path) -> Path:
    """It saves its pictures as variables are saved."""

    def inside(pictures):
        with tf.control_dependencies(
            [tf.raw_ops.SaveV2(prefix=str(mark), tensor_names=["a"], shape_and_slices=[""], tensors=[pictures])]
        ):
            return tf.identity(pictures)

    return _exported(folder, inside)


def export_reading(folder: Path, _mark: Path) -> Path:
    """It tells what a file outside says."""
    return _exported(
        folder, lambda pictures: pictures + tf.cast(tf.strings.length(tf.io.read_file("/etc/passwd")), tf.float32)
    )


def export_v1(folder: Path, mark: Path | None = None, *, on_load: bool = False) -> Path:
    """TensorFlow 1's: variables and two savers, a `mark` written when it is asked or, on_load, loaded."""
    with v1.Graph().as_default(), v1.Session() as session:
        pixels = v1.placeholder(tf.float32, [None, SIDE, SIDE, 3])
        weights = v1.get_variable("weights", initializer=np.eye(3, dtype=np.float32))
        scores = tf.nn.softmax(tf.reduce_mean(pixels, [1, 2]) @ weights)
        writing = tf.io.write_file(str(mark), "was run") if mark else None
        with tf.control_dependencies([writing] if writing is not None and not on_load else []):
            scores = tf.identity(scores)
        session.run(v1.global_variables_initializer())
        v1.train.Saver()
        builder = v1.saved_model.Builder(str(folder))
        signature = v1.saved_model.predict_signature_def({"pixels": pixels}, {"scores": scores})
        initial = writing if on_load else None
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature}, main_op=initial)
        builder.save()
    return folder


def export_v1_writing(folder: Path, mark: Path) -> Path:
    return export_v1(folder, mark)


def export_v1_writing_on_load(folder: Path, mark: Path) -> Path:
    return export_v1(folder, mark, on_load=True)


def export_frozen_writing(folder: Path, mark: Path) -> Path:
    """A frozen graph."""
    with v1.Graph().as_default() as graph:
        pixels = v1.placeholder(tf.float32, [None, SIDE, SIDE, 3])
        with tf.control_dependencies([tf.io.write_file(str(mark), "was run")]):
            tf.nn.softmax(tf.reduce_mean(pixels, [1, 2]))
    folder.mkdir()
    (folder / "frozen_inference_graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    return folder


def export_vocabulary(folder: Path) -> Path:
    """It reads its own file while it loads, counts in a variable and prints to the log: all that a model may."""
    file = folder.with_suffix(".txt")
    file.write_text("a\nb\n")
    asset = tf.saved_model.Asset(str(file))
    whole_line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    rows = tf.lookup.TextFileInitializer(asset.asset_path, tf.string, whole_line, tf.int64, number)
    table, asked = tf.lookup.StaticVocabularyTable(rows, 1), tf.Variable(0.0)

    def inside(pictures):
        asked.assign_add(1.0)
        tf.print("asked")
        return pictures + tf.cast(table.lookup(tf.constant(["a"])), tf.float32)

    return _exported(folder, inside, asset=asset, table=table, asked=asked)
