"""`cdk synth` of this app beside that of an empty one-stack app: what the stacks cost a person who waits."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from experiments.local_run import environment
from models.registry import ROOT

_STRICT = "@aws-cdk/core:validateAgainstDefaultRules"
_EMPTY = """import aws_cdk
app = aws_cdk.App(builtin_cloud_formation_validation={validate})
aws_cdk.Stack(app, "Empty")
app.synth()
"""


def measure(folder: Path, rounds: int = 7) -> dict[str, float]:
    """Median wall time in seconds of each, rounds interleaved."""
    apps = {
        "an empty app with one stack": _empty_app(folder / "empty", validate=True),
        "the same without CDK's validation of templates, as this app": _empty_app(folder / "bare", validate=False),
        "this app": ROOT,
    }
    taken: dict[str, list[float]] = {name: [] for name in apps}
    for turn in range(rounds + 1):
        for name, home in apps.items():
            seconds = _synth(home, folder / "out" / home.name)
            if turn:  # the first round warms the caches
                taken[name].append(seconds)
    return {name: median(seconds) for name, seconds in taken.items()}


def _empty_app(home: Path, *, validate: bool) -> Path:
    home.mkdir()
    (home / "app.py").write_text(_EMPTY.format(validate=validate))
    settings = json.loads((ROOT / "cdk.json").read_text()) | {"app": f"{sys.executable} app.py"}
    settings["context"][_STRICT] = False  # as errors, CDK's rules refuse a stack without resources
    (home / "cdk.json").write_text(json.dumps(settings))
    return home


def _synth(home: Path, out: Path) -> float:
    cdk = ROOT / "node_modules" / ".bin" / "cdk"
    started = time.perf_counter()
    subprocess.run(
        [cdk, "synth", "--quiet", "--output", out], cwd=home, env=environment(), check=True, capture_output=True
    )
    return time.perf_counter() - started
