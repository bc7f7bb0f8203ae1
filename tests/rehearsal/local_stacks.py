"""The two stacks of a training's run: of its own the functions, each as a process, and the model's as a local run."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

from experiments.local_run import DidNotStart, Local, start_local
from rehearsal.states import payload
from tests.rehearsal.local_jobs import MODEL, bucket_and_key
from tests.stacks.assembly import Stack
from tests.stacks.retraining import UNKNOWN, resolved_text

_CALL = """
import importlib, json, sys
module, name = sys.argv[1].rsplit(".", 1)
try:
    answer = {"answer": getattr(importlib.import_module(module), name)(json.load(sys.stdin), None)}
except Exception as error:
    answer = {"error": {"errorType": type(error).__name__, "errorMessage": str(error)}}
json.dump(answer, sys.stdout)
"""


class Functions:
    """The functions of the stack, each run from its package as synth wrote it."""

    def __init__(self, stack: Stack, folder: Path, told: Mapping[str, str]) -> None:
        """`told` has what only AWS knows, such as a topic's ARN, by its logical id."""
        self._folder, self._told, self.environment = folder, told, dict[str, str]()
        self._functions = {f"{UNKNOWN}{name}": each["Properties"] for name, each in stack.resources("Lambda::Function")}

    def invoke(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        function = self._functions[parameters["FunctionName"]]
        (package,) = self._folder.glob(f"asset.{function['Code']['S3Key'].removesuffix('.zip')}")
        variables = function.get("Environment", {}).get("Variables", {})
        done = subprocess.run(
            [sys.executable, "-c", _CALL, function["Handler"]],
            cwd=package,
            env={
                **{name: self._resolved(value) for name, value in variables.items()},
                "PYTHONPATH": str(package),
                **self.environment,
            },
            input=parameters["Payload"],
            capture_output=True,
            timeout=120,
            check=True,
        )
        said = json.loads(done.stdout)
        return payload(said.get("answer"), said.get("error"))

    def _resolved(self, value: Any) -> str:
        text = resolved_text(value)
        return self._told.get(text.removeprefix(UNKNOWN), text)


class ModelStack:
    """The model's stack as CloudFormation tells of it: a local run, started anew with the archive it is given."""

    def __init__(self, root: Path, room: Path, s3: Any, functions: Functions) -> None:
        self._root, self._room, self._s3, self._functions = root, room, s3, functions
        self._running = contextlib.ExitStack()
        self.local: Local | None = None
        self.archive, self.status = "s3://deployed", "CREATE_COMPLETE"
        self.updates: list[str] = []

    def describe(self, _parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        served = "s3://assets/own.gz" if self.archive == "s3://deployed" else self.archive
        stack = {
            "StackStatus": self.status,
            "Parameters": [{"ParameterKey": "ModelArchive", "ParameterValue": self.archive}],
            "Outputs": [
                {"OutputKey": "serverlessEndpointName", "OutputValue": "fovea-dev-face-mask-serverless"},
                {"OutputKey": "ServedArchive", "OutputValue": served},
            ],
        }
        return {"Stacks": [stack]}

    def update(self, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        (given,) = parameters["Parameters"]
        self.archive, self.status = given["ParameterValue"], "UPDATE_IN_PROGRESS"
        self.updates.append(self.archive)
        Thread(target=self._serve, daemon=True).start()
        return {"StackId": f"{parameters['StackName']}/1"}

    def _serve(self) -> None:
        self._running.close()
        arguments = []
        if self.archive != "s3://deployed":
            file = self._room / f"{len(self.updates)}.tar.gz"
            self._s3.download_file(*bucket_and_key(self.archive), str(file))
            arguments = [f"--archive={MODEL}={file}"]
        state = self._room / f"local-{len(self.updates)}"
        try:
            self.local = self._running.enter_context(start_local(state, *arguments, root=self._root))
        except DidNotStart:
            self.status = "UPDATE_ROLLBACK_COMPLETE"
            raise
        self._functions.environment["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] = self.local.runtime_url
        self.status = "UPDATE_COMPLETE"

    def stop(self) -> None:
        self._running.close()
