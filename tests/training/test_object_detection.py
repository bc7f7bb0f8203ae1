"""The detector trains from TFRecords by the contract, through real files and real processes, and its result serves."""

import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import openvino
import pytest
from PIL import Image

from contract.options import Options
from local.train import lay_out
from model_server.deadline import Deadline
from model_server.loading import load_predictor
from model_server.predictor import Request, Timings
from models.labels import read_labels
from models.object_detection.augment import horizontal_flip
from models.object_detection.checkpoint import load_what_fits
from models.object_detection.dataset import LABELS, Split, scene_of
from models.object_detection.drawn_records import example_of, write_drawn
from models.object_detection.evaluate import detect
from models.object_detection.export import ExportedDetector, export
from models.object_detection.fields import Fields
from models.object_detection.framing import Framing
from models.object_detection.geometry import Geometry
from models.object_detection.judged import as_examples
from models.object_detection.lite import LITE, LiteDetector
from models.object_detection.network import build_network
from models.object_detection.pipeline_config import PIPELINE_CONFIG, Resizer, read_pipeline_config
from models.object_detection.plan import read_plan
from models.object_detection.records import CorruptData, read_records
from models.object_detection.scenes import Scene
from models.object_detection.shards import shards_in
from models.object_detection.text_proto import NotTextProto, parse
from models.object_detection.train import Hyperparameters
from models.object_detection.trainer import Trainer
from models.registry import ROOT
from models.spec import read_spec
from training.errors import EmptyChannel, UnknownLabel, UnusableCheckpoint, UnusableData
from training.opt_ml import OptMl

FOLDER = ROOT / "models" / "object_detection"
SPEC = read_spec(FOLDER / "model.toml")
SIDE_PX = 96
PUBLISHED = """
# SSD with Mobilenet v2, as the published container trains it
model { ssd {
  num_classes: 6
  image_resizer { fixed_shape_resizer { height: 128 width: 160 } }
  feature_extractor { type: 'ssd_mobilenet_v2' depth_multiplier: 1.0 } } }
train_config: {
  batch_size: 24
  optimizer { rms_prop_optimizer: {
    learning_rate: { exponential_decay_learning_rate { initial_learning_rate: 0.004, decay_steps: 80 } }
    momentum_optimizer_value: 0.9 decay: 0.9 epsilon: 1.0 } }
  fine_tune_checkpoint: "PATH_TO_BE_" 'CONFIGURED'
  data_augmentation_options { random_horizontal_flip { } }
  data_augmentation_options { ssd_random_crop { } } }
train_input_reader: { label_map_path: "x" tf_record_input_reader < input_path: ["a", "b"] > }
"""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    write_drawn(folder, 24, seed=3)
    return folder


def shard_of(folder, *records: bytes) -> Path:
    """A shard with these records, written by TensorFlow."""
    import tensorflow as tf  # noqa: PLC0415

    file = folder / "train.record"
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records:
            writer.write(record)
    return file


def scene(number: int = 0) -> Scene:
    return scene_of(Split.TRAINING, 3, number)


def serialized(number: int = 0) -> bytes:
    return example_of(scene(number)).SerializeToString()


def test_a_drawn_scene_comes_back_as_it_was(drawn):
    training, validation = shards_in(drawn)
    assert [file.name for file in training] == [f"train.record-0000{at}-of-00002" for at in range(2)]
    assert len(validation) == 2
    records = read_records(training, LABELS)
    assert (len(records.places), records.corrupt) == (20, 0)
    assert np.array_equal(records.classes[0], scene().classes)
    np.testing.assert_allclose(records.boxes[0], scene().boxes)
    assert np.abs(np.asarray(records.image(0)).astype(int) - scene().image).mean() < 8  # JPEG


def test_a_label_by_its_name_alone_will_do(tmp_path):
    example = example_of(scene())
    del example.features.feature["image/object/class/label"].int64_list.value[:]
    records = read_records([shard_of(tmp_path, example.SerializeToString())], LABELS)
    assert np.array_equal(records.classes[0], scene().classes)


def test_a_label_outside_the_map_is_named(tmp_path):
    example = example_of(scene())
    example.features.feature["image/object/class/label"].int64_list.value[0] = 77
    with pytest.raises(UnknownLabel, match=r"record 2 of train.record has the label 77"):
        read_records([shard_of(tmp_path, serialized(), example.SerializeToString())], LABELS)
    assert len(read_records([shard_of(tmp_path, serialized())], LABELS).places) == 1


