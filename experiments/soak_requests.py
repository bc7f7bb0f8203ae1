"""What the clients of the soak ask, good and bad, how often, and what must come of it."""

import base64
import io
import json
import socket
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection

from PIL import Image

from models.registry import ROOT

MEASURED = "small picture"
GONE = "gone"
_FUNDUS = ROOT / "models" / "diabetic_retinopathy" / "samples" / "retina.jpg"
_JSON, _JPEG, _PNG = "application/json", "image/jpeg", "image/png"


@dataclass(frozen=True)
class Ask:
    """One kind of request: `share` of all in per cent; `expected` is a status and a code, or GONE."""

    name: str
    share: float
    expected: str
    body: bytes
    content_type: str | None = _JPEG
    method: str = "POST"
    path: str = "/invocations"
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: float = 1.0
    """How much of it is sent before the client goes away; 1 for one that waits for its answer."""

    def send(self, connection: HTTPConnection) -> str:
        """What came of it. Raises OSError, HTTPException when the connection breaks."""
        if self.expected == GONE:
            return self._leave(connection)
        types = {} if self.content_type is None else {"Content-Type": self.content_type}
        connection.request(self.method, self.path, self.body, {**types, **self.headers})
        answer = connection.getresponse()
        content = answer.read()
        code = "OK" if answer.status == 200 else json.loads(content)["error"]["code"]
        return f"{answer.status} {code}"

    def _leave(self, connection: HTTPConnection) -> str:
        head = f"POST {self.path} HTTP/1.1\r\nHost: x\r\nContent-Type: {self.content_type}\r\n"
        whole = f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body
        with socket.create_connection((connection.host, connection.port)) as client:
            client.sendall(whole[: int(len(whole) * self.sent)])
        return GONE


def asks() -> list[Ask]:
    """All kinds; three quarters of the requests are good."""
    photograph = _FUNDUS.read_bytes()
    small = _jpeg((224, 224))
    large = _jpeg((3000, 2250))
    three = json.dumps({"instances": [base64.b64encode(small).decode()] * 3}).encode()
    deep = b'{"image": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    return [
        Ask(MEASURED, 60, "200 OK", small),
        Ask("photograph", 6, "200 OK", photograph),
        Ask("large photograph", 2, "200 OK", large),
        Ask("three in JSON", 5, "200 OK", three, _JSON),
        Ask("as CSV", 2, "200 OK", small, headers={"Accept": "text/csv"}),
        Ask("cut", 4, "422 IMAGE_UNDECODABLE", photograph[: len(photograph) // 2]),
        Ask("garbage after the first bytes", 2, "422 IMAGE_UNDECODABLE", small[:3] + bytes(5000)),
        Ask("bomb", 2, "422 IMAGE_TOO_MANY_PIXELS", _bomb(), _PNG),
        Ask("too small", 1, "422 IMAGE_TOO_SMALL", _jpeg((4, 4))),
        Ask("another type than it says", 2, "415 UNSUPPORTED_MEDIA_TYPE", small, _PNG),
        Ask("text", 1, "415 UNSUPPORTED_MEDIA_TYPE", b"text", "text/plain"),
        Ask("broken JSON", 2, "400 MALFORMED_JSON", b'{"image": ', _JSON),
        Ask("deep JSON", 1, "400 MALFORMED_JSON", deep, _JSON),
        Ask("no base64", 1, "400 INVALID_BASE64", b'{"image": "!!!!"}', _JSON),
        Ask("nothing", 1, "400 EMPTY_BODY", b""),
        Ask("unknown route", 1, "404 ROUTE_NOT_FOUND", b"", None, "GET", "/nowhere"),
        Ask("another method", 1, "405 METHOD_NOT_ALLOWED", b"", None, "GET"),
        Ask("ping", 2, "200 OK", b"", None, "GET", "/ping"),
        Ask("gone amid the body", 2, GONE, photograph, sent=0.5),
        Ask("gone before the answer", 2, GONE, small),
    ]


def _jpeg(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    with Image.open(_FUNDUS) as fundus:
        fundus.convert("RGB").resize(size).save(out, "JPEG", quality=90)
    return out.getvalue()


def _bomb() -> bytes:
    """The header of a 1-bit PNG of 50,000 x 50,000 pixels, and some of its rows."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 1, 0, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(10**6)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in [*chunks, (b"IEND", b"")]
    )
