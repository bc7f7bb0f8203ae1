"""Cold starts by configuration updates, against moto: what was changed is changed back, whatever ends the run."""

import io
import json
import zipfile
from contextlib import closing

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.responses import ActionResult
from moto.sagemaker.responses import SageMakerResponse

from experiments.client.caller import Caller
from experiments.latency.__main__ import main
from experiments.latency.aws import AwsTarget
from experiments.latency.cold_function import VARIABLE
from experiments.latency.cold_serverless import COPY_OF
from experiments.latency.errors import AwsFault
from experiments.latency.run import read_run
from models.registry import load_models
from tests.experiments.api_server import api, good

MODELS = {model.spec.name: model for model in load_models()}
MODEL, FUNCTION = MODELS["face-mask"], MODELS["brain-tumor"]
ENDPOINT, CONFIG = "fovea-dev-face-mask-serverless", "EndpointConfig-aBcD1234"
WEB = "fovea-dev-brain-tumor-web"
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 10}
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1"}
QUICK = ("--cold", "3", "--clients", "1", "--requests", "2", "--rates", "20", "--seconds", "0.2")


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Without the credentials of whoever runs the tests."""
    for name in (*KEYS, "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def updates(monkeypatch):
    """The configurations that endpoints were updated to, in turn. moto has no UpdateEndpoint: here is AWS's."""
    seen = []

    def update_endpoint(response: SageMakerResponse) -> ActionResult:
        name, config = response._get_param("EndpointName"), response._get_param("EndpointConfigName")
        endpoint = response.sagemaker_backend.endpoints[name]
        assert config in response.sagemaker_backend.endpoint_configs
        assert config != endpoint.endpoint_config_name
        endpoint.endpoint_config_name = config
        seen.append(config)
        return ActionResult({"EndpointArn": endpoint.arn})

    monkeypatch.setattr(SageMakerResponse, "update_endpoint", update_endpoint, raising=False)
    return seen


