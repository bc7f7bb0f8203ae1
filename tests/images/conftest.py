"""The images, built once for all tests here."""

import pytest

from images import __main__ as make_images
from images.assets import Image
from images.docker import build, is_built
from tests.images.container import Network


@pytest.fixture(scope="session")
def images(engine, tmp_path_factory) -> dict[str, Image]:  # noqa: ARG001 skips
    """Every image by container and variant, such as `brain_tumor` or `brain_tumor-lambda-brain_tumor`."""
    found = {f"{image.container}{image.variant}": image for image in make_images.images("dev")}
    for name, image in found.items():
        if not is_built(image.tag):
            build(image, [image.tag], tmp_path_factory.mktemp("builds") / f"{name}.log")
    return found


@pytest.fixture(scope="session")
def isolated(engine):  # noqa: ARG001 skips
    """A network on which this machine reaches a container, and the container reaches nobody."""
    with Network() as network:
        yield network
