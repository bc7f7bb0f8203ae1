"""The head without a mask: skull, ears, eyes, nose, mouth, beard and glasses."""

import math

import numpy as np

from models.face_mask.canvas import Canvas, Colour, Points, mix, oval, smooth
from models.face_mask.person import Beard, Glasses, Person

_BLACK: Colour = (12, 10, 10)
_WHITE: Colour = (238, 236, 232)


def head_outline(person: Person, wider: float = 1.0) -> Points:
    """The outline of the skull: round above, narrowing to the chin."""
    angles = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    y = -np.cos(angles)
    narrowed = 1 - person.jaw * np.clip(y - 0.15, 0, 1)
    x = np.sin(angles) * np.abs(np.sin(angles)) ** -0.15 if angles.all() else np.sin(angles)
    return np.stack([x * person.half_width * narrowed * wider, y * (1 + (wider - 1) * 0.6)], axis=1)


def draw_head(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    """Neck, ears and the bare face, with the blush and the hollows of the cheeks."""
    shade = mix(person.skin, _BLACK, 0.22)
    neck = person.half_width * rng.uniform(0.5, 0.72)
    canvas.fill(np.array([(-neck, 0.4), (neck, 0.4), (neck * 1.1, 1.9), (-neck * 1.1, 1.9)]), shade, lift=None)
    for side in (-1, 1):
        ear = oval(side * person.half_width * 1.0, person.eye_y + 0.18, 0.09, 0.2)
        canvas.fill(ear, mix(person.skin, (150, 60, 50), 0.15), lift=None)
        canvas.fill(oval(side * person.half_width, person.eye_y + 0.18, 0.045, 0.12), shade, lift=None, opacity=0.6)
    canvas.fill(head_outline(person), person.skin, lift=None)
    for side in (-1, 1):
        blush = mix(person.skin, (205, 90, 80), 0.4)
        canvas.fill(oval(side * 0.36, 0.32, 0.17, 0.14), blush, opacity=rng.uniform(0, 0.6), softness=0.08)
        hollow = oval(side * person.half_width * 0.85, 0.55, 0.12, 0.35)
        canvas.fill(hollow, shade, opacity=rng.uniform(0.1, 0.5), softness=0.1)
    if rng.random() < 0.3:
        for x, y in rng.uniform((-0.5, -0.6), (0.5, 0.8), (rng.integers(2, 12), 2)):
            canvas.fill(oval(x, y, 0.015, 0.015), shade, opacity=0.6)


def draw_features(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    """Beard, mouth, nose, eyes and brows, in the order in which they cover each other."""
    _draw_beard(person, canvas, rng)
    _draw_mouth(person, canvas, rng)
    _draw_nose(person, canvas, rng)
    gaze, lids = rng.normal(0, 0.025), rng.uniform(0.35, 1.0)
    for side in (-1, 1):
        _draw_eye(person, canvas, side, float(gaze), lids)
    _draw_brows(person, canvas, rng)


def draw_glasses(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    """Lenses before the eyes, a bridge, and arms to the ears."""
    if person.glasses is Glasses.NONE:
        return
    frame = mix(_BLACK, (190, 160, 120), rng.uniform(0, 1) ** 2)
    width, height = rng.uniform(0.19, 0.25), rng.uniform(0.13, 0.2)
    thickness = rng.uniform(0.015, 0.05)
    for side in (-1, 1):
        lens = oval(side * person.eye_x, person.eye_y + 0.03, width, height)
        if person.glasses is Glasses.SUN:
            canvas.fill(lens, (22, 20, 24), lift=0.1, opacity=rng.uniform(0.85, 1))
        else:
            canvas.fill(lens, _WHITE, lift=0.1, opacity=rng.uniform(0.02, 0.25))
        canvas.line(np.concatenate([lens, lens[:1]]), frame, thickness, lift=0.1)
        arm = np.array([(side * (person.eye_x + width), person.eye_y), (side * person.half_width, person.eye_y - 0.02)])
        canvas.line(arm, frame, thickness, lift=0.03)
    inner = person.eye_x - width
    canvas.line(np.array([(-inner, person.eye_y), (0, person.eye_y - 0.03), (inner, person.eye_y)]), frame, thickness)


def _draw_eye(person: Person, canvas: Canvas, side: int, gaze: float, lids: float) -> None:
    x, y, size = side * person.eye_x, person.eye_y, person.eye_size
    height = size * 0.62 * lids
    canvas.fill(oval(x, y, size * 1.5, size * 1.15), mix(person.skin, _BLACK, 0.3), opacity=0.45, softness=0.04)
    canvas.fill(oval(x, y, size, height), _WHITE)
    iris = min(size * 0.5, height)
    canvas.fill(oval(x + gaze, y, size * 0.5, iris), person.iris)
    canvas.fill(oval(x + gaze, y, size * 0.24, iris * 0.55), _BLACK)
    canvas.fill(oval(x + gaze - 0.02, y - 0.02, 0.014, 0.014), _WHITE)
    lid = smooth([(x - size * 1.1, y + 0.01), (x, y - height * 1.1), (x + size * 1.1, y + 0.01)], closed=False)
    canvas.line(lid, mix(person.skin, _BLACK, 0.75), 0.028)


def _draw_brows(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    above, thickness, arch = rng.uniform(0.15, 0.22), rng.uniform(0.025, 0.075), rng.uniform(-0.02, 0.06)
    colour = mix(person.hair_colour, _BLACK, rng.uniform(0, 0.5))
    for side in (-1, 1):
        y = person.eye_y - above
        corners = [(side * 0.17, y + 0.03), (side * 0.34, y - arch), (side * 0.5, y + 0.05)]
        canvas.line(smooth(corners, closed=False), colour, thickness, opacity=rng.uniform(0.5, 0.95), softness=0.008)


def _draw_nose(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    shade, light = mix(person.skin, _BLACK, 0.4), mix(person.skin, (255, 250, 240), 0.5)
    y, half = person.nose_y, person.nose_width
    side = rng.choice((-1, 1))
    flank = np.array([(side * 0.05, person.eye_y), (side * half * 0.9, y), (side * half * 0.4, y + 0.02)])
    canvas.fill(flank, shade, lift=0.08, opacity=rng.uniform(0.1, 0.5), softness=0.03)
    canvas.fill(oval(0, y + 0.04, half * 1.1, 0.05), shade, lift=0.1, opacity=rng.uniform(0.3, 0.8), softness=0.03)
    ridge = np.array([(0, person.eye_y + 0.05), (0, y - 0.05)])
    canvas.line(ridge, light, 0.05, lift=0.15, opacity=rng.uniform(0.1, 0.6), softness=0.02)
    canvas.fill(oval(0, y - 0.02, half * 0.5, 0.05), light, lift=0.2, opacity=rng.uniform(0.1, 0.5), softness=0.02)
    for nostril in (-1, 1):
        hole = oval(nostril * half * 0.55, y + 0.035, half * 0.28, 0.022)
        canvas.fill(hole, mix(person.skin, _BLACK, 0.75), lift=0.12, opacity=rng.uniform(0.5, 1), softness=0.008)


def _draw_mouth(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    y, half, gap, rise = person.mouth_y, person.mouth_width, person.mouth_open, person.smile
    upper, lower = rng.uniform(0.03, 0.06), rng.uniform(0.04, 0.08)
    corners = [(-half, y - rise), (-half * 0.3, y - upper), (0, y - upper * 0.7), (half * 0.3, y - upper)]
    corners += [(half, y - rise), (half * 0.4, y + gap + lower), (-half * 0.4, y + gap + lower)]
    canvas.fill(smooth(corners), person.lips, lift=0.04, softness=0.01)
    seam = smooth([(-half, y - rise), (0, y), (half, y - rise)], closed=False)
    if gap:
        below = smooth([(half, y - rise), (0, y + gap), (-half, y - rise)], closed=False)
        canvas.fill(np.concatenate([seam, below]), (70, 20, 22), lift=0.04)
        if rng.random() < 0.8:
            teeth = smooth(
                [(half * 0.85, y - rise * 0.6), (0, y + gap * 0.7), (-half * 0.85, y - rise * 0.6)], closed=False
            )
            canvas.fill(np.concatenate([seam, teeth]), _WHITE, lift=0.04)
    else:
        canvas.line(seam, mix(person.lips, _BLACK, 0.65), 0.02, lift=0.04)
    fold = mix(person.skin, _BLACK, 0.35)
    for side in (-1, 1):
        corner = smooth(
            [(side * 0.18, 0.42), (side * (half + 0.05), y - 0.06), (side * (half + 0.07), y + 0.06)], closed=False
        )
        canvas.line(corner, fold, 0.02, lift=0.03, opacity=rng.uniform(0, 0.6), softness=0.012)
    canvas.fill(oval(0, y + gap + lower + 0.06, half * 0.6, 0.03), fold, opacity=rng.uniform(0.1, 0.5), softness=0.02)


def _draw_beard(person: Person, canvas: Canvas, rng: np.random.Generator) -> None:
    if person.beard is Beard.NONE:
        return
    colour, w, y = mix(person.hair_colour, person.skin, rng.uniform(0, 0.2)), person.half_width, person.mouth_y
    density = rng.uniform(0.15, 0.5) if person.beard is Beard.STUBBLE else rng.uniform(0.75, 1)
    moustache = smooth([(-0.3, y - 0.02), (0, y - 0.16), (0.3, y - 0.02), (0, y - 0.06)])
    if person.beard is not Beard.GOATEE or rng.random() < 0.7:
        canvas.fill(moustache, colour, lift=0.05, opacity=density, softness=0.015)
    if person.beard is Beard.GOATEE:
        canvas.fill(oval(0, y + 0.24, 0.2, 0.16), colour, opacity=density, softness=0.03)
    elif person.beard in (Beard.FULL, Beard.STUBBLE):
        length = rng.uniform(1.0, 1.35) if person.beard is Beard.FULL else 0.97
        top = rng.uniform(0.4, 0.58)
        corners = [(-w * 0.97, 0.1), (-w * 0.7, top), (-0.3, y - 0.08), (0, y - 0.12), (0.3, y - 0.08), (w * 0.7, top)]
        corners += [(w * 0.97, 0.1), (w * 0.85, 0.75), (w * 0.5, length), (-w * 0.5, length), (-w * 0.85, 0.75)]
        canvas.fill(smooth(corners), colour, lift=0.02, opacity=density, softness=0.03)
