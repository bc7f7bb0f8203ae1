"""Scenes with objects in them, and where exactly they are: what the detector learns from and is measured on.

A box is drawn around what can be seen: the part of an object that lies inside the picture and under no other one.

    python -m models.object_detection.scenes OUT --count 1500

writes them as TFRecords, with a label map and a pipeline.config: data for `make train MODEL=object-detection DATA=OUT`.
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models.object_detection.backgrounds import draw_background
from models.object_detection.shapes import KINDS, draw_object

SCENE_SIDE_PX = 320
MOST_OBJECTS = 6

_SHORTEST_PX, _LONGEST_PX = 26, 140  # an object's longer side
_LEAST_SEEN = 0.6  # of an object: what hides more of it is put elsewhere
_LEAST_SIDE_PX = 10
_TRIES = 12

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture and what is in it, object by object.

    image uint8 [320, 320, 3]; boxes float32 [k, 4] as [ymin, xmin, ymax, xmax], fractions of the picture;
    classes int64 [k], counted from 1 in the order of KINDS.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """A scene before it is photographed, with the visible part of each object as a mask [320, 320]."""

    image: Image.Image
    seen: Sequence[Mask]
    classes: Sequence[int]


def draw_scene(rng: np.random.Generator) -> Scene:
    """A scene with one to six objects; the same `rng` state draws the same scene."""
    layout = lay_out(rng)
    boxes = np.array([box_around(mask) for mask in layout.seen], np.float32)
    return Scene(_photograph(layout.image, rng), boxes, np.array(layout.classes, np.int64))


def lay_out(rng: np.random.Generator) -> Layout:
    """Puts objects one after the other before a background, none so that another one is mostly hidden."""
    image = draw_background(SCENE_SIDE_PX, rng)
    seen: list[Mask] = []
    areas: list[int] = []
    classes: list[int] = []
    for _ in range(rng.integers(1, MOST_OBJECTS + 1)):
        number = int(rng.integers(len(KINDS)))
        longer_side_px = round(math.exp(rng.uniform(math.log(_SHORTEST_PX), math.log(_LONGEST_PX))))
        thing = draw_object(KINDS[number], longer_side_px, rng)
        left_top = _place(thing, seen, areas, rng)
        if left_top is None:
            continue
        covered = _covered(thing, left_top)
        if rng.random() < 0.5:
            _cast_shadow(image, thing, left_top, rng)
        image.paste(thing, left_top, thing)
        seen = [*(mask & ~covered for mask in seen), covered]
        areas.append(_area(thing))
        classes.append(number + 1)
    return Layout(image, seen, classes)


def box_around(mask: Mask) -> tuple[float, float, float, float]:
    """[ymin, xmin, ymax, xmax] of the pixels in `mask`, as fractions."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    height, width = mask.shape
    return rows[0] / height, columns[0] / width, (rows[-1] + 1) / height, (columns[-1] + 1) / width


def _place(
    thing: Image.Image, seen: Sequence[Mask], areas: Sequence[int], rng: np.random.Generator
) -> tuple[int, int] | None:
    """Left and top of a place where enough is seen of `thing` and of all others, or None after some tries."""
    for _ in range(_TRIES):
        left = int(rng.integers(-thing.width // 5, SCENE_SIDE_PX - 4 * thing.width // 5))
        top = int(rng.integers(-thing.height // 5, SCENE_SIDE_PX - 4 * thing.height // 5))
        covered = _covered(thing, (left, top))
        after = [*(mask & ~covered for mask in seen), covered]
        if all(_enough(mask, area) for mask, area in zip(after, [*areas, _area(thing)], strict=True)):
            return left, top
    return None


def _enough(mask: Mask, area: int) -> bool:
    if mask.sum() < _LEAST_SEEN * area:
        return False
    ymin, xmin, ymax, xmax = box_around(mask)
    return min(ymax - ymin, xmax - xmin) * SCENE_SIDE_PX >= _LEAST_SIDE_PX


def _solid(thing: Image.Image) -> Mask:
    solid: Mask = np.asarray(thing.getchannel("A")) > 127
    return solid


def _area(thing: Image.Image) -> int:
    return int(_solid(thing).sum())


def _covered(thing: Image.Image, left_top: tuple[int, int]) -> Mask:
    plane = Image.new("1", (SCENE_SIDE_PX, SCENE_SIDE_PX))
    plane.paste(Image.fromarray(_solid(thing)), left_top)
    return np.asarray(plane)


def _cast_shadow(image: Image.Image, thing: Image.Image, left_top: tuple[int, int], rng: np.random.Generator) -> None:
    reach = max(2, round(max(thing.size) * rng.uniform(0.04, 0.12)))
    soft = Image.new("L", (thing.width + 4 * reach, thing.height + 4 * reach))
    soft.paste(thing.getchannel("A").point(lambda alpha: alpha * 2 // 5), (2 * reach, 2 * reach))
    soft = soft.filter(ImageFilter.BoxBlur(reach / 2))
    shift_x, shift_y = rng.integers(-reach, reach + 1, 2)
    at = (left_top[0] - 2 * reach + int(shift_x), left_top[1] - 2 * reach + int(shift_y))
    image.paste((0, 0, 0), (at[0], at[1], at[0] + soft.width, at[1] + soft.height), soft)


def _photograph(image: Image.Image, rng: np.random.Generator) -> NDArray[np.uint8]:
    """As a camera would: a little soft, brighter or darker, with noise."""
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1)))
    pixels = np.asarray(image).astype(np.float32)
    contrast, brightness = rng.uniform(0.75, 1.15), rng.uniform(-25, 25)
    pixels = (pixels - 127.5) * np.float32(contrast) + np.float32(127.5 + brightness)
    pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * np.float32(rng.uniform(0, 9))
    return pixels.clip(0, 255).astype(np.uint8)


def main(arguments: Sequence[str] | None = None) -> None:
    """Draws and writes; on a bad value, one clear line on stderr and exit status 2."""
    parser = argparse.ArgumentParser(prog="python -m models.object_detection.scenes", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    parser.add_argument("--count", type=int, default=1500, help="scenes, a fifth of them for validation (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="of every random choice (%(default)s)")
    options = parser.parse_args(arguments)
    if options.count < 2:
        parser.error(f"--count is {options.count}; give 2 or more")
    if not 0 <= options.seed < 2**32:
        parser.error(f"--seed is {options.seed}; give a number from 0 to {2**32 - 1}")

    from models.object_detection.drawn_records import write_drawn  # noqa: PLC0415 TensorFlow, once the rest is good

    write_drawn(options.out, options.count, options.seed)
    print(f"{options.count} scenes are in {options.out}")


if __name__ == "__main__":
    main()
