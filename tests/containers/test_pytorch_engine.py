"""PyTorch weights: read as weights and nothing else, loaded strictly, and answered as OpenVINO answers their export."""

import logging
import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn

from model_server.engines import DeviceLost, EngineError, cuda_graphs, only, pytorch
from model_server.engines.openvino import OpenVinoEngine
from model_server.engines.pytorch import PyTorchEngine, read_weights
from model_server.predictor import infer
from models.input_output import OutputSpec
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


class Recording:
    """Stands in for CUDA graphs on a CPU: replays by running again, into the same output."""

    def __init__(self) -> None:
        self.replayed: list[int] = []

    def capture(self, network, given, _pool):
        output = network(given).clone()

        def replay():
            self.replayed.append(len(given))
            output.copy_(network(given))

        return replay, output


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    """Everything that a GPU is given but the capture itself, on this CPU."""
    recording = Recording()
    monkeypatch.setattr(pytorch, "accelerates", lambda _: True)
    monkeypatch.setattr(cuda_graphs, "capture", recording.capture)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)
    return recording


def engine_with(network: nn.Module) -> PyTorchEngine:
    """An engine as `load` leaves it."""
    engine = PyTorchEngine()
    engine._network = network.float().eval()
    engine._fastest = pytorch.Variant(engine._network)
    engine._output = OutputSpec(scores="logits")
    return engine


def random_inputs(count: int, *shape: int):
    return np.random.default_rng(6).standard_normal((count, 1, *shape), np.float32)


def test_on_a_gpu_callers_go_together_in_half_precision_and_each_gets_its_own(folder, as_on_a_gpu, caplog):
    plain, fast = PyTorchEngine(), PyTorchEngine()
    x = random_inputs(40, 3, 32, 32)
    plain.load(folder)
    exact = [only(outputs) for outputs in map(plain.infer, x)]
    fast.load(folder)
    with caplog.at_level(logging.INFO):
        fast.warm_up(x[0])
    assert (fast._fastest.half, fast._fastest.channels_last) == (True, True)
    (line,) = (record for record in caplog.records if record.getMessage() == "precision")
    assert line.fields["kept"]
    as_on_a_gpu.replayed.clear()
    with ThreadPoolExecutor(8) as pool:
        answers = [only(outputs) for outputs in pool.map(fast.infer, x)]
    assert np.concatenate(answers) == pytest.approx(np.concatenate(exact), abs=0.02)  # logits
    assert set(as_on_a_gpu.replayed) <= {1, 2, 4, 8}


@pytest.mark.usefixtures("as_on_a_gpu")
@pytest.mark.parametrize("count", range(1, 9))
def test_a_batch_of_any_size_is_padded_and_answered_for_itself(folder, count):
    engine = PyTorchEngine()
    engine.load(folder)
    x = random_inputs(8, 3, 32, 32)[:, 0]
    engine.warm_up(x[:1])
    alone = np.concatenate([only(engine.infer(one[None])) for one in x[:count]])
    assert only(engine.infer(x[::-1].copy())).shape == (8, 3)  # leaves other rows in the buffers
    assert only(engine.infer(x[:count])) == pytest.approx(alone, abs=1e-2)


class Sensitive(nn.Module):
    """Adds what leaves half precision few digits for the rest."""

    def forward(self, x):
        return x.mean((2, 3)) + 1000 - 1000


class Viewed(nn.Module):
    """Takes its input's memory to lie channel by channel."""

    def forward(self, x):
        return x.view(-1, 48)[:, ::16]


class Single(nn.Module):
    """Mixes 32 bits into whatever it is given."""

    def forward(self, x):
        return torch.nn.functional.linear(x.mean((2, 3)), torch.eye(3))


@pytest.mark.usefixtures("as_on_a_gpu")
@pytest.mark.parametrize(
    ("network", "half", "channels_last"),
    [(Sensitive(), False, True), (Viewed(), True, False), (Single(), False, True)],
)
def test_half_precision_and_layout_are_kept_only_where_they_answer_alike(network, half, channels_last):
    engine, x = engine_with(network), random_inputs(1, 3, 4, 4)[0]
    outputs = only(engine.warm_up(x))
    assert (engine._fastest.half, engine._fastest.channels_last) == (half, channels_last)
    assert outputs == pytest.approx(network(torch.from_numpy(x)).numpy(), rel=1e-2, abs=1e-2)


