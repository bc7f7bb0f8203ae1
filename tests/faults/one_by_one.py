"""Loads the folders named on stdin as a server does, one after another in one process, and tells what became of each.

A start of its own for each of the many damages would take most of a test's time.
"""

import json
import sys
import time
from pathlib import Path

from model_server.loading import load_predictor
from model_server.logs import reason


def _peak_kib() -> int:
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def _load(folder: Path) -> dict[str, object]:
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, begun, refusal = _peak_kib(), time.monotonic(), None
    try:
        load_predictor(folder, "openvino")
    except Exception as error:
        refusal = reason(error)
    return {"refusal": refusal, "seconds": time.monotonic() - begun, "bytes": 1024 * (_peak_kib() - before)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(_load(Path(line.rstrip("\n")))), flush=True)
