"""SavedModels for the tests, exported by Keras and TensorFlow. Import only where a fixture needs TensorFlow."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from tests.containers.model_folder import COLOURS, write_spec


def export_colours(folder: Path) -> Path:
    """Tells which of red, green and blue a picture has most of: softmax(8 * mean colour)."""
    inputs = keras.Input((32, 32, 3))
    mean_colour = keras.layers.GlobalAveragePooling2D()(inputs)
    dense = keras.layers.Dense(3, activation="softmax")
    model = keras.Model(inputs, dense(mean_colour))
    dense.set_weights([8 * np.eye(3), np.zeros(3)])
    model.export(folder, verbose=False)
    write_spec(folder, COLOURS, 32)
    return folder


class _Moody(tf.Module):
    """Gives NaN for white and raises for black, so that the two kinds of model failure can be seen."""

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def classify(self, pictures):
        brightness = tf.reduce_mean(pictures, [1, 2, 3])
        with tf.control_dependencies([tf.debugging.assert_greater(brightness, 0.01, "secret/path: too dark")]):
            brightness = tf.identity(brightness)
        scores = tf.stack([brightness, 1 - brightness], axis=1)
        return {"scores": tf.where(scores > 0.99, np.nan, scores)}


def export_moody(folder: Path) -> Path:
    model = _Moody()
    tf.saved_model.save(model, str(folder), signatures=model.classify)
    write_spec(folder, ["light", "dark"], 32)
    return folder


class _Exotic(tf.Module):
    """Uses an operation that OpenVINO's reader of TensorFlow does not know."""

    @tf.function(input_signature=[tf.TensorSpec([None, 32, 32, 3], tf.float32)])
    def classify(self, pictures):
        brightness = tf.math.lgamma(1 + tf.reduce_mean(pictures, [1, 2, 3])) ** 2
        return {"scores": tf.stack([brightness, 1 - brightness], axis=1)}


def export_exotic(folder: Path) -> Path:
    model = _Exotic()
    tf.saved_model.save(model, str(folder), signatures=model.classify)
    write_spec(folder, ["odd", "even"], 32)
    return folder


def export_application(folder: Path, network: keras.Model, classes: int, size: int, scores: str) -> Path:
    """Any network of keras.applications, as a user would: model.export() and a model.toml."""
    for weight in network.trainable_variables:  # untrained networks answer 1/n to everything; these do not
        weight.assign(weight + tf.random.stateless_normal(weight.shape, (1, 2), stddev=0.02))
    network.export(folder, verbose=False)
    pixels = "mean = [127.5, 127.5, 127.5]\nstd = [127.5, 127.5, 127.5]"
    write_spec(folder, [f"class {number}" for number in range(classes)], size, scores=scores, more=pixels)
    return folder


def mobilenet() -> keras.Model:
    keras.utils.set_random_seed(7)
    return keras.applications.MobileNetV2((96, 96, 3), alpha=0.35, weights=None, classes=7)


def efficientnet() -> keras.Model:
    keras.utils.set_random_seed(7)
    return keras.applications.EfficientNetB0(
        input_shape=(64, 64, 3), weights=None, classes=5, classifier_activation=None
    )


def export_logits(folder: Path) -> Path:
    """A classifier without its softmax, declared as if it had one."""
    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(2, use_bias=True)])
    model.layers[-1].set_weights([np.zeros((32 * 32 * 3, 2)), np.float32([3, -5])])
    model.export(folder, verbose=False)
    write_spec(folder, ["yes", "no"], 32)
    return folder
