"""`make new-model NAME=my-model`: copies template/ to models/my_model, which is then a model like every other."""

import argparse
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from models.registry import ROOT

_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")
_TEMPLATE = "my-model"
_TEXTS = {".toml", ".md", ".py"}


class NotMade(Exception):
    """The name cannot be used; says why and what to do."""


def new_model(name: str, root: Path = ROOT) -> Path:
    """The new folder below `root`/models. Raises NotMade, before anything is written."""
    folder = root / "models" / name.replace("-", "_")
    if not _NAME.fullmatch(name) or len(name) > 40 or "--" in name:
        raise NotMade(f"{name!r} is no name for a model: lower case letters, digits and single hyphens, at most 40")
    if folder.exists():
        raise NotMade(f"models/{folder.name} exists; choose another name, or remove it")
    shutil.copytree(root / "template", folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in folder.rglob("*"):
        if file.suffix in _TEXTS:
            text = file.read_text(encoding="utf-8")
            text = text.replace(_TEMPLATE, name).replace("from template.", f"from models.{folder.name}.")
            file.write_text(text, encoding="utf-8")
    return folder


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m models.new", description=__doc__)
    parser.add_argument("name", help="such as cat-breeds")
    name = parser.parse_args(arguments).name
    try:
        folder = new_model(name).relative_to(ROOT)
    except NotMade as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{folder}/ is a model now, trained on drawn shapes until you train it on something else.\n"
        f"  make local                             serves it with the others\n"
        f"  make train MODEL={name} DATA=FOLDER  trains it on your pictures, in a folder for each label\n"
        f"  python -m models.convert FILE {folder}  or takes what you have trained elsewhere\n"
        f"  {folder}/model.toml                    says what it takes and gives, and where it is served\n"
        "Its snapshots are new: python -m pytest tests/stacks --snapshot-update"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
