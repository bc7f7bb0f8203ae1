"""Draws shapes, trains a small network on them, and exports it: the pattern to put your own data and network into.

Run it from the repository's root with `python -m models.my_model.train`. It writes artifact/, metrics.json and
samples/ beside this file; nothing else needs to know that the model has changed.
"""

import argparse
import json
import shutil
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tqdm import tqdm

FOLDER = Path(__file__).resolve().parent
LABELS = ("circle", "square", "triangle")  # as in model.toml
SIDE = 64
HELD_OUT = 300

Pixels = NDArray[np.uint8]


def draw_shape(label: int, rng: np.random.Generator) -> Pixels:
    """One picture, (64, 64, 3): a shape of random size, place, turn and colour on another colour, with noise."""
    paper, ink = (rng.integers(0, 256, 3) for _ in range(2))
    while np.abs(paper - ink).sum() < 150:
        ink = rng.integers(0, 256, 3)
    image = Image.new("RGB", (SIDE, SIDE), tuple(map(int, paper)))
    radius = rng.uniform(10, 24)
    x, y = rng.uniform(radius, SIDE - radius, 2)
    pen = ImageDraw.Draw(image)
    if label == 0:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), tuple(map(int, ink)))
    else:
        corners = {1: 4, 2: 3}[label]
        pen.regular_polygon((x, y, radius), corners, rng.uniform(0, 360), tuple(map(int, ink)))
    noisy = np.asarray(image) + rng.normal(0, rng.uniform(0, 20), (SIDE, SIDE, 3))
    return noisy.clip(0, 255).astype(np.uint8)


def draw_dataset(count: int, seed: int) -> tuple[Pixels, NDArray[np.int64]]:
    """`count` pictures, (count, 64, 64, 3), as many of each label, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(LABELS)
    return np.stack([draw_shape(label, rng) for label in tqdm(labels, desc="drawing")]), labels


def build_network() -> keras.Model:
    """Pixels as model.toml prepares them, (n, 64, 64, 3) -> the probability of each label, (n, 3)."""
    inputs = x = keras.Input((SIDE, SIDE, 3), name="image")
    for filters in (12, 24, 48):
        x = keras.layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.Conv2D(48, 3, padding="same", activation="relu")(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, keras.layers.Dense(len(LABELS), activation="softmax", name="probabilities")(x))


def prepared(pictures: Pixels) -> NDArray[np.float32]:
    """What the model server makes of pictures, by model.toml."""
    return (pictures.astype(np.float32) - 127.5) / 127.5


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3000, help="pictures to train on (3000)")
    parser.add_argument("--epochs", type=int, default=12, help="times that each is shown (12)")
    parser.add_argument("--seed", type=int, default=1, help="of drawing and training (1)")
    run = parser.parse_args()

    keras.utils.set_random_seed(run.seed)
    pictures, labels = draw_dataset(run.images, run.seed)
    unseen, truth = draw_dataset(HELD_OUT, run.seed + 1)
    network = build_network()
    network.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(prepared(pictures), labels, batch_size=32, epochs=run.epochs, verbose=2)
    answers = network.predict(prepared(unseen), verbose=0).argmax(axis=1)

    shutil.rmtree(FOLDER / "artifact", ignore_errors=True)
    network.export(FOLDER / "artifact", verbose=False)
    metrics = {
        "data": "drawn by train.py",
        "seed": run.seed,
        "images": run.images,
        "epochs": run.epochs,
        "held_out_images": HELD_OUT,
        "accuracy": round(float((answers == truth).mean()), 4),
        "parameters": network.count_params(),
        "versions": {name: version(name) for name in ("tensorflow-cpu", "keras", "numpy", "pillow")},
    }
    (FOLDER / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    (FOLDER / "samples").mkdir(exist_ok=True)
    Image.fromarray(unseen[0]).save(FOLDER / "samples" / "circle.png")
    print(f"accuracy on {HELD_OUT} held-out pictures: {metrics['accuracy']}")


if __name__ == "__main__":
    main()
