"""The images that a cloud assembly (cdk.out) asks for, as its asset manifests describe them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Image:
    """One image to be built: its asset's key, its build context, and what the manifest says of the build."""

    key: str
    context: Path
    file: str
    platform: str
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)

    @property
    def container(self) -> str:
        """The folder of containers/ that it is made of."""
        return self.build_args.get("CONTAINER", Path(self.file).parent.name)

    @property
    def accelerator(self) -> str:
        """cpu, gpu or native."""
        return self.build_args.get("ACCELERATOR", "cpu")

    @property
    def own_requirements(self) -> str | None:
        """A user's own list of packages, in the build context."""
        return self.build_args.get("REQUIREMENTS")

    @property
    def model(self) -> Path | None:
        """The folder, in the build context, of the model that a function's image holds."""
        return self.context / self.build_args["MODEL"] if "MODEL" in self.build_args else None

    @property
    def artifact(self) -> str:
        """The folder of its exported network, below `model`."""
        return self.build_args.get("ARTIFACT", "")

    @property
    def requirements(self) -> Sequence[Path]:
        """The files that list what it installs on a CPU: the container's pins, then a user's own."""
        names = [f"containers/{self.container}/requirements-{self.on_cpu().accelerator}.txt", self.own_requirements]
        return [self.context / name for name in names if name]

    @property
    def variant(self) -> str:
        """What sets it apart from the container's usual image: empty, or such as `-native` or `-lambda-brain_tumor`."""
        parts = [self.accelerator] if self.accelerator != "cpu" else []
        parts += [self.target, Path(self.build_args["MODEL"]).name] if self.target else []
        parts += [self.platform.rpartition("/")[2]] if self.platform != "linux/amd64" else []
        parts += [self.key[:8]] if self.own_requirements else []
        return "".join(f"-{part}" for part in parts)

    @property
    def tag(self) -> str:
        """The name under which this very content is found again."""
        return f"fovea/{self.container}:{self.key[:16]}-{self.accelerator}"

    def on_cpu(self) -> "Image":
        """The same for this machine, where the one for GPUs would find none."""
        if self.accelerator != "gpu":
            return self
        return replace(self, build_args={name: arg for name, arg in self.build_args.items() if name != "ACCELERATOR"})


def read_images(folder: Path) -> dict[str, Image]:
    """Asset key -> image, of every stack in the cloud assembly `folder`."""
    artifacts = _json(folder / "manifest.json")["artifacts"].values()
    files = [artifact["properties"]["file"] for artifact in artifacts if artifact["type"] == "cdk:asset-manifest"]
    return {image.key: image for file in files for image in images_of(folder, _json(folder / file))}


def images_of(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Image]:
    """Those of one stack's asset manifest."""
    for key, asset in manifest.get("dockerImages", {}).items():
        source = asset["source"]
        yield Image(
            key=key,
            context=folder / source["directory"],
            file=source["dockerFile"],
            platform=source["platform"],
            target=source.get("dockerBuildTarget"),
            build_args=source.get("dockerBuildArgs", {}),
        )


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))
