"""Every way a request can fail, with what the caller is told. The one table behind code, tests and docs/errors.md.

    ApiError
    ├── BadRequest            400  the request itself
    ├── Unauthenticated       401  nobody said who is asking, or it cannot be believed
    ├── Forbidden             403  who is asking
    ├── NotFound              404  nothing has that name
    ├── MethodNotAllowed      405  the path exists, the method does not
    ├── Conflict              409  the same key, another request
    ├── PayloadTooLarge       413
    ├── UnsupportedMediaType  415
    ├── UnusableMedia         422  a picture or a clip, but not one we can use
    ├── Throttled             429  too fast; try again
    ├── InternalError         500  ours: a defect
    ├── ModelFailure          502  ours: the model
    ├── Unavailable           503  not now; try again
    └── ModelTimeout          504

A leaf's `message` is a template of fixed words: only numbers and names from our own registry fill it,
never a byte that came from the client, a library or AWS.
"""

import re
from collections.abc import Iterator
from typing import ClassVar


class ApiError(Exception):
    """An answer other than 200: HTTP `status`, stable `code`, public `message`, optional `retry_after_s`."""

    status: ClassVar[int]
    message: ClassVar[str]
    case: ClassVar[str]
    retry_after_s: ClassVar[int | None] = None

    def __init__(self, **details: object) -> None:
        """`details` fill the template; whatever it does not name is ignored."""
        super().__init__(self.message.format_map(_Unfilled(details)))

    @classmethod
    def code(cls) -> str:
        """The class's name in upper snake case, for example `EMPTY_BODY`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).upper()

    def envelope(self, request_id: str) -> dict[str, dict[str, str]]:
        """The JSON body of the answer."""
        return {"error": {"code": self.code(), "message": str(self), "request_id": request_id}}


class _Unfilled(dict[str, object]):
    """Leaves out what the raiser did not know instead of failing while it reports a failure."""

    def __missing__(self, key: str) -> str:
        return f"the documented {key.replace('_', ' ')}"


class BadRequest(ApiError):
    status = 400


class EmptyBody(BadRequest):
    case = "empty body"
    message = "The body is empty. Send the image or the clip itself, or JSON that holds it."


class MalformedJson(BadRequest):
    case = "JSON that does not parse, nests past 100, or holds NaN, giant numbers or more than three million values"
    message = (
        "The body is not acceptable JSON: it must parse, nest at most 100 deep, and hold finite numbers and at most "
        "three million values."
    )


class InvalidRequest(BadRequest):
    case = "JSON of another shape than the model takes"
    message = 'Send {{"image": "<base64>"}} or {{"instances": ["<base64>", …]}} with 1 to {max_instances} images.'


class InvalidKeypoints(BadRequest):
    case = "`keypoints_list` of another shape, too long, or with anything but finite numbers"
    message = (
        'Send {{"keypoints_list": …}} as frames × 54 × 2 or frames × 2 × 54 finite numbers, '
        "with 1 to {max_frames} frames."
    )


class InvalidArray(BadRequest):
    case = "a body that is no array of finite numbers, for a script without its own input_fn"
    message = "Send finite numbers, as nested JSON lists, as CSV or as NPY, in the shape that the model takes."


class InvalidParameter(BadRequest):
    case = "`top_k` or `threshold` out of range"
    message = "Give top_k as a whole number from 1 to 1000 and threshold as a number from 0 to 1."


class InvalidBase64(BadRequest):
    case = "base64 that is not"
    message = "The image is not valid base64 (RFC 4648, standard alphabet, with padding)."


class UrlInputUnsupported(BadRequest):
    case = '`{"url": …}`'
    message = "The server opens no connection on a client's word. Send the image itself."


class InvalidUpload(BadRequest):
    case = "a request for an upload that does not say what will be uploaded"
    message = 'Send {{"content_type": "<type>"}}, or ?content_type=<type>, with one of {accepts}.'


class InvalidJob(BadRequest):
    case = "a request for a job of another shape"
    message = (
        'Send {{"upload_id": "<id>"}} and, if you like, endpoint, top_k, threshold, '
        "and accept, which is application/json or text/csv."
    )


class InvalidIdempotencyKey(BadRequest):
    case = "an `Idempotency-Key` that is empty, too long, or not printable ASCII"
    message = "Send an Idempotency-Key of 1 to {max_key_chars} printable ASCII characters, or none."


class BadHttpRequest(BadRequest):
    case = "bytes that are not HTTP/1.1, or a head over 64 KiB, at the model server"
    message = "The request is not valid HTTP/1.1. Check the length, the chunks and the headers."


class GatewayRefused(BadRequest):
    case = "any other request that the gateway refuses"
    message = "The request was refused before it reached a model. Check the path, the headers and the body."


class Unauthenticated(ApiError):
    status = 401


class InvalidToken(Unauthenticated):
    case = "a token is asked for: missing, expired or of another user pool"
    message = "Sign in again and send the identity token as Authorization: Bearer TOKEN."


class UnsignedRequest(Unauthenticated):
    case = "a signature is asked for: missing, or an unknown path or method, which API Gateway cannot tell apart"
    message = (
        "Sign the request by Signature Version 4 for the service execute-api, or check its path and method: "
        "GET /openapi.json, signed, lists them all."
    )


class Forbidden(ApiError):
    status = 403


class InvalidApiKey(Forbidden):
    case = "missing or unknown API key"
    message = "Send a valid API key in the x-api-key header."


class InvalidSignature(Forbidden):
    case = "signed by another secret or for another request, or more than five minutes ago"
    message = "The signature is not that of this request, or too old. Check the secret, the region and the clock."


class CredentialsExpired(Forbidden):
    case = "signed with credentials that have expired"
    message = "The credentials that signed the request have expired. Fetch new ones."


class AccessDenied(Forbidden):
    case = "signed with an unknown access key, or by somebody who is not allowed to call"
    message = "The caller's identity is not allowed to call this route."


class RequestFiltered(Forbidden):
    case = "refused by the web firewall: it resembles an attack, or its address is a bad one or sends too many"
    message = "The firewall refused the request: it resembles an attack, or its address sends too many. Wait 5 minutes."


class NotFound(ApiError):
    status = 404


class RouteNotFound(NotFound):
    case = "unknown path or method"
    message = "There is no such route. GET /openapi.json lists them all."


class ModelNotFound(NotFound):
    case = "unknown model"
    message = "There is no model of that name. GET /models lists what is deployed."


class EndpointNotFound(NotFound):
    case = "unknown endpoint"
    message = "The model has no endpoint of that name for this route. It has: {endpoints}."


class AsyncUnavailable(NotFound):
    case = "an upload or a job for a model without an asynchronous endpoint"
    message = "The model has no asynchronous endpoint. POST /models/NAME/predict instead."


class UploadNotFound(NotFound):
    case = "a job for an upload that is unknown, another model's, unfinished or expired"
    message = "The model has no upload of that id. POST /models/NAME/uploads, and send the file as its answer says."


class JobNotFound(NotFound):
    case = "a job that is unknown or was deleted with age"
    message = "There is no job of that id. POST /models/NAME/jobs starts one."


class MethodNotAllowed(ApiError):
    status = 405
    case = "the model server asked with another method"
    message = "The path exists, but not with this method. The Allow header names those it has."


class Conflict(ApiError):
    status = 409


class IdempotencyKeyReused(Conflict):
    case = "an `Idempotency-Key` that came before with another body"
    message = "This Idempotency-Key belongs to a request with another body. Choose a new key for a new request."


class IdempotencyKeyInUse(Conflict):
    case = "an `Idempotency-Key` whose first request is still being answered"
    message = "The first request with this Idempotency-Key is still being answered. Wait, then send it again."
    retry_after_s = 1


class PayloadTooLarge(ApiError):
    status = 413
    case = "body over the endpoint's limit"
    message = (
        "The body is larger than the limit of {max_body_bytes} bytes. Send a smaller or more compressed file, "
        "or, where the model has an asynchronous endpoint, POST /models/NAME/uploads first."
    )


class UnsupportedMediaType(ApiError):
    status = 415
    case = "missing or unknown content type, Content-Encoding, multipart, magic bytes that contradict the type"
    message = "Send one of {accepts} as Content-Type, with a body of that type and no Content-Encoding."


class UnusableMedia(ApiError):
    status = 422


class ImageUndecodable(UnusableMedia):
    case = "image that does not decode"
    message = "The image is damaged or incomplete and cannot be decoded. Save it anew as JPEG or PNG, or send another."


class ImageTooManyPixels(UnusableMedia):
    case = "too many pixels, refused from the header"
    message = "The image has more than {max_pixels} pixels. Send a smaller one."


class ImageTooSmall(UnusableMedia):
    case = "too small"
    message = "The image must be at least {min_side_px} pixels wide and high."


class ImageAnimated(UnusableMedia):
    case = "animated image"
    message = "The image is animated. Send a single frame."


class VideoUndecodable(UnusableMedia):
    case = "video that does not decode"
    message = "The video is damaged, incomplete or in an unknown codec. Send H.264 in MP4, or VP8 or VP9 in WebM."


class VideoTooLong(UnusableMedia):
    case = "video over the limits, refused from the header"
    message = "A video may last {max_duration_s} seconds and have {max_frame_pixels} pixels in each frame. Send less."


class NoPersonFound(UnusableMedia):
    case = "video in which no person is seen"
    message = "No person was found in the video. Send one in which the upper body and the hands can be seen."


class Throttled(ApiError):
    status = 429
    case = "throttled"
    message = "Too many requests at once. Wait, then try again."
    retry_after_s = 1


class InternalError(ApiError):
    status = 500
    case = "a defect in Fovea itself"
    message = "Something went wrong on our side. The request id finds it in the logs."


class ModelFailure(ApiError):
    status = 502


class ModelFailed(ModelFailure):
    case = "the model raised, or its container died"
    message = "The model failed on this request. The request id finds the reason in the logs."


class ModelOutputInvalid(ModelFailure):
    case = "the model gave NaN, Inf or a wrong shape"
    message = "The model gave an answer that is not valid, so it is withheld. Try another input, or another endpoint."


class Unavailable(ApiError):
    status = 503


class Overloaded(Unavailable):
    case = "container overloaded"
    message = "The model is serving as many requests as it can. Wait, then try again."
    retry_after_s = 1


class ModelNotReady(Unavailable):
    case = "container starting; or scaled to zero and coming back, which takes minutes (Retry-After 60 s)"
    message = "The model is starting. Wait, then try again."
    retry_after_s = 5


class ModelAtZero(ModelNotReady):
    """The same to the caller, but minutes away: a second try at once would be in vain."""

    retry_after_s = 60

    @classmethod
    def code(cls) -> str:
        """That of the case it belongs to."""
        return ModelNotReady.code()


class ModelNotDeployed(Unavailable):
    case = "endpoint creating, failed or absent"
    message = "The endpoint is not in service. Try again later, or choose another endpoint."
    retry_after_s = 30


class StorageUnavailable(Unavailable):
    case = "the storage of uploads and jobs does not answer"
    message = "Uploads and jobs cannot be reached just now. Wait, then try again."
    retry_after_s = 5


class ModelTimeout(ApiError):
    status = 504
    case = "too slow"
    message = "The model did not answer in time. Try again, or send a smaller image or a shorter clip."


def _leaves(parent: type[ApiError]) -> Iterator[type[ApiError]]:
    for child in parent.__subclasses__():
        if "case" in vars(child):
            yield child
        yield from _leaves(child)


TABLE: dict[str, type[ApiError]] = {leaf.code(): leaf for leaf in _leaves(ApiError)}
"""Code -> class, for every answer other than 200 that a caller can see, by status."""


def relayed(code: str, message: str) -> ApiError:
    """The error that another process raised and told by its code and message."""
    error = TABLE[code]()
    error.args = (message,)
    return error
