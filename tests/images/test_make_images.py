"""`make images` where it cannot work: one clear line that says what to do, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

from images.app import synthesize_containers
from images.assets import Image, read_images
from images.docker import PROGRAM, DockerError, build
from models.registry import ROOT, containers


def run(**variables: str) -> tuple[int, str]:
    """The exit code and stderr of `python -m images --only savedmodel`."""
    command = [sys.executable, "-m", "images", "--only", "savedmodel"]
    environment = {"PATH": f"{ROOT}/.venv/bin:{ROOT}/node_modules/.bin:/usr/bin:/bin", "HOME": str(Path.home())}
    done = subprocess.run(command, cwd=ROOT, env=environment | variables, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def stand_in(folder, said: str) -> str:
    """A `docker` that has an engine, and whose builds end so."""
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\n[ "$1" = build ] || exit 0\necho "{said}"\nexit 1\n')
    program.chmod(0o755)
    return str(program)


def test_without_the_command_it_says_what_to_install():
    code, said = run(CDK_DOCKER="no-such-docker")
    told = "The command no-such-docker is not installed. Install Docker, or name another command with CDK_DOCKER."
    assert (code, said.strip()) == (1, told)


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_without_an_engine_it_says_what_to_start():
    code, said = run(CDK_DOCKER=PROGRAM, DOCKER_HOST="unix:///nowhere/docker.sock")
    told = f"No Docker engine answers the command {PROGRAM}. Start it, and see that `{PROGRAM} info` succeeds."
    assert (code, said.strip()) == (1, told)


def test_a_full_disk_is_named(tmp_path):
    docker = stand_in(tmp_path, "#9 ERROR: write /var/lib/docker/layer: no space left on device")
    told = "The disk of the Docker engine is full. `docker system prune` frees what nothing uses; then try again."
    code, said = run(CDK_DOCKER=docker)
    assert (code, said.strip()) == (1, f"savedmodel: {told}")


def test_a_build_that_fails_names_its_step_and_the_last_thing_it_said(tmp_path):
    lines = [
        "#7 [packages 4/7] RUN python -m venv /opt/venv",
        "#7 1.220 ERROR: No matching distribution found for numpy==99",
        "#7 ERROR: process exit code: 1",
    ]
    code, said = run(CDK_DOCKER=stand_in(tmp_path, "\\n".join(lines)))
    assert code == 1
    assert said.strip().startswith(
        "savedmodel: `RUN python -m venv /opt/venv` failed: ERROR: No matching distribution found for numpy==99; "
    )


def test_every_container_has_an_image_of_the_same_asset_as_in_a_stack(tmp_path):
    images = read_images(synthesize_containers(tmp_path))
    assert {image.container for image in images.values()} == set(containers())
    assert {image.accelerator for image in images.values()} == {"cpu"}


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_a_context_that_lacks_a_file_is_named(tmp_path):
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY absent.txt /\n")
    image = Image("0" * 64, tmp_path, "Dockerfile", "linux/amd64", build_args={"CONTAINER": "broken"})
    with pytest.raises(DockerError) as error:
        build(image, ["fovea-test-broken"], tmp_path / "log")
    assert str(error.value).startswith("broken: ")
    assert "absent.txt" in str(error.value)
    assert "\n" not in str(error.value)
