"""What the image is built from stays true to what the tests ran."""

import json
import re
import textwrap
from importlib.metadata import distribution
from pathlib import Path
from string import Template

import pytest
from packaging.requirements import Requirement

from model_server.settings import VARIABLES
from models.spec import read_spec
from tests.containers.server_process import ROOT

CONTAINERS = sorted(file.parent for file in (ROOT / "containers").glob("*/Dockerfile"))
LEFT_OUT = {"openvino-telemetry"}  # calls home
OF_GPUS = re.compile(r"nvidia-|cuda-|tensorflow$|triton$")


def pins(file: str | Path) -> dict[str, str]:
    lines = (ROOT / file).read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    for requirement in wanted:
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), f"{requirement} is not an exact pin"
    return {requirement.name: str(requirement.specifier) for requirement in wanted}


TESTED = pins("requirements-dev.txt") | pins("requirements-torch.txt") | pins("requirements.txt")


def has_own_environment(container: Path) -> bool:
    """Whether its packages cannot stand beside ours, so that its tests run in an environment of its own."""
    image = pins(container / "requirements-cpu.txt")
    return any(TESTED[name] != image[name] for name in image.keys() & TESTED.keys())


@pytest.fixture(params=CONTAINERS, ids=lambda folder: folder.name)
def container(request):
    return request.param


@pytest.mark.parametrize("accelerator", ["cpu", "gpu", "native"])
def test_the_image_installs_the_versions_that_the_tests_run(container, accelerator):
    if has_own_environment(container):
        pytest.skip("its tests run in its own environment, made of these very pins")
    image = pins(container / f"requirements-{accelerator}.txt") if accelerator in accelerators(container) else {}
    shared = image.keys() & TESTED.keys()
    assert {name: image[name] for name in shared} == {name: TESTED[name] for name in shared}
    assert accelerator == "gpu" or image.keys() == shared
    assert all(OF_GPUS.match(name) for name in image.keys() - shared)


def accelerators(container: Path) -> set[str]:
    return {file.stem.rpartition("-")[2] for file in container.glob("requirements-*.txt")}


def test_all_images_run_the_same_server(container):
    images = {
        accelerator: pins(container / f"requirements-{accelerator}.txt") for accelerator in accelerators(container)
    }
    assert images.keys() == ({"cpu", "gpu"} if container.name == "pytorch_script" else {"cpu", "gpu", "native"})
    for image in images.values():
        shared = images["cpu"].keys() - {"openvino"}
        assert {name: image[name] for name in shared} == {name: images["cpu"][name] for name in shared}
    if "tensorflow" in images["gpu"]:
        assert images["gpu"]["tensorflow"] == TESTED["tensorflow-cpu"]


def test_the_native_image_has_the_framework_and_no_openvino(container):
    for accelerator in accelerators(container) - {"cpu"}:
        names = pins(container / f"requirements-{accelerator}.txt").keys()
        assert names & {"torch", "tensorflow", "tensorflow-cpu"}
        assert "openvino" not in names
        assert f"FROM base AS {accelerator}\n" in (container / "Dockerfile").read_text()


def test_the_cpu_image_holds_all_that_its_packages_require(container):
    """It is installed with --no-deps, so a missing line would only show when the image runs."""
    if has_own_environment(container):
        pytest.skip("its server starts in its own environment, made of these very pins")
    held = pins(container / "requirements-cpu.txt").keys()
    for name in held:
        for line in distribution(name).requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert requirement.name.lower().replace("_", "-") in held | LEFT_OUT, f"{name} needs {requirement.name}"


def test_the_container_starts_as_sagemaker_starts_it(container):
    lines = (container / "Dockerfile").read_text().splitlines()
    (entrypoint,) = (line.removeprefix("ENTRYPOINT ") for line in lines if line.startswith("ENTRYPOINT"))
    (command,) = (line.removeprefix("CMD ") for line in lines if line.startswith("CMD"))
    assert json.loads(entrypoint) == ["python", "-m", "model_server"]  # exec form, so that SIGTERM arrives
    assert json.loads(command) == ["serve"]
    assert not any(line.startswith("USER") for line in lines)


def test_the_image_copies_only_files_that_exist(container):
    text = (container / "Dockerfile").read_text()
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    arguments = dict(re.findall(r"^ARG (\w+)=(\S+)$", text, re.MULTILINE))
    for accelerator in accelerators(container):
        given = arguments | {"ACCELERATOR": accelerator}
        paths = [Template(path).substitute(given) for line in copies for path in line.split()]
        assert paths
        assert [path for path in paths if not list(ROOT.glob(path))] == []


def test_its_own_code_is_copied(container):
    copied = f"COPY containers/{container.name} /opt/fovea/{container.name}" in (container / "Dockerfile").read_text()
    assert copied == (container / "__init__.py").is_file()


def test_the_readmes_model_toml_is_a_valid_one(container, tmp_path):
    blocks = re.findall(r"```toml\n(.*?)```", (container / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "model.toml").write_text(textwrap.dedent(block))
        assert read_spec(tmp_path / "model.toml").model.container == container.name


def test_the_readme_lists_every_variable():
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "containers/savedmodel/README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(VARIABLES)
