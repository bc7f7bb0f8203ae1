"""What is in an image: its packages, as a software bill of materials, and what takes the space."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from images.docker import engine_says

BASE = "public.ecr.aws/docker/library/python:3.11-slim-bookworm"
_INSIDE = Path(__file__).with_name("inside.py")


@dataclass(frozen=True, slots=True)
class Inventory:
    """`sizes`: bytes by package; `python` and `debian`: name and version of each package."""

    bytes_on_base: int
    sizes: Mapping[str, int]
    python: Sequence[Mapping[str, str]]
    debian: Sequence[Mapping[str, str]]

    def sbom(self, name: str, version: str) -> str:
        """The packages as CycloneDX 1.6 in JSON (ECMA-424)."""
        image = Component(name=name, version=version, bom_ref=name, type=ComponentType.CONTAINER)
        packages = [_component("pypi", package) for package in self.python]
        packages += [_component("deb", one, "debian", {"arch": one["architecture"]}) for one in self.debian]
        bom = Bom(components=packages)
        bom.metadata.component = image
        bom.register_dependency(image, packages)
        return JsonV1Dot6(bom).output_as_string(indent=2)


def inventory(tag: str) -> Inventory:
    """Looks into an image. Raises DockerError."""
    inside = ["run", "--rm", "--network", "none", "--entrypoint", "python", tag, "-c", _INSIDE.read_text("utf-8")]
    return Inventory(bytes_on_base=_size_bytes(tag) - _size_bytes(BASE), **json.loads(engine_says(*inside)))


def _size_bytes(tag: str) -> int:
    return int(engine_says("image", "inspect", "--format", "{{.Size}}", tag))


def _component(
    kind: str, package: Mapping[str, str], namespace: str | None = None, qualifiers: dict[str, str] | None = None
) -> Component:
    name, version = package["name"], package["version"]
    purl = PackageURL(kind, namespace, name.lower(), version, qualifiers)
    return Component(name=name, version=version, purl=purl, bom_ref=str(purl), type=ComponentType.LIBRARY)
