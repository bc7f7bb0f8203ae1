"""Model folders as a model.tar.gz for the SageMaker PyTorch containers unpacks, and what their servers are asked."""

import shutil
import textwrap
import time
from pathlib import Path

import torch

from models.archive import pack, unpack
from tests.containers.model_folder import write_spec
from tests.containers.scripts.network import Gestures

SCRIPTS = Path(__file__).parent
POINTS = [[[1.0, 0.0]] * 54] * 3
"""What `gestures_archive` calls HELLO."""
JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
ACCEPTS = f'accepts = ["{JSON}", "{CSV}", "{NPY}", "image/png"]'


class MeanColour(torch.nn.Module):
    """(n, 3, h, w) -> (n, 3)."""

    def forward(self, x):
        return x.mean((2, 3))


class Double(torch.nn.Module):
    def forward(self, x):
        return 2 * x


def archive(folder: Path, script: str | None = None, module: torch.nn.Module | None = None, size: int = 8) -> Path:
    """A model folder with code/inference.py and a TorchScript model.pth."""
    (folder / "code").mkdir(parents=True)
    if script is not None:
        (folder / "code" / "inference.py").write_text(textwrap.dedent(script))
    if module is not None:
        torch.jit.script(module).save(str(folder / "model.pth"))
    more = f'{ACCEPTS}\nlayout = "NCHW"'
    write_spec(folder, ["a", "b"], size, more=more, framework='"pytorch"', container="pytorch_script")
    return folder


def gestures_archive(room: Path) -> Path:
    """A published script with its own modules, as SageMaker unpacks it from a model.tar.gz."""
    made = room / "gestures"
    (made / "code").mkdir(parents=True)
    shutil.copy(SCRIPTS / "gestures.py", made / "code" / "inference.py")
    shutil.copy(SCRIPTS / "network.py", made / "code")
    (made / "code" / "labels.json").write_text('["HELLO", "THANKS", "YES"]')
    network = Gestures(3)
    network.load_state_dict({"fc.weight": torch.tensor([[4.0, 0], [2, 0], [0, 4]]), "fc.bias": torch.zeros(3)})
    torch.save(network.state_dict(), made / "model.pth")
    spec = room / "spec" / "gestures"
    spec.mkdir(parents=True)
    write_spec(spec, ["HELLO", "THANKS", "YES"], 8, framework='"pytorch"', container="pytorch_script")
    folder = room / "unpacked"
    unpack(pack(spec / "model.toml", made, room / "model.tar.gz"), folder)
    return folder


def numbers(reply) -> list:
    assert reply.status == 200, reply.response.text
    return reply.json()


def fails(server) -> dict:
    """The one error line of a server that ends without ever having been ready."""
    server.wait_until_listening()
    pings = set()
    while server.process.poll() is None:
        pings.add(server.ping())
        time.sleep(0.02)
    assert server.process.poll() == 1
    assert 200 not in pings
    (error,) = (line for line in server.log_lines() if line["level"] == "error")
    return error
