"""A model.toml for the exported networks."""

from pathlib import Path

COLOURS = ["red", 'green, "leafy"', "blue"]


def write_spec(folder: Path, labels: list[str], size: int, *, scores: str = "probabilities", more: str = "") -> None:
    """A model.toml for a network with pixels from 0 to 1."""
    quoted = ", ".join("'" + label + "'" for label in labels)
    (folder / "model.toml").write_text(
        f"""
        [model]
        name = "{folder.name}"
        task = "image-classification"
        framework = "tensorflow"
        container = "savedmodel"
        version = "1.2.3"
        description = "For tests."
        labels = [{quoted}]
        notice = "For tests only."
        [input]
        size = [{size}, {size}]
        {more}
        [output]
        scores = "{scores}"
        [endpoints.cpu]
        kind = "serverless"
        """
    )
