"""published.toml, typed and checked: results of others, for reference lines beside ours and for nothing else."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

FILE = Path(__file__).with_name("published.toml")


class Figure(BaseModel):
    """One published time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    phase: Literal["cold", "warm"]
    place: str
    seconds: Annotated[float, Field(gt=0)]
    is_rough: bool = False
    source: str

    @property
    def text(self) -> str:
        """As a line of it is labelled."""
        return f"{'about ' if self.is_rough else ''}{self.seconds:g} s, {self.place}"


class Published(BaseModel):
    """All of them, and where each is from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: dict[str, str]
    figures: tuple[Figure, ...]

    def of_phase(self, phase: str) -> Sequence[Figure]:
        """Slowest first."""
        return sorted((each for each in self.figures if each.phase == phase), key=lambda each: -each.seconds)

    @model_validator(mode="after")
    def _sources_are_named(self) -> Self:
        for figure in self.figures:
            if figure.source not in self.sources:
                raise ValueError(f"{figure.place}: its source {figure.source!r} is not in [sources]; add it there")
        return self


def read_published(file: Path = FILE) -> Published:
    """The table in `file`, which is part of this package."""
    return Published.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
