"""Draws fundus photographs: a network needs thousands, and real ones may not be given away.

One eye, its lesions and the camera are drawn from three independent random streams, so the same eye can
be photographed with and without lesions. Light is [3, side, side] in 0..1: blood absorbs it, lipid covers.
"""

import numpy as np
from PIL import Image, ImageFilter

from models.diabetic_retinopathy.camera import Photo, photograph, random_frame
from models.diabetic_retinopathy.canvas import IMAGE_SIDE_PX, Frame, Ink, Plane, cover, fade
from models.diabetic_retinopathy.eye import Eye, draw_vessels, grow_vessels, random_eye
from models.diabetic_retinopathy.icdr import Findings, random_findings
from models.diabetic_retinopathy.lesions import LesionPainter

# How strongly red, green and blue are absorbed. Measured on samples/retina.jpg: a vein keeps 0.79, 0.43
# and 0.68 of the light of the retina beside it.
_VEIN_ABSORBS = (0.30, 1.05, 0.70)
_BLOOD_ABSORBS = (0.45, 1.30, 0.85)


def draw_fundus(grade: int, rng: np.random.Generator) -> Photo:
    """A photograph, uint8 RGB [224, 224, 3], of an eye with `grade` 0..4 on the ICDR scale."""
    eye_rng, lesion_rng, camera_rng = rng.spawn(3)
    return draw_eye(random_findings(grade, lesion_rng), eye_rng, lesion_rng, camera_rng)


def draw_eye(
    findings: Findings,
    eye_rng: np.random.Generator,
    lesion_rng: np.random.Generator,
    camera_rng: np.random.Generator,
) -> Photo:
    """A photograph, uint8 RGB [224, 224, 3], of a random eye with exactly these findings."""
    eye = random_eye(eye_rng)
    frame = random_frame(camera_rng)
    light = _retina(eye, frame, eye_rng)
    vessels = Ink()
    draw_vessels(grow_vessels(eye, eye_rng), findings.beaded_quadrants, vessels)
    lesions = LesionPainter(eye, frame, lesion_rng).paint(findings)

    cover(light, _blurred(lesions.wool.seen_through(frame), 1.6), (0.95, 0.86, 0.66))
    _absorb(light, vessels.seen_through(frame), _VEIN_ABSORBS)
    blood = _blurred(lesions.blood.seen_through(frame), lesion_rng.uniform(0.25, 0.6))
    _absorb(light, blood, _BLOOD_ABSORBS)
    cover(light, lesions.exudate.seen_through(frame), (0.98, 0.86, 0.45))
    return photograph(light, frame, camera_rng)


def _retina(eye: Eye, frame: Frame, rng: np.random.Generator) -> Plane:
    """The retina without vessels: pigment, macula, optic disc, and harmless marks of age."""
    red = rng.uniform(0.52, 0.9)
    green = red * rng.uniform(0.34, 0.58)
    blue = green * rng.uniform(0.35, 0.8)
    light = np.empty((3, IMAGE_SIDE_PX, IMAGE_SIDE_PX), dtype=np.float32)
    light[:] = np.array([red, green, blue])[:, None, None]
    light *= 1 + rng.uniform(0.02, 0.07) * _clouds(rng, 6) + rng.uniform(0.01, 0.05) * _clouds(rng, 30)

    x, y = frame.coordinates()
    macula = np.float32(eye.span * rng.uniform(0.16, 0.3))
    to_fovea = ((x - eye.fovea[0]) ** 2 + (y - eye.fovea[1]) ** 2).astype(np.float32) / (macula * macula)
    _absorb(light, np.exp(-to_fovea) * np.float32(rng.uniform(0.2, 0.8)), (0.35, 0.9, 0.8))
    if rng.random() < 0.15:
        cover(light, _drusen(eye, rng).seen_through(frame), (0.92, 0.74, 0.42))
    if rng.random() < 0.05:
        naevus, size = rng.uniform(-0.6, 0.6, 2), rng.uniform(0.006, 0.02)
        spot = np.exp(-((x - naevus[0]) ** 2 + (y - naevus[1]) ** 2) / size).astype(np.float32)
        cover(light, spot * np.float32(rng.uniform(0.2, 0.5)), (0.3, 0.2, 0.18))
    _optic_disc(light, eye, x, y, rng)
    return light


def _drusen(eye: Eye, rng: np.random.Generator) -> Ink:
    """Pale round deposits of ageing around the fovea: duller and rounder than hard exudates."""
    ink = Ink()
    for offset in rng.normal(0, 0.2, (rng.integers(4, 20), 2)):
        radius = rng.uniform(0.008, 0.02)
        ink.ellipse(offset + eye.fovea, radius, radius, int(rng.integers(30, 75)))
    return ink


def _optic_disc(light: Plane, eye: Eye, x: Plane, y: Plane, rng: np.random.Generator) -> None:
    """A pale disc with a paler cup; often a ring of thinned or darkened retina around it."""
    height = rng.uniform(1.0, 1.18)
    distance = np.hypot(x - eye.disc[0], (y - eye.disc[1]) / height).astype(np.float32)
    distance /= np.float32(eye.disc_radius)
    sheen = np.exp(-distance * np.float32(0.6)) * np.clip(1 + _clouds(rng, 24), 0, 2)  # nerve fibres
    cover(light, sheen * np.float32(rng.uniform(0, 0.2)), (0.9, 0.75, 0.5))
    if rng.random() < 0.3:
        halo = fade(distance, rng.uniform(1.15, 1.5), 0.1) * np.float32(rng.uniform(0.1, 0.4))
        cover(light, halo, (0.85, 0.62, 0.42))
    if rng.random() < 0.25:  # pigment at one side of the rim
        crescent = np.exp(-(((distance - 1.12) / np.float32(0.09)) ** 2)) * np.clip(_clouds(rng, 8), 0, 1)
        light *= 1 - np.float32(0.6) * crescent
    rim = fade(distance, 1.0, rng.uniform(0.06, 0.2)) * np.float32(rng.uniform(0.55, 0.95))
    cup = fade(distance, rng.uniform(0.25, 0.6), 0.3) * np.float32(rng.uniform(0.3, 0.9))
    brightness = rng.uniform(0.85, 1.0)
    green, blue = brightness * rng.uniform(0.62, 0.78), brightness * rng.uniform(0.35, 0.52)
    cover(light, rim, (brightness * 0.98, green, blue))
    cover(light, cup, (brightness * 0.98, green * 1.18, blue * 1.35))


def _clouds(rng: np.random.Generator, cells: int) -> Plane:
    """Smooth noise [side, side] around 0, about -1..1, with `cells` cells to a side."""
    grid = Image.fromarray(rng.normal(0, 0.5, (cells, cells)).astype(np.float32))
    return np.asarray(grid.resize((IMAGE_SIDE_PX, IMAGE_SIDE_PX), Image.Resampling.BICUBIC))


def _blurred(layer: Plane | None, sigma_px: float) -> Plane | None:
    if layer is None:
        return None
    picture = Image.fromarray((layer * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(sigma_px))
    return np.asarray(picture, dtype=np.float32) / np.float32(255)


def _absorb(light: Plane, density: Plane | None, absorbs: tuple[float, float, float]) -> None:
    """Dims each colour of light by exp(-density * absorbs), in place (Beer and Lambert)."""
    if density is not None:
        for channel, strength in enumerate(absorbs):
            light[channel] *= np.exp(density * np.float32(-strength))