def test_a_corrupt_record_in_a_hundred_is_skipped_and_a_second_ends_it(tmp_path):
    good = serialized()
    example = example_of(scene())
    example.features.feature["image/encoded"].bytes_list.value[0] = b"no picture"
    bad = example.SerializeToString()
    records = read_records([shard_of(tmp_path, *[good] * 50, bad, *[good] * 49)], LABELS)
    assert (len(records.places), records.corrupt) == (99, 1)
    assert records.image(60).size == (320, 320)
    with pytest.raises(CorruptData, match="2 of 100 records cannot be read"):
        read_records([shard_of(tmp_path, *[good] * 50, bad, b"\xff\xff", *[good] * 48)], LABELS)


def test_damage_costs_its_own_record_and_a_shard_that_ends_early_its_last(tmp_path):
    good = serialized()
    file = shard_of(tmp_path, *[good] * 100)
    whole, frame = file.read_bytes(), len(good) + 16
    file.write_bytes(whole[: 30 * frame + 500] + bytes([whole[30 * frame + 500] ^ 1]) + whole[30 * frame + 501 :])
    records = read_records([file], LABELS)
    assert (len(records.places), records.corrupt) == (99, 1)
    file.write_bytes(whole[:-7])
    records = read_records([file], LABELS)
    assert (len(records.places), records.corrupt) == (99, 1)
    damaged = whole[: 30 * frame] + b"\xff" * 8 + whole[30 * frame + 8 :]  # a length: what follows cannot be found
    file.write_bytes(damaged)
    with pytest.raises(CorruptData, match="70 of 100 records"):
        read_records([file], LABELS)


def test_a_channel_needs_all_its_shards_and_a_record(drawn, tmp_path):
    with pytest.raises(EmptyChannel, match="holds no TFRecords"):
        shards_in(tmp_path)
    (tmp_path / "train.record-00000-of-00002").touch()
    with pytest.raises(UnusableData, match=r"1 of the 2 shards of train are there"):
        shards_in(tmp_path)
    with pytest.raises(EmptyChannel, match="no records"):
        read_records([shard_of(tmp_path)], LABELS)
    assert shards_in(drawn)[0]


def test_text_without_a_schema():
    message = parse(PUBLISHED)
    (training,) = message["train_config"]
    assert training["fine_tune_checkpoint"] == ["PATH_TO_BE_CONFIGURED"]
    assert [list(option) for option in training["data_augmentation_options"]] == [
        ["random_horizontal_flip"],
        ["ssd_random_crop"],
    ]
    assert message["train_input_reader"][0]["tf_record_input_reader"] == [{"input_path": ["a", "b"]}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model {", "line 1 has its end where the name of a field should be"),
        ("a: 1\nmodel }", "line 2 lacks the colon after model"),
        ('a: "x', "line 1 cannot be read at"),
        ("a:", "where a value should be"),
        ("a: [1", "has its end where a value should be"),
        ("a {" * 200, "more than 100 messages deep"),
    ],
)
def test_refuses_text_that_is_no_message(text, said):
    with pytest.raises(NotTextProto, match=said.replace("(", r"\(")):
        parse(text)
    assert parse("a: 1") == {"a": ["1"]}


def configured(folder, text) -> Path:
    file = folder / PIPELINE_CONFIG
    file.write_text(text)
    return file


def test_reads_what_is_supported_and_names_the_rest(tmp_path):
    config = read_pipeline_config(configured(tmp_path, PUBLISHED))
    assert (config.num_classes, config.batch_size) == (6, 24)
    assert config.resizer == Resizer(128, 160)
    assert isinstance(config.optimizer, keras.optimizers.RMSprop)
    assert float(config.optimizer.learning_rate) == pytest.approx(0.004)
    assert len(config.augmentations) == 1
    assert set(config.unsupported) == {
        "model.ssd.feature_extractor",
        "train_config.fine_tune_checkpoint",
        "train_config.data_augmentation_options.ssd_random_crop",
        "train_input_reader",
    }


def planned(folder, text, **given):
    (folder / "label_map.pbtxt").write_text((FOLDER / "artifact" / "label_map.pbtxt").read_text())
    configured(folder, text)
    return read_plan(folder, SPEC, Hyperparameters.parse(given))


def test_unsupported_fields_are_one_warning_and_hyperparameters_win(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        plan = planned(tmp_path, PUBLISHED)
    (warning,) = caplog.messages
    assert "ssd_random_crop" in warning
    assert "model.ssd.feature_extractor" in warning
    assert (plan.framing.geometry, plan.steps) == (Geometry(128, 160, 6), 100)
    assert planned(tmp_path, PUBLISHED, image_size="96").framing.geometry == Geometry(96, 96, 6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model { ssd { num_classes: 4 } }", "has num_classes 4, and the label map 6 labels"),
        ("model { ssd { num_classes: many } }", "num_classes is 'many'; it should be a whole number"),
        ("model: 3", "model should be a message in braces"),
        ("train_config { batch_size: 0 }", "train_config.batch_size is '0'"),
        ("model { ssd { image_resizer { fixed_shape_resizer { height: 9 width: 9 } } } }", "resizes to 9 pixels"),
        ("model {", "protocol buffer text"),
    ],
)
def test_refuses_a_contradiction_in_a_line(text, said, tmp_path):
    with pytest.raises(UnusableData) as refused:
        planned(tmp_path, text)
    assert said in refused.value.line
    assert planned(tmp_path, PUBLISHED).batch_pictures == 24


