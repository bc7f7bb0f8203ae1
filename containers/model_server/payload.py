"""What a request body holds: the images as bytes, and what the caller asks of the answer."""

import base64
from dataclasses import dataclass

from contract.errors import EmptyBody, InvalidBase64, InvalidRequest, UnsupportedMediaType, UrlInputUnsupported
from contract.limits import REQUESTS
from contract.media import IMAGES, JSON, sniff
from contract.options import Options
from model_server import strict_json


@dataclass(frozen=True, slots=True)
class Payload:
    """Encoded images, each of an accepted type; `is_batch` when the caller sent `instances` and expects as many."""

    images: tuple[bytes, ...]
    options: Options
    is_batch: bool = False


def read_payload(body: bytes, media_type: str, asked: Options) -> Payload:
    """Reads `body`. Options inside it win over `asked`, which came by header.

    Raises EmptyBody, MalformedJson, InvalidRequest, InvalidParameter, InvalidBase64, UrlInputUnsupported, or
    UnsupportedMediaType for bytes that are another type than announced.
    """
    if not body:
        raise EmptyBody
    if media_type != JSON:
        if sniff(body) != media_type:
            raise UnsupportedMediaType(accepts=", ".join((*IMAGES, JSON)))
        return Payload((body,), asked)
    request = strict_json.parse(body)
    if not isinstance(request, dict):
        raise _wrong_shape()
    if "url" in request:
        raise UrlInputUnsupported
    if ("image" in request) == ("instances" in request):
        raise _wrong_shape()
    is_batch = "instances" in request
    encoded = request["instances"] if is_batch else [request["image"]]
    if not isinstance(encoded, list) or not 1 <= len(encoded) <= REQUESTS.max_instances:
        raise _wrong_shape()
    options = Options.read(request).over(asked)
    return Payload(tuple(_image(item) for item in encoded), options, is_batch)


def _image(encoded: object) -> bytes:
    if isinstance(encoded, dict) and "url" in encoded:
        raise UrlInputUnsupported
    if not isinstance(encoded, str):
        raise _wrong_shape()
    try:
        image = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise InvalidBase64 from error
    if not image:
        raise EmptyBody
    if sniff(image) not in IMAGES:
        raise UnsupportedMediaType(accepts=", ".join(IMAGES))
    return image


def _wrong_shape() -> InvalidRequest:
    return InvalidRequest(max_instances=REQUESTS.max_instances)
