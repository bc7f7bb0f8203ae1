"""What the API's stack deploys: routes, keys, limits, the gateway's own answers, the function."""

import json

import pytest

from contract.errors import TABLE
from contract.limits import BODIES, TIMEOUTS
from stacks.constructs import inference_api
from stacks.stage import STAGES
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


def test_there_are_exactly_four_routes_and_each_asks_for_a_key(api):
    methods = api.properties("ApiGateway::Method")
    routes = sorted(f"{method['HttpMethod']} {path(api, said(method['ResourceId']))}" for method in methods)
    assert routes == ["GET /models", "GET /models/{model}", "GET /openapi.json", "POST /models/{model}/predict"]
    assert all(method["ApiKeyRequired"] is True for method in methods)
    assert all(method["Integration"]["Type"] == "AWS_PROXY" for method in methods)


def test_any_body_reaches_the_function_as_it_was_sent(api):
    rest_api = api.only("ApiGateway::RestApi")
    assert rest_api["BinaryMediaTypes"] == ["*/*"]
    assert rest_api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_each_hop_gives_up_after_the_one_behind_it(assembly):
    """Gateway > function > SDK > container; the two in the middle of the chain are the proxy's own."""
    api = assembly.api
    gateway_s = {m["Integration"]["TimeoutInMillis"] / 1000 for m in api.properties("ApiGateway::Method")}
    models = [model for stack in assembly.models for model in stack.properties("SageMaker::Model")]
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


def test_the_stage_waits_for_the_permission_to_log_which_outlives_it(api):
    ((_, stage),) = api.resources("ApiGateway::Stage")
    ((setting, account),) = api.resources("ApiGateway::Account")
    role = api.template["Resources"][said(account["Properties"]["CloudWatchRoleArn"])[2:-5]]
    ((rest_api, _),) = api.resources("ApiGateway::RestApi")
    assert stage["DependsOn"] == [setting]
    assert account["DependsOn"] == [rest_api]
    assert account["DeletionPolicy"] == role["DeletionPolicy"] == "Retain"


def test_a_key_counts_against_the_stages_quota(stages):
    for name, assembly in stages.items():
        plan, use = assembly.api.only("ApiGateway::UsagePlan"), assembly.api.only("ApiGateway::UsagePlanKey")
        ((plan_id, _),) = assembly.api.resources("ApiGateway::UsagePlan")
        assert plan["Quota"] == {"Limit": STAGES[name].requests_per_day, "Period": "DAY"}
        assert said(use["UsagePlanId"]) == f"${{{plan_id}}}"
        assert assembly.api.only("ApiGateway::ApiKey")["Enabled"] is True
        assert "Value" not in assembly.api.only("ApiGateway::ApiKey")


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


def test_the_outputs_are_the_address_and_the_way_to_the_key(assembly):
    outputs = assembly.api.template["Outputs"]
    ((rest_api, _),) = assembly.api.resources("ApiGateway::RestApi")
    ((key, _),) = assembly.api.resources("ApiGateway::ApiKey")
    stage = assembly.api.only("ApiGateway::Stage")["StageName"]
    host = f"${{{rest_api}}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}"
    assert said(outputs["ApiUrl"]["Value"]) == f"https://{host}/{stage}"
    assert outputs["ApiKeyId"]["Value"] == {"Ref": key}
    assert "aws apigateway get-api-key" in outputs["ApiKeyId"]["Description"]
