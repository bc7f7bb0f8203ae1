"""A model.toml for the exported networks."""

from pathlib import Path

COLOURS = ["red", 'green, "leafy"', "blue"]


def write_spec(
    folder: Path,
    labels: list[str],
    size: int,
    *,
    scores: str = "probabilities",
    more: str = "",
    framework: str = '"tensorflow"',
    container: str = "savedmodel",
) -> None:
    """A model.toml for a network with pixels from 0 to 1."""
    quoted = ", ".join("'" + label + "'" for label in labels)
    (folder / "model.toml").write_text(
        f"""
        [model]
        name = "{folder.name.replace("_", "-")}"
        task = "image-classification"
        framework = {framework}
        container = "{container}"
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


def write_pytorch_spec(folder: Path, container: str, network: str) -> None:
    """The same for `network` of `container`, three colours of 32 x 32 pixels, channels first."""
    framework = f'"pytorch"\n        network = "{network}"'
    more = 'layout = "NCHW"'
    write_spec(folder, COLOURS, 32, scores="logits", more=more, framework=framework, container=container)
