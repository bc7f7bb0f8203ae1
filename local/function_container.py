"""One Lambda execution environment as a container of its image: an emulation of Lambda's runtime API.

Runs as a script in a process of its own, in the place of function_worker.py, and speaks the same frames on stdin and
stdout. Between them and the image's runtime interface client it is what Lambda is (Lambda developer guide, "Using the
Lambda runtime API"): the client asks for the next event, and posts its answer or its error. The container is ended when
stdin closes; were this process killed, it would find nobody to ask, and end by itself.
"""

import json
import os
import subprocess
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from threading import Thread
from typing import Any, BinaryIO, ClassVar

from images.docker import PROGRAM, engine_says
from local.function_worker import read_frame, write_frame

_API = "/2018-06-01/runtime"
_MB_OF_A_CPU = 1769  # Lambda developer guide, "Configure Lambda function memory"
_LIMITS = ("--read-only", "--tmpfs", "/tmp:size=512m,mode=1777", "--user", "993:990")  # noqa: S108 as Lambda runs it


class RuntimeApi(BaseHTTPRequestHandler):
    """What Lambda offers to a runtime. One client asks, one thing at a time, over one connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or the body would wait 40 ms for the headers' acknowledgement
    events: ClassVar[BinaryIO] = sys.stdin.buffer
    answers: ClassVar[BinaryIO] = sys.stdout.buffer
    timeout_s: ClassVar[float] = 3.0
    container: ClassVar[str] = ""
    is_initialised: ClassVar[bool] = False

    def do_GET(self) -> None:
        """The next event, when there is one."""
        if not RuntimeApi.is_initialised:
            RuntimeApi.is_initialised = True
            write_frame(self.answers, b"")
        event = read_frame(self.events)
        if event is None:
            engine_says("kill", self.container)
            return
        deadline_ms = int((time.time() + self.timeout_s) * 1000)
        self._answer(
            200,
            event,
            {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:local",
            },
        )

    def do_POST(self) -> None:
        """The answer to the event, the error that the handler raised, or the one that kept it from starting."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/response"):
            write_frame(self.answers, b'{"answer": ' + body + b"}")
        elif not self.path.endswith("/init/error"):
            write_frame(self.answers, json.dumps({"error": json.loads(body).get("errorType", "Unknown")}).encode())
        self._answer(202, b'{"status": "OK"}')

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        always = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }  # the client dies without a type
        for name, value in {**always, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing: the function's own lines are the log."""


def main(tag: str, timeout_s: float, memory_mb: str, *environment: str) -> int:
    """Serves events until stdin closes; the exit code of the container."""
    RuntimeApi.timeout_s, RuntimeApi.container = timeout_s, f"fovea-function-{uuid.uuid4().hex[:12]}"
    server, host = _listen()
    Thread(target=server.serve_forever, daemon=True).start()
    variables = (f"AWS_LAMBDA_RUNTIME_API={host}:{server.server_port}", *environment)
    cpus = min(int(memory_mb) / _MB_OF_A_CPU, os.cpu_count() or 1)
    limits = [*_LIMITS, "--memory", f"{memory_mb}m", "--cpus", f"{cpus:.2f}"]
    command = [PROGRAM, "run", "--rm", "--name", RuntimeApi.container, *limits]
    command += [word for variable in variables for word in ("--env", variable)]
    return subprocess.run([*command, tag], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode


def bridge_address(gateway: str, subnet: str) -> str:
    """This machine's address on the engine's bridge; the network names no gateway until the engine starts anew."""
    return gateway or str(next(ip_network(subnet).hosts()))


def _listen() -> tuple[HTTPServer, str]:
    """A server that containers reach and other machines do not, and its address as containers see it."""
    named = "{{with index .IPAM.Config 0}}{{.Gateway}},{{.Subnet}}{{end}}"
    gateway = bridge_address(*engine_says("network", "inspect", "bridge", "--format", named).split(","))
    try:
        return HTTPServer((gateway, 0), RuntimeApi), gateway
    except OSError:  # the engine runs in a virtual machine, which forwards to this one
        return HTTPServer(("127.0.0.1", 0), RuntimeApi), "host.docker.internal"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], float(sys.argv[2]), *sys.argv[3:]))
