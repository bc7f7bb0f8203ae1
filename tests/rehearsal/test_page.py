"""The page deploys with the API, is changed and goes away again: its function runs, moto has its files."""

import json

import pytest

from local.endpoint import free_port
from models.registry import ROOT
from rehearsal.__main__ import moto
from rehearsal.checks import Account
from rehearsal.command import Rehearsal

STACKS = ("Fovea-dev-page", "Fovea-dev-jobs", "Fovea-dev-api")


@pytest.fixture
def stage(tmp_path):
    port = free_port()
    rehearsal, account = Rehearsal(tmp_path, f"http://127.0.0.1:{port}"), Account(f"http://127.0.0.1:{port}")
    rehearsal.cdk("synth", "--quiet", "-c", "stage=dev", "-c", "page=on")
    with moto(port, rehearsal.root / "cdk.out") as without_effect:
        rehearsal.bootstrap()
        yield rehearsal, account, without_effect


def deploy(rehearsal: Rehearsal) -> None:
    rehearsal.cdk("deploy", "--app", "cdk.out", *STACKS, "--method", "direct", "--require-approval", "never")


def outputs(account: Account, stack: str) -> dict[str, str]:
    (found,) = account.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def content(account: Account, key: str) -> bytes:
    (bucket,) = [name for name in account.buckets() if "-page-" in name]
    return account.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def invalidations(account: Account) -> int:
    cloudfront = account.client("cloudfront")
    (distribution,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    return cloudfront.list_invalidations(DistributionId=distribution["Id"])["InvalidationList"]["Quantity"]


def test_a_page_deploys_with_its_configuration_changes_and_goes_away(stage):
    rehearsal, account, without_effect = stage
    deploy(rehearsal)
    origin = outputs(account, "Fovea-dev-page")["PageUrl"].rstrip("/")
    assert origin.endswith(".cloudfront.net")
    config = json.loads(content(account, "config.json"))
    assert config["api"] == outputs(account, "Fovea-dev-api")["ApiUrl"]
    assert config["shows"] == ["key"]
    for sample in (sample for samples in config["samples"].values() for sample in samples):
        assert content(account, sample["url"])
    assert content(account, "main.js") == (ROOT / "web" / "main.js").read_bytes()
    functions = account.client("lambda").list_functions()["Functions"]
    told = [each["Environment"]["Variables"] for each in functions if "Environment" in each]
    assert [each["PAGE_ORIGIN"] for each in told if "PAGE_ORIGIN" in each] == [origin]
    assert {path for verb, path in account.routes() if verb == "OPTIONS"} == {path for _, path in account.routes()}

    before = invalidations(account)
    (rehearsal.root / "web" / "main.js").write_text("// another\n")
    rehearsal.cdk("synth", "--quiet", "-c", "stage=dev", "-c", "page=on")
    deploy(rehearsal)
    assert content(account, "main.js") == b"// another\n"
    assert json.loads(content(account, "config.json")) == config
    assert invalidations(account) == before + 1

    rehearsal.cdk("destroy", "--app", "cdk.out", *STACKS, "--force")
    assert account.stacks() == account.buckets() == account.functions() == set()
    page = (ROOT / "docs" / "rehearsal.md").read_text()
    assert [kind for kind in without_effect if f"`{kind}`" not in page] == []
