"""Who may call a stage's API: each way in, what it may be combined with, and what is refused."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cfnlint.api import lint_file

from models.registry import ROOT
from stacks.constructs.web_acl import MANAGED
from stacks.options import OptionRefused, Options, options_of
from stacks.stage import STAGES
from tests.stacks.assembly import app, read, said
from tests.stacks.test_app import NOTHING
from tests.stacks.test_rules import acknowledged, explains, findings

CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab"
CLINICS = [
    {"name": "clinic-a", "requests_per_second": 2, "burst_requests": 5, "requests_per_day": 1000},
    {"name": "clinic-b", "requests_per_second": 0.5, "burst_requests": 1, "requests_per_day": 50},
]
DOMAIN = {"domain": "api.example.com", "certificate_arn": CERTIFICATE}
VARIANTS = {
    "cognito": ("dev", {"auth": "cognito"}),
    "iam": ("dev", {"auth": "iam"}),
    "key": ("prod", {"auth": "api-key", "api_key_alone": "accepted"}),
    "clinics": ("dev", {"callers": CLINICS}),
    "signed clinics": ("prod", {"callers": json.dumps(CLINICS)}),
    "domain": ("dev", DOMAIN),
    "everything": (
        "prod",
        {
            **DOMAIN,
            "auth": "cognito",
            "mfa": "optional",
            "callback_urls": "https://example.com/,http://localhost:8000/",
            "waf": "on",
            "waf_requests": "500",
            "zone_id": "Z0123456789ABC",
            "callers": CLINICS,
        },
    ),
}


@pytest.fixture(scope="module")
def deployments(tmp_path_factory):
    """Each variant's app, synthesized without models, which are the same in all."""
    made = {}
    for name, (stage, options) in VARIANTS.items():
        made[name] = app(stage, tmp_path_factory.mktemp("auth") / "out", models=[], **options)
        made[name].synth()
    return made


@pytest.fixture(scope="module")
def apis(deployments):
    return {name: read(Path(deployment.outdir)).api for name, deployment in deployments.items()}


def outputs(api) -> dict[str, str]:
    return {name: said(output["Value"]) for name, output in api.template["Outputs"].items()}


def asked(api) -> set[tuple[str, bool]]:
    return {(m["AuthorizationType"], m["ApiKeyRequired"]) for m in api.properties("ApiGateway::Method")}


def refusal(stage: str, **options: object) -> list[str]:
    with pytest.raises(OptionRefused) as refused:
        options_of(STAGES[stage], options)
    return str(refused.value).splitlines()


def test_dev_asks_for_a_key_and_the_others_for_a_signature(stages):
    for name, assembly in stages.items():
        signed = name != "dev"
        assert asked(assembly.api) == {("AWS_IAM", False) if signed else ("NONE", True)}
        assert ("ApiGateway::ApiKey" in assembly.api.kinds) is not signed


