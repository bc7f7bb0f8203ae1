"""What the API's stack deploys: routes, keys, limits, the gateway's own answers, the function."""

import json

import pytest

from contract.errors import TABLE
from contract.limits import BODIES, TIMEOUTS
from stacks.constructs import inference_api
from stacks.stage import STAGES
from tests.models.conftest import ASYNC
from tests.stacks.assembly import Stack, said, synthesize

REQUEST_ID = "0b4c1e6a-1f0e-4d4c-9a55-9a8f6e1c2d3b"


@pytest.fixture
def api(assembly) -> Stack:
    return assembly.api


@pytest.fixture
def responses(api) -> dict[str, dict]:
    return {response["ResponseType"]: response for response in api.properties("ApiGateway::GatewayResponse")}


def path(stack: Stack, resource_id: str) -> str:
    name = resource_id[2:-1]
    if name.endswith(".RootResourceId"):
        return ""
    resource = stack.template["Resources"][name]["Properties"]
    return f"{path(stack, said(resource['ParentId']))}/{resource['PathPart']}"


def test_there_are_exactly_these_routes_to_the_function(api):
    methods = api.properties("ApiGateway::Method")
    routes = sorted(f"{method['HttpMethod']} {path(api, said(method['ResourceId']))}" for method in methods)
    assert routes == [
        "GET /jobs/{id}",
        "GET /models",
        "GET /models/{model}",
        "GET /openapi.json",
        "POST /models/{model}/jobs",
        "POST /models/{model}/predict",
        "POST /models/{model}/uploads",
    ]
    assert all(method["Integration"]["Type"] == "AWS_PROXY" for method in methods)


def test_without_an_asynchronous_endpoint_nothing_is_of_jobs(repository, tmp_path):
    without = synthesize("dev", tmp_path / "without", repository.root).api
    assert not [r for r in without.properties("ApiGateway::Resource") if r["PathPart"] in ("uploads", "jobs")]
    assert "Environment" not in without.only("Lambda::Function")
    (role,) = [r for r in without.properties("IAM::Role") if "lambda.amazonaws.com" in json.dumps(r)]
    assert "s3:" not in json.dumps(role)
    repository.edit("[endpoints.gpu]", f"{ASYNC}\n[endpoints.gpu]")
    with_one = synthesize("dev", tmp_path / "with", repository.root).api
    parts = [r["PathPart"] for r in with_one.properties("ApiGateway::Resource")]
    assert (parts.count("uploads"), parts.count("jobs")) == (1, 2)


def test_any_body_reaches_the_function_as_it_was_sent(api):
    rest_api = api.only("ApiGateway::RestApi")
    assert rest_api["BinaryMediaTypes"] == ["*/*"]
    assert rest_api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_each_hop_gives_up_after_the_one_behind_it(assembly):
    """Gateway > function > SDK > container; the two in the middle are the proxy's own. Jobs have no hops."""
    api = assembly.api
    gateway_s = {m["Integration"]["TimeoutInMillis"] / 1000 for m in api.properties("ApiGateway::Method")}
    models = [
        stack.template["Resources"][said(variant["ModelName"])[2:].partition(".")[0]]["Properties"]
        for stack in assembly.models
        for config in stack.properties("SageMaker::EndpointConfig")
        for variant in config["ProductionVariants"]
        if "AsyncInferenceConfig" not in config
    ]
    container_s = {int(model["PrimaryContainer"]["Environment"]["MODEL_SERVER_TIMEOUT"]) for model in models}
    function_s = api.only("Lambda::Function")["Timeout"]
    assert min(gateway_s) > function_s > TIMEOUTS.sdk_read_s > max(container_s)


def test_the_stage_limits_measures_and_logs(stages):
    for name, assembly in stages.items():
        stage, deployed = STAGES[name], assembly.api.only("ApiGateway::Stage")
        (settings,) = deployed["MethodSettings"]
        assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
        assert settings["ThrottlingRateLimit"] == stage.requests_per_second
        assert settings["ThrottlingBurstLimit"] == stage.burst_requests
        assert settings["MetricsEnabled"] is True
        assert not settings.get("DataTraceEnabled")
        assert deployed["StageName"] == name


def test_a_line_of_the_access_log_is_json_and_holds_nothing_the_client_wrote(api):
    setting = api.only("ApiGateway::Stage")["AccessLogSetting"]
    line = json.loads(setting["Format"])
    assert {"requestId", "status", "route", "latencyMs", "apiKeyId"} <= set(line)
    for theirs in ("path", "queryString", "sourceIp", "userAgent", "authorizer", "requestOverride"):
        assert not [value for value in line.values() if value.endswith(theirs)]
    (group,) = [name for name, _ in api.resources("Logs::LogGroup") if name in said(setting["DestinationArn"])]
    assert said(setting["DestinationArn"]).endswith(f":log-group:${{{group}}}")


