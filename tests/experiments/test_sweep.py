"""A sweep measures each variant once, here and in AWS, goes on where it was interrupted, and leaves nothing behind."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import boto3
import psutil
import pytest

from experiments.cost.prices import read_prices
from experiments.latency.run import read_run
from experiments.local_run import environment, wait_until
from experiments.report.__main__ import main as report
from experiments.sweep.__main__ import _tell, main
from experiments.sweep.errors import BadVariant, NotAgreed
from experiments.sweep.left import left_in_aws
from experiments.sweep.on_aws import API
from experiments.sweep.price import ask, lines
from experiments.sweep.sweep import left_to_measure
from experiments.sweep.variants import with_variants
from local.endpoint import free_port
from models.registry import ROOT, load_models
from rehearsal.__main__ import moto
from rehearsal.command import ACCOUNT, REGION
from stacks.deployment import deployment
from tests.experiments.interrupted_sweep import FUNCTIONS, INSTANCES
from tests.stacks.assembly import CONTEXT

TINY = ("--cold=1", "--clients=1", "--requests=3", "--rates=5", "--seconds=1")


def variants(memory=(), instances=(), functions=()):
    return with_variants(load_models(), "face-mask", memory, instances, functions)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ({}, "there is nothing to try; give --memory 1024,2048,3072, --instances or --functions"),
        ({"memory": [1500]}, "--memory 1500: is not offered by SageMaker; choose of 1024, 2048, "),
        ({"instances": ["ml.c7i.larg"]}, "--instances ml.c7i.larg: SageMaker hosts on no such instance; did you mean"),
        ({"functions": [100]}, "endpoints.function-100.memory_mb: Input should be greater than or equal to 128"),
    ],
)
def test_what_aws_does_not_offer_is_refused_in_a_line(asked, line):
    with pytest.raises(BadVariant) as refused:
        variants(**asked)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)
    good = variants([1024], ["ml.g5.xlarge", "ml.c7g.large"], [3008]).spec.endpoints
    assert list(good) == ["serverless-1024", "ml-g5-xlarge", "ml-c7g-large", "function-3008"]
    assert (good["ml-g5-xlarge"].is_gpu, good["ml-c7g-large"].architecture) == (True, "arm64")


def test_without_credentials_nothing_is_asked_and_nothing_deployed(monkeypatch, capsys, tmp_path):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert main(["face-mask", "--memory=1024", "--target=aws", f"--out={tmp_path}"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert said.err.startswith("there are no AWS credentials, or no region; set AWS_PROFILE")


def test_nothing_is_deployed_unless_somebody_agrees_to_its_price(capsys):
    model = variants([2048], ["ml.c7i.large", "ml.p3.2xlarge"], [2048])
    for answer, why in (("n\n", "nothing was deployed"), ("\n", "nothing was deployed"), ("", "give --yes")):
        with pytest.raises(NotAgreed, match=why):
            ask(model, list(model.spec.endpoints), REGION, io.StringIO(answer))
    ask(model, list(model.spec.endpoints), REGION, io.StringIO("y\n"))
    assert capsys.readouterr().out.count("ml-c7i-large: about 0.11 $ an hour") == 4
    told = dict(line.split(": ", 1) for line in lines(model, list(model.spec.endpoints), read_prices()))
    assert told["serverless-2048"].startswith("about 0.14 $ for each hour that it computes")
    assert told["function-2048"].startswith("about 0.12 $ for each hour that it computes")
    assert "ml.p3.2xlarge: has no price" in told["ml-p3-2xlarge"]


def test_a_terminal_that_is_gone_keeps_nothing_from_being_removed(monkeypatch):
    reads, writes = os.pipe()
    os.close(reads)
    gone = os.fdopen(writes, "w")
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", gone)
        _tell("removing …")
    with pytest.raises(BrokenPipeError):
        gone.close()


def start(folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "experiments.sweep", "face-mask", "--memory=3072", "--functions=2048"]
    out = (folder / "said").open("w")
    return subprocess.Popen(
        [*command, *TINY, f"--out={folder / 'results'}"], cwd=ROOT, env=environment(), stdout=out, stderr=out
    )


def test_a_sweep_that_is_ended_goes_on_with_what_is_not_measured(tmp_path):
    said, results = tmp_path / "said", tmp_path / "results"
    first = start(tmp_path)
    assert wait_until(lambda: "2 of 2: function-2048" in said.read_text() or first.poll() is not None, 90)
    children = psutil.Process(first.pid).children(recursive=True)
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 130, said.read_text()
    assert "the same command goes on" in said.read_text()
    assert children
    assert not [each for each in children if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
    measured = (results / "serverless-3072" / "run.json").read_bytes()
    assert not (results / "function-2048" / "run.json").exists()

    assert start(tmp_path).wait(120) == 0, said.read_text()
    assert "1 of 2: serverless-3072: is measured already" in said.read_text()
    assert (results / "serverless-3072" / "run.json").read_bytes() == measured
    run, rows = read_run(results / "function-2048")
    assert (run.settings["kind"], run.endpoint_settings.memory_mb) == ("lambda", 2048)
    assert any(sentence.startswith("2,048 MB of memory ") for sentence in run.emulated)
    assert [row.phase for row in rows][:4] == ["cold", "warm", "warm", "warm"]
    assert all(row.is_good for row in rows)

    model = variants([3072], (), [2048])
    assert left_to_measure(model, "local", results) == []
    assert left_to_measure(model, "aws", results) == list(model.spec.endpoints)
    assert left_to_measure(variants([2048], (), [2048]), "local", results) == ["serverless-2048"]

    assert report([str(results)]) == 0
    page = (results / "report" / "index.html").read_text(encoding="utf-8")
    assert "serverless with 3072 MB" in page
    assert "Lambda with 2048 MB" in page


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """moto's server, with an account for which the CDK command is ready; its environment is this process's."""
    room, port = tmp_path_factory.mktemp("account"), free_port()
    everything = [variants([1024], ["ml.c7i.large"], [2048])]
    deployment(everything, outdir=str(room / "out"), context=CONTEXT | {"stage": "sweep"}).synth()
    with pytest.MonkeyPatch.context() as patch, moto(port, room / "out"):
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        patch.setenv("AWS_ENDPOINT_URL_S3_FOR_CLOUDFORMATION", "https://s3.amazonaws.com")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "rehearsal")
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
            patch.setenv(name, REGION)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("CDK_DISABLE_CLI_TELEMETRY", "1")
        patch.setenv("CDK_DOCKER", str(ROOT / "rehearsal" / "docker"))
        patch.setenv("REHEARSAL_CALLS", str(room / "docker-calls"))
        patch.setenv("REHEARSAL_DOCKER", "")
        cdk = ROOT / "node_modules" / ".bin" / "cdk"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        bootstrap = [cdk, "bootstrap", f"aws://{ACCOUNT}/{REGION}"]
        subprocess.run(bootstrap, cwd=room, env=os.environ | {"PATH": path}, check=True, capture_output=True)
        yield boto3.Session()


def test_what_is_left_is_told_with_what_removes_it(account, tmp_path, capsys):
    sagemaker = account.client("sagemaker")
    tags = [{"Key": "project", "Value": "fovea"}, {"Key": "stage", "Value": "sweep"}]
    theirs = [{"Key": "project", "Value": "fovea"}, {"Key": "stage", "Value": "prod"}]
    variant = {"VariantName": "AllTraffic", "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    role = f"arn:aws:iam::{ACCOUNT}:role/somebody"
    sagemaker.create_model(ModelName="m", ExecutionRoleArn=role, PrimaryContainer={"Image": f"{ACCOUNT}/image"})
    for stage, given in (("sweep", tags), ("prod", theirs)):
        sagemaker.create_endpoint_config(
            EndpointConfigName=f"config-{stage}", ProductionVariants=[variant | {"ModelName": "m"}], Tags=given
        )
        sagemaker.create_endpoint(EndpointName=f"fovea-{stage}-m-a", EndpointConfigName=f"config-{stage}", Tags=given)
    template = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
    account.client("cloudformation").create_stack(StackName=API, TemplateBody=template)
    assert main(["face-mask", "--memory=1024", "--target=aws", "--yes", f"--out={tmp_path}"]) == 1
    assert capsys.readouterr().err.startswith(f"{API}: another sweep is under way, or was killed; wait for it, or ")
    assert main(["face-mask", "--clean-up", f"--out={tmp_path}"]) == 1
    said = capsys.readouterr()
    assert [line.partition("remove it: ")[2] for line in said.out.splitlines() if line.startswith("left: ")] == [
        "aws sagemaker delete-endpoint --endpoint-name fovea-sweep-m-a",
        "aws sagemaker delete-endpoint-config --endpoint-config-name config-sweep",
    ]
    assert said.err == "2 of the sweep's resources are still there; remove them, they may cost money\n"
    sagemaker.delete_endpoint(EndpointName="fovea-sweep-m-a")
    sagemaker.delete_endpoint_config(EndpointConfigName="config-sweep")
    assert left_in_aws(account) == []


def test_in_aws_one_variant_is_there_at_a_time_and_nothing_after_an_end_in_the_middle(account, tmp_path):
    command = [sys.executable, "-m", "tests.experiments.interrupted_sweep", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["ended"]
    assert [there for _, *there in told["served"]] == [
        ["endpoint fovea-sweep-face-mask-ml-c7i-large (InService)"],
        ["function fovea-sweep-face-mask-function-2048"],
    ]
    assert all(url.endswith(f".execute-api.{REGION}.amazonaws.com/sweep") for url, *_ in told["served"])
    said = told["said"]
    assert any(line.startswith("removing what was deployed, so that it costs nothing") for line in said)
    assert said[-1] == f"nothing is left in {REGION} of the stage sweep"
    assert left_in_aws(account) == []
    assert [stack["StackName"] for stack in account.client("cloudformation").describe_stacks()["Stacks"]] == [
        "CDKToolkit"
    ]
    assert left_to_measure(variants((), INSTANCES, FUNCTIONS), "aws", tmp_path) == ["function-2048"]
