"""Content types: which ones each task accepts, what a request really sends, and which it wants back.

One reading for both ends: the proxy refuses early, before a cold endpoint is woken, and the model
server refuses again for those who call it directly.
"""

from collections.abc import Sequence

from contract.errors import UnsupportedMediaType

JSON = "application/json"
JSON_LINES = "application/jsonlines"  # a batch transform's; no client's of the API
CSV = "text/csv"
IMAGES = ("image/jpeg", "image/png", "image/webp")
VIDEOS = ("video/mp4", "video/webm")

ACCEPTS: dict[str, tuple[str, ...]] = {
    "image-classification": (*IMAGES, JSON),
    "object-detection": (*IMAGES, JSON),
    "pose-sequence-classification": (JSON, *VIDEOS),
}
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
    """The image or video type that the first bytes announce, or None."""
    if body.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if body.startswith(b"RIFF") and body[8:12] == b"WEBP":
        return "image/webp"
    if body[4:8] == b"ftyp":  # ISO 14496-12, 4.3
        return "video/mp4"
    if body.startswith(b"\x1a\x45\xdf\xa3"):  # EBML (RFC 8794), of which WebM is a profile
        return "video/webm"
    return None


def wants_csv(accept: str | None) -> bool:
    """Whether an Accept header prefers CSV to JSON (RFC 9110, 12.5.1); one that allows neither gets JSON."""
    quality = dict(_media_range(item) for item in (accept or "").lower().split(","))
    for_csv = quality.get(CSV, quality.get("text/*", 0.0))
    for_json = quality.get(JSON, quality.get("application/*", quality.get("*/*", 0.0)))
    only_csv_is_named = CSV in quality and JSON not in quality
    return for_csv > for_json or (for_csv == for_json > 0 and only_csv_is_named)


def wants_lines(accept: str | None) -> bool:
    """Whether JSON lines, and nothing else, are asked for."""
    return (accept or "").partition(";")[0].strip().lower() == JSON_LINES


def _media_range(item: str) -> tuple[str, float]:
    name, *parameters = (part.strip() for part in item.split(";"))
    given = next((value[2:] for value in parameters if value.startswith("q=")), "1")
    try:
        return name, float(given)
    except ValueError:
        return name, 0.0