@pytest.fixture
def account(monkeypatch):
    """With the model's serverless endpoint, and the other model's function."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        sagemaker, functions = boto3.client("sagemaker"), boto3.client("lambda")
        role = boto3.client("iam").create_role(RoleName="model", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        sagemaker.create_model(ModelName="a-model", ExecutionRoleArn=role, PrimaryContainer={"Image": "image"})
        variant = {"VariantName": "AllTraffic", "ModelName": "a-model", "ServerlessConfig": SERVERLESS}
        sagemaker.create_endpoint_config(EndpointConfigName=CONFIG, ProductionVariants=[variant], KmsKeyId="a-key")
        sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=CONFIG)
        code = io.BytesIO()
        zipfile.ZipFile(code, "w").writestr("handler.py", "")
        functions.create_function(
            FunctionName=WEB,
            Role=role,
            Runtime="python3.11",
            Handler="handler.handler",
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": {"MODEL_SERVER_TIMEOUT": "24"}},
        )
        yield sagemaker


def configs(sagemaker) -> list[str]:
    return [config["EndpointConfigName"] for config in sagemaker.list_endpoint_configs()["EndpointConfigs"]]


def in_use(sagemaker) -> str:
    return sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]


def target(told=None, **more) -> AwsTarget:
    say = (lambda _: None) if told is None else told.append
    return AwsTarget(Caller("http://127.0.0.1:9"), "dev", boto3.Session(), say=say, **more)


def test_a_serverless_endpoint_is_updated_to_a_copy_of_its_configuration_and_back(account, updates):
    with closing(target()) as deployed:
        deployed.make_cold(MODEL, "serverless")
        copy = in_use(account)
        told = account.describe_endpoint_config(EndpointConfigName=copy)
        (variant,) = told["ProductionVariants"]
        assert (variant["ServerlessConfig"], variant["ModelName"], told["KmsKeyId"]) == (SERVERLESS, "a-model", "a-key")
        assert account.list_tags(ResourceArn=told["EndpointConfigArn"])["Tags"] == [{"Key": COPY_OF, "Value": CONFIG}]
        for _ in range(2):
            deployed.make_cold(MODEL, "serverless")
    assert updates == [copy, CONFIG, copy, CONFIG]
    assert (in_use(account), configs(account)) == (CONFIG, [CONFIG])


def test_what_interrupts_a_run_leaves_the_endpoint_as_it_was(account, updates):
    def interrupted():
        with closing(target()) as deployed:
            deployed.make_cold(MODEL, "serverless")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(updates) == 2
    assert (in_use(account), configs(account)) == (CONFIG, [CONFIG])


def test_a_run_goes_back_from_the_copy_that_a_killed_one_left(account, updates):
    target().make_cold(MODEL, "serverless")  # and never closed
    left = in_use(account)
    assert left != CONFIG
    with closing(target()) as deployed:
        deployed.make_cold(MODEL, "serverless")
        assert in_use(account) == CONFIG
        deployed.make_cold(MODEL, "serverless")
    assert updates == [left, CONFIG, left, CONFIG]
    assert (in_use(account), configs(account)) == (CONFIG, [CONFIG])


def test_what_cannot_be_changed_back_is_told_with_the_commands_that_do_it(account, updates, monkeypatch):
    told = []
    deployed = target(told)
    deployed.make_cold(MODEL, "serverless")
    copy = in_use(account)

    def denied(_response):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not\nallowed"}}, "UpdateEndpoint")

    with monkeypatch.context() as refusing:
        refusing.setattr(SageMakerResponse, "update_endpoint", denied)
        with pytest.raises(AwsFault) as refused:
            deployed.close()
    assert "\n" not in str(refused.value)
    assert f"update-endpoint --endpoint-name {ENDPOINT} --endpoint-config-name {CONFIG}" in told[-1]
    assert f"delete-endpoint-config --endpoint-config-name {copy}" in told[-1]
    assert updates == [copy]
    with closing(target()) as again:
        again.make_cold(MODEL, "serverless")
    assert (in_use(account), configs(account)) == (CONFIG, [CONFIG])


def test_a_function_gets_another_variable_each_time_and_loses_it_in_the_end(account):
    functions, seen = boto3.client("lambda"), []

    def variables():
        return functions.get_function_configuration(FunctionName=WEB)["Environment"]["Variables"]

    with closing(target()) as deployed:
        for _ in range(2):
            deployed.make_cold(FUNCTION, "web")
            seen.append(variables())
    assert all(each["MODEL_SERVER_TIMEOUT"] == "24" for each in seen)
    assert len({each[VARIABLE] for each in seen}) == 2
    assert variables() == {"MODEL_SERVER_TIMEOUT": "24"}
    assert account is not None


def test_idling_needs_nothing_of_aws_and_says_how_long_it_lasts(monkeypatch):
    told, slept = [], []
    monkeypatch.setattr("experiments.latency.aws.time.sleep", slept.append)
    deployed = target(told, cold_by="idle", idle_minutes=0.001)
    deployed.make_cold(MODEL, "serverless")
    deployed.close()
    assert told[0] == "serverless: idle, 0 of 0.001 minutes left"
    assert slept[0] == pytest.approx(0.06, abs=0.01)


def test_says_plainly_how_an_endpoint_is_made_cold():
    serverless, web = MODEL.spec.endpoints["serverless"], FUNCTION.spec.endpoints["web"]
    assert target().how_cold(serverless).startswith("a configuration update: UpdateEndpoint")
    assert target().how_cold(web).startswith("a configuration update: after a changed variable")
    assert target(cold_by="idle").how_cold(serverless).startswith("15 minutes without a call")
    assert target().how_cold(MODEL.spec.endpoints["cpu"]) == ""
    always_on = serverless.model_copy(update={"provisioned_concurrency": 1})
    assert target().how_cold(always_on) == ""


def refusal(capsys, *arguments: str) -> str:
    assert main(["face-mask", "--endpoint", "serverless", "--target", "aws", *QUICK, *arguments]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    return said


def test_says_in_a_line_what_of_aws_is_missing(tmp_path, capsys, monkeypatch):
    out = ("--out", str(tmp_path / "results"))
    assert "there are no AWS credentials, or no region" in refusal(capsys, *out)
    assert refusal(capsys, *out, "--url", "http://127.0.0.1:9", "--sign").startswith("--sign: there are no AWS cred")
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "nobody" in refusal(capsys, *out)
    monkeypatch.delenv("AWS_PROFILE")
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with mock_aws(), api(good) as url:
        said = refusal(capsys, *out, "--stage", "beta")
        assert said.startswith("Fovea-beta-api: no such stack in eu-west-1; deploy it, or give another --stage")
        assert "DescribeEndpoint: Could not find endpoint" in refusal(capsys, *out, "--url", url)
        assert list((tmp_path / "results").iterdir()) == []


def test_measures_the_stage_whose_stack_says_where_its_api_is(account, updates, tmp_path, capsys):
    with api(good) as url:
        resources = {"Topic": {"Type": "AWS::SNS::Topic"}}
        template = {"Resources": resources, "Outputs": {"ApiUrl": {"Value": f"{url}/"}}}
        boto3.client("cloudformation").create_stack(StackName="Fovea-dev-api", TemplateBody=json.dumps(template))
        asked = ["face-mask", "--endpoint", "serverless", "--target", "aws", "--out", str(tmp_path), *QUICK]
        assert main(asked) == 0
    said = capsys.readouterr().out
    assert "cold: a configuration update: UpdateEndpoint deploys a copy" in said
    assert "perhaps they met a server that had started already" in said, "which moto's endpoint and this API did"
    run, rows = read_run(tmp_path / "serverless")
    assert (run.target, run.how_cold.split(":")[0], run.environment["api"]) == ("aws", "a configuration update", url)
    assert [row.phase for row in rows[:5]] == ["cold"] * 3 + ["warm"] * 2
    assert len(updates) == 4
    assert (in_use(account), configs(account)) == (CONFIG, [CONFIG])
