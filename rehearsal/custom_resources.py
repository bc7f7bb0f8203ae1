"""Custom resources: the function that the template names is run, and what it answers is what becomes of them.

moto would run it in Docker. Here its deployed package runs as a process of its own, with moto for AWS.
"""

import io
import json
import subprocess
import sys
import tempfile
import uuid
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from moto.awslambda.models import lambda_backends

from rehearsal.gaps import Properties, Resource

_WAIT_S = 60
_CALL = """
import importlib, json, sys
module, name = sys.argv[1].rsplit(".", 1)
getattr(importlib.import_module(module), name)(json.load(sys.stdin), None)
"""


class _Answers(HTTPServer):
    """What stands behind a ResponseURL, for one answer."""

    timeout = _WAIT_S
    given: dict[str, Any] | None = None


class _Taking(BaseHTTPRequestHandler):
    server: _Answers

    def do_PUT(self) -> None:
        self.server.given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()


class CustomResource(Resource):
    """One resource of a type of our own."""

    endpoint_url: str

    def __init__(self, function: Any, event: dict[str, Any]) -> None:
        self._function, self._event = function, event
        super().__init__({"Ref": self._asked("Create")["PhysicalResourceId"]})

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,  # noqa: ARG003
        cloudformation_json: Properties,
        account_id: str,
        region_name: str,
        **more: Any,
    ) -> "CustomResource":
        """As the function answers."""
        given = cloudformation_json["Properties"]
        function = lambda_backends[account_id][region_name].get_function(given["ServiceToken"])
        event = {
            "StackId": more["StackId"],
            "LogicalResourceId": more["LogicalId"],
            "ResourceType": more["ResourceType"],
            "ResourceProperties": given,
        }
        return cls(function, event)

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource: "CustomResource", cloudformation_json: Properties, **_: Any
    ) -> "CustomResource":
        """The same one, asked to be another."""
        original_resource._event["ResourceProperties"] = cloudformation_json["Properties"]
        original_resource._asked("Update")
        return original_resource

    def delete(self, _account: str, _region: str) -> None:
        """By the function as it is remembered: moto deletes in any order, CloudFormation this one first."""
        self._asked("Delete")

    def _asked(self, what: str) -> dict[str, Any]:
        with _Answers(("127.0.0.1", 0), _Taking) as server, tempfile.TemporaryDirectory() as package:
            waiting = Thread(target=server.handle_request)
            waiting.start()
            url = f"http://127.0.0.1:{server.server_port}/"
            event = {**self._event, "RequestType": what, "RequestId": str(uuid.uuid4()), "ResponseURL": url}
            zipfile.ZipFile(io.BytesIO(self._function.code_bytes)).extractall(package)
            self._run(package, event)
            waiting.join()
        if server.given is None or server.given["Status"] != "SUCCESS":
            raise RuntimeError(f"{self._event['LogicalResourceId']}: {server.given}")
        return server.given

    def _run(self, package: str, event: dict[str, Any]) -> None:
        environment = {
            **self._function.environment_vars,
            "PYTHONPATH": package,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": self._function.region,
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
        }
        command = [sys.executable, "-c", _CALL, self._function.handler]
        subprocess.run(
            command, cwd=package, env=environment, input=json.dumps(event), text=True, timeout=_WAIT_S, check=True
        )
