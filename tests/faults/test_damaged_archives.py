"""Model folders that are damaged, truncated or meant to harm: never ready, exit code 1, one clear line, nothing run.

Each is loaded as a server loads it; one of each kind is also given to a server, which must end because of it.
tests/containers/test_failing_starts.py has the simple damages of a SavedModel, test_pytorch_engine.py the pickle that
would run code as weights.pth, test_archives_that_lead_out.py the members that would leave the folder, and
test_writing_graphs.py the graphs of TensorFlow that do more than compute.
"""

import json
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contract.media import JSON
from tests.containers.model_folder import COLOURS, write_spec
from tests.containers.server_process import ROOT, serving
from tests.faults.damaged_models import (
    WEIGHTS,
    becomes,
    both,
    cut,
    edited,
    gone,
    grown,
    holds,
    instead,
    linked,
    onnx_network,
    sized,
)
from tests.faults.failing_scripts import GOOD, MIB, PNG, SIDE, write_network
from tests.faults.refused_folders import SECRET, loading_one_by_one, never_ready_and_one_clear_line

LOADS_WITHIN_S = 5.0  # each takes hundredths of a second
LOADS_WITH_BYTES = 64 * MIB
TERABYTE = 1024 * 1024 * MIB
UNREADABLE = "OpenVINO cannot read the model"
XML = '<?xml version="1.0"?>'
LEAK = f'{XML}<!DOCTYPE net [<!ENTITY leak SYSTEM "file:///etc/passwd">]>'
LAUGHS = "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 20}'>" for n in range(10))

