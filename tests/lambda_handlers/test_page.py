"""The page's function as CloudFormation calls it: against moto's S3 and CloudFront, with a server for its answers.

The function runs in a process of its own, from the package that synth makes.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import boto3
import pytest

from models.registry import ROOT, load_models
from stacks.constructs.page_publisher import HANDLER, package
from stacks.staging import staged
from tests.lambda_handlers.service import moto_s3

KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
BUCKET = "page"
CALL = """
import importlib, json, sys
module, name = sys.argv[1].rsplit(".", 1)
getattr(importlib.import_module(module), name)(json.load(sys.stdin), None)
"""
CONFIG = {"api": "https://api.example.com/dev", "shows": ["key"], "samples": {"cats": [{"name": "Käthe.jpg"}]}}


class Answers(BaseHTTPRequestHandler):
    """What stands behind ResponseURL."""

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.popleft() if self.server.statuses else 200
        self.server.seen.append((status, self.path, self.headers.get("Content-Type"), json.loads(body)))
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def moto():
    with moto_s3() as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A copy: what Python writes beside the code would be in the next deployment."""
    made = staged(ROOT, "page", package(ROOT, load_models()))
    return shutil.copytree(made, tmp_path_factory.mktemp("page") / "package")


class Deployment:
    """One page, its events and what is answered."""

    def __init__(self, url: str, folder: Path, server: ThreadingHTTPServer) -> None:
        self.url, self.folder, self.server = url, folder, server
        self.s3 = boto3.client("s3", endpoint_url=url, **KEYS)
        self.cloudfront = boto3.client("cloudfront", endpoint_url=url, **KEYS)
        self.bucket, self.requests = BUCKET, 0
        origin = {
            "Id": "o",
            "DomainName": "page.s3.eu-west-1.amazonaws.com",
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        }
        made = self.cloudfront.create_distribution(
            DistributionConfig={
                "CallerReference": os.urandom(4).hex(),
                "Comment": "",
                "Enabled": True,
                "Origins": {"Quantity": 1, "Items": [origin]},
                "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "redirect-to-https"},
            }
        )
        self.distribution = made["Distribution"]["Id"]

    def send(self, kind: str, what: str, **more):
        self.requests += 1
        event = {
            "RequestType": kind,
            "ResourceType": what,
            "ResponseURL": f"http://127.0.0.1:{self.server.server_port}/stack?signature=1%2B2",
            "StackId": "arn:aws:cloudformation:eu-west-1:1:stack/Fovea-dev-page/1",
            "RequestId": f"request-{self.requests}",
            "LogicalResourceId": "Files",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda:eu-west-1:1:function:fovea-dev-page"},
            **more,
        }
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.folder),
            "PAGE_BUCKET": self.bucket,
            "PAGE_DISTRIBUTION": self.distribution,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }
        self.done = subprocess.run(
            [sys.executable, "-c", CALL, HANDLER],
            cwd=self.folder,
            env=environment,
            input=json.dumps(event),
            capture_output=True,
            text=True,
            check=False,
        )
        return self.server.seen[-1][-1] if self.server.seen else None

    def files(self) -> set[str]:
        return {found["Key"] for found in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])}

    def invalidations(self) -> int:
        return int(self.cloudfront.list_invalidations(DistributionId=self.distribution)["InvalidationList"]["Quantity"])


@pytest.fixture
def page(moto, folder):
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.seen, server.statuses = [], deque()
        Thread(target=server.serve_forever, daemon=True).start()
        deployment = Deployment(moto, folder, server)
        deployment.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield deployment
        for key in deployment.files():
            deployment.s3.delete_object(Bucket=BUCKET, Key=key)
        deployment.s3.delete_bucket(Bucket=BUCKET)
        server.shutdown()


def shipped() -> set[str]:
    samples = {f"samples/{m.spec.name}/{f.name}" for m in load_models() for f in (m.folder / "samples").glob("*")}
    return {file.name for file in (ROOT / "web").iterdir()} | {name for name in samples if not name.endswith(".md")}


