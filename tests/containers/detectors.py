"""Detectors for the tests, exported as the TF Object Detection API does: as a SavedModel and as a frozen graph.

What they see can be told by hand: the box around all bright pixels. Import only where a fixture needs TensorFlow.
"""

from pathlib import Path

import tensorflow as tf

LABEL_MAP = """
# ids with gaps, as after removing classes
item {
  name: "cat"
  id: 3
}
item { id: 7 name: 'dog' }
"""
NAN, BIG_SCORES, BOXES_IN_PIXELS, TOO_MANY, HALF_CLASSES = 1, 2, 3, 4, 5
"""What is wrong when the upper left pixel is so much more red than green."""


def export_detector(folder: Path, **spec: str) -> Path:
    """A SavedModel; `spec` as for write_detector_spec."""
    model = _Bright()
    tf.saved_model.save(model, str(folder), signatures=model.detect)
    write_detector_spec(folder, **spec)
    return folder


def export_frozen_detector(folder: Path, **spec: str) -> Path:
    """The same network as a TensorFlow 1 graph: one file, its tensors found by their names."""
    folder.mkdir()
    with tf.Graph().as_default() as graph:
        pictures = tf.compat.v1.placeholder(tf.uint8, [None, None, None, 3], name="image_tensor")
        for name, value in _detections(pictures).items():
            tf.identity(value, name=name)
    (folder / "frozen_inference_graph.pb").write_bytes(graph.as_graph_def().SerializeToString())
    write_detector_spec(folder, **spec)
    return folder


def export_nameless_detector(folder: Path) -> Path:
    """A SavedModel with boxes and scores, but not under the API's names."""
    model = _Nameless()
    tf.saved_model.save(model, str(folder), signatures=model.detect)
    write_detector_spec(folder)
    return folder


def write_detector_spec(folder: Path, *, given: str = "") -> None:
    """A label map and a model.toml; `given` is the content of [input]."""
    (folder / "label_map.pbtxt").write_text(LABEL_MAP)
    (folder / "model.toml").write_text(
        f"""
        [model]
        name = "{folder.name.replace("_", "-")}"
        task = "object-detection"
        framework = "tensorflow"
        container = "object_detection"
        version = "1.2.3"
        description = "For tests."
        labels = "label_map.pbtxt"
        notice = "For tests only."
        [input]
        {given}
        [endpoints.cpu]
        kind = "serverless"
        """
    )


class _Bright(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, name="input_tensor")])
    def detect(self, input_tensor):
        return _detections(input_tensor)


class _Nameless(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.uint8, name="input_tensor")])
    def detect(self, input_tensor):
        outputs = _detections(input_tensor)
        return {"boxes": outputs["detection_boxes"], "scores": outputs["detection_scores"]}


def _detections(pictures):
    """Out of order: the left half of what is bright (dog), all of it (cat), everything (cat), the upper half (17),
    the upper left corner (cat), and a row that does not count. A dark picture has a box that ends before it begins.
    """
    bright = tf.cast(tf.reduce_max(pictures, axis=3) > 127, tf.float32)
    ymin, ymax = _extent(tf.reduce_max(bright, axis=2))
    xmin, xmax = _extent(tf.reduce_max(bright, axis=1))
    none, all_ = tf.zeros_like(ymin), tf.ones_like(ymin)
    boxes = [
        (ymin, xmin, ymax, (xmin + xmax) / 2),
        (ymin, xmin, ymax, xmax),
        (none, none, all_, all_),
        (ymin, xmin, (ymin + ymax) / 2, xmax),
        (none, none, all_ / 16, all_ / 16),
        (none, none, none, none),
    ]
    scores = tf.stack([all_ * score for score in (0.6, 0.9, 0.1, 0.4, 0.35, 0.0)], axis=1)
    classes = tf.stack([all_ * number for number in (7.0, 3.0, 3.0, 17.0, 3.0, 1.0)], axis=1)
    stacked = tf.stack([tf.stack(box, axis=1) for box in boxes], axis=1)
    redness = tf.cast(pictures[:, 0, 0, 0], tf.int32) - tf.cast(pictures[:, 0, 0, 1], tf.int32)
    is_wrong = {number: tf.cast(tf.equal(redness, number), tf.float32) for number in range(1, 6)}
    return {
        "detection_boxes": stacked * (1 + 500 * is_wrong[BOXES_IN_PIXELS])[:, None, None],
        "detection_scores": (scores + is_wrong[BIG_SCORES][:, None]) / (1 - is_wrong[NAN] * all_)[:, None],
        "detection_classes": classes + is_wrong[HALF_CLASSES][:, None] / 2,
        "num_detections": 5 + 90 * is_wrong[TOO_MANY],
        "raw_detection_boxes": stacked / 2,
        "raw_detection_scores": tf.stack([scores, 1 - scores], axis=2),
    }


def _extent(is_bright):
    """Where the ones of each row [n, size] begin and end, as fractions."""
    size = tf.shape(is_bright)[1]
    places = tf.cast(tf.range(size), tf.float32)[None]
    first = tf.reduce_min(tf.where(is_bright > 0, places, tf.cast(size, tf.float32)), axis=1)
    last = tf.reduce_max(tf.where(is_bright > 0, places + 1, 0.0), axis=1)
    return first / tf.cast(size, tf.float32), last / tf.cast(size, tf.float32)
