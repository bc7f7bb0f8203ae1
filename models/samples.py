"""The samples of a model, which the page offers to try."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.media import JSON, sniff
from models.registry import Model


def samples(model: Model) -> Mapping[str, Path]:
    """What may be sent to `model`, to try it, by its address on the page."""
    files = sorted((model.folder / "samples").glob("*"))
    return {f"samples/{model.spec.name}/{file.name}": file for file in files if file.suffix != ".md"}


def listed(model: Model) -> Sequence[Mapping[str, str]]:
    """The same as the page's configuration has them."""
    found = samples(model).items()
    return [{"name": file.name, "type": sample_type(file), "url": url} for url, file in found]


def sample_type(file: Path) -> str:
    """The content type that it is sent with."""
    return sniff(file.read_bytes()) or JSON
