"""The network: put your own here. It is trained by train.py, and takes what model.toml says."""

import keras


def build_network(side: int, labels: int) -> keras.Model:
    """Pixels as model.toml prepares them, (n, side, side, 3) -> the probability of each label, (n, labels)."""
    inputs = x = keras.Input((side, side, 3), name="image")
    for filters in (12, 24, 48):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Conv2D(48, 3, padding="same", activation="relu")(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(labels, activation="softmax", name="probabilities")(x))
