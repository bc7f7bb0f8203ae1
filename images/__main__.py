"""`python -m images`: builds the CPU image of every container, and those that the endpoints of a stage need besides."""

import argparse
import sys
import time
import tomllib
from collections.abc import Callable, Sequence

from docs.sections import replace_section
from images.app import synthesize_containers
from images.assets import Image, read_images
from images.docker import DockerError, build, check_engine
from images.inventory import Inventory, inventory
from images.report import sizes_section
from local.synth import SynthFailed, synthesize
from models.registry import ROOT
from models.spec import SpecError

WORK = ROOT / ".cache" / "images"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with every image built, 1 with one clear line otherwise."""
    options = _options(arguments)
    try:
        check_engine()
        wanted = [image for image in images(options.stage) if options.only in (None, image.container)]
        built = {
            _name(image): _built(image, f"[{number}/{len(wanted)}] {_name(image)}")
            for number, image in enumerate(wanted, 1)
        }
        if options.docs:
            replace_section(sizes_section(built), ROOT / "docs" / "images.md")
    except (DockerError, SynthFailed, SpecError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\n{error.filename or 'the disk'}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def images(stage: str) -> list[Image]:
    """Every image that is built here, the containers' own first. Raises SynthFailed, SpecError."""
    containers = read_images(synthesize_containers(WORK / "containers"))
    staged = read_images(synthesize(stage, WORK / stage))
    found = containers | {key: image for key, image in staged.items() if image.accelerator != "gpu"}
    return list(found.values())


def _name(image: Image) -> str:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return f"fovea/{image.container}:{version}{image.variant}"


def _built(image: Image, prefix: str) -> Inventory:
    name, started = _name(image), time.monotonic()
    file = name.removeprefix("fovea/").replace(":", "-")
    build(image, [name, image.tag], WORK / f"{file}.log", _progress(prefix))
    found = inventory(image.tag)
    _, _, version = name.partition(":")
    (WORK / f"{file}.cdx.json").write_text(found.sbom(image.container, version), encoding="utf-8")
    print(
        "\r\033[K" * sys.stdout.isatty() + f"{prefix}  {found.bytes_on_base / 1e6:.0f} MB on top of its base, "
        f"{time.monotonic() - started:.0f} s, SBOM .cache/images/{file}.cdx.json",
        flush=True,
    )
    return found


def _progress(prefix: str) -> Callable[[str], None]:
    """On a terminal each step, in the place of the one before; else nothing, since the line at the end tells."""
    if not sys.stdout.isatty():
        return lambda _step: None
    return lambda step: print(f"\r\033[K{prefix}  {step[:70]}", end="", flush=True)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m images", description=__doc__)
    parser.add_argument("--stage", default="dev", help="the stage to synthesize (dev)")
    parser.add_argument("--only", help="the images of this container alone")
    parser.add_argument("--docs", action="store_true", help="write the table of sizes to docs/images.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
