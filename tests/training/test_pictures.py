"""Training sees what serving sees, skips what cannot be read, and makes the same batch of the same step."""

import numpy as np
import pytest
from PIL import Image

from model_server.images import decode_image
from model_server.preprocess import needed_side, prepare
from models.input_output import InputSpec
from models.registry import load_models
from tests.training.conftest import save_pictures
from training.data.augmentation import Augmentation
from training.data.batches import TrainingBatches, validation_batches
from training.data.examples import Example
from training.data.pictures import Pictures
from training.errors import CorruptData

CLASSIFIERS = [model for model in load_models() if model.spec.model.task == "image-classification"]
SPEC = InputSpec(size=(8, 8))


def examples_in(folder, count=30):
    save_pictures(folder, count)
    return [Example(folder / f"{number}.png", f"{number}.png", number % 3) for number in range(count)]


def read(examples, spec=SPEC, max_cached_bytes=1 << 20):
    pictures = Pictures(spec, max_cached_bytes)
    return pictures, pictures.read(examples, "training", lambda: None)


def batches_of(examples, augmentation=None, spec=SPEC, seed=3):
    pictures, examples = read(examples, spec)
    return TrainingBatches(examples, pictures, spec, 8, seed, np.ones(3, np.float32), augmentation)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda model: model.spec.name)
def test_a_picture_is_prepared_as_it_is_served(model, tmp_path):
    """A photograph so large that the server decodes it at reduced scale, turned by its EXIF."""
    spec, file = model.spec.input, tmp_path / "large.jpg"
    pixels = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(pixels).resize((4000, 3000)).save(file, exif=turned)
    pictures, examples = read([Example(file, file.name, 0)], spec)
    (inputs,) = validation_batches(examples, pictures, spec, size=2)
    assert np.array_equal(inputs[0], prepare(decode_image(file.read_bytes(), needed_side(spec)), spec))


def test_pictures_whose_longer_side_is_free_are_judged_whole_and_learnt_from_in_the_middle(tmp_path):
    spec = InputSpec(size=(16, 16), resize="shorter-side", layout="NCHW")
    files = [tmp_path / f"{name}.png" for name in ("wide", "high", "square")]
    for file, size in zip(files, ((32, 16), (16, 24), (16, 16)), strict=True):
        Image.linear_gradient("L").resize(size).save(file)
    examples = [Example(file, file.name, number) for number, file in enumerate(files)]
    pictures, _ = read(examples, spec)
    shapes = [batch.shape for batch in validation_batches(examples, pictures, spec, size=3)]
    assert shapes == [(1, 3, 16, 32), (1, 3, 24, 16), (1, 3, 16, 16)]
    batch = batches_of(examples, spec=spec).batch(0)
    wide = np.asarray(Image.open(files[0]), np.float32)[:, 8:24] / 255
    assert batch.inputs.shape == (3, 3, 16, 16)
    assert np.allclose(batch.inputs[batch.labels == 0][0, 0], wide)


def test_what_does_not_fit_into_memory_is_read_again_and_is_the_same(tmp_path):
    examples = examples_in(tmp_path / "a")
    held, again = (read(examples, max_cached_bytes=room)[0] for room in (1 << 20, 5 * 8 * 8 * 3))
    for one in examples:
        assert np.array_equal(held.pixels(one), again.pixels(one))
    examples[-1].file.write_bytes(b"cut")
    with pytest.raises(CorruptData, match=r"29\.png could be read before"):
        again.pixels(examples[-1])
    assert again.pixels(examples[0]).shape == (8, 8, 3)


def test_a_corrupt_picture_is_left_out_and_named(tmp_path, capsys):
    examples = examples_in(tmp_path / "a", 100)
    examples[40].file.write_bytes(examples[40].file.read_bytes()[:30])
    _, readable = read(examples)
    assert [one for one in examples if one not in readable] == [examples[40]]
    assert "Left out 1 of 100 pictures, which cannot be read: a/40.png (IMAGE_UNDECODABLE)" in capsys.readouterr().out


def test_more_than_a_hundredth_is_an_error_that_names_the_first(tmp_path):
    examples = examples_in(tmp_path / "a", 100)
    examples[3].file.unlink()
    examples[5].file.write_bytes(b"")
    with pytest.raises(CorruptData) as refused:
        read(examples)
    said = "2 of 100 pictures cannot be read, more than 1%: a/3.png (No such file or directory), a/5.png"
    assert said in str(refused.value)
    assert len(read([one for one in examples if one not in (examples[3], examples[5])])[1]) == 98


def test_an_epoch_shows_each_picture_once_in_an_order_of_its_own(tmp_path):
    batches = batches_of(examples_in(tmp_path / "a"))
    epochs = [np.concatenate([batches.batch(step).inputs for step in range(start, start + 4)]) for start in (0, 4)]
    assert len(batches) == 4
    assert [len(batches.batch(step).labels) for step in range(4)] == [8, 8, 8, 6]
    assert not np.array_equal(*epochs)
    assert np.array_equal(*(np.sort(epoch[:, 0, 0, 0]) for epoch in epochs))


def test_a_step_has_the_same_batch_wherever_the_training_begins(tmp_path):
    examples = examples_in(tmp_path / "a")
    from_start, later = (batches_of(examples, Augmentation()).from_step(step) for step in (0, 5))
    steps = [next(from_start) for _ in range(7)]
    for expected in steps[5:]:
        found = next(later)
        assert np.array_equal(found.inputs, expected.inputs)
        assert np.array_equal(found.labels, expected.labels)
    other = batches_of(examples, Augmentation(), seed=4).batch(0)
    assert not np.array_equal(other.inputs, steps[0].inputs)


def test_an_augmented_picture_is_the_same_one_moved_mirrored_or_lit_otherwise():
    picture = np.zeros((20, 20, 3), np.uint8)
    picture[:, :10] = 200
    rng = np.random.default_rng(2)
    changed = [Augmentation(mirror=True, shift=0.1, brightness=0.2).apply(picture, rng) for _ in range(60)]
    lit = [np.unique(one).tolist() for one in changed]
    assert all(low == 0 and 160 <= high <= 240 for low, high in lit)
    left = [one[0, 0, 0] > 0 for one in changed]
    assert 15 < sum(left) < 45
    edges = {int((one[0, :, 0] > 0).sum()) for one in changed}
    assert edges == {8, 9, 10, 11, 12}
    still = Augmentation(mirror=False, shift=0.0, brightness=0.0)
    assert np.array_equal(still.apply(picture, rng), picture)