def test_the_access_log_tells_who_was_let_in(stages):
    shown = {"dev": "$context.identity.apiKeyId", "prod": "$context.identity.userArn"}
    for stage, variable in shown.items():
        line = json.loads(stages[stage].api.only("ApiGateway::Stage")["AccessLogSetting"]["Format"])
        assert variable in line.values()


def test_the_stage_waits_for_the_permission_to_log_which_outlives_it(api):
    ((_, stage),) = api.resources("ApiGateway::Stage")
    ((setting, account),) = api.resources("ApiGateway::Account")
    role = api.template["Resources"][said(account["Properties"]["CloudWatchRoleArn"])[2:-5]]
    ((rest_api, _),) = api.resources("ApiGateway::RestApi")
    assert stage["DependsOn"] == [setting]
    assert account["DependsOn"] == [rest_api]
    assert account["DeletionPolicy"] == role["DeletionPolicy"] == "Retain"


def test_the_deployment_is_a_snapshot_of_every_route_and_response(api):
    ((name, deployment),) = api.resources("ApiGateway::Deployment")
    kinds = ("ApiGateway::Method", "ApiGateway::Resource", "ApiGateway::GatewayResponse")
    assert set(deployment["DependsOn"]) == {logical_id for kind in kinds for logical_id, _ in api.resources(kind)}
    assert said(api.only("ApiGateway::Stage")["DeploymentId"]) == f"${{{name}}}"


def test_a_changed_answer_makes_a_new_deployment(dev, tmp_path, monkeypatch):
    def snapshot(assembly):
        ((name, _),) = assembly.api.resources("ApiGateway::Deployment")
        return name

    assert snapshot(synthesize("dev", tmp_path / "same")) == snapshot(dev)
    monkeypatch.setattr(inference_api, "BINARY_MEDIA_TYPES", ["image/*"])
    assert snapshot(synthesize("dev", tmp_path / "other")) != snapshot(dev)


def test_the_gateway_answers_in_the_one_envelope(responses):
    for response in responses.values():
        body = json.loads(response["ResponseTemplates"]["application/json"].replace("$context.requestId", REQUEST_ID))
        assert set(body) == {"error"}
        assert set(body["error"]) == {"code", "message", "request_id"}
        assert body["error"]["request_id"] == REQUEST_ID
        assert response["StatusCode"] == str(TABLE[body["error"]["code"]].status)
        assert not {"$", "#", "{", "}"} & set(body["error"]["message"])


@pytest.mark.parametrize(
    ("response_type", "status", "code"),
    [
        ("INVALID_API_KEY", 403, "INVALID_API_KEY"),
        ("UNAUTHORIZED", 401, "INVALID_TOKEN"),
        ("INVALID_SIGNATURE", 404, "ROUTE_NOT_FOUND"),
        ("WAF_FILTERED", 403, "REQUEST_FILTERED"),
        ("ACCESS_DENIED", 403, "ACCESS_DENIED"),
        ("MISSING_AUTHENTICATION_TOKEN", 404, "ROUTE_NOT_FOUND"),
        ("RESOURCE_NOT_FOUND", 404, "ROUTE_NOT_FOUND"),
        ("REQUEST_TOO_LARGE", 413, "PAYLOAD_TOO_LARGE"),
        ("UNSUPPORTED_MEDIA_TYPE", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("THROTTLED", 429, "THROTTLED"),
        ("QUOTA_EXCEEDED", 429, "THROTTLED"),
        ("INTEGRATION_TIMEOUT", 504, "MODEL_TIMEOUT"),
        ("DEFAULT_4XX", 400, "GATEWAY_REFUSED"),
        ("DEFAULT_5XX", 500, "INTERNAL_ERROR"),
    ],
)
def test_the_gateway_says_what_went_wrong(dev, response_type, status, code):
    (response,) = [r for r in dev.api.properties("ApiGateway::GatewayResponse") if r["ResponseType"] == response_type]
    assert response["StatusCode"] == str(status)
    assert json.loads(response["ResponseTemplates"]["application/json"])["error"]["code"] == code


def test_the_throttled_are_told_when_to_come_back(responses):
    later = {name for name, response in responses.items() if "ResponseParameters" in response}
    assert later == {"THROTTLED", "QUOTA_EXCEEDED"}
    for name in later:
        assert responses[name]["ResponseParameters"] == {"gatewayresponse.header.Retry-After": "'1'"}


def test_too_large_names_the_limit_of_the_way_through_the_function(responses):
    assert f"{BODIES.through_function} bytes" in responses["REQUEST_TOO_LARGE"]["ResponseTemplates"]["application/json"]


def test_the_function_runs_our_own_code_on_arm(api):
    function = api.only("Lambda::Function")
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
    assert function["Handler"] == "lambda_handlers.proxy.handler.handler"
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert not {"Layers", "ReservedConcurrentExecutions", "VpcConfig"} & set(function)
