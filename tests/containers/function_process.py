"""The model as a Lambda function in a process of its own, as the local run starts it, and how tests call it."""

import asyncio
import base64
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.options import HEADER
from local.assembly import Function
from local.function import LocalFunction
from local.launch import MODEL_HANDLER, Launch, function_process
from tests.containers.server_process import ROOT


@dataclass(frozen=True)
class Reply:
    """The function's answer, as tests look at it."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def code(self) -> str | None:
        """The error's code, after checking that the envelope is whole."""
        if self.status == 200:
            return None
        error = self.json()["error"]
        assert sorted(error) == ["code", "message", "request_id"]
        assert error["request_id"] == self.headers["x-request-id"]
        return error["code"]

    def json(self) -> Any:
        return json.loads(self.text)


class FunctionProcess:
    """One execution environment and its successors."""

    def __init__(self, launch: Launch, timeout_s: int, log: Path) -> None:
        self._log = log
        self._file = log.open("ab")
        self.local = LocalFunction(launch, timeout_s, self._file)
        self._loop = asyncio.new_event_loop()
        self.is_closed = False

    def invoke(self, event: object) -> Any:
        return self._loop.run_until_complete(self.local.invoke(event))

    def reply(self, event: object) -> Reply:
        answer = self.invoke(event)
        assert set(answer) == {"statusCode", "headers", "body", "isBase64Encoded"}
        return Reply(answer["statusCode"], answer["headers"], answer["body"])

    def direct(self, body: bytes, media_type: str | None = "image/png", attributes: str = "", **headers: str) -> Reply:
        """As the proxy calls it."""
        given = {"content-type": media_type} if media_type else {}
        given |= {HEADER: attributes} | {name.replace("_", "-"): value for name, value in headers.items()}
        encoded = base64.b64encode(body).decode()
        return self.reply({"headers": given, "body": encoded, "isBase64Encoded": True})

    def url(self, method: str = "POST", path: str = "/", body: bytes | str = b"", **more: Any) -> Reply:
        """As a client of the function's URL does: payload format 2.0."""
        is_text = isinstance(body, str)
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "headers": more.pop("headers", {"content-type": "image/png"}),
            "requestContext": {"http": {"method": method, "path": path}, "requestId": "url-request-1"},
            "isBase64Encoded": not is_text and bool(body),
        }
        event |= {"body": body if is_text else base64.b64encode(body).decode()} if body else {}
        query = more.pop("query", None)
        event |= {"queryStringParameters": query} if query else {}
        return self.reply(event | more)

    def log_lines(self) -> list[dict]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def close(self) -> None:
        self.is_closed = True
        self._loop.run_until_complete(self.local.stop())
        self._loop.close()
        self._file.close()


@contextmanager
def function(
    model_dir: Path, log: Path, timeout_s: int = 20, python: Path = Path(sys.executable), **environment: str
) -> Iterator[FunctionProcess]:
    """A function for the model in `model_dir` while entered; it starts with the first call."""
    path = {"PYTHONPATH": f"{ROOT / 'containers'}{os.pathsep}{ROOT}", "SM_MODEL_DIR": str(model_dir)}
    launch = function_process(Function(ROOT, MODEL_HANDLER, environment, timeout_s, 2048), "test", path, python)
    process = FunctionProcess(launch, timeout_s, log)
    try:
        yield process
    finally:
        process.close()
