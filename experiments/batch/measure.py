"""`python -m experiments.batch.measure`: images/s of a batch beside the same server under `experiments.serving.load`.

Both meet the same server in turns of seconds, since a shared machine changes its speed. The load's client sends one
request from memory and looks at nothing but the status: what it measures is what the server can do.
"""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from experiments.batch.output import Output
from experiments.batch.rows import JsonLines
from experiments.batch.score import IN_FLIGHT, Scorer
from experiments.batch.server import serving
from experiments.performance.pictures import pictures
from models.registry import ROOT, Model, load_models

ROUNDS, SECONDS, CLIENTS = 5, 4.0, 8
_PICTURES = {"224x224": 1000, "12 megapixels": 60}


def main(name: str = "face-mask") -> None:
    """Prints a line for each turn and each picture."""
    model = next(model for model in load_models() if model.spec.name == name)
    with tempfile.TemporaryDirectory() as folder, serving(model) as url:
        for picture, jpeg in pictures().items():
            room = Path(folder, picture)
            room.mkdir()
            for at in range(_PICTURES[picture]):
                (room / f"{at:05}.jpg").write_bytes(jpeg)
            turns = [(_batch(model, url, room, turn), _load(url, jpeg, room)) for turn in range(ROUNDS)]
            for batch, load in turns:
                print(f"{picture}: batch {batch:.1f} images/s, load {load:.1f}, {batch / load:.1%}")
            print(f"{picture}: median {median(batch / load for batch, load in turns):.1%} of the server under load")


def _batch(model: Model, url: str, folder: Path, turn: int) -> float:
    names = sorted(file.name for file in folder.glob("*.jpg"))
    with closing(Output(folder / f"rows-{turn}.jsonl", JsonLines(model), model)) as output:
        started = time.perf_counter()
        for row in Scorer(url, folder, model, IN_FLIGHT).rows(names):
            output.write(row)
        return len(names) / (time.perf_counter() - started)


def _load(url: str, jpeg: bytes, folder: Path) -> float:
    file, port = folder / "request", url.rpartition(":")[2]
    head = f"POST /invocations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
    file.write_bytes(f"{head}\r\n\r\n".encode() + jpeg)
    command = [sys.executable, "-m", "experiments.serving.load", port, str(file), "", str(CLIENTS), str(SECONDS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rate: float = json.loads(done.stdout)["per_s"]
    return rate


if __name__ == "__main__":
    main(*sys.argv[1:])
