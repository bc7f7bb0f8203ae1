"""Content types: which ones each task accepts, and what a request really sends.

One reading for both ends: the proxy refuses early, before a cold endpoint is woken, and the model
server refuses again for those who call it directly.
"""

from collections.abc import Sequence

from contract.errors import UnsupportedMediaType

JSON = "application/json"
CSV = "text/csv"
IMAGES = ("image/jpeg", "image/png", "image/webp")

ACCEPTS: dict[str, tuple[str, ...]] = {"image-classification": (*IMAGES, JSON)}
"""Task -> content types of a request."""


def media_type(content_type: str | None, content_encoding: str | None, accepts: Sequence[str]) -> str:
    """The request's media type without parameters, in lower case, when `accepts` holds it.

    Raises UnsupportedMediaType for a missing or unknown type and for any Content-Encoding but identity.
    """
    name = (content_type or "").partition(";")[0].strip().lower()
    name = "image/jpeg" if name == "image/jpg" else name
    encoded = (content_encoding or "identity").strip().lower() != "identity"
    if encoded or name not in accepts:
        raise UnsupportedMediaType(accepts=", ".join(accepts))
    return name


def sniff(body: bytes) -> str | None:
    """The image type that the first bytes announce, or None."""
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "image/webp"
    return None
