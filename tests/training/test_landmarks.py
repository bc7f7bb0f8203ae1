"""Clips from files as users have them, and every way in which a file can be of no use."""

import csv
import json

import h5py
import numpy as np
import pytest

from sign_language.keypoints import BODY, COUNT, HAND, LEFT_HAND, RIGHT_HAND
from training.data.landmarks import read_clips
from training.errors import CorruptData, EmptyChannel, UnknownLabel, UnusableData

LABELS = {0: "BOOK", 1: "DRINK"}


def clip_of(frames: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.05, 0.95, (frames, COUNT, 2)).astype(np.float32)


CLIPS = {"BOOK/0001": clip_of(3), "BOOK/0002": clip_of(7, 2), "DRINK/0001": clip_of(5, 3)}


def npz(file, clips):
    np.savez(file, **clips)


def hdf5(file, clips):
    with h5py.File(file, "w") as opened:
        for name, clip in clips.items():
            opened[name] = clip


def published(file, clips, hands=("0", "1")):
    """As the published data sets have it: a column for each coordinate of each landmark, its frames as a list."""
    names = [*BODY, *(f"{joint}_{hand}" for hand in hands for joint in HAND)]
    columns = [f"{name}_{axis}" for name in names for axis in "XY"]
    with file.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow([*columns, "labels", "video_fps"])
        for name, clip in clips.items():
            lists = [str(column.tolist()) for column in clip.reshape(len(clip), -1).T]
            rows.writerow([*lists, name.rpartition("/")[0], 25])


WRITERS = {"clips.npz": npz, "clips.h5": hdf5, "clips.hdf5": hdf5, "clips.csv": published}


@pytest.fixture
def channel(tmp_path):
    folder = tmp_path / "training"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_clips(channel, name):
    WRITERS[name](channel / name, CLIPS)
    read = read_clips(channel, LABELS)
    assert [clip.gloss for clip in read] == ["BOOK", "BOOK", "DRINK"]
    for clip, given in zip(read, CLIPS.values(), strict=True):
        assert clip.landmarks.dtype == np.float32
        np.testing.assert_allclose(clip.landmarks, given)


def test_the_first_published_files_call_the_hands_by_name(channel):
    published(channel / "clips.csv", CLIPS, ("left", "Right"))
    (first, *_) = read_clips(channel)
    np.testing.assert_allclose(first.landmarks[:, LEFT_HAND], CLIPS["BOOK/0001"][:, LEFT_HAND])
    np.testing.assert_allclose(first.landmarks[:, RIGHT_HAND], CLIPS["BOOK/0001"][:, RIGHT_HAND])


def test_reads_all_files_in_folders_too_and_passes_by_others(channel):
    (channel / "more").mkdir()
    npz(channel / "more" / "b.npz", {"A/B/1": clip_of(4), "HELLO/1": clip_of(4)})
    hdf5(channel / "a.h5", CLIPS)
    for other in ("notes.txt", "labels.json", "._a.npz"):
        (channel / other).write_text("no clip")
    assert [clip.gloss for clip in read_clips(channel)] == ["BOOK", "BOOK", "DRINK", "A/B", "HELLO"]


def test_a_number_is_the_gloss_of_that_number(channel):
    published(channel / "clips.csv", {"1/0": clip_of(3), "0/0": clip_of(3)})
    assert [clip.gloss for clip in read_clips(channel, LABELS)] == ["DRINK", "BOOK"]
    assert [clip.gloss for clip in read_clips(channel)] == ["1", "0"]


@pytest.mark.parametrize("gloss", ["HELLO", "2"])
def test_refuses_a_gloss_that_the_labels_do_not_have(channel, gloss):
    npz(channel / "clips.npz", {f"{gloss}/7": clip_of(3)})
    with pytest.raises(UnknownLabel, match=rf"clips\.npz, {gloss}/7 shows '{gloss}', which the labels do not have"):
        read_clips(channel, LABELS)
    npz(channel / "clips.npz", CLIPS)
    assert len(read_clips(channel, LABELS)) == 3


def changed(place, value):
    clip = clip_of(3)
    clip[place] = value
    return clip


UNUSABLE = {
    "has the shape (3, 75, 3); give (frames, 54, 2)": np.zeros((3, 75, 3)),
    "has the shape (0, 54, 2)": np.zeros((0, COUNT, 2)),
    "has the shape (301, 54, 2); give (frames, 54, 2), of 1 to 300 frames": np.ones((301, COUNT, 2)),
    "has the shape (54, 2)": np.ones((COUNT, 2)),
    "holds NaN, infinity or a number over 1,000,000": changed((1, 3, 1), np.nan),
    "holds NaN, infinity or a number": changed((1, 3, 1), np.inf),
    "holds no landmark; all are 0, 0": np.zeros((3, COUNT, 2)),
    "and no numbers": np.full((3, COUNT, 2), b"0.5"),
}


@pytest.mark.parametrize("name", ["clips.npz", "clips.h5"])
@pytest.mark.parametrize("fault", UNUSABLE)
def test_refuses_what_is_no_clip_by_file_and_entry(channel, name, fault):
    WRITERS[name](channel / name, {**CLIPS, "BOOK/bad": UNUSABLE[fault]})
    with pytest.raises(CorruptData) as refused:
        read_clips(channel, LABELS)
    assert refused.value.line.startswith("CorruptData: 1 of 4 clips cannot be used, more than one in a hundred;")
    assert f"{name}, BOOK/bad " in refused.value.line
    assert fault in refused.value.line


