"""The real CDK command, on a copy of this repository: its calls of AWS go to moto, those of docker are written down."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from images.docker import PROGRAM, DockerError, check_engine
from models.registry import ROOT

ACCOUNT, REGION = "123456789012", "us-east-1"
_CDK = ROOT / "node_modules" / ".bin" / "cdk"
_ROOMS = ("contract", "containers", "lambda_handlers", "models", "monitoring", "stacks", "training", "web")
_FILES = ("app.py", "cdk.json", ".dockerignore", "pyproject.toml")


class RehearsalFailed(Exception):
    """A step that did not do what it should; says which and what was seen."""


class Rehearsal:
    """One copy of the repository, and the commands that are run in it."""

    def __init__(self, room: Path, endpoint_url: str) -> None:
        self.root = room / "fovea"
        self._calls = room / "docker-calls"
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL": endpoint_url,
            "AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION": "https://s3.amazonaws.com",
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "1",
            "CDK_DOCKER": str(ROOT / "rehearsal" / "docker"),
            "REHEARSAL_CALLS": str(self._calls),
            "REHEARSAL_DOCKER": PROGRAM if _has_engine() else "",
            "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
            "DOCKER_BUILDKIT": "1",
        }
        for name in _ROOMS:
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in _FILES:
            shutil.copy(ROOT / name, self.root)

    @property
    def builds(self) -> bool:
        """Whether an engine builds the images, rather than nobody."""
        return bool(self._environment["REHEARSAL_DOCKER"])

    def synthesize(self, stage: str) -> Path:
        """The cloud assembly of the copy. Raises RehearsalFailed."""
        self.cdk("synth", "--quiet", "-c", f"stage={stage}")
        return self.root / "cdk.out"

    def bootstrap(self) -> None:
        """Once for an account and a region. Raises RehearsalFailed."""
        self.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", folder=self.root.parent)

    def deploy(self) -> None:
        """All stacks of the assembly. Raises RehearsalFailed."""
        # moto makes an API's deployment before its methods where CloudFormation's change sets are used.
        self.cdk("deploy", "--app", "cdk.out", "--all", "--method", "direct", "--require-approval", "never")

    def destroy(self) -> None:
        """All of them again. Raises RehearsalFailed."""
        self.cdk("destroy", "--app", "cdk.out", "--all", "--force")

    def docker_calls(self) -> Sequence[Sequence[str]]:
        """What the CDK command asked docker for."""
        return [json.loads(line) for line in self._calls.read_text(encoding="utf-8").splitlines()]

    def cdk(self, *arguments: str, folder: Path | None = None) -> str:
        """What `cdk ARGUMENTS` says. Raises RehearsalFailed."""
        return self._said(f"cdk {' '.join(arguments)}", [str(_CDK), *arguments], folder or self.root)

    def shell(self, script: str) -> str:
        """What a person's commands say, who stops at the first that fails. Raises RehearsalFailed."""
        return self._said("bash", ["bash", "-euo", "pipefail", "-c", script], self.root)

    def _said(self, what: str, command: Sequence[str], folder: Path) -> str:
        path = os.pathsep.join([str(Path(sys.executable).parent), str(_CDK.parent), os.environ.get("PATH", "")])
        done = subprocess.run(
            command,
            cwd=folder,
            env=self._environment | {"PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
            raise RehearsalFailed(f"{what}:\n" + "\n".join(said[-12:]))
        return done.stdout + done.stderr


def _has_engine() -> bool:
    try:
        check_engine()
    except DockerError:
        return False
    return True
