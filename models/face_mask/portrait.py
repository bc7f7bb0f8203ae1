"""Draws portraits with and without a face mask: a network needs thousands, and real faces are not ours to give away.

Person, camera and what is before the face are drawn from independent random streams, so the same person can be
photographed in the same light with and without a mask.
"""

import numpy as np

from models.face_mask.camera import Photo, photograph, random_background, random_pose
from models.face_mask.canvas import Canvas
from models.face_mask.clothing import draw_behind, draw_clothes, draw_cup, draw_hair, draw_hand, draw_headwear
from models.face_mask.face import draw_features, draw_glasses, draw_head
from models.face_mask.mask import Worn, draw_mask
from models.face_mask.person import random_person

_WITHOUT = (Worn.NOT_AT_ALL, Worn.BELOW_NOSE, Worn.AT_CHIN)
_WITHOUT_SHARES = (0.76, 0.14, 0.1)


def random_wearing(label: int, rng: np.random.Generator) -> Worn:
    """How someone of label 0 (with_mask) or 1 (without_mask) wears a mask, if any."""
    return Worn.PROPERLY if label == Worn.PROPERLY.label else _WITHOUT[int(rng.choice(3, p=_WITHOUT_SHARES))]


def draw_wearer(worn: Worn, rng: np.random.Generator) -> Photo:
    """A portrait, uint8 RGB [96, 96, 3], of a random person who wears a mask like this."""
    person_rng, mask_rng, camera_rng = rng.spawn(3)
    person = random_person(person_rng)
    canvas = Canvas(random_pose(person.half_width, camera_rng), random_background(camera_rng))
    draw_behind(person, canvas, person_rng)
    draw_head(person, canvas, person_rng)
    draw_clothes(person, canvas, person_rng)
    draw_features(person, canvas, person_rng)
    draw_mask(person, worn, canvas, mask_rng)
    draw_hair(person, canvas, person_rng)
    draw_glasses(person, canvas, person_rng)
    draw_headwear(person, canvas, person_rng)
    hides = person_rng.random()
    if hides < 0.1:
        draw_hand(person, canvas, person_rng)
    elif hides < 0.13 and worn is not Worn.PROPERLY:
        draw_cup(canvas, person_rng)
    return photograph(canvas.image, canvas.pose, camera_rng)
