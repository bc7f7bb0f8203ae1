"""A batch by SageMaker: moto keeps the job, and a real model server does what SageMaker would."""

import base64
import json
from contextlib import closing

import boto3
import httpx
import pytest
from moto import mock_aws

from experiments.batch.__main__ import main
from experiments.batch.errors import InputFault, TransformFault
from experiments.batch.output import Output
from experiments.batch.rows import Csv
from experiments.batch.server import serving
from experiments.batch.transform import Prefix, Transform
from models.registry import load_models

MODEL = next(model for model in load_models() if model.spec.name == "face-mask")
PICTURE = (MODEL.folder / "samples" / "drawn_with_mask.jpg").read_bytes()
ENDPOINT = "fovea-dev-face-mask-cpu"
SOURCE = Prefix("pictures", "2026/")


@pytest.fixture(scope="module")
def url():
    with serving(MODEL) as started:
        yield started


@pytest.fixture
def account(monkeypatch):
    """A bucket, and an endpoint that serves `a-model`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="pictures")
        sagemaker = boto3.client("sagemaker")
        role = "arn:aws:iam::123456789012:role/model"
        sagemaker.create_model(ModelName="a-model", ExecutionRoleArn=role, PrimaryContainer={"Image": "image"})
        variant = {"VariantName": "model", "ModelName": "a-model", "InitialInstanceCount": 1}
        variant["InstanceType"] = "ml.c5.xlarge"
        sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
        sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="config")
        yield sagemaker


def put(**objects: bytes) -> None:
    for name, body in objects.items():
        boto3.client("s3").put_object(Bucket="pictures", Key=SOURCE.key + name.replace("__", "."), Body=body)


def play(job: dict, url: str) -> None:
    """What SageMaker does with `job`, as its documentation says."""
    s3 = boto3.client("s3")
    bucket, _, key = job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"].removeprefix("s3://").partition("/")
    prefix, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    source = Prefix.read(prefix["prefix"])
    target = Prefix.read(job["TransformOutput"]["S3OutputPath"])
    headers = {"content-type": job["TransformInput"]["ContentType"], "accept": job["TransformOutput"]["Accept"]}

    def asked(body: bytes) -> list[str]:
        answer = httpx.post(f"{url}/invocations", content=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.text.split("\n")

    for name in names:
        body = s3.get_object(Bucket=source.bucket, Key=source.key + name)["Body"].read()
        if job["TransformInput"]["SplitType"] == "None":
            said = asked(body)
        else:
            records = body.splitlines()
            each = [body] if job["BatchStrategy"] == "MultiRecord" else records
            answers = [json.loads(line) for request in each for line in asked(request)]
            assert job["DataProcessing"]["JoinSource"] == "Input"
            joined = zip(records, answers, strict=True)
            said = [json.dumps({"name": json.loads(one)["name"], "SageMakerOutput": answer}) for one, answer in joined]
        s3.put_object(Bucket=target.bucket, Key=f"{target.key}{name}.out", Body="\n".join(said).encode())


def test_each_picture_of_a_prefix_has_its_row_and_a_corrupt_one_its_code(account, url):
    put(a__jpg=PICTURE, b__jpg=PICTURE[:2000], notes__txt=b"no picture")
    transform = Transform(MODEL, SOURCE, None)
    transform.start(ENDPOINT, transform.names)
    job = account.describe_transform_job(TransformJobName=transform.job)
    assert job["ModelName"] == "a-model"
    assert job["TransformResources"] == {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1}
    assert job["TransformInput"]["ContentType"] == "image/jpeg"
    assert job["MaxConcurrentTransforms"] * job["MaxPayloadInMB"] <= 100
    assert "DataProcessing" not in job
    play(job, url)
    seen = []
    transform.wait(seen.append, pause_s=0)
    rows = {row.name: row for row in transform.rows(transform.names)}
    assert seen == [2]
    assert {name: row.status for name, row in rows.items()} == {"a.jpg": "OK", "b.jpg": "IMAGE_UNDECODABLE"}
    assert rows["a.jpg"].predictions[0]["label"] in MODEL.labels.values()


@pytest.mark.parametrize("strategy", ["MultiRecord", "SingleRecord"])
def test_lines_are_joined_with_their_names_by_sagemaker(account, url, strategy):
    records = {"a.jpg": PICTURE, "cut.jpg": PICTURE[:2000], "c.jpg": PICTURE}
    lines = [json.dumps({"name": name, "image": base64.b64encode(body).decode()}) for name, body in records.items()]
    put(part__jsonl="\n".join([*lines, '{"name": "none"}']).encode())
    transform = Transform(MODEL, SOURCE, strategy)
    transform.start(ENDPOINT, transform.names)
    job = account.describe_transform_job(TransformJobName=transform.job)
    assert (job["BatchStrategy"], job["TransformInput"]["SplitType"]) == (strategy, "Line")
    assert job["TransformOutput"]["AssembleWith"] == "Line"
    play(job, url)
    assert {row.name: row.status for row in transform.rows(transform.names)} == {
        "a.jpg": "OK",
        "cut.jpg": "IMAGE_UNDECODABLE",
        "c.jpg": "OK",
        "none": "INVALID_REQUEST",
    }


def test_the_next_run_asks_for_what_has_no_row_yet(account, url, tmp_path, monkeypatch):
    put(a__jpg=PICTURE, b__jpg=PICTURE)
    out, start, asked = tmp_path / "rows.csv", Transform.start, []

    def started(self, endpoint, names):
        start(self, endpoint, names)
        asked.append(list(names))
        play(account.describe_transform_job(TransformJobName=self.job), url)

    monkeypatch.setattr(Transform, "start", started)
    command = ["face-mask", SOURCE.address, "--out", str(out), "--target", "aws", "--endpoint", ENDPOINT]
    assert main(command) == 0
    put(c__jpg=PICTURE)
    assert main(command) == main(command) == 0
    assert asked == [["a.jpg", "b.jpg"], ["c.jpg"]]
    with closing(Output(out, Csv(MODEL), MODEL)) as output:
        assert output.names == {"a.jpg", "b.jpg", "c.jpg"}


@pytest.mark.usefixtures("account")
def test_what_cannot_be_transformed_is_told(tmp_path, capsys):
    with pytest.raises(InputFault, match=r"s3://pictures/2026/: holds none of \*\.jpg"):
        Transform(MODEL, SOURCE, None)
    put(a__jpg=PICTURE)
    with pytest.raises(InputFault, match="--strategy: pictures are sent one by one"):
        Transform(MODEL, SOURCE, "MultiRecord")
    with pytest.raises(TransformFault, match="fovea-prod-face-mask-cpu: "):
        Transform(MODEL, SOURCE, None).start("fovea-prod-face-mask-cpu", ["a.jpg"])
    put(b__png=b"")
    with pytest.raises(InputFault, match="holds image/jpeg and image/png; a job takes one type"):
        Transform(MODEL, SOURCE, None)
    out = ("--out", str(tmp_path / "rows.csv"), "--target", "aws", "--endpoint", ENDPOINT)
    for address, line in (
        ("s3://missing/here", "AWS refuses ListObjectsV2: "),
        ("pictures", "give s3://bucket/prefix"),
    ):
        assert main(["face-mask", address, *out]) == 1
        said = capsys.readouterr().err
        assert line in said
        assert said.count("\n") == 1
    with pytest.raises(SystemExit, match="2"):
        main(["face-mask", "s3://pictures/2026", *out[:4]])


def test_a_job_that_failed_keeps_what_it_wrote_and_says_why(account, url, tmp_path, capsys, monkeypatch):
    put(a__jpg=PICTURE, b__jpg=PICTURE)
    start = Transform.start

    def started(self, endpoint, names):
        start(self, endpoint, names[:1])
        play(account.describe_transform_job(TransformJobName=self.job), url)

    def failed(self, told):
        told(1)
        raise TransformFault(f"{self.job}: Failed: ClientError")

    monkeypatch.setattr(Transform, "start", started)
    monkeypatch.setattr(Transform, "wait", failed)
    out = tmp_path / "rows.csv"
    assert main(["face-mask", SOURCE.address, "--out", str(out), "--target", "aws", "--endpoint", ENDPOINT]) == 1
    assert "Failed: ClientError" in capsys.readouterr().err.splitlines()[-1]
    with closing(Output(out, Csv(MODEL), MODEL)) as output:
        assert output.names == {"a.jpg"}
