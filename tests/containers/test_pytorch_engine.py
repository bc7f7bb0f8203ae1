"""PyTorch weights: read as weights and nothing else, loaded strictly, and answered as OpenVINO answers their export."""

import os
import pickle

import numpy as np
import pytest
import torch
from torch import nn

from model_server.engines import EngineError, only
from model_server.engines.openvino import OpenVinoEngine
from model_server.engines.pytorch import PyTorchEngine, read_weights
from models.torch_export import export
from tests.containers.model_folder import write_pytorch_spec
from tests.containers.pictures import RED, encoded, solid
from tests.containers.server_process import ROOT

NETWORK = '''
"""A network of this test: the mean colour, weighted."""

from collections.abc import Mapping

import torch
from torch import nn


class MeanColour(nn.Module):
    def __init__(self, labels: int) -> None:
        super().__init__()
        self.fc = nn.Linear(3, labels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.mean((2, 3)))


def build(labels: int, weights: Mapping[str, torch.Tensor]) -> nn.Module:
    return MeanColour(labels)
'''


@pytest.fixture(scope="module")
def containers(tmp_path_factory):
    """A folder of containers with one that knows one network; on the path of this process too."""
    room = tmp_path_factory.mktemp("containers")
    (room / "mean_colour" / "networks").mkdir(parents=True)
    (room / "mean_colour" / "networks" / "plain.py").write_text(NETWORK)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(room))
        yield room


@pytest.fixture(scope="module")
def folder(containers, tmp_path_factory):  # noqa: ARG001 it is imported from there
    from mean_colour.networks.plain import build  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("model")
    network = build(3, {})
    network.load_state_dict({"fc.weight": 8 * torch.eye(3), "fc.bias": torch.zeros(3)})
    export(network, torch.zeros(1, 3, 32, 32), folder)
    write_pytorch_spec(folder, "mean_colour", "plain")
    return folder


def python_path(containers) -> str:
    return f"{ROOT}:{ROOT / 'containers'}:{containers}"


class Harm:
    """Unpickled, it writes a file."""

    def __init__(self, file) -> None:
        self.file = file

    def __reduce__(self):
        return os.system, (f"touch {self.file}",)


def test_both_engines_answer_alike(folder):
    torch_engine, openvino_engine = PyTorchEngine(), OpenVinoEngine()
    x = np.random.default_rng(3).standard_normal((1, 3, 32, 32), np.float32)
    for engine in (torch_engine, openvino_engine):
        engine.load(folder)
        engine.warm_up(x)
    assert only(torch_engine.infer(x)) == pytest.approx(only(openvino_engine.infer(x)), abs=1e-5)


def test_a_batch_is_answered_as_its_pictures_one_by_one(folder):
    engine = PyTorchEngine()
    engine.load(folder)
    x = np.random.default_rng(4).standard_normal((5, 3, 32, 32), np.float32)
    engine.warm_up(x[:1])
    assert engine.max_batch >= 5
    assert only(engine.infer(x)) == pytest.approx(np.concatenate([only(engine.infer(x[i : i + 1])) for i in range(5)]))


@pytest.mark.parametrize("engine", ["openvino", "pytorch"])
def test_a_server_answers_with_it(start, folder, containers, engine):
    server = start(folder, MODEL_SERVER_ENGINE=engine, PYTHONPATH=python_path(containers))
    server.wait_until_ready()
    scores = server.predict(encoded(solid(RED)), "image/png").scores()
    assert max(scores, key=scores.get) == "red"
    (ready,) = (line for line in server.log_lines() if line["message"] == "ready")
    assert ready["engine"] == engine


@pytest.mark.parametrize("wrapper", ["model_state_dict", "state_dict"])
def test_weights_may_lie_in_a_checkpoint(tmp_path, wrapper):
    torch.save({"epoch": 3, wrapper: nn.Linear(2, 2).state_dict()}, tmp_path / "weights.pth")
    assert set(read_weights(tmp_path / "weights.pth")) == {"weight", "bias"}


def test_a_pickle_that_would_run_code_is_refused_and_never_ready(start, containers, tmp_path):
    harmed = tmp_path / "harmed"
    for content in (Harm(harmed), {"model_state_dict": {"fc.weight": Harm(harmed)}}):
        torch.save(content, tmp_path / "weights.pth")
        with pytest.raises(EngineError, match="holds more than weights"):
            read_weights(tmp_path / "weights.pth")
    (tmp_path / "weights.pth").write_bytes(pickle.dumps(Harm(harmed)))
    with pytest.raises(EngineError):
        read_weights(tmp_path / "weights.pth")
    write_pytorch_spec(tmp_path, "mean_colour", "plain")
    server = start(tmp_path, MODEL_SERVER_ENGINE="pytorch", PYTHONPATH=python_path(containers))
    pings = set()
    while server.process.poll() is None:
        pings.add(server.ping() if '"listening"' in server.said() else None)
    assert server.process.poll() == 1
    assert 200 not in pings
    assert not harmed.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"fc.weight": torch.zeros(4, 3), "fc.bias": torch.zeros(4)}, "does not fit the network plain"),
        ({"fc.weight": torch.zeros(3, 3)}, "does not fit the network plain"),
        ({"fc.weight": torch.zeros(3, 3), "fc.bias": torch.zeros(3), "more": torch.zeros(1)}, "does not fit"),
        ([1, 2], "is no state dict"),
        ({"fc.weight": "text"}, "is no state dict"),
    ],
)
@pytest.mark.usefixtures("containers")
def test_weights_load_strictly(tmp_path, content, words):
    torch.save(content, tmp_path / "weights.pth")
    write_pytorch_spec(tmp_path, "mean_colour", "plain")
    with pytest.raises(EngineError, match=words):
        PyTorchEngine().load(tmp_path)


def test_bytes_that_are_no_weights_are_refused(tmp_path):
    (tmp_path / "weights.pth").write_bytes(b"garbage" * 100)
    with pytest.raises(EngineError, match=r"weights\.pth"):
        read_weights(tmp_path / "weights.pth")


def test_a_network_that_the_container_lacks_is_named(folder, tmp_path):
    (tmp_path / "weights.pth").write_bytes((folder / "weights.pth").read_bytes())
    write_pytorch_spec(tmp_path, "mean_colour", "absent")
    with pytest.raises(EngineError, match=r"model.network: there is no mean_colour.networks.absent"):
        PyTorchEngine().load(tmp_path)