def test_a_letterboxed_box_is_where_its_object_went():
    image = Image.new("RGB", (200, 100))
    image.paste((255, 255, 255), (50, 20, 150, 80))
    framing = Framing(Geometry(96, 96, 6), is_letterboxed=True)
    pixels, boxes = framing.framed(image, np.array([[0.2, 0.25, 0.8, 0.75]], np.float32))
    top, left, bottom, right = np.rint(boxes[0] * 96).astype(int)
    assert pixels[top + 2 : bottom - 2, left + 2 : right - 2].min() > 250
    assert pixels[: top - 2].max() < 5


def test_a_letterboxed_export_finds_in_a_wide_picture_what_it_finds_in_a_square_one(tmp_path):
    geometry = Geometry(256, 256, 6)
    network = build_network(geometry)
    load_what_fits(network, FOLDER / "artifact")
    export(ExportedDetector(network, geometry, LABELS, is_letterboxed=True), LABELS, tmp_path)
    square = Image.fromarray(scene_of(Split.HELD_OUT, 3, 1).image).resize((128, 128))
    wide = Image.new("RGB", (256, 128))
    wide.paste(square, (64, 0))
    framed, _ = Framing(geometry, is_letterboxed=True).framed(wide, np.zeros((0, 4), np.float32))
    (in_wide, in_framed) = detect(tmp_path, [np.asarray(wide), framed])
    top = in_wide.scores > 0.3
    assert top.any()
    expected = in_framed.boxes[: top.sum()] * (2, 1, 2, 1) - (0.5, 0, 0.5, 0)  # a margin of a quarter above and below
    np.testing.assert_allclose(in_wide.boxes[top], expected.clip(0, 1), atol=0.02)
    compiled = openvino.Core().compile_model(openvino.Core().read_model(tmp_path), "CPU")
    scores = compiled(np.asarray(wide)[None])["detection_scores"][0, : len(top)]
    np.testing.assert_allclose(scores[top], in_wide.scores[top], atol=0.01)


def test_a_flip_takes_the_boxes_along():
    pixels = np.zeros((4, 8, 3), np.float32)
    pixels[:, :2] = 255
    flip = horizontal_flip(Fields({"probability": ["1"]}))
    turned, boxes = flip(pixels, np.array([[0, 0, 1, 0.25]], np.float32), np.random.default_rng(0))
    assert turned[:, 6:].min() == 255
    np.testing.assert_allclose(boxes, [[0, 0.75, 1, 1]])


@pytest.mark.parametrize("kind", ["keras", "weights.h5"])
def test_takes_from_a_file_of_keras_what_fits(kind, tmp_path):
    other = build_network(Geometry(128, 128, 4))
    (other.save if kind == "keras" else other.save_weights)(tmp_path / f"other.{kind}")
    network = build_network(Geometry(100, 100, 6))
    taken, everything = load_what_fits(network, tmp_path)
    assert taken == everything - 2  # not the kinds' weights and bias
    first, theirs = (model.weights[0].numpy() for model in (network, other))
    assert np.array_equal(first, theirs)


def test_takes_all_from_the_committed_artifact_and_nothing_from_elsewhere(tmp_path):
    network = build_network(Geometry(300, 300, 6))
    taken, everything = load_what_fits(network, FOLDER / "artifact")
    assert taken == everything
    with pytest.raises(UnusableCheckpoint, match="is of another network"):
        load_what_fits(network, ROOT / "models" / "face_mask" / "artifact")
    with pytest.raises(UnusableCheckpoint, match="holds no checkpoint"):
        load_what_fits(network, tmp_path)
    (tmp_path / "a.weights.h5").write_bytes(b"damaged")
    with pytest.raises(UnusableCheckpoint, match="is damaged"):
        load_what_fits(network, tmp_path)


def trained(root: Path, channels, **hyperparameters: str) -> tuple[int, str, OptMl]:
    """Exit status and log of `train`, as SageMaker starts it."""
    opt_ml = OptMl(root)
    lay_out(opt_ml, channels, hyperparameters)
    command = [sys.executable, "-m", "training", "train", "--model", "object-detection", "--root", str(root)]
    path = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'containers'}"}
    done = subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr + done.stdout, opt_ml


