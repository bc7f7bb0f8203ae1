"""SPOTER's checkpoints load strictly and answer as published; landmarks are read and normalised as the paper says."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from contract.errors import InvalidKeypoints
from contract.limits import VIDEOS
from model_server.engines import EngineError, only
from model_server.engines.openvino import OpenVinoEngine
from model_server.engines.pytorch import PyTorchEngine
from models.torch_export import export
from sign_language.keypoints import BODY, COUNT, HAND, LEFT_HAND, RIGHT_HAND, read_keypoints
from sign_language.networks.spoter import build
from sign_language.normalisation import normalise
from tests.containers.server_process import ROOT
from tests.containers.sign_published import published_logits, published_weights

LABELS = 100
TOML = (ROOT / "models" / "sign_language" / "model.toml").read_text()


def clip_of(frames: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.05, 0.95, (frames, COUNT, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A model folder with a published-size checkpoint as weights.pth, and its IR."""
    folder = tmp_path_factory.mktemp("published")
    weights = published_weights(LABELS)
    network = build(LABELS, weights)
    network.load_state_dict(weights, strict=True)
    export(network, torch.zeros(32, COUNT, 2), folder, dynamic_axes=(0,))
    torch.save({"epoch": 100, "model_state_dict": weights}, folder / "weights.pth")
    (folder / "labels.json").write_text(json.dumps({f"GLOSS {number}": number for number in range(LABELS)}))
    (folder / "model.toml").write_text(TOML)
    return folder


def test_a_published_checkpoint_loads_strictly_and_answers_as_published(checkpoint):
    engine = PyTorchEngine()
    engine.load(checkpoint)
    engine.warm_up(normalise(clip_of(32)), dynamic_axes=(0,))
    weights = published_weights(LABELS)
    for frames in (1, 2, 17, 300):
        clip = normalise(clip_of(frames, seed=frames))
        answered = only(engine.infer(clip))
        assert answered.shape == (1, LABELS)
        assert answered == pytest.approx(published_logits(weights, torch.from_numpy(clip)).numpy(), abs=1e-4)


def test_a_checkpoint_that_is_another_network_is_refused(checkpoint, tmp_path):
    for change in ({"pos": None}, {"transformer.decoder.layers.0.self_attn.in_proj_bias": torch.zeros(324)}):
        weights = {name: value for name, value in (published_weights(LABELS, 64) | change).items() if value is not None}
        torch.save(weights, tmp_path / "weights.pth")
        for name in ("labels.json", "model.toml"):
            (tmp_path / name).write_bytes((checkpoint / name).read_bytes())
        with pytest.raises(EngineError, match="does not fit the network spoter"):
            PyTorchEngine().load(tmp_path)


def test_openvino_answers_as_pytorch_for_any_number_of_frames(checkpoint):
    engine = OpenVinoEngine()
    engine.load(checkpoint)
    engine.warm_up(normalise(clip_of(32)), dynamic_axes=(0,))
    weights = published_weights(LABELS)
    for frames in (20, 2, 300, 33, 2, 60):
        clip = normalise(clip_of(frames, seed=frames))
        expected = published_logits(weights, torch.from_numpy(clip)).softmax(1).numpy()
        given_logits = torch.from_numpy(only(engine.infer(clip)))
        assert given_logits.softmax(1).numpy() == pytest.approx(expected, abs=1e-3)


def test_neither_order_nor_number_of_the_same_frames_matters():
    """What the model card says of the published network, and why training may take some of the frames only."""
    weights = published_weights(LABELS, 64)
    network = build(LABELS, weights).eval()
    network.load_state_dict(weights, strict=True)
    clip = torch.from_numpy(normalise(clip_of(3)))
    with torch.no_grad():
        assert network(clip.repeat(2, 1, 1)).numpy() == pytest.approx(network(clip).numpy(), abs=1e-5)
        assert network(clip.flip(0)).numpy() == pytest.approx(network(clip).numpy(), abs=1e-5)


def normalised_point_by_point(frames: list) -> list:
    """The normalisation once more, as a loop over frames and points."""
    at = {name: BODY.index(name) for name in BODY}
    result, box = [], None
    for frame in frames:
        points = [list(point) for point in frame]
        right, left, neck, nose = (frame[at[n]] for n in ("rightShoulder", "leftShoulder", "neck", "nose"))
        head = None
        if right[0] != 0 and left[0] != 0:
            head = math.dist(right, left)
        elif neck[0] != 0 and nose[0] != 0:
            head = math.dist(neck, nose)
        if head is not None:
            below = frame[at["leftEye"]][1] + head
            corners = neck[0] - 3 * head, below, neck[0] + 3 * head, below - 6 * head
            box = [max(corner, 0) for corner in corners]
        if box and box[0] != box[2] and box[1] != box[3]:
            for point in points[: len(BODY)]:
                if point[0] != 0:
                    point[0] = (point[0] - box[0]) / (box[2] - box[0])
                    point[1] = (point[1] - box[3]) / (box[1] - box[3])
        for place in (LEFT_HAND, RIGHT_HAND):
            xs, ys = ([point[axis] for point in points[place] if point[axis] != 0] for axis in (0, 1))
            if not xs or not ys:
                continue
            width, height = max(xs) - min(xs), max(ys) - min(ys)
            longer = max(width, height)
            dx, dy = 0.1 * longer + (longer - width) / 2, 0.1 * longer + (longer - height) / 2
            for point in points[place]:
                if point[0] != 0 and longer > 0:
                    point[0] = (point[0] - min(xs) + dx) / (width + 2 * dx)
                    point[1] = (point[1] - min(ys) + dy) / (height + 2 * dy)
        result.append([[x - 0.5, y - 0.5] for x, y in points])
    return result


