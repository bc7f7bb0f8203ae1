"""`make bench`: measures, prints the ratios, and keeps the last table in docs/performance.md."""

import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from experiments.local_run import FOR_MEASURING, start_local
from experiments.performance import cold_start, path, synth
from experiments.performance.pictures import pictures
from experiments.performance.report import cold_start_table, page, path_table, synth_table
from models.registry import ROOT, load_models


def main() -> None:
    """Some four minutes on two cores."""
    model = next(model for model in load_models() if model.spec.name == "diabetic-retinopathy")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model_dir = shutil.copytree(model.artifact, folder / "model")
        shutil.copy(model.spec_file, model_dir)
        sent = pictures()
        _say("cdk synth, beside an empty app …")
        tables = [synth_table(synth.measure(folder))]
        _say(tables[-1])
        _say("cold start, beside TensorFlow …")
        tables.append(cold_start_table(cold_start.measure(model_dir, sent["224x224"], folder)))
        _say(tables[-1])
        _say("the path of a request …")
        with start_local(folder / "state", *FOR_MEASURING) as local:
            tables.append(path_table(path.measure(model_dir, local, sent), sent))
        _say(tables[-1])
    (ROOT / "docs" / "performance.md").write_text(page(tables, _machine()), encoding="utf-8")
    _say("docs/performance.md")


def _machine() -> str:
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=False).stdout.strip() or "?"
    return f"{cores} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
