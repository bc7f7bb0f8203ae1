"""`python -m local.train MODEL`: one training on this machine, by the very contract that SageMaker trains by.

The folders that SageMaker would make lie below .cache/training/<model>; `--docker` runs the training image on them.
Ctrl-C saves a checkpoint, and the same command goes on from it.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

from images.docker import PROGRAM
from models.registry import ROOT, Model
from training.errors import TrainingError
from training.evaluation import REPORT
from training.opt_ml import TRAINING, OptMl
from training.trainable import trainable

DRAWN_SEED = 7
_ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'containers'}"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with a model; else that of the training, whose reason has been printed."""
    options = _options(arguments)
    opt_ml = OptMl(options.work.absolute() / options.model)
    try:
        model, trainer = trainable(options.model)
        data = options.data or opt_ml.root / "drawn"
        if options.data is None and not data.is_dir():
            print(f"No DATA is given: drawing demonstration data to {data} …", flush=True)
            _draw(trainer, data)
        channels = channels_of(data)
    except TrainingError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'the disk'}: {error.strerror}", file=sys.stderr)
        return 1
    if options.data and model.spec.model.notice:
        print(_on_the_notice(model), flush=True)
    lay_out(opt_ml, channels, options.hyperparameters, linked=not options.docker)
    if options.docker:
        image = _image(model)
        if not image:
            return 1
        status = _run(_in_container(image, opt_ml, channels))
    else:
        status = _run(_as_process(model, opt_ml))
    if status == 0:
        archive = shutil.make_archive(str(opt_ml.model), "gztar", opt_ml.model)  # as SageMaker makes one of it
        if (opt_ml.output_data / REPORT).is_file():
            print(f"How good it is: {opt_ml.output_data / REPORT}")
        print(f"Serve it: make local ARCHIVE={model.spec.name}={archive}")
    return status


def _draw(trainer: ModuleType, data: Path) -> None:
    """`data` is there when all of it is, whenever that is interrupted."""
    partial = data.with_name(f"{data.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    trainer.draw(partial, DRAWN_SEED)
    partial.rename(data)


def _on_the_notice(model: Model) -> str:
    """What a person has to judge: no training can tell what its result is not for, nor whether its data is drawn."""
    return (
        f'Each answer of the result will say "{model.spec.model.notice}", as {model.spec_file.relative_to(ROOT)} does; '
        "where that is not true of what DATA makes, change `notice` there first."
    )


def channels_of(data: Path) -> Mapping[str, Path]:
    """Channel -> its folder: the folders in `data` where one of them is called training, else `data` itself is that.

    Raises NotADirectoryError.
    """
    if not data.is_dir():
        raise NotADirectoryError(20, "is no folder; give one that holds the data", str(data))
    if (data / TRAINING).is_dir():
        return {folder.name: folder for folder in sorted(data.iterdir()) if folder.is_dir()}
    return {TRAINING: data}


def lay_out(
    opt_ml: OptMl, channels: Mapping[str, Path], hyperparameters: Mapping[str, str], *, linked: bool = True
) -> None:
    """Makes the folders as SageMaker does before it starts a container; checkpoints stay.

    The channels are `linked` to their folders, or stay empty for a container to have those mounted there.
    """
    for stale in (opt_ml.model, opt_ml.failure.parent, opt_ml.root / "input"):
        shutil.rmtree(stale, ignore_errors=True)
    for folder in (opt_ml.model, opt_ml.failure.parent, opt_ml.config, opt_ml.checkpoints):
        folder.mkdir(parents=True, exist_ok=True)
    for name, folder in channels.items():
        place = opt_ml.channel(name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(folder.absolute()) if linked else place.mkdir()
    described = {name: {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"} for name in channels}
    for file, content in {
        "hyperparameters.json": dict(hyperparameters),
        "inputdataconfig.json": described,
        "resourceconfig.json": {"current_host": "algo-1", "hosts": ["algo-1"]},
    }.items():
        (opt_ml.config / file).write_text(json.dumps(content, indent=2), encoding="utf-8")


def _as_process(model: Model, opt_ml: OptMl) -> Sequence[str]:
    return [sys.executable, "-m", "training", "train", "--model", model.spec.name, "--root", str(opt_ml.root)]


def _image(model: Model) -> str:
    """The training image's name, built if it was not; empty where that failed, which has been told."""
    command = [sys.executable, "-m", "images.training", model.spec.name]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _in_container(image: str, opt_ml: OptMl, channels: Mapping[str, Path]) -> Sequence[str]:
    mounts = {opt_ml.root: "", **{folder.absolute(): f"/input/data/{name}:ro" for name, folder in channels.items()}}
    mounted = [word for folder, place in mounts.items() for word in ("--volume", f"{folder}:/opt/ml{place}")]
    return [PROGRAM, "run", "--rm", "--init", "--user", f"{os.getuid()}:{os.getgid()}", *mounted, image, "train"]


def _run(command: Sequence[str]) -> int:
    """Its exit status. Ctrl-C reaches it too, which saves what it has and ends."""
    with subprocess.Popen(command, cwd=ROOT, env=_ENVIRONMENT) as process:
        former = signal.signal(signal.SIGINT, signal.SIG_IGN)  # not before: it would be ignored there as well
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, former)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.train", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", help="a model with a train.py, such as face-mask")
    parser.add_argument("--data", type=Path, help="a folder of data, or of one folder for each channel (drawn data)")
    parser.add_argument("--set", dest="given", nargs="*", default=[], metavar="NAME=VALUE", help="hyperparameters")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "training", help="SageMaker's folders")
    parser.add_argument("--docker", action="store_true", help="in the training image, not as a process")
    options = parser.parse_args(arguments)
    unfit = next((text for text in options.given if "=" not in text), None)
    if unfit is not None:
        parser.error(f"--set {unfit}: give NAME=VALUE, such as epochs=3")
    options.hyperparameters = dict(text.split("=", 1) for text in options.given)
    return options


if __name__ == "__main__":
    raise SystemExit(main())