@pytest.mark.parametrize("seed", range(8))
def test_normalises_as_the_loop_over_points_does(seed):
    rng = np.random.default_rng(seed)
    clip = clip_of(24, seed)
    clip[rng.random(clip.shape[:2]) < 0.15] = 0  # lost points
    clip[: seed % 3, : len(BODY)] = 0  # no box yet
    clip[10:12, : len(BODY)] = 0  # the last one holds
    clip[5, LEFT_HAND] = 0
    clip[6, RIGHT_HAND] = [0.4, 0.6]  # all of it in one point
    clip[7, 0, 1] = 0
    assert normalise(clip) == pytest.approx(np.array(normalised_point_by_point(clip.tolist())), abs=1e-3, rel=1e-4)


def test_what_is_missing_stays_missing():
    assert (normalise(np.zeros((3, COUNT, 2), np.float32)) == -0.5).all()


def test_does_not_change_what_it_normalises():
    clip = clip_of(3)
    before = clip.copy()
    normalise(clip)
    assert np.array_equal(clip, before)


def test_a_person_twice_as_far_and_elsewhere_is_nearly_the_same():
    clip = clip_of(4) * 0.2 + [0.45, 0.55]
    moved = clip * 0.5 + [0.25, 0.2]
    assert normalise(moved.astype(np.float32))[:, LEFT_HAND] == pytest.approx(
        normalise(clip.astype(np.float32))[:, LEFT_HAND], abs=1e-3
    )


def test_names_every_landmark_once():
    assert (len(BODY), len(HAND), COUNT) == (12, 21, 54)
    assert len(set(BODY)) == 12
    assert HAND[:5] == ("wrist", "indexTip", "indexDIP", "indexPIP", "indexMCP")
    assert HAND[-4:] == ("thumbTip", "thumbIP", "thumbMP", "thumbCMC")


def test_reads_both_layouts_alike():
    clip = clip_of(7)
    assert np.array_equal(read_keypoints(clip.tolist()), clip)
    assert np.array_equal(read_keypoints(clip.transpose(0, 2, 1).tolist()), clip)
    assert read_keypoints([[[0, 1]] * COUNT]).dtype == np.float32


def changed(at: tuple, value: object) -> list:
    """Two good frames, with `value` in one place."""
    frames = clip_of(2).tolist()
    target = frames
    for index in at[:-1]:
        target = target[index]
    target[at[-1]] = value
    return frames


@pytest.mark.parametrize(
    "wrong",
    [
        *(None, {}, "text", 3, True, [], [[]], [[[]]], [None], [3], ["ab"], [[1.0] * COUNT]),
        clip_of(2)[:, :53].tolist(),
        clip_of(2)[:, :, :1].tolist(),
        np.zeros((2, COUNT, 3)).tolist(),
        np.zeros((2, 3, COUNT)).tolist(),
        clip_of(1)[0].tolist(),
        [clip_of(2).tolist()],
        [clip_of(1)[0].tolist(), clip_of(1)[0].T.tolist()],
        [clip_of(1)[0].tolist(), []],
        clip_of(VIDEOS.max_frames + 1).tolist(),
        *(
            changed((1, 53, 1), value)
            for value in (True, None, "0.5", [], {}, math.nan, math.inf, 1e7, -1e300, 10**400)
        ),
        changed((1, 53), [0.5]),
        changed((0, 0), [0.5, 0.5, 0.5]),
        changed((0, 0), 0.5),
    ],
)
def test_refuses_anything_else(wrong):
    with pytest.raises(InvalidKeypoints, match=f"with 1 to {VIDEOS.max_frames} frames"):
        read_keypoints(wrong)
    assert read_keypoints(clip_of(VIDEOS.max_frames).tolist()).shape == (VIDEOS.max_frames, COUNT, 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=30,
)
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6)


@given(JSON)
def test_no_json_gets_past_it_in_another_way(value):
    with pytest.raises(InvalidKeypoints):
        read_keypoints(value)


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, min_size=4, max_size=40), st.integers(1, 5))
@example([0.0, 0.0, 1e-45, 1.0], 1)
@example([1e6, -1e6, 1e-12, 0.0], 3)
def test_whatever_numbers_come_the_input_is_finite_and_so_are_its_squares(numbers, frames):
    given_points = np.resize(np.array(numbers, float), (frames, COUNT, 2))
    clip = normalise(read_keypoints(given_points.tolist()))
    assert clip.shape == (frames, COUNT, 2)
    assert np.isfinite(np.square(clip) * 2 * COUNT).all()
