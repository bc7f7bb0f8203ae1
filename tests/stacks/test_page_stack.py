"""The page's stack, and what the others do for it: nothing at all while it is off."""

import json
import re
from pathlib import Path

import pytest
from cfnlint.api import lint_file
from syrupy.extensions.json import JSONSnapshotExtension

from contract.page import CONTENT_TYPES, security_headers
from models.registry import ROOT, load_models
from stacks.constructs.page_publisher import package
from stacks.options import OptionRefused, options_of
from stacks.stage import STAGES
from tests.stacks.assembly import app, read, said, scrubbed
from tests.stacks.test_permissions import allowed
from tests.stacks.test_rules import acknowledged, explains, findings

OWN_NAME = {
    "page_domain": "fovea.example.com",
    "page_certificate_arn": "arn:aws:acm:us-east-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab",
}
API_NAME = {
    "domain": "api.example.com",
    "certificate_arn": "arn:aws:acm:eu-west-1:111122223333:certificate/1234abcd-12ab-34cd-56ef-1234567890ab",
}
VARIANTS = {
    "key": ("dev", {}),
    "cognito": ("prod", {"auth": "cognito", "callers": [], **OWN_NAME, **API_NAME}),
}
HERE = "${AWS::Region}:${AWS::AccountId}"
THERE = "${AWS::AccountId}-${AWS::Region}"


@pytest.fixture(scope="module")
def deployments(tmp_path_factory):
    made = {}
    for name, (stage, options) in VARIANTS.items():
        made[name] = app(stage, tmp_path_factory.mktemp("page") / "out", page="on", **options)
        made[name].synth()
    return made


@pytest.fixture(scope="module")
def assemblies(deployments):
    return {name: read(Path(deployment.outdir)) for name, deployment in deployments.items()}


@pytest.fixture(params=VARIANTS)
def variant(request):
    return request.param


@pytest.fixture
def assembly(assemblies, variant):
    return assemblies[variant]


@pytest.fixture
def page(assembly):
    return assembly.part("page")


def refusal(stage: str, **options: object) -> str:
    with pytest.raises(OptionRefused) as refused:
        options_of(STAGES[stage], options)
    return str(refused.value)


def test_it_is_off_and_then_leaves_no_trace(stages):
    for assembly in stages.values():
        assert not [name for name in assembly.stacks if name.endswith("-page")]
        written = json.dumps([stack.template for stack in assembly.stacks.values()])
        assert not re.search(r"page-origin|PAGE_ORIGIN|Access-Control|Custom::Page|OPTIONS", written)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            {"page": "on"},
            "page: a page has no AWS credentials to sign with; use -c auth=cognito, or leave the page off",
        ),
        ({"page": "perhaps"}, "page: 'perhaps' does not fit; give on or off"),
        ({"page_domain": "fovea.example.com"}, "page_certificate_arn: the page's name and its certificate go together"),
        (
            {"page_certificate_arn": OWN_NAME["page_certificate_arn"]},
            "page_domain: the page's name and its certificate",
        ),
        (
            OWN_NAME | {"page_certificate_arn": API_NAME["certificate_arn"]},
            f"page_certificate_arn: '{API_NAME['certificate_arn']}' does not fit; give the ARN of a certificate in ACM "
            "in us-east-1",
        ),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_is_told_in_one_line(options, line):
    told = refusal("prod", **options)
    assert told.startswith(line)
    assert "\n" not in told
    assert options_of(STAGES["prod"], {"page": "on", "auth": "cognito", **OWN_NAME}).page


@pytest.mark.parametrize(("name", "part"), [("key", "page"), ("key", "api"), ("cognito", "page")])
def test_a_stack_is_what_it_was(assemblies, name, part, snapshot):
    assert scrubbed(assemblies[name].part(part).template) == snapshot.use_extension(JSONSnapshotExtension)


def test_cfn_lint_and_cdks_own_validation_find_nothing(assembly):
    for part in ("page", "api", "jobs"):
        file = assembly.folder / f"{assembly.part(part).name}.template.json"
        assert [str(match) for match in lint_file(file)] == []
    report = json.loads((assembly.folder / "validation-report.json").read_text())
    assert report["pluginReports"] == []


def test_each_finding_is_acknowledged_and_each_acknowledgement_needed(deployments, variant, tmp_path):
    found, reasons = findings(Path(deployments[variant].outdir), tmp_path), acknowledged(deployments[variant])
    assert any(stack.endswith("-page") for stack, *_ in found)
    assert not [finding for finding in sorted(found) if not any(explains(reason, finding) for reason in reasons)]
    assert not [reason for reason in sorted(reasons) if not any(explains(reason, finding) for finding in found)]


def test_the_page_comes_first_and_nothing_is_imported(assembly, page):
    manifest = json.loads((assembly.folder / "manifest.json").read_text())["artifacts"]
    after = {name for name in assembly.stacks if page.name in manifest[name]["dependencies"]}
    assert after == {assembly.api.name}
    assert not set(manifest[page.name]["dependencies"]) & set(assembly.stacks)
    for stack in assembly.stacks.values():
        assert "Fn::ImportValue" not in json.dumps(stack.template)