IR = {
    "nothing in it": (holds("model.xml", b""), UNREADABLE),
    "cut": (cut("model.xml", 0.5), UNREADABLE),
    "no XML": (holds("model.xml", b"\x00\xff" * 500), UNREADABLE),
    "weights cut": (cut("model.bin", 0.5), UNREADABLE),
    "weights gone": (gone("model.bin"), UNREADABLE),
    "weights beyond the file": (edited("model.xml", 'offset="16"', 'offset="1048576"'), UNREADABLE),
    "weights whose end wraps around": (edited("model.xml", 'offset="16"', f'offset="{2**64 - 20}"'), "model"),
    "weights smaller than their shape": (edited("model.xml", 'shape="3, 3"', 'shape="3000, 3000"'), "model"),
    "a shape that overflows": (edited("model.xml", 'shape="3, 3"', f'shape="{2**33}, {2**33}"'), "model"),
    "an unknown operation": (edited("model.xml", 'type="SoftMax"', 'type="Launch"'), UNREADABLE),
    "an edge in a circle": (edited("model.xml", 'from-layer="4"', 'from-layer="5"'), "model"),
    "an external entity": (
        both(edited("model.xml", XML, LEAK), edited("model.xml", 'type="SoftMax"', 'type="&leak;"')),
        UNREADABLE,
    ),
    "a terabyte": (sized("model.xml", TERABYTE), "model.xml: is larger than"),
    "a billion laughs": (
        both(
            edited("model.xml", XML, f"{XML}<!DOCTYPE net [<!ENTITY a 'ha'>{LAUGHS}]>"),
            edited("model.xml", 'type="SoftMax"', 'type="&k;"'),
        ),
        UNREADABLE,
    ),
}
OTHER_FORMATS = {
    "ONNX: nothing in it": (instead("model.onnx", b""), UNREADABLE),
    "ONNX: garbage": (instead("model.onnx", b"\x08\x07garbage" * 50), UNREADABLE),
    "ONNX: cut": (instead("model.onnx", onnx_network()[:-40]), UNREADABLE),
    "ONNX: weights from another file": (instead("model.onnx", onnx_network("/etc/passwd")), "model"),
    "ONNX: weights from above the folder": (instead("model.onnx", onnx_network("../outside.bin")), "model"),
    "frozen graph: nothing in it": (instead("frozen_inference_graph.pb", b""), "model"),
    "frozen graph: a terabyte": (
        both(instead("frozen_inference_graph.pb", b"\x0a"), sized("frozen_inference_graph.pb", TERABYTE)),
        "frozen_inference_graph.pb: is larger than",
    ),
    "frozen graph: garbage": (instead("frozen_inference_graph.pb", b"\x0a\xff\xff\xff\x7f" * 50), UNREADABLE),
    "SavedModel: nothing in it": (instead("saved_model.pb", b""), UNREADABLE),
    "SavedModel: a terabyte": (
        both(instead("saved_model.pb", b"\x0a"), sized("saved_model.pb", TERABYTE)),
        "saved_model.pb: is larger than",
    ),
    "SavedModel: a length that lies": (instead("saved_model.pb", b"\x08\x01\x12\xff\xff\xff\xff\x0f"), UNREADABLE),
}
LABELS = {
    "too many": (holds("labels.json", json.dumps([*COLOURS, "d"])), "4 labels, but the model gives 3"),
    "a million": (holds("labels.json", json.dumps([f"{n}" for n in range(10**6)])), "labels"),
    "one twice": (holds("labels.json", '["a", "b", "a"]'), "labels.json"),
    "no names": (holds("labels.json", "[1, 2, 3]"), "labels.json"),
    "half a character": (holds("labels.json", '["a", "b", "\\ud800"]'), "half a character"),
    "a map of quotes without end": (
        both(edited("model.toml", "labels.json", "map.pbtxt"), holds("map.pbtxt", '"' + '\\"' * 10**6)),
        "map.pbtxt: a text in quotes has no end",
    ),
    "no text": (holds("labels.json", b"\x93NUMPY\x01\x00"), "labels.json"),
    "deep": (holds("labels.json", "[" * 200_000), "labels.json"),
    "an integer of a million digits": (holds("labels.json", f'{{"a": {"9" * 10**6}, "b": 1}}'), "labels.json"),
    "another folder's": (edited("model.toml", '"labels.json"', '"../labels.json"'), "labels"),
}
SPECS = {
    "100 MB of comments": (grown("model.toml", b"#" * (MIB - 1) + b"\n"), "model.toml"),
    "100 MB of keys": (grown("model.toml", b"\n".join(b"[k%d]" % n for n in range(10_000))), "model.toml"),
    "deep lists": (holds("model.toml", "x = " + "[" * 100_000 + "]" * 100_000), "model.toml"),
    "deep keys": (holds("model.toml", "'a' . " * 100_000 + "a = 1\n"), "model.toml"),
    "deep tables": (holds("model.toml", "[" + "a." * 100_000 + "a]\n"), "model.toml"),
    "no text": (holds("model.toml", b"\xff\xfe" * 100), "model.toml"),
    "a folder": (becomes("model.toml", Path.mkdir), "model.toml"),
    "a module that is no container": (edited("model.toml", '"savedmodel"', '"this"'), "container"),
    "a package that is no container": (edited("model.toml", '"savedmodel"', '"wsgiref"'), "container"),
}
FILES = ("model.toml", "model.xml", "model.bin", "labels.json")
SPECIAL = {
    **{f"a pipe as {name}": (becomes(name, os.mkfifo), name) for name in FILES},
    **{f"a device as {name}": (linked(name, "/dev/zero"), name) for name in FILES},
    "a secret as labels.json": (linked("labels.json", "/etc/passwd"), "labels.json"),
    "a secret as model.toml": (linked("model.toml", "/etc/passwd"), "model.toml"),
    "labels from above the folder": (linked("labels.json", "../outside.json"), "labels.json"),
    "weights from above the folder": (linked("model.bin", "../outside.bin"), "model.bin"),
    "a pipe below": (lambda folder: ((folder / "more").mkdir(), os.mkfifo(folder / "more" / "pipe")), "more/pipe"),
    "a link to nothing": (lambda folder: (folder / "more").symlink_to("nothing"), "leads nowhere"),
    "a link to itself": (linked("model.xml", "model.xml"), "model.xml"),
}
KINDS = {"IR": IR, "other format": OTHER_FORMATS, "labels": LABELS, "model.toml": SPECS, "special file": SPECIAL}
DAMAGES = {f"{kind}: {name}": damage for kind, damages in KINDS.items() for name, damage in damages.items()}
SERVED = (
    "IR: weights cut",
    "other format: ONNX: weights from another file",
    "labels: a million",
    "model.toml: 100 MB of keys",
    "model.toml: deep lists",
    "model.toml: a module that is no container",
    "special file: a pipe as model.toml",
    "special file: a device as model.bin",
    "special file: a secret as labels.json",
)
SOUND = {
    "IR": lambda _: None,
    "ONNX": instead("model.onnx", onnx_network()),
    "a link within": lambda folder: (folder / "more").symlink_to("labels.json"),
    "a link to the folder": lambda folder: folder.rename(folder.with_name("real")) and folder.symlink_to("real"),
    "a pipe of the script's": lambda folder: ((folder / "code").mkdir(), os.mkfifo(folder / "code" / "pipe")),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    """An IR with its labels in a file."""
    folder = tmp_path_factory.mktemp("sound") / "model"
    write_network(folder)
    write_spec(folder, ["a", "b", "c"], SIDE)
    edited("model.toml", "labels = ['a', 'b', 'c']", 'labels = "labels.json"')(folder)
    (folder / "labels.json").write_text(json.dumps(COLOURS))
    return folder


@pytest.fixture(scope="module")
def cpu_image(tmp_path_factory) -> dict[str, str]:
    """The environment of an image that lacks the frameworks that OpenVINO would give way to."""
    absent = tmp_path_factory.mktemp("absent")
    for name in ("tensorflow", "torch"):
        (absent / f"{name}.py").write_text(f"raise ModuleNotFoundError('No module named {name}', name='{name}')\n")
    return {"PYTHONPATH": f"{absent}:{ROOT}:{ROOT / 'containers'}"}


@pytest.fixture(scope="module")
def load(cpu_image) -> Iterator[Callable[[Path], dict]]:
    with loading_one_by_one(cpu_image) as loaded:
        yield loaded


def damaged(name: str, sound: Path, room: Path) -> tuple[Path, str]:
    harm, words = DAMAGES[name]
    folder = shutil.copytree(sound, room / "model")
    (room / "outside.json").write_text(json.dumps(COLOURS))
    (room / "outside.bin").write_bytes(WEIGHTS)
    harm(folder)
    return folder, words


@pytest.mark.parametrize("name", DAMAGES)
def test_refused_at_once_in_one_clear_line(load, sound, tmp_path, name):
    folder, words = damaged(name, sound, tmp_path)
    became = load(folder)
    assert words in became["refusal"]
    assert "\n" not in became["refusal"]
    assert SECRET.decode() not in became["refusal"]
    assert became["seconds"] < LOADS_WITHIN_S
    assert became["bytes"] < LOADS_WITH_BYTES


@pytest.mark.parametrize("name", SERVED)
def test_never_ready_and_one_clear_line(sound, cpu_image, tmp_path, name):
    folder, words = damaged(name, sound, tmp_path)
    assert words in never_ready_and_one_clear_line(folder, cpu_image)


@pytest.mark.parametrize("name", SOUND)
def test_the_same_folder_unharmed_is_loaded(load, sound, tmp_path, name):
    folder = shutil.copytree(sound, tmp_path / "model")
    SOUND[name](folder)
    assert load(folder)["refusal"] is None


def test_the_same_folder_unharmed_is_served(sound, cpu_image, tmp_path):
    with serving(sound, tmp_path / "server.log", **cpu_image) as server:
        assert server.predict(GOOD, PNG).scores() == pytest.approx({COLOURS[0]: 1, COLOURS[1]: 0, COLOURS[2]: 0})


class Leaves:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self):
        return Path.touch, (self._mark,)


def test_a_pickle_in_place_of_torchscript_is_not_run(tmp_path):
    folder, mark = tmp_path / "model", tmp_path / "was-run"
    folder.mkdir()
    (folder / "model.pth").write_bytes(pickle.dumps(Leaves(mark)))
    write_spec(folder, ["a", "b"], 8, more=f'accepts = ["{JSON}"]', framework='"pytorch"', container="pytorch_script")
    assert "model.pth does not load as TorchScript" in never_ready_and_one_clear_line(folder, {})
    assert not mark.exists()