def test_the_page_and_the_samples_are_put_with_their_types(page):
    said = page.send("Create", "Custom::PageFiles")
    assert (said["Status"], said["PhysicalResourceId"]) == ("SUCCESS", "Files"), page.done.stderr
    assert page.files() == shipped()
    heads = {key: page.s3.head_object(Bucket=BUCKET, Key=key) for key in page.files()}
    assert (heads["index.html"]["ContentType"], heads["index.html"]["CacheControl"]) == (
        "text/html; charset=utf-8",
        "no-cache",
    )
    assert heads["main.js"]["ContentType"] == "text/javascript; charset=utf-8"
    assert "max-age=0" in heads["main.js"]["CacheControl"]  # a browser asks again: the names do not change with content
    kinds = {head["ContentType"].partition(";")[0] for head in heads.values()}
    assert kinds <= {
        "text/html",
        "text/css",
        "text/javascript",
        "image/svg+xml",
        "image/jpeg",
        "image/png",
        "video/mp4",
        "application/json",
    }
    body = page.s3.get_object(Bucket=BUCKET, Key="index.html")["Body"].read()
    assert body == (ROOT / "web" / "index.html").read_bytes()


def test_the_answer_is_signed_for_no_content_type_and_goes_to_its_whole_address(page):
    page.send("Create", "Custom::PageFiles", PhysicalResourceId="other")
    ((_, path, kind, said),) = page.server.seen
    assert (path, kind or "") == ("/stack?signature=1%2B2", "")
    assert said["PhysicalResourceId"] == "other"
    assert (said["RequestId"], said["LogicalResourceId"]) == ("request-1", "Files")
    assert said["StackId"].endswith("stack/Fovea-dev-page/1")


def test_a_new_version_takes_away_what_it_has_not_but_the_configuration_and_invalidates(page):
    page.send("Create", "Custom::PageConfig", ResourceProperties={"Config": CONFIG})
    page.s3.put_object(Bucket=BUCKET, Key="samples/gone/old.jpg", Body=b"old")
    before = page.invalidations()
    assert page.send("Update", "Custom::PageFiles")["Status"] == "SUCCESS"
    assert page.files() == shipped() | {"config.json"}
    assert page.invalidations() == before + 1


def test_the_configuration_is_what_the_apis_stack_says(page):
    assert page.send("Create", "Custom::PageConfig", ResourceProperties={"Config": CONFIG})["Status"] == "SUCCESS"
    found = page.s3.get_object(Bucket=BUCKET, Key="config.json")
    assert json.loads(found["Body"].read()) == CONFIG
    assert (found["ContentType"], found["CacheControl"]) == ("application/json", "no-cache")
    assert page.send("Delete", "Custom::PageConfig")["Status"] == "SUCCESS"
    assert page.files() == set()


def test_the_bucket_is_empty_when_the_page_goes(page):
    page.send("Create", "Custom::PageFiles")
    page.s3.put_object(Bucket=BUCKET, Key="by-hand.txt", Body=b"x")
    assert page.send("Delete", "Custom::PageFiles")["Status"] == "SUCCESS"
    assert page.files() == set()


def test_a_fault_of_aws_is_answered_by_its_name_alone_and_the_next_event_is_good(page):
    page.bucket = "nobodys-secret-bucket"
    said = page.send("Create", "Custom::PageFiles")
    assert said["Status"] == "FAILED"
    assert said["Reason"] == "Create Custom::PageFiles: PutObject, NoSuchBucket; the function's log has more"
    assert "nobodys-secret-bucket" not in json.dumps(said)
    page.bucket = BUCKET
    assert page.send("Create", "Custom::PageFiles")["Status"] == "SUCCESS"


@pytest.mark.parametrize("what", ["Custom::Other", "Custom::PageConfig"])
def test_an_event_that_cannot_be_is_answered_too(page, what):
    said = page.send("Update", what)
    assert said["Status"] == "FAILED"
    assert said["Reason"] == f"Update {what}: a defect; the function's log has more"
    assert page.files() == set()


def test_an_answer_that_is_not_taken_is_given_again(page):
    page.server.statuses.extend([503])
    page.send("Delete", "Custom::PageFiles")
    assert [status for status, *_ in page.server.seen] == [503, 200]


def test_an_answer_that_nobody_takes_fails_the_call_so_that_lambda_calls_again(page):
    page.server.statuses.extend([503] * 3)
    page.send("Delete", "Custom::PageFiles")
    assert len(page.server.seen) == 3
    assert page.done.returncode != 0
