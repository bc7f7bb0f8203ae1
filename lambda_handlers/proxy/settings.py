"""The function's environment, read once when the execution environment starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Settings:
    """`registry_file` says what is deployed; synth writes it into the package."""

    registry_file: Path
    log_level: str

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Raises ValueError naming the variable that is wrong."""
        registry_file = Path(environment.get("REGISTRY_FILE", PACKAGE_ROOT / "registry.json"))
        if not registry_file.is_file():
            raise ValueError(f"REGISTRY_FILE: {registry_file} is not a file")
        level = environment.get("LOG_LEVEL", "INFO").upper()
        if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("LOG_LEVEL: choose DEBUG, INFO, WARNING or ERROR")
        return cls(registry_file, level)
