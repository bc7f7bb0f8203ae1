"""The real CDK command deploys, changes and destroys everything against moto's server; a fault on the way is told."""

import subprocess
import sys

import pytest

from local.endpoint import free_port
from models.registry import ROOT
from rehearsal.__main__ import STAGE, moto
from rehearsal.checks import Account, check_deployed, resources
from rehearsal.command import Rehearsal, RehearsalFailed
from rehearsal.gaps import BACKED


def test_everything_deploys_changes_and_goes_away():
    done = subprocess.run([sys.executable, "-m", "rehearsal"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The rehearsal passed." in done.stdout
    for step in ("cdk bootstrap", "cdk deploy --all with a new version of", "cdk destroy --all"):
        assert f"- {step}" in done.stdout
    (without_effect,) = (line for line in done.stdout.splitlines() if "without effect" in line)
    page = (ROOT / "docs" / "rehearsal.md").read_text()
    for kind in (*without_effect.partition(": ")[2].split(", "), *BACKED):
        assert f"`{kind}`" in page, f"docs/rehearsal.md does not list {kind}"


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path):
    rehearsal = Rehearsal(tmp_path, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(RehearsalFailed, match=r"cdk bootstrap(.|\n)*ECONNREFUSED"):
        rehearsal.bootstrap()


def test_what_is_not_deployed_is_told(tmp_path):
    port = free_port()
    rehearsal = Rehearsal(tmp_path, f"http://127.0.0.1:{port}")
    assembly = rehearsal.synthesize(STAGE)
    with moto(port, assembly), pytest.raises(RehearsalFailed, match="SageMaker endpoints in service"):
        check_deployed(Account(f"http://127.0.0.1:{port}"), resources(assembly))
