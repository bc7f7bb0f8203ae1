"""The API with sign-in, plans, a firewall and a domain deploys and goes away again, by the real CDK command."""

import json

from local.endpoint import free_port
from models.registry import ROOT
from rehearsal.__main__ import STAGE, moto
from rehearsal.checks import Account
from rehearsal.command import ACCOUNT, REGION, Rehearsal

STACK = f"Fovea-{STAGE}-api"
CLINIC = {"name": "clinic-a", "requests_per_second": 1, "burst_requests": 2, "requests_per_day": 10}
OPTIONS = {
    "auth": "cognito",
    "callback_urls": "https://example.com/",
    "waf": "on",
    "domain": "api.example.com",
    "certificate_arn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/1234",
    "callers": json.dumps([CLINIC]),
}


def test_an_api_with_every_option_deploys_and_goes_away(tmp_path):
    port = free_port()
    rehearsal, account = Rehearsal(tmp_path, f"http://127.0.0.1:{port}"), Account(f"http://127.0.0.1:{port}")
    options = [word for name, value in OPTIONS.items() for word in ("-c", f"{name}={value}")]
    rehearsal.cdk("synth", "--quiet", "-c", f"stage={STAGE}", *options)
    with moto(port, rehearsal.root / "cdk.out") as without_effect:
        rehearsal.bootstrap()
        rehearsal.cdk("deploy", "--app", "cdk.out", STACK, "--method", "direct", "--require-approval", "never")
        (stack,) = account.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        told = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        assert told["ApiUrl"] == "https://api.example.com"
        assert {"HowToCall", "ApiKeyIdClinicA", "UserPoolId", "GetToken", "SignInUrl", "DomainTarget"} <= set(told)
        assert ways(account) == {("COGNITO_USER_POOLS", True)}
        rehearsal.cdk("destroy", "--app", "cdk.out", STACK, "--force")
        assert account.stacks() == set()
    page = (ROOT / "docs" / "rehearsal.md").read_text()
    assert [kind for kind in without_effect if f"`{kind}`" not in page] == []


def ways(account: Account) -> set[tuple[str, bool]]:
    """How the methods of the one API are called."""
    gateway = account.client("apigateway")
    (api,) = gateway.get_rest_apis()["items"]
    found = set()
    for resource in gateway.get_resources(restApiId=api["id"])["items"]:
        for verb in resource.get("resourceMethods", {}):
            method = gateway.get_method(restApiId=api["id"], resourceId=resource["id"], httpMethod=verb)
            found.add((method["authorizationType"], method["apiKeyRequired"]))
    return found