def test_the_origin_goes_by_a_parameter_that_both_sides_name_alike(assembly, page):
    kept = page.only("SSM::Parameter")
    stage = page.name.split("-")[1]
    assert kept["Name"] == f"/fovea/{stage}/page-origin"
    ((distribution, resource),) = page.resources("CloudFront::Distribution")
    name = resource["Properties"]["DistributionConfig"].get("Aliases", [f"${{{distribution}.DomainName}}"])[0]
    assert said(kept["Value"]) == f"https://{name}"
    assert said(page.template["Outputs"]["PageUrl"]["Value"]) == f"https://{name}/"
    asked = assembly.api.template["Parameters"]["PageOrigin"]
    assert (asked["Type"], asked["Default"]) == ("AWS::SSM::Parameter::Value<String>", kept["Name"])


def test_the_bucket_is_read_by_this_distribution_alone_and_goes_in_every_stage(page):
    ((name, bucket),) = page.resources("S3::Bucket")
    ((distribution, _),) = page.resources("CloudFront::Distribution")
    assert said(bucket["Properties"]["BucketName"]) == f"fovea-{page.name.split('-')[1]}-page-{THERE}"
    assert set(bucket["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["DeletionPolicy"] == "Delete"
    deny, allow = page.only("S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    assert (allow["Effect"], allow["Action"], said(allow["Resource"])) == (
        "Allow",
        "s3:GetObject",
        f"${{{name}.Arn}}/*",
    )
    assert allow["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    source = allow["Condition"]["StringEquals"]["AWS:SourceArn"]
    assert said(source) == f"arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{distribution}}}"


def test_cloudfront_signs_what_it_asks_and_redirects_to_tls(page, variant):
    control = page.only("CloudFront::OriginAccessControl")["OriginAccessControlConfig"]
    assert (control["SigningBehavior"], control["SigningProtocol"]) == ("always", "sigv4")
    config = page.only("CloudFront::Distribution")["DistributionConfig"]
    ((access, _),) = page.resources("CloudFront::OriginAccessControl")
    assert [said(origin["OriginAccessControlId"]) for origin in config["Origins"]] == [f"${{{access}}}"]
    assert config["DefaultRootObject"] == "index.html"
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert config["HttpVersion"] == "http2and3"
    certificate = config["ViewerCertificate"]
    if variant == "cognito":
        assert config["Aliases"] == [OWN_NAME["page_domain"]]
        assert certificate["MinimumProtocolVersion"] == "TLSv1.2_2021"
        assert certificate["AcmCertificateArn"] == OWN_NAME["page_certificate_arn"]
    else:
        assert certificate == {"CloudFrontDefaultCertificate": True}


def test_the_headers_are_those_of_the_local_page_and_strict_transport(page, variant):
    config = page.only("CloudFront::ResponseHeadersPolicy")["ResponseHeadersPolicyConfig"]
    security = config["SecurityHeadersConfig"]
    sent = {item["Header"]: item["Value"] for item in config["CustomHeadersConfig"]["Items"]} | {
        "Content-Security-Policy": said(security["ContentSecurityPolicy"]["ContentSecurityPolicy"]),
        "Referrer-Policy": security["ReferrerPolicy"]["ReferrerPolicy"],
        "X-Content-Type-Options": "nosniff" if security["ContentTypeOptions"]["Override"] else "",
    }
    stage = page.name.split("-")[1]
    inputs = f"https://fovea-{stage}-inputs-{THERE}.s3.${{AWS::Region}}.${{AWS::URLSuffix}}"
    reached = {
        "key": ("https://*.execute-api.${AWS::Region}.${AWS::URLSuffix}", inputs),
        "cognito": (
            "https://api.example.com",
            inputs,
            "https://fovea-prod-${AWS::AccountId}.auth.${AWS::Region}.amazoncognito.com",
        ),
    }
    assert sent == security_headers(*reached[variant])
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] >= 31_536_000


def test_the_function_may_do_this_to_this_and_nothing_else(page):
    ((bucket, _),) = page.resources("S3::Bucket")
    ((distribution, _),) = page.resources("CloudFront::Distribution")
    ((log, _),) = page.resources("Logs::LogGroup")
    cdn = f"arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{distribution}}}"
    assert allowed(page) == {
        ("s3:PutObject", f"${{{bucket}.Arn}}/*"),
        ("s3:DeleteObject", f"${{{bucket}.Arn}}/*"),
        ("s3:ListBucket", f"${{{bucket}.Arn}}"),
        ("cloudfront:CreateInvalidation", cdn),
        ("logs:CreateLogStream", f"${{{log}.Arn}}"),
        ("logs:PutLogEvents", f"${{{log}.Arn}}"),
    }
    assert "ManagedPolicyArns" not in page.only("IAM::Role")


def test_the_package_is_the_code_the_page_and_the_samples(page, assembly):
    (code,) = [file for file in page.assets["files"].values() if not file["source"]["path"].endswith(".json")]
    folder = assembly.folder / code["source"]["path"]
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert found == set(package(ROOT, load_models()))
    sent_with = json.loads((folder / "site.json").read_text())
    assert {f"site/{name}" for name in sent_with} == {name for name in found if name.startswith("site/")}
    assert {sent_with[file.name]["type"] for file in (ROOT / "web").iterdir()} <= set(CONTENT_TYPES.values())


def test_an_update_is_one_of_the_package(page):
    files = page.template["Resources"]
    (put,) = [each for each in files.values() if each["Type"] == "Custom::PageFiles"]
    assert put["Properties"]["Version"] == page.only("Lambda::Function")["Code"]["S3Key"]
    assert int(put["Properties"]["ServiceTimeout"]) > page.only("Lambda::Function")["Timeout"]


def test_the_apis_stack_has_the_configuration_written_by_name(assembly, page, variant):
    (config,) = [
        e["Properties"] for e in assembly.api.template["Resources"].values() if e["Type"] == "Custom::PageConfig"
    ]
    name = page.only("Lambda::Function")["FunctionName"]
    assert said(config["ServiceToken"]) == f"arn:${{AWS::Partition}}:lambda:{HERE}:function:{name}"
    told = config["Config"]
    assert said(told["api"]) == said(assembly.api.template["Outputs"]["ApiUrl"]["Value"])
    for model in load_models():
        names = {file.name for file in (model.folder / "samples").glob("*") if file.suffix != ".md"}
        assert {sample["name"] for sample in told["samples"][model.spec.name]} == names
    if variant == "key":
        assert told["shows"] == ["key"]
        assert "sign_in" not in told
    else:
        ((client, _),) = assembly.api.resources("Cognito::UserPoolClient")
        assert told["shows"] == ["token"]
        assert said(told["sign_in"]["client_id"]) == f"${{{client}}}"
        assert told["sign_in"]["scopes"] == ["openid", "email"]


def test_every_route_has_its_preflight_for_this_origin_and_no_other(assembly):
    methods = assembly.api.properties("ApiGateway::Method")
    verbs: dict[str, set[str]] = {}
    for method in methods:
        verbs.setdefault(said(method["ResourceId"]), set()).add(method["HttpMethod"])
    assert all("OPTIONS" in found for found in verbs.values())
    for method in methods:
        if method["HttpMethod"] != "OPTIONS":
            continue
        assert (method["AuthorizationType"], method["ApiKeyRequired"]) == ("NONE", False)
        integration = method["Integration"]
        assert (integration["Type"], integration["ContentHandling"]) == ("MOCK", "CONVERT_TO_TEXT")
        (answer,) = integration["IntegrationResponses"]
        headers = {name.rpartition(".")[2]: said(value) for name, value in answer["ResponseParameters"].items()}
        assert headers["Access-Control-Allow-Origin"] == "'${PageOrigin}'"
        asked = verbs[said(method["ResourceId"])] - {"OPTIONS"}
        assert set(headers["Access-Control-Allow-Methods"].strip("'").split(",")) == asked
        assert headers["Access-Control-Allow-Headers"] == "'authorization,content-type,idempotency-key,x-api-key'"
        (declared,) = method["MethodResponses"]
        assert declared["ResponseParameters"].keys() == answer["ResponseParameters"].keys()
        assert declared["StatusCode"] == answer["StatusCode"] == "204"


def test_the_page_can_read_every_answer_and_every_refusal(assembly):
    for response in assembly.api.properties("ApiGateway::GatewayResponse"):
        sent = {name.rpartition(".")[2]: said(value) for name, value in response["ResponseParameters"].items()}
        assert sent["Access-Control-Allow-Origin"] == "'${PageOrigin}'"
        assert "retry-after" in sent["Access-Control-Expose-Headers"]
        assert sent["Vary"] == "'Origin'"
    assert said(assembly.api.only("Lambda::Function")["Environment"]["Variables"]["PAGE_ORIGIN"]) == "${PageOrigin}"


def test_people_sign_in_and_come_back_to_the_page(assemblies):
    api = assemblies["cognito"].api
    client = api.only("Cognito::UserPoolClient")
    assert [said(url) for url in client["CallbackURLs"]] == ["${PageOrigin}/"]
    assert client["AllowedOAuthFlows"] == ["code"]
    assert said(api.only("Cognito::UserPoolDomain")["Domain"]) == "fovea-prod-${AWS::AccountId}"
    assert "SignInUrl" not in api.template["Outputs"]  # it would come back with a code that nobody asked for


def test_a_page_is_a_change_that_is_deployed(stages, assemblies):
    def snapshot(api):
        ((name, _),) = api.resources("ApiGateway::Deployment")
        return name

    assert snapshot(stages["dev"].api) != snapshot(assemblies["key"].api)
