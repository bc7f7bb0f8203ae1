"""One connection to a model server, kept open: a client that costs little, since it shares the server's cores."""

import http.client
import json
import time
from http import HTTPStatus
from urllib.parse import urlsplit

from contract.options import HEADER
from experiments.batch.errors import ServerFault

TIMEOUT_S = 630.0  # longer than any server's own
PATIENCE_S = 300.0  # with a server that says it is busy, or not ready yet
LONGEST_PAUSE_S = 30.0
_PASSES = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_BROKEN = (http.client.HTTPException, ConnectionError)


class Client:
    """Asks one server, one question at a time."""

    def __init__(self, url: str, attributes: str = "") -> None:
        """`attributes` goes with each question, as SageMaker's custom attributes do."""
        self._url = url
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        self._path = f"{parts.path.rstrip('/')}/invocations"
        self._headers = {HEADER: attributes} if attributes else {}

    def ask(self, body: bytes, media_type: str) -> object:
        """The answer's JSON, an error's too. Waits as the server asks for. Raises ServerFault."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            status, content, pause_s = self._ask(body, media_type)
            if status not in _PASSES:
                break
            if time.monotonic() + pause_s > deadline:
                raise ServerFault(f"{self._url}: answers {status} for {PATIENCE_S:g} s; run the same again to go on")
            time.sleep(pause_s)
        try:
            answer: object = json.loads(content)
        except ValueError as error:
            raise ServerFault(f"{self._url}: answers {status} without JSON; is it a model server?") from error
        return answer

    def _ask(self, body: bytes, media_type: str) -> tuple[int, bytes, float]:
        """Once more on a new connection where the server has closed the old one meanwhile."""
        try:
            try:
                return self._once(body, media_type)
            except _BROKEN:
                self._connection.close()
                return self._once(body, media_type)
        except (http.client.HTTPException, OSError) as error:
            raise ServerFault(f"{self._url}: no answer; start the server, and run the same again to go on") from error

    def _once(self, body: bytes, media_type: str) -> tuple[int, bytes, float]:
        self._connection.request("POST", self._path, body, {**self._headers, "Content-Type": media_type})
        answer = self._connection.getresponse()
        content = answer.read()
        asked = answer.headers.get("Retry-After", "1")
        return answer.status, content, min(float(asked) if asked.isdigit() else 1.0, LONGEST_PAUSE_S)