def test_one_clip_in_a_hundred_is_left_out_with_a_warning(channel, caplog):
    good = {f"BOOK/{number:03d}": clip_of(1, number) for number in range(99)}
    npz(channel / "clips.npz", {**good, "DRINK/bad": changed((0, 0, 0), np.nan)})
    assert len(read_clips(channel)) == 99
    assert "clips.npz, DRINK/bad holds NaN" in caplog.text
    npz(channel / "clips.npz", {**good, "DRINK/bad": np.zeros((1, 2)), "DRINK/worse": np.zeros((1, 2))})
    with pytest.raises(CorruptData, match="2 of 101 clips"):
        read_clips(channel)


@pytest.mark.parametrize("name", WRITERS)
def test_a_damaged_file_is_named(channel, name):
    WRITERS[name](channel / name, CLIPS)
    content = (channel / name).read_bytes()
    (channel / name).write_bytes(content[: len(content) // 2] if name != "clips.csv" else b"\xff\x00" + content)
    with pytest.raises(CorruptData) as refused:
        read_clips(channel)
    assert f"{name} cannot be read" in refused.value.line
    (channel / name).write_bytes(content)
    assert len(read_clips(channel)) == 3


def test_a_lost_file_weighs_as_much_as_a_file_whatever_it_held(channel):
    npz(channel / "a.npz", {f"BOOK/{number:03d}": clip_of(1, number) for number in range(400)})
    (channel / "b.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(CorruptData, match="1 of 2 files cannot be used"):
        read_clips(channel)


def test_a_damaged_clip_in_a_good_file_is_left_out_alone(channel):
    npz(channel / "clips.npz", CLIPS)
    content = bytearray((channel / "clips.npz").read_bytes())
    content[content.index(CLIPS["BOOK/0002"].tobytes()) + 100] ^= 0xFF
    (channel / "clips.npz").write_bytes(content)
    with pytest.raises(CorruptData, match=r"1 of 3 clips .*clips\.npz, BOOK/0002 cannot be read: Bad CRC-32"):
        read_clips(channel)


def test_reads_the_bodies_of_requests_from_a_folder_for_each_gloss(channel):
    """As the evaluation reads them: one set of files does for both."""
    for name, clip in CLIPS.items():
        (channel / name).parent.mkdir(exist_ok=True)
        frames = clip if "0001" in name else clip.transpose(0, 2, 1)
        (channel / f"{name}.json").write_text(json.dumps({"keypoints_list": frames.tolist()}))
    (channel / "labels.json").write_text(json.dumps(list(LABELS.values())))
    read = read_clips(channel, LABELS)
    assert [clip.gloss for clip in read] == ["BOOK", "BOOK", "DRINK"]
    for clip, given in zip(read, CLIPS.values(), strict=True):
        np.testing.assert_array_equal(clip.landmarks, given)


@pytest.mark.parametrize("body", ["{", "[]", "{}", '{"keypoints_list": [[[0.5, 0.5]], [0.5]]}', "[" * 100_000])
def test_refuses_a_body_that_is_no_clip_by_its_path(channel, body):
    (channel / "BOOK").mkdir()
    (channel / "BOOK" / "0001.json").write_text(body)
    with pytest.raises(CorruptData, match=r"1 of 1 clips .*BOOK/0001\.json, keypoints_list cannot be read"):
        read_clips(channel)


def test_refuses_arrays_without_a_gloss(channel):
    npz(channel / "clips.npz", {"landmarks": clip_of(3)})
    with pytest.raises(UnusableData, match="the array landmarks has no gloss; call each clip GLOSS/CLIP"):
        read_clips(channel)


def test_an_npz_that_would_run_code_is_not_run(channel):
    npz(channel / "clips.npz", {"BOOK/1": np.array([{"frames": 3}], dtype=object)})
    with pytest.raises(CorruptData, match=r"BOOK/1 cannot be read: Object arrays cannot be loaded"):
        read_clips(channel)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ({"nose_X": "[0.1, 0.2]"}, "line 2 cannot be read"),
        ({"nose_X": "__import__('os')"}, "line 2 cannot be read"),
        ({"nose_X": "[0.1, NaN, 0.3]"}, "line 2 holds NaN"),
        ({"labels": " "}, "line 2 has no gloss"),
    ],
)
def test_refuses_a_row_of_a_csv_by_its_line(channel, row, fault):
    published(channel / "clips.csv", {"BOOK/0001": CLIPS["BOOK/0001"]})
    with (channel / "clips.csv").open() as opened:
        (given,) = csv.DictReader(opened)
    with (channel / "clips.csv").open("w", newline="") as opened:
        rows = csv.DictWriter(opened, list(given))
        rows.writeheader()
        rows.writerow({**given, **row})
    with pytest.raises(CorruptData) as refused:
        read_clips(channel)
    assert f"clips.csv, {fault}" in refused.value.line


@pytest.mark.parametrize("column", ["labels", "neck_Y", "thumbCMC_1_X"])
def test_refuses_a_csv_without_a_column(channel, column):
    published(channel / "clips.csv", CLIPS)
    text = (channel / "clips.csv").read_text()
    (channel / "clips.csv").write_text(text.replace(column, "other", 1))
    with pytest.raises(UnusableData, match=rf"clips\.csv has no column {column}"):
        read_clips(channel)
    (channel / "clips.csv").write_text(text)
    assert len(read_clips(channel)) == 3


def test_refuses_a_channel_without_clips(channel):
    (channel / "notes.txt").write_text("none")
    with pytest.raises(
        EmptyChannel, match=r"the channel training holds no file that ends in \.h5, \.hdf5, \.npz, \.csv"
    ):
        read_clips(channel)
    npz(channel / "clips.npz", {})
    with pytest.raises(EmptyChannel, match=r"hold no clip; the first is clips\.npz"):
        read_clips(channel)
    npz(channel / "clips.npz", CLIPS)
    assert len(read_clips(channel)) == 3
