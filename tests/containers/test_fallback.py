"""What OpenVINO refuses, the model's own framework serves, with one warning; a model that both refuse is not served."""

import shutil

import pytest
import torch

from models.torch_export import export
from tests.containers.model_folder import write_pytorch_spec
from tests.containers.pictures import BLUE, RED, encoded, solid


def warnings(server):
    return [line for line in server.log_lines() if line["level"] == "warning"]


def engine(server):
    (ready,) = (line for line in server.log_lines() if line["message"] == "ready")
    return ready["engine"]


def test_an_operation_that_openvino_lacks_is_run_by_tensorflow(start, model_dirs):
    from tests.containers.exported import export_exotic  # noqa: PLC0415

    server = start(export_exotic(model_dirs / "exotic"))
    server.wait_until_ready()
    assert server.predict(encoded(solid(RED)), "image/png").status == 200
    assert engine(server) == "tensorflow"
    (warning,) = warnings(server)
    assert warning["message"] == "OpenVINO refuses this model"
    assert "OpenVINO cannot" in warning["reason"]


def test_weights_without_an_export_are_run_by_pytorch(start, tmp_path):
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 3))
    network.load_state_dict({"2.weight": 8 * torch.eye(3), "2.bias": torch.zeros(3)})
    export(network, torch.zeros(1, 3, 32, 32), tmp_path / "model")
    (tmp_path / "own" / "networks").mkdir(parents=True)
    (tmp_path / "own" / "networks" / "pooled.py").write_text(
        "from torch import nn\n\n\ndef build(labels, weights):\n"
        "    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, labels))\n"
    )
    write_pytorch_spec(tmp_path / "model", "own", "pooled")
    (tmp_path / "model" / "model.xml").unlink()
    from tests.containers.server_process import ROOT  # noqa: PLC0415

    server = start(tmp_path / "model", PYTHONPATH=f"{ROOT}:{ROOT / 'containers'}:{tmp_path}")
    server.wait_until_ready()
    scores = server.predict(encoded(solid(BLUE)), "image/png").scores()
    assert max(scores, key=scores.get) == "blue"
    assert (engine(server), len(warnings(server))) == ("pytorch", 1)


@pytest.mark.parametrize("kept", ["nothing", "a stub"])
def test_a_model_that_both_refuse_is_not_served(start, colours, tmp_path, kept):
    folder = shutil.copytree(colours, tmp_path / "model")
    (folder / "saved_model.pb").write_bytes(b"" if kept == "nothing" else b"stub")
    server = start(folder)
    assert server.process.wait(90) == 1
    (error,) = (line for line in server.log_lines() if line["level"] == "error")
    assert "OpenVINO cannot read the model" in error["reason"]
    assert not warnings(server)
