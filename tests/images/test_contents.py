"""What is in an image: its pins and nothing besides, within its size, labelled, with a bill of materials."""

import json
import re

import pytest

from images.docker import engine_says
from images.inventory import inventory
from local.environment import pins_of
from models.registry import ROOT, containers

pytestmark = pytest.mark.docker

MOST_MB = {"savedmodel": 250, "brain_tumor": 250, "object_detection": 250, "sign_language": 800, "pytorch_script": 1000}
_UNWANTED = r"""
find / -xdev \( -path /proc -o -path /sys \) -prune -o \( \
     -path '*/site-packages/*/tests' -o -path '/root/.cache/*' -o -name '*.whl' -o -name '*.tar.gz' -o -name '*.c' \
     -o -name '*.h' \) -print | grep -v -e '^/usr/' -e torch/ || true
for program in gcc cc g++ make git curl wget; do command -v "$program" || true; done
"""


@pytest.fixture(scope="module", params=containers())
def container(request):
    return request.param


@pytest.fixture(scope="module")
def tag(images, container):
    return images[container].tag


@pytest.fixture(scope="module")
def found(tag):
    return inventory(tag)


def test_it_is_within_its_size(container, found):
    assert found.bytes_on_base / 1e6 <= MOST_MB[container]


def test_it_holds_its_pins_and_nothing_besides(container, found):
    pins = dict(pins_of(ROOT / "containers" / container / "requirements-cpu.txt"))
    assert {normal(package["name"]): package["version"] for package in found.python} == pins


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_has_no_compilers_caches_headers_or_tests(tag):
    assert engine_says("run", "--rm", "--network", "none", "--entrypoint", "sh", tag, "-c", _UNWANTED) == ""


def test_it_is_labelled_and_for_amd64(container, tag):
    (about,) = json.loads(engine_says("image", "inspect", tag))
    assert (about["Os"], about["Architecture"]) == ("linux", "amd64")
    labels = about["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == f"Fovea {container}"
    assert labels["com.amazonaws.sagemaker.capabilities.accept-bind-to-port"] == "true"
    assert about["Config"]["Entrypoint"] == ["python", "-m", "model_server"]
    assert about["Config"]["Cmd"] == ["serve"]


def test_its_bill_of_materials_names_every_package(container, found):
    bom = json.loads(found.sbom(container, "1.0.0"))
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    purls = {component["purl"].partition("?")[0] for component in bom["components"]}
    assert {f"pkg:pypi/{normal(one['name'])}@{one['version']}".replace("+", "%2B") for one in found.python} <= purls
    assert any(purl.startswith("pkg:deb/debian/libc6@") for purl in purls)
