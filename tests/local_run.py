"""What tests do with a local run, besides starting it."""

import contextlib
from pathlib import Path

import boto3
import httpx
import psutil
from botocore.config import Config

from experiments.local_run import Local
from local.launch import MODEL_HANDLER
from models.registry import ROOT

FUNDUS = ROOT / "models" / "diabetic_retinopathy" / "samples" / "retina.jpg"
PREDICT = "/models/diabetic-retinopathy/predict"


class Caller:
    """Somebody with the key of a running `local`."""

    def __init__(self, local: Local) -> None:
        self.process, self.url, self.key, self._local = local.process, local.url, local.key, local
        self.runtime_url = local.runtime_url

    @property
    def said(self) -> str:
        return self._local.said

    @property
    def logs(self) -> list[Path]:
        return sorted((self._local.state / "logs").iterdir())

    def request(self, method: str, path: str, **more) -> httpx.Response:
        headers = {"x-api-key": self.key} | more.pop("headers", {})
        return httpx.request(method, self.url + path, headers=headers, timeout=60, **more)

    def predict(self, body: bytes, content_type: str | None = "image/jpeg", path: str = PREDICT, **more):
        headers = {"content-type": content_type} if content_type else {}
        return self.request("POST", path, content=body, headers=headers | more.pop("headers", {}), **more)

    def client(self, service: str, url: str | None = None, **config):
        """boto3's, which tries once."""
        return boto3.client(
            service,
            endpoint_url=url or self.runtime_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def sagemaker(self):
        return self.client("sagemaker-runtime", read_timeout=70)

    @property
    def s3_url(self) -> str:
        return self._local.s3_url

    def s3(self):
        return self.client("s3", self.s3_url, signature_version="s3v4")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def servers(self) -> list[psutil.Process]:
        return [child for child in self.children() if "model_server" in _command(child)]

    def functions(self) -> list[psutil.Process]:
        """The environments of models that are Lambda functions; of a container, the process that is Lambda to it."""
        names = {MODEL_HANDLER, "local.function_container"}
        return [child for child in self.children() if names & set(_command(child))]


def _command(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess):  # ended between being listed and being asked
        return process.cmdline()
    return []
