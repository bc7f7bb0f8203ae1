"""What the image is built from stays true to what the tests ran."""

import json
import re
import subprocess
import tempfile
import textwrap
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from local.environment import pins_of
from model_server.settings import VARIABLES
from models.registry import containers
from models.spec import read_spec
from tests.containers.server_process import ROOT

CONTAINERS = [ROOT / "containers" / name for name in containers()]
DOCKERFILE = ROOT / "containers" / "Dockerfile"
LEFT_OUT = {"openvino-telemetry"}  # calls home
OF_GPUS = re.compile(r"nvidia-|cuda-|tensorflow$|triton$")


def pins(file: str | Path) -> dict[str, str]:
    """Package -> version, without a build's local part such as +cpu."""
    return {name: version.partition("+")[0] for name, version in pins_of(ROOT / file)}


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


def test_the_cpu_image_holds_all_that_its_packages_require(container):
    """It is installed with --no-deps, so a missing line would only show when the image runs."""
    if has_own_environment(container):
        pytest.skip("its server starts in its own environment, made of these very pins")
    refuse_incomplete(container / "requirements-cpu.txt")


def refuse_incomplete(listed: Path) -> None:
    held = pins(listed).keys()
    for name in held:
        for line in distribution(name).requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert requirement.name.lower().replace("_", "-") in held | LEFT_OUT, f"{name} needs {requirement.name}"


@pytest.mark.parametrize("framework", ["tensorflow", "pytorch"])
def test_a_training_image_holds_what_the_tests_trained_with(framework):
    listed = ROOT / "containers" / "training" / f"requirements-{framework}.txt"
    image = pins(listed)
    assert image.items() <= TESTED.items()
    refuse_incomplete(listed)
    assert len(re.findall(r"==[^ ]+ \\\n    --hash=sha256:", listed.read_text())) == len(image)


def test_every_package_has_its_hashes(container):
    for accelerator in accelerators(container):
        file = container / f"requirements-{accelerator}.txt"
        for listed in [
            file,
            *(file.parent / name for name in re.findall(r"^-r (.+)$", file.read_text(), re.MULTILINE)),
        ]:
            text = listed.read_text()
            assert len(re.findall(r"==[^ ]+ \\\n    --hash=sha256:", text)) == text.count("==")


def test_what_cannot_be_built_here_resolves_to_wheels_with_these_hashes(container):
    """The images for GPUs, on amd64."""
    assert resolved(container / "requirements-gpu.txt", "x86_64") == len(pins(container / "requirements-gpu.txt"))


@pytest.mark.parametrize("container", ["savedmodel", "brain_tumor", "object_detection"])
def test_graviton_has_wheels_with_these_hashes(container):
    file = ROOT / "containers" / container / "requirements-cpu.txt"
    assert resolved(file, "aarch64") == len(pins(file))


def resolved(file: Path, machine: str) -> int:
    """How many packages an installation in the base image would take: Debian bookworm, glibc 2.36."""
    command = ["uv", "pip", "install", "--dry-run", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--python-platform", f"{machine}-manylinux_2_36", "--python-version", "3.11"]
    with tempfile.TemporaryDirectory() as nowhere:
        command += ["--target", nowhere, "-r", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "error sending request" in done.stderr:
        pytest.skip("the package index is out of reach")
    assert done.returncode == 0, done.stderr
    return done.stderr.count("\n + ")


def test_the_dockerfile_has_nothing_for_a_linter_to_say():
    allowed = ("--ignore", "DL3059")  # RUN after RUN: what runs in a stage that is thrown away may well be two layers
    done = subprocess.run(["hadolint", *allowed, str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert done.stdout + done.stderr == ""


def test_there_is_an_image_for_each_accelerator(container):
    assert all(f"FROM base AS {accelerator}\n" in DOCKERFILE.read_text() for accelerator in accelerators(container))


def test_the_container_starts_as_sagemaker_starts_it():
    (stage,) = re.findall(r"^FROM \$\{ACCELERATOR\} AS serve\n(.+?)(?=^FROM)", DOCKERFILE.read_text(), re.M | re.S)
    lines = stage.splitlines()
    (entrypoint,) = (line.removeprefix("ENTRYPOINT ") for line in lines if line.startswith("ENTRYPOINT"))
    (command,) = (line.removeprefix("CMD ") for line in lines if line.startswith("CMD"))
    assert json.loads(entrypoint) == ["python", "-m", "model_server"]  # exec form, so that SIGTERM arrives
    assert json.loads(command) == ["serve"]
    assert not any(line.startswith("USER") for line in lines)


def test_the_readmes_model_toml_is_a_valid_one(container, tmp_path):
    blocks = re.findall(r"```toml\n(.*?)```", (container / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        (tmp_path / "model.toml").write_text(textwrap.dedent(block))
        assert read_spec(tmp_path / "model.toml").model.container == container.name


def test_the_readme_lists_every_variable():
    listed = re.findall(r"^\| `(\w+)` \|", (ROOT / "containers/savedmodel/README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(VARIABLES)
