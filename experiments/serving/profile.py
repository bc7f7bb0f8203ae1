"""Where the processor time of a request goes under load: `python -m experiments.serving.profile`, which needs `perf`.

Our server with eight clients, and the floor. Processor time is the kernel's count for each process; perf then says in
which library it went. Writes experiments/performance/profile.md, which docs/performance.md includes.
"""

import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from experiments.performance.pictures import pictures
from experiments.serving import models
from experiments.serving.load import Result
from experiments.serving.measure import Measure, floor_of, served
from experiments.serving.processes import Tree
from experiments.serving.servers import CORES, FLOOR, OURS, SERVERS
from models.registry import ROOT

KEPT = ROOT / "experiments" / "performance" / "profile.md"
CLIENTS, WARM_S, SECONDS, RECORDED_S = 8, 2.0, 8.0, 5
PARTS = {
    "inference: OpenVINO and the code that it makes": ("[JIT]", "libopenvino", "libtbb", "_pyopenvino", "memfd"),
    "decoding: libjpeg-turbo, Pillow": ("libjpeg", "_imaging"),
    "NumPy": ("_multiarray", "openblas"),
    "kernel: sockets, page faults, switches": ("[kernel",),
    "C library: copies, allocation": ("libc.", "libm.", "libstdc++", "ld-linux", "[vdso]"),
}
FRONT, MODEL = "front", "model's process"
PYTHON = "Python, uvloop, httptools"

Profile = dict[str, float]
"""Part -> milliseconds of processor time a request."""


def main() -> None:
    """Half a minute for each of the two pictures."""
    model, sent = models.prepare("mobilenet_v2"), pictures()
    parts = [KEPT_HEAD]
    for picture in sent:
        ours, floor = _profiled(model, OURS, sent, picture), _profiled(model, FLOOR, sent, picture)
        parts.append(_table(picture, ours, floor))
        print(parts[-1], flush=True)
    KEPT.write_text("\n".join(parts), encoding="utf-8")


KEPT_HEAD = f"""## Where a request's time goes

MobileNetV2 with {CLIENTS} clients on two cores: milliseconds of processor time for each request, of our two processes
and of the floor, which decodes and infers in a loop (`python -m experiments.serving.profile`). The load client's own
time comes on top: 0.15 ms for the small picture, 0.8 for the photograph. The columns are measured one after the
other, on a machine whose speed changes: shares say more than times.
"""


def _profiled(model: models.Model, name: str, sent: dict[str, bytes], picture: str) -> dict[str, Profile]:
    """Process -> its profile."""
    server = next(one for one in SERVERS if one.name == name)
    with (
        tempfile.TemporaryDirectory() as place,
        (floor_of if name == FLOOR else served)(model, server, sent, Path(place)) as (tree, _, measure),
    ):
        measure(picture, CLIENTS, WARM_S)
        return _recorded(tree, measure, picture, Path(place))


def _recorded(tree: Tree, measure: Measure, picture: str, folder: Path) -> dict[str, Profile]:
    processes = tree.members()
    results: list[Result] = []
    load = Thread(target=lambda: results.append(measure(picture, CLIENTS, SECONDS)))
    before = [sum(one.cpu_times()[:2]) for one in processes]
    load.start()
    time.sleep(1)
    files = [_record(one.pid, folder / f"{one.pid}.perf") for one in processes]
    load.join()
    for recorder, _ in files:
        recorder.wait()
    if len(processes) == 1:  # it tries two ways and tells the faster, whose loops do nothing else
        (_, file), whole = files[0], CORES * 1000 / results[0].per_s
        return {FLOOR: _parts(file, whole)}
    profiles = {}
    for name, process, spent, (_, file) in zip((FRONT, MODEL), processes, before, files, strict=True):
        profiles[name] = _parts(file, (sum(process.cpu_times()[:2]) - spent) * 1000 / results[0].answers)
    return profiles


def _record(pid: int, file: Path) -> tuple["subprocess.Popen[bytes]", Path]:
    command = ["perf", "record", "-q", "-F", "999", "-p", str(pid), "-o", str(file), "--", "sleep", str(RECORDED_S)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), file


def _parts(file: Path, milliseconds: float) -> Profile:
    """The time of a request, divided as the samples are."""
    command = ["perf", "report", "-i", str(file), "--stdio", "--sort", "dso", "--field-separator", ";"]
    report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent: Profile = defaultdict(float)
    for line in report.splitlines():
        percent, _, library = line.partition(";")
        if percent.strip() and not line.startswith("#"):
            spent[_part(library.strip())] += float(percent.strip().rstrip("%")) / 100 * milliseconds
    return spent


def _part(library: str) -> str:
    return next((part for part, marks in PARTS.items() if any(mark in library for mark in marks)), PYTHON)


def _table(picture: str, ours: dict[str, Profile], floor: dict[str, Profile]) -> str:
    columns: Sequence[Profile] = (ours[FRONT], ours[MODEL], floor[FLOOR])
    rows = [(part, [column.get(part, 0.0) for column in columns]) for part in (*PARTS, PYTHON)]
    rows.append(("all", [sum(column.values()) for column in columns]))
    lines = [f"| {part} | {' | '.join(f'{value:.2f}' for value in values)} |" for part, values in rows]
    return "\n".join([f"| {picture} | {FRONT} | {MODEL} | floor |", "|---|---|---|---|", *lines, ""])


if __name__ == "__main__":
    main()
