"""SPOTER's augmentations do to a clip what a camera or a signer would, and nothing to what was not found."""

import math

import numpy as np
import pytest

from models.sign_language.augmentations import Augmentation, rotated, squeezed, tilted, with_joints_rotated
from models.sign_language.dataset import draw_numbered
from sign_language.keypoints import BODY, COUNT, LEFT_HAND, RIGHT_HAND

ALWAYS = Augmentation(1, math.radians(13), 0.15, 0.1, math.radians(4), 0.3)
CENTRE = np.array([0.5, 0.5])
ARMS = {
    side: ([BODY.index(joint) for joint in ("neck", f"{side}Shoulder", f"{side}Elbow", f"{side}Wrist")], hand)
    for side, hand in (("left", LEFT_HAND), ("right", RIGHT_HAND))
}


@pytest.fixture
def clip():
    """Everything found, some of it outside the picture."""
    return np.random.default_rng(1).uniform(-0.2, 1.2, (12, COUNT, 2))


def lengths(clip, chain):
    return np.linalg.norm(np.diff(clip[:, chain], axis=1), axis=-1)


def gaps(points):
    return np.linalg.norm(points[:, :, None] - points[:, None], axis=-1)


def test_a_rotation_keeps_all_distances_and_its_centre(clip):
    turned = rotated(clip, CENTRE, math.radians(13))
    np.testing.assert_allclose(gaps(turned), gaps(clip), atol=1e-12)
    np.testing.assert_allclose(rotated(CENTRE, CENTRE, 1.0), CENTRE)
    np.testing.assert_allclose(rotated(np.array([1.0, 0.5]), CENTRE, math.pi / 2), [0.5, 1.0])
    np.testing.assert_allclose(rotated(turned, CENTRE, -math.radians(13)), clip)


def test_a_squeeze_keeps_heights_and_order_and_cuts_the_sides(clip):
    thin = squeezed(clip, 0.1, 0.05)
    np.testing.assert_array_equal(thin[..., 1], clip[..., 1])
    assert (np.argsort(thin[..., 0], axis=1) == np.argsort(clip[..., 0], axis=1)).all()
    edges = squeezed(np.array([[0.0, 0.3], [1.0, 0.3]]), 0.1, 0.05)
    np.testing.assert_allclose(edges, [[0.1, 0.3], [0.95, 0.3]])


@pytest.mark.parametrize(
    ("is_right", "corners"),
    [(True, [[0, 0], [0, 1], [0.9, 0.1], [0.9, 0.9]]), (False, [[0.1, 0.1], [0.1, 0.9], [1, 0], [1, 1]])],
)
def test_a_tilt_takes_the_picture_to_a_trapezium_and_keeps_lines_straight(is_right, corners):
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    np.testing.assert_allclose(tilted(square, 0.1, is_right=is_right), corners)
    line = tilted(np.linspace([0.1, 0.2], [0.9, 0.7], 5), 0.1, is_right=is_right)
    along = (line[1:] - line[0]) / np.linalg.norm(line[1:] - line[0], axis=1, keepdims=True)
    np.testing.assert_allclose(along, np.broadcast_to(along[0], along.shape), atol=1e-12)
    assert np.isfinite(tilted(np.array([[-1e6, 0.0], [1e6, 2.0], [-4.0, 0.5]]), 0.1, is_right=is_right)).all()


def test_turned_joints_keep_every_bone_and_all_that_is_no_arm(clip):
    turned = with_joints_rotated(clip, np.radians([[4, -3, 2], [-1, 4, -4]]))
    for chain, hand in ARMS.values():
        np.testing.assert_allclose(lengths(turned, chain), lengths(clip, chain), atol=1e-12)
        arm = [chain[-1], *range(hand.start, hand.stop)]
        np.testing.assert_allclose(gaps(turned[:, arm]), gaps(clip[:, arm]), atol=1e-12)
        assert not np.allclose(turned[:, chain[1:]], clip[:, chain[1:]])
    still = [BODY.index(name) for name in ("nose", "neck", "leftEye", "rightEye", "leftEar", "rightEar")]
    np.testing.assert_array_equal(turned[:, still], clip[:, still])


def test_a_turned_elbow_moves_the_forearm_alone(clip):
    turned = with_joints_rotated(clip, np.radians([[0, 0, 4], [0, 0, 0]]))
    chain, hand = ARMS["left"]
    moved = {int(number) for number in np.flatnonzero(np.abs(turned - clip).max(axis=(0, 2)) > 1e-9)}
    assert moved == {chain[-1], *range(hand.start, hand.stop)}


def test_a_joint_that_was_not_found_turns_nothing(clip):
    chain, hand = ARMS["left"]
    clip[3, chain[2]] = 0
    turned = with_joints_rotated(clip, np.radians([[0, 0, 4], [0, 0, 0]]))
    np.testing.assert_allclose(turned[3], clip[3])
    assert not np.allclose(turned[4, hand], clip[4, hand])


@pytest.mark.parametrize("seed", range(40))
def test_what_was_not_found_stays_so_and_the_rest_stays_numbers(seed):
    clip = draw_numbered(5, seed)
    before = clip.copy()
    augmented = ALWAYS(clip, np.random.default_rng(seed))
    np.testing.assert_array_equal(clip, before)
    missing = clip[..., 0] == 0
    np.testing.assert_array_equal(augmented[missing], clip[missing])
    assert (augmented[~missing][:, 0] != 0).all()
    assert (augmented.dtype, augmented.shape) == (np.float32, clip.shape)
    assert np.isfinite(augmented).all()


def test_a_random_stream_augments_the_same_again_and_as_often_as_was_chosen():
    clip = draw_numbered(5, 1)
    np.testing.assert_array_equal(ALWAYS(clip, np.random.default_rng(3)), ALWAYS(clip, np.random.default_rng(3)))
    now_and_then = Augmentation(0.5, 0.2, 0.15, 0.1, 0.07, 1)
    changed = [not np.array_equal(now_and_then(clip, np.random.default_rng(seed)), clip) for seed in range(300)]
    assert 0.4 < np.mean(changed) < 0.6
    never = Augmentation(0, 0.2, 0.15, 0.1, 0.07, 1)
    assert never(clip, np.random.default_rng(3)) is clip
