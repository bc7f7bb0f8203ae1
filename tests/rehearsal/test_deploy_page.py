"""docs/deploy.md as a person follows it: its commands as they stand, against moto's server."""

import re

import pytest

from local.endpoint import free_port
from models.registry import ROOT
from rehearsal.__main__ import moto
from rehearsal.checks import Account
from rehearsal.command import Rehearsal

PAGE = (ROOT / "docs" / "deploy.md").read_text()
NOT_HERE = r"^(make|curl|aws service-quotas) (?:.*\\\n)*.*\n"
"""Sets up, asks AWS, or asks what moto does not have."""


def commands(*sections: str) -> str:
    """What stands indented in these sections, less what cannot run here."""
    parts = dict(part.split("\n", 1) for part in PAGE.split("\n## ")[1:])
    lines = [line[4:] for name in sections for line in parts[name].splitlines() if line.startswith("    ")]
    script = re.sub(NOT_HERE, "", "\n".join(lines) + "\n", flags=re.MULTILINE)
    return script.replace("cdk deploy ", "cdk deploy --require-approval never --method direct ")  # see Rehearsal.deploy


@pytest.fixture
def account(tmp_path):
    port = free_port()
    rehearsal = Rehearsal(tmp_path, f"http://127.0.0.1:{port}")
    with moto(port, rehearsal.synthesize("dev")):
        yield rehearsal, Account(f"http://127.0.0.1:{port}")


def test_the_commands_lead_to_an_endpoint_with_a_key_and_back_to_nothing(account):
    rehearsal, held = account
    said = rehearsal.shell(
        commands("Once for an account and a region", "A first model") + "echo found: $URL $KEY $ACCOUNT"
    )
    [(url, key, number)] = re.findall(r"^found: (\S+) (\S+) (\S+)$", said, re.MULTILINE)
    assert re.fullmatch(r"https://\w+\.execute-api\.us-east-1\.amazonaws\.com/dev", url)
    assert len(key) >= 20
    assert held.endpoints() == {"fovea-dev-face-mask-serverless": "InService"}
    rehearsal.shell(f"export ACCOUNT={number} AWS_DEFAULT_REGION=us-east-1\n" + commands("Back to nothing"))
    assert not held.endpoints()
    assert not held.stacks()
    assert not held.client("s3").list_buckets()["Buckets"]
    assert not held.client("ecr").describe_repositories()["repositories"]
