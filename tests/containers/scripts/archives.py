"""Model folders as a model.tar.gz for the SageMaker PyTorch containers unpacks, and what their servers are asked."""

import textwrap
import time
from pathlib import Path

import torch

from tests.containers.model_folder import write_spec

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
