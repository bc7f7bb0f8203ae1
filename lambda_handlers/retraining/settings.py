"""What synth says of the model: retraining.json, beside the package's code."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(os.environ.get("RETRAINING_PACKAGE", Path(__file__).resolve().parent.parent.parent))
FILE = "retraining.json"


@dataclass(frozen=True, slots=True)
class Settings:
    """`targets` are the endpoints that answer at once, as InvokeEndpoint names them; `folders` those of the data."""

    model: str
    stage: str
    task: str
    labels: Sequence[str]
    folders: Sequence[str]
    tolerance: float
    targets: Sequence[Mapping[str, str]]
    sample: str
    sample_type: str


def settings(package: Path = PACKAGE) -> Settings:
    """Of the package that this code is in."""
    return Settings(**json.loads((package / FILE).read_bytes()))
