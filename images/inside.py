"""Runs in an image, by its own Python: prints what is installed there, and what takes the space, as JSON."""

import json
import re
import subprocess
from collections import Counter
from importlib import metadata
from pathlib import Path

_PACKAGES = Path("/opt/venv/lib/python3.11/site-packages")
_OURS = (Path("/opt/fovea"), Path("/opt/lambda"), Path("/opt/ml"))


def _sizes() -> Counter[str]:
    """Bytes by package; a package's shared libraries, metadata and bytecode count as its own."""
    found: Counter[str] = Counter()
    for file in _PACKAGES.rglob("*"):
        if file.is_file() and not file.is_symlink():
            name = file.relative_to(_PACKAGES).parts[0]
            found[re.sub(r"(-[\d.+\w]+\.dist-info|\.libs|\.py)$", "", name).lower()] += file.stat().st_size
    for room in _OURS:
        found[str(room)] = sum(file.stat().st_size for file in room.rglob("*") if file.is_file())
    return +found


def _python() -> list[dict[str, str]]:
    return [{"name": found.name, "version": found.version} for found in metadata.distributions()]


def _debian() -> list[dict[str, str]]:
    asked = ["dpkg-query", "--show", "--showformat", "${Package}\t${Version}\t${Architecture}\n"]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
    return [dict(zip(("name", "version", "architecture"), line.split("\t"), strict=True)) for line in lines]


if __name__ == "__main__":
    print(json.dumps({"sizes": _sizes(), "python": _python(), "debian": _debian()}))