@pytest.mark.usefixtures("as_on_a_gpu")
def test_what_overflows_in_half_precision_is_answered_in_full():
    engine = engine_with(Viewed())
    engine.warm_up(random_inputs(1, 3, 4, 4)[0])
    assert engine._fastest.half
    assert only(engine.infer(np.full((1, 3, 4, 4), 1e5, np.float32))) == pytest.approx(np.full((1, 3), 1e5))


def test_a_network_that_cannot_be_captured_is_served_without(folder, as_on_a_gpu, monkeypatch, caplog):
    def refused(*_):
        raise RuntimeError("operation not permitted when stream is capturing")

    monkeypatch.setattr(cuda_graphs, "capture", refused)
    engine, x = PyTorchEngine(), random_inputs(16, 3, 32, 32)
    engine.load(folder)
    engine.warm_up(x[0])
    assert "runs without CUDA graphs" in caplog.messages
    with ThreadPoolExecutor(8) as pool:
        answers = [only(outputs) for outputs in pool.map(engine.infer, x)]
    assert np.concatenate(answers) == pytest.approx(np.concatenate([only(engine.infer(one)) for one in x]), abs=1e-2)
    assert not as_on_a_gpu.replayed


def test_a_graph_that_answers_otherwise_is_not_used(folder, as_on_a_gpu, monkeypatch, caplog):
    def stale(network, given, _pool):
        return lambda: None, network(given).clone()

    monkeypatch.setattr(cuda_graphs, "capture", stale)
    engine, x = PyTorchEngine(), random_inputs(2, 3, 32, 32)
    engine.load(folder)
    engine.warm_up(x[0])
    assert "runs without CUDA graphs" in caplog.messages
    assert only(engine.infer(x[1])) != pytest.approx(only(engine.infer(x[0])))
    assert not as_on_a_gpu.replayed


def test_pictures_of_any_size_are_served_beside_the_captured_one(as_on_a_gpu):
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    engine = engine_with(network)
    engine.warm_up(random_inputs(1, 3, 8, 8)[0], dynamic_axes=(2, 3))
    assert engine.max_batch == 1  # of one picture each, which still go together where their sizes are equal
    for sides in ((8, 8), (5, 9), (8, 8)):
        x = random_inputs(1, 3, *sides)[0]
        exact = network(torch.from_numpy(x)).detach().numpy()
        assert only(engine.infer(x)) == pytest.approx(exact, abs=1e-2)
    assert as_on_a_gpu.replayed[-2:] == [1, 1]


class Clip(nn.Module):
    """As sign language: the first axis is frames, and one row comes out."""

    def forward(self, clip):
        return clip.mean((0, 1))[None]


@pytest.mark.parametrize("how", [{"dynamic_axes": (0,)}, {"one_by_one": True}])
def test_what_takes_one_at_a_time_is_never_put_together(as_on_a_gpu, how):
    engine = engine_with(Clip())
    clips = [random_inputs(1, 4, 2)[0].repeat(frames, axis=0) * frames for frames in (1, 3, 7)]
    engine.warm_up(clips[0], **how)
    with ThreadPoolExecutor(8) as pool:
        answers = [only(outputs) for outputs in pool.map(engine.infer, clips * 5)]
    for clip, answer in zip(clips * 5, answers, strict=True):
        assert answer == pytest.approx(clip.mean((0, 1))[None], abs=1e-2)
    assert engine.max_batch == 1
    assert not as_on_a_gpu.replayed


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


def test_a_lost_gpu_is_no_failure_of_one_request(folder):
    engine = PyTorchEngine()
    engine.load(folder)
    example = random_inputs(1, 3, 32, 32)[0]
    engine.warm_up(example)

    def lost(_batch):
        raise torch.AcceleratorError("an illegal memory access was encountered", 700)

    engine._fastest = lost
    with pytest.raises(DeviceLost):
        infer(engine, example)