@pytest.fixture(scope="module")
def training(drawn, tmp_path_factory):
    """A few steps from the committed weights, with a uint8 file."""
    channels = {"training": drawn, "checkpoint": FOLDER / "artifact"}
    chosen = {"num_steps": "2", "image_size": str(SIDE_PX), "quantize": "True", "inference_type": "QUANTIZED_UINT8"}
    return trained(tmp_path_factory.mktemp("opt_ml"), channels, **chosen)


def test_a_process_trains_through_opt_ml(training):
    status, log, opt_ml = training
    assert status == 0, log
    assert re.search(r"(\d+) of \1 variables are taken", log)
    assert "step=2; train:loss=" in log
    assert "validation:map_50=" in log
    assert "mAP at IoU 0.5: SavedModel (float32)" in log
    assert "model.tflite (uint8)" in log
    assert not opt_ml.failure.exists()
    assert read_spec(opt_ml.model / "model.toml").input.size == (SIDE_PX, SIDE_PX)
    assert read_labels(SPEC, opt_ml.model) == LABELS


def test_it_is_reported_on_by_the_records_that_it_did_not_learn(training):
    _, log, opt_ml = training
    report = json.loads((opt_ml.output_data / "report.json").read_text())
    assert (report["examples"], report["corrupt"], report["labels"]) == (4, 0, list(LABELS.values()))
    judged = float(re.findall(r"validation:map_50=([\d.]+)", log)[-1])
    assert report["measures"]["map_50"]["candidate"]["value"] == pytest.approx(judged, abs=0.05)


def test_what_it_is_reported_on_is_what_the_records_hold(drawn, tmp_path):
    records = read_records(shards_in(drawn)[0], LABELS)
    examples = as_examples(records, LABELS, tmp_path)
    assert len(examples) == len(records.places)
    assert [list(LABELS)[place] for place in examples[0].truth.classes] == scene().classes.tolist()
    np.testing.assert_allclose(examples[0].truth.boxes[:, [1, 0, 3, 2]], scene().boxes, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(Image.open(examples[0].file)), np.asarray(records.image(0)))


def test_the_result_serves(training):
    *_, opt_ml = training
    predictor = load_predictor(opt_ml.model, "openvino")
    encoded = io.BytesIO()
    Image.fromarray(scene().image).save(encoded, "PNG")
    asked = (Options(threshold=0.0), Deadline.after(20), Timings())
    answer = json.loads(predictor.answer(Request(encoded.getvalue(), "image/png", "application/json", *asked)).content)
    assert {found["label"] for found in answer["detections"]} & set(LABELS.values())


def test_the_uint8_file_runs_in_tflite(training):
    *_, opt_ml = training
    lite = LiteDetector(opt_ml.model / LITE, Geometry(SIDE_PX, SIDE_PX, len(LABELS)), tuple(LABELS))
    assert lite.input_type is np.uint8
    pixels = np.asarray(Image.fromarray(scene().image).resize((SIDE_PX, SIDE_PX)))
    small, (whole,) = lite.detect(pixels), detect(opt_ml.model, [pixels])
    assert small.scores[0] == pytest.approx(whole.scores[0], abs=0.15)


def test_goes_on_exactly_where_it_stopped(tmp_path):
    """Four steps with a checkpoint after the second, and the last two again on a new machine: the same weights."""
    pixels = np.random.default_rng(0).standard_normal((2, 64, 64, 3)).astype(np.float32)
    targets = np.zeros((2, 8, 8, 7), np.float32)
    targets[:, 3, 3, 0] = 1

    class Same:
        def batch(self, step):
            return pixels * step, targets

    def machine(seed):
        keras.utils.set_random_seed(seed)
        network = build_network(Geometry(64, 64, 2))
        return network, Trainer(network, keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-2, 4)))

    network, whole = machine(seed=1)
    whole.run(Same(), 1, 4, lambda step, _loss: whole.save(tmp_path) if step == 2 else None)
    resumed, after = machine(seed=2)
    after.restore(tmp_path)
    after.run(Same(), 3, 4, lambda *_: None)
    for one, other in zip(network.weights, resumed.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-4, atol=1e-6)
    (tmp_path / "state.npz").write_bytes(b"half")
    with pytest.raises(UnusableCheckpoint, match="does not fit"):
        after.restore(tmp_path)


def test_an_unknown_label_is_the_line_of_the_failure_file(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    shard_of(data, serialized())
    (data / "label_map.pbtxt").write_text('item { id: 61 name: "a" } item { id: 62 name: "b" }')
    status, log, opt_ml = trained(tmp_path / "opt_ml", {"training": data})
    assert status == 1
    assert opt_ml.failure.read_text().startswith("UnknownLabel: record 1 of train.record has the label")
    assert "Traceback" not in log
