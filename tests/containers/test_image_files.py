"""What the image is built from stays true to what the tests ran."""

import json
import re
from importlib.metadata import distribution

import pytest
from packaging.requirements import Requirement

from model_server.settings import Settings
from models.spec import read_spec
from tests.containers.server_process import ROOT

FOLDER = ROOT / "containers" / "savedmodel"
LEFT_OUT = {"openvino-telemetry"}  # calls home


def pins(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text().splitlines()
    wanted = [Requirement(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    for requirement in wanted:
        assert re.fullmatch(r"==[\w.]+", str(requirement.specifier)), f"{requirement} is not an exact pin"
    return {requirement.name: str(requirement.specifier) for requirement in wanted}


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
def test_the_image_installs_the_versions_that_the_tests_run(accelerator):
    image = pins(f"containers/savedmodel/requirements-{accelerator}.txt")
    tested = pins("requirements-dev.txt") | pins("requirements.txt")
    shared = image.keys() & tested.keys()
    assert {name: image[name] for name in shared} == {name: tested[name] for name in shared}
    assert all(name.startswith("nvidia-") or name == "tensorflow" for name in image.keys() - shared)


def test_both_images_run_the_same_server():
    cpu, gpu = (pins(f"containers/savedmodel/requirements-{accelerator}.txt") for accelerator in ("cpu", "gpu"))
    shared = cpu.keys() - {"openvino"}
    assert {name: gpu[name] for name in shared} == {name: cpu[name] for name in shared}
    assert gpu["tensorflow"] == pins("requirements-dev.txt")["tensorflow-cpu"]


def test_the_cpu_image_holds_all_that_its_packages_require():
    """It is installed with --no-deps, so a missing line would only show when the image runs."""
    held = pins("containers/savedmodel/requirements-cpu.txt").keys()
    for name in held:
        for line in distribution(name).requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert requirement.name.lower().replace("_", "-") in held | LEFT_OUT, f"{name} needs {requirement.name}"


def test_the_container_starts_as_sagemaker_starts_it():
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    (entrypoint,) = (line.removeprefix("ENTRYPOINT ") for line in lines if line.startswith("ENTRYPOINT"))
    (command,) = (line.removeprefix("CMD ") for line in lines if line.startswith("CMD"))
    assert json.loads(entrypoint) == ["python", "-m", "model_server"]  # exec form, so that SIGTERM arrives
    assert json.loads(command) == ["serve"]
    assert not any(line.startswith("USER") for line in lines)


def test_the_image_copies_only_files_that_exist():
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", (FOLDER / "Dockerfile").read_text(), re.MULTILINE)
    paths = [
        path.replace("${ACCELERATOR}", kind) for line in copies for path in line.split() for kind in ("cpu", "gpu")
    ]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_readmes_model_toml_is_a_valid_one(tmp_path):
    (block,) = re.findall(r"```toml\n(.*?)```", (FOLDER / "README.md").read_text(), re.DOTALL)
    (tmp_path / "model.toml").write_text(block)
    assert read_spec(tmp_path / "model.toml").model.labels == ("cat", "dog")


def test_the_readme_lists_every_variable():
    listed = re.findall(r"^\| `(\w+)` \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(field.alias for field in Settings.model_fields.values())