@pytest.mark.parametrize("stage", ["beta", "prod"])
def test_a_key_alone_has_to_be_insisted_on_where_more_is_wanted(stage):
    (line,) = refusal(stage, auth="api-key")
    assert line.startswith(f"auth: {stage} wants more than a key")
    (insist,) = re.findall(r"-c (\w+)=(\w+) \(docs", line)
    assert options_of(STAGES[stage], {"auth": "api-key", insist[0]: insist[1]}).auth == "api-key"
    assert options_of(STAGES["dev"], {"auth": "api-key"}).shown == ("api-key",)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"auth": "none"}, "auth: 'none' does not fit; give one of api-key, iam, cognito"),
        ({"auth": "api-key", "api_key_alone": "yes"}, "api_key_alone: 'yes' does not fit; give accepted"),
        ({"waf": "perhaps"}, "waf: 'perhaps' does not fit; give on or off"),
        ({"waf_requests": "100"}, "waf_requests: there is no firewall to count; remove it, or use -c waf=on"),
        ({"waf": "on", "waf_requests": "9"}, "waf_requests: '9' does not fit; give a whole number from 10"),
        ({"mfa": "optional"}, "mfa: only auth = cognito has users; remove it, or use -c auth=cognito"),
        ({"callback_urls": "https://a.b"}, "callback_urls: only auth = cognito has users"),
        ({"auth": "cognito", "callback_urls": "http://a.b"}, "callback_urls.0: 'http://a.b' does not fit; give addr"),
        ({"domain": "api.example.com"}, "certificate_arn: api.example.com needs its certificate, the ARN of a cert"),
        (DOMAIN | {"domain": "API.example.com"}, "domain: 'API.example.com' does not fit; give a name in lower case"),
        (DOMAIN | {"certificate_arn": "arn:aws:iam::1:x"}, "certificate_arn: 'arn:aws:iam::1:x' does not fit; give"),
        (DOMAIN | {"zone_id": "example.com"}, "zone_id: 'example.com' does not fit; give the id of a hosted zone"),
        ({"zone_id": "Z123"}, "zone_id: there is no domain; remove it, or say domain too"),
        ({"callers": "clinic"}, "callers: is not JSON; give a list of tables, as cdk.json has it"),
        ({"callers": [CLINICS[0], CLINICS[0]]}, "callers: two have one name; give each its own"),
        ({"callers": [CLINICS[0] | {"name": "A!"}]}, "callers.0.name: 'A!' does not fit; give a-z, 0-9 and -"),
        ({"callers": [CLINICS[0] | {"requests_per_day": 0}]}, "callers.0.requests_per_day: 0 does not fit; give a"),
        ({"callers": [{"name": "a", "burst_requests": 1, "requests_per_day": 1}]}, "callers.0.requests_per_second: is"),
        ({"callers": [CLINICS[0] | {"colour": 1}]}, "callers.0.colour: is not a known option; docs/auth.md lists them"),
        ({"stages": {"prod": {"colour": 1}}}, "stages.prod.colour: is not a known option; docs/auth.md lists them"),
        ({"stages": "prod"}, "stages: is no table; in cdk.json, write"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_is_told_in_one_line(options, line):
    (told,) = refusal("prod", **options)
    assert told.startswith(line)
    assert options_of(STAGES["prod"], {}).auth == "iam"


def test_a_refusal_is_a_line_and_no_traceback(repository, tmp_path):
    def synth(context):
        environment = NOTHING | {"CDK_OUTDIR": str(tmp_path / "out"), "CDK_CONTEXT_JSON": json.dumps(context)}
        return subprocess.run(
            [sys.executable, "app.py"],
            cwd=repository.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    refused = synth({"stage": "prod", "auth": "api-key"})
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert refused.stderr.startswith("auth: prod wants more than a key")
    assert synth({"stage": "prod", "auth": "api-key", "api_key_alone": "accepted"}).returncode == 0


def test_cdk_json_says_it_for_one_stage_and_the_command_line_for_once():
    context = {"stages": {"prod": {"auth": "cognito", "waf": True}}, "waf": "off"}
    assert options_of(STAGES["prod"], context) == Options(auth="cognito", waf=False)
    assert options_of(STAGES["beta"], context) == Options(auth="iam", waf=False)


def test_every_option_is_on_its_page():
    page = (ROOT / "docs" / "auth.md").read_text()
    assert [name for name in Options.model_fields if f"`{name}`" not in page] == []


@pytest.mark.parametrize("name", VARIANTS)
def test_cfn_lint_finds_nothing_in_any_variant(deployments, name):
    for file in Path(deployments[name].outdir).glob("*.template.json"):
        assert [str(match) for match in lint_file(file)] == []


@pytest.mark.parametrize("name", VARIANTS)
def test_each_finding_of_a_variant_is_acknowledged_and_each_acknowledgement_needed(deployments, tmp_path, name):
    found, reasons = findings(Path(deployments[name].outdir), tmp_path), acknowledged(deployments[name])
    assert not [finding for finding in sorted(found) if not any(explains(reason, finding) for reason in reasons)]
    assert not [reason for reason in sorted(reasons) if not any(explains(reason, finding) for finding in found)]


def test_a_change_of_who_may_call_is_deployed(stages, apis):
    """API Gateway serves only deployed snapshots."""

    def snapshot(api):
        ((name, _),) = api.resources("ApiGateway::Deployment")
        return name

    alike = [stages["dev"].api, apis["iam"], apis["cognito"], apis["domain"]]
    assert len({snapshot(api) for api in alike}) == len(alike)
    assert snapshot(stages["prod"].api) != snapshot(apis["signed clinics"])


def test_no_connection_is_older_than_tls_1_2(stages, apis):
    for api in (*(assembly.api for assembly in stages.values()), *apis.values()):
        for kind in {"ApiGateway::RestApi", "ApiGateway::DomainName"} & api.kinds:
            assert api.only(kind)["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2_")
            assert api.only(kind)["EndpointAccessMode"] == "STRICT"


def test_the_registry_tells_the_function_what_a_call_shows(stages, deployments):
    def registry(folder):
        (file,) = Path(folder).glob("asset.*/registry.json")
        return json.loads(file.read_text())

    assert registry(stages["dev"].folder)["auth"] == ["api-key"]
    assert registry(stages["prod"].folder)["auth"] == ["iam"]
    assert registry(deployments["everything"].outdir)["auth"] == ["cognito", "api-key"]


def test_what_api_gateway_says_of_signatures_means_an_unknown_route_where_none_is_asked_for(stages, apis):
    def codes(api, *response_types):
        given = {r["ResponseType"]: r for r in api.properties("ApiGateway::GatewayResponse")}
        answers = [given[name]["ResponseTemplates"]["application/json"] for name in response_types if name in given]
        return [json.loads(answer)["error"]["code"] for answer in answers]

    said_of_signatures = "MISSING_AUTHENTICATION_TOKEN", "INVALID_SIGNATURE", "EXPIRED_TOKEN"
    signed = ["UNSIGNED_REQUEST", "INVALID_SIGNATURE", "CREDENTIALS_EXPIRED"]
    assert codes(stages["prod"].api, *said_of_signatures) == signed
    assert codes(apis["cognito"], *said_of_signatures) == ["ROUTE_NOT_FOUND", "ROUTE_NOT_FOUND"]


def test_outputs_tell_the_address_and_the_way_to_the_key(stages):
    api = stages["dev"].api
    ((rest_api, _),), ((key, _),) = api.resources("ApiGateway::RestApi"), api.resources("ApiGateway::ApiKey")
    told = outputs(api)
    assert told["ApiUrl"] == f"https://${{{rest_api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/dev"
    assert told["HowToCall"] == f'curl -H "x-api-key: $KEY" {told["ApiUrl"]}/models'
    assert told["ApiKeyId"] == f"${{{key}}}"
    assert "aws apigateway get-api-key" in api.template["Outputs"]["ApiKeyId"]["Description"]


def test_outputs_tell_how_to_sign_and_what_a_policy_names(stages):
    told = outputs(stages["prod"].api)
    ((rest_api, _),) = stages["prod"].api.resources("ApiGateway::RestApi")
    assert set(told) == {"ApiUrl", "HowToCall", "InvokeArn"}
    assert told["HowToCall"].startswith("curl --aws-sigv4 aws:amz:${AWS::Region}:execute-api --user ")
    here = "${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}"
    assert told["InvokeArn"] == f"arn:{here}:${{{rest_api}}}/prod/*"


def test_a_key_counts_against_the_stages_quota(stages, apis):
    for name, api in (("dev", stages["dev"].api), ("prod", apis["key"])):
        plan, use = api.only("ApiGateway::UsagePlan"), api.only("ApiGateway::UsagePlanKey")
        ((plan_id, _),) = api.resources("ApiGateway::UsagePlan")
        assert plan["Quota"] == {"Limit": STAGES[name].requests_per_day, "Period": "DAY"}
        assert said(use["UsagePlanId"]) == f"${{{plan_id}}}"
        assert api.only("ApiGateway::ApiKey")["Enabled"] is True
        assert "Value" not in api.only("ApiGateway::ApiKey")


@pytest.mark.parametrize("variant", ["clinics", "signed clinics"])
def test_each_caller_has_a_key_and_a_plan_of_its_own(apis, variant):
    api = apis[variant]
    plans, uses = dict(api.resources("ApiGateway::UsagePlan")), api.properties("ApiGateway::UsagePlanKey")
    (stage,) = [f"${{{name}}}" for name, _ in api.resources("ApiGateway::Stage")]
    for name, clinic in zip(("ApiKeyIdClinicA", "ApiKeyIdClinicB"), CLINICS, strict=True):
        (use,) = [use for use in uses if said(use["KeyId"]) == outputs(api)[name]]
        plan = plans[said(use["UsagePlanId"])[2:-1]]["Properties"]
        throttle = {"RateLimit": clinic["requests_per_second"], "BurstLimit": clinic["burst_requests"]}
        assert plan["Throttle"] == throttle
        assert plan["Quota"] == {"Limit": clinic["requests_per_day"], "Period": "DAY"}
        assert [said(served["Stage"]) for served in plan["ApiStages"]] == [stage]
    assert len(plans) == len(uses) == len(CLINICS)
    assert asked(api) == {("NONE" if variant == "clinics" else "AWS_IAM", True)}


@pytest.mark.parametrize("variant", ["cognito", "everything"])
def test_every_method_asks_for_a_token_of_the_stages_own_users(apis, variant):
    api = apis[variant]
    ((authorizer_id, authorizer),) = api.resources("ApiGateway::Authorizer")
    ((pool_id, _),) = api.resources("Cognito::UserPool")
    assert [said(arn) for arn in authorizer["Properties"]["ProviderARNs"]] == [f"${{{pool_id}.Arn}}"]
    assert asked(api) == {("COGNITO_USER_POOLS", variant == "everything")}
    for method in api.properties("ApiGateway::Method"):
        assert said(method["AuthorizerId"]) == f"${{{authorizer_id}}}"
        assert "AuthorizationScopes" not in method
    ((_, deployment),) = api.resources("ApiGateway::Deployment")
    assert authorizer_id in deployment["DependsOn"]


def test_nobody_signs_up_and_a_password_is_not_enough(apis):
    pool = apis["cognito"].only("Cognito::UserPool")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert (pool["MfaConfiguration"], pool["EnabledMfas"]) == ("ON", ["SOFTWARE_TOKEN_MFA"])
    assert pool["Policies"]["PasswordPolicy"]["MinimumLength"] >= 12
    assert apis["everything"].only("Cognito::UserPool")["MfaConfiguration"] == "OPTIONAL"


def test_users_outlive_prods_stack_only(apis):
    kept = {name: apis[name].template["Resources"] for name in ("cognito", "everything")}
    policies = {
        name: [r["DeletionPolicy"] for r in resources.values() if r["Type"] == "AWS::Cognito::UserPool"]
        for name, resources in kept.items()
    }
    assert policies == {"cognito": ["Delete"], "everything": ["RetainExceptOnCreate"]}


def test_a_page_signs_people_in_by_a_code_and_without_a_secret(apis):
    client = apis["everything"].only("Cognito::UserPoolClient")
    assert client["GenerateSecret"] is False
    assert client["AllowedOAuthFlows"] == ["code"]
    assert client["CallbackURLs"] == ["https://example.com/", "http://localhost:8000/"]
    url = outputs(apis["everything"])["SignInUrl"]
    assert url.startswith("https://fovea-prod-${AWS::AccountId}.auth.${AWS::Region}.amazoncognito.com/login?client_id=")
    assert url.endswith("&redirect_uri=https://example.com/")
    assert "Cognito::UserPoolDomain" not in apis["cognito"].kinds
    assert not {"AllowedOAuthFlows", "CallbackURLs"} & set(apis["cognito"].only("Cognito::UserPoolClient"))
    assert "SignInUrl" not in outputs(apis["cognito"])


def test_a_firewall_is_before_the_stage_by_option_only(stages, apis):
    assert not [a for a in stages.values() if any(kind.startswith("WAFv2") for kind in a.api.kinds)]
    api = apis["everything"]
    ((acl, _),), ((rest_api, _),) = api.resources("WAFv2::WebACL"), api.resources("ApiGateway::RestApi")
    ((stage, _),) = api.resources("ApiGateway::Stage")
    use = api.only("WAFv2::WebACLAssociation")
    where = f"arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}::/restapis/${{{rest_api}}}/stages/${{{stage}}}"
    assert said(use["ResourceArn"]) == where
    assert said(use["WebACLArn"]) == f"${{{acl}.Arn}}"


def test_the_firewall_has_awss_rules_a_rate_and_lets_pictures_pass(apis):
    acl = apis["everything"].only("WAFv2::WebACL")
    rules = {rule["Name"]: rule for rule in acl["Rules"]}
    assert sorted(rule["Priority"] for rule in acl["Rules"]) == list(range(len(rules)))
    rate = rules.pop("TooManyFromOneAddress")
    assert rate["Statement"]["RateBasedStatement"] == {
        "Limit": 500,
        "EvaluationWindowSec": 300,
        "AggregateKeyType": "IP",
    }
    assert rate["Action"] == {"Block": {}}
    assert set(rules) == set(MANAGED)
    common = rules["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    counted = {one["Name"] for one in common["RuleActionOverrides"] if one["ActionToUse"] == {"Count": {}}}
    assert counted >= {"SizeRestrictions_BODY", "CrossSiteScripting_BODY"}
    assert all(name.endswith("_BODY") for name in counted)


def test_the_firewall_writes_down_refusals_and_no_secret(apis):
    api = apis["everything"]
    log = api.only("WAFv2::LoggingConfiguration")
    assert log["LoggingFilter"]["DefaultBehavior"] == "DROP"
    ((group, _),) = [(n, g) for n, g in api.resources("Logs::LogGroup") if "LogGroupName" in g["Properties"]]
    assert said(log["LogDestinationConfigs"][0]).endswith(f":log-group:${{{group}}}")
    assert api.template["Resources"][group]["Properties"]["LogGroupName"].startswith("aws-waf-logs-")
    acl = api.only("WAFv2::WebACL")
    hidden = {one["Field"]["FieldType"]: one["Field"] for one in acl["DataProtectionConfig"]["DataProtections"]}
    assert {"authorization", "x-api-key", "x-amz-security-token"} <= set(hidden["SINGLE_HEADER"]["FieldKeys"])
    assert {"QUERY_STRING", "BODY"} < set(hidden)
    assert not [part for part in [acl, *acl["Rules"]] if part["VisibilityConfig"]["SampledRequestsEnabled"]]


def test_a_domain_replaces_the_address_that_aws_made(apis):
    for variant in ("domain", "everything"):
        api = apis[variant]
        assert api.only("ApiGateway::RestApi")["DisableExecuteApiEndpoint"] is True
        assert outputs(api)["ApiUrl"] == "https://api.example.com"
        domain, mapping = api.only("ApiGateway::DomainName"), api.only("ApiGateway::BasePathMapping")
        ((stage, _),) = api.resources("ApiGateway::Stage")
        assert (domain["DomainName"], domain["RegionalCertificateArn"]) == ("api.example.com", CERTIFICATE)
        assert said(mapping["Stage"]) == f"${{{stage}}}"
        assert "BasePath" not in mapping


def test_the_domains_record_is_made_in_its_zone_or_told(apis):
    ((domain, _),) = apis["everything"].resources("ApiGateway::DomainName")
    record = apis["everything"].only("Route53::RecordSet")
    assert (record["HostedZoneId"], record["Name"]) == ("Z0123456789ABC", "api.example.com")
    assert said(record["AliasTarget"]["DNSName"]) == f"${{{domain}.RegionalDomainName}}"
    assert "DomainTarget" not in outputs(apis["everything"])
    ((domain, _),) = apis["domain"].resources("ApiGateway::DomainName")
    assert "Route53::RecordSet" not in apis["domain"].kinds
    assert outputs(apis["domain"])["DomainTarget"] == f"${{{domain}.RegionalDomainName}}"
