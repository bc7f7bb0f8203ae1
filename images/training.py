"""`python -m images.training MODEL`: the image that trains a model, synthesized as its stack has it, and built here.

Prints the image's name, once it is there.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from aws_cdk import App, Stack

from images.__main__ import WORK
from images.assets import Image, read_images
from images.docker import DockerError, build, check_engine, is_built
from models.archive import SPEC_NAME
from models.registry import ROOT, Model
from models.spec import SpecError, read_spec
from stacks.constructs.model_image import TrainingImage


def training_image(model: Model, out: Path, root: Path = ROOT) -> Image:
    """Writes a cloud assembly of this one image to `out`, and gives what is to be built."""
    app = App(outdir=str(out), analytics_reporting=False, builtin_cloud_formation_validation=False)
    TrainingImage(Stack(app, "Training"), "Image", root=root, model=model)
    app.synth()
    return next(iter(read_images(out).values()))


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with the image, 1 with one clear line otherwise."""
    parser = argparse.ArgumentParser(prog="python -m images.training", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", help="a model with a train.py, such as face-mask")
    folder = ROOT / "models" / parser.parse_args(arguments).model.replace("-", "_")
    try:
        check_engine()
        image = training_image(Model(read_spec(folder / SPEC_NAME), folder), WORK / "training" / folder.name)
        if not is_built(image.tag):
            print(f"Building {image.tag} (some minutes, once) …", file=sys.stderr, flush=True)
            build(image, [image.tag], WORK / f"training-{folder.name}.log")
    except (DockerError, SpecError) as error:
        print(error, file=sys.stderr)
        return 1
    print(image.tag)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
