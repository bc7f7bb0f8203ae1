"""Limits as values: what AWS allows, what we allow, and the order in which the hops give up."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds after which each hop gives up. Each is inside the one before, so the innermost answers first."""

    gateway_s: int = 29  # API Gateway, REST, its default maximum
    function_s: int = 28
    sdk_read_s: int = 26
    container_s: int = 24
    sdk_connect_s: int = 2
    storage_read_s: int = 4  # S3, for what takes it some hundredths of a second

    def nested(self) -> bool:
        """Whether gateway > function > SDK read > container holds."""
        return self.gateway_s > self.function_s > self.sdk_read_s > self.container_s > 0


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Largest request body, in bytes, at each hop."""

    gateway: int = 10 * MIB  # API Gateway, REST
    function_event: int = 6 * MIB  # Lambda, the JSON event, body as base64
    through_function: int = 4_500_000  # raw bytes whose base64 leaves 290 kB of an event for headers
    serverless: int = 4 * MIB  # SageMaker serverless InvokeEndpoint
    realtime: int = 6 * MIB  # SageMaker InvokeEndpoint, Body in botocore's model
    upload: int = 64 * MIB  # ours, for asynchronous endpoints: SageMaker takes 1 GB there, but a body is held in memory


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a picture may be before it is decoded."""

    max_pixels: int = 50_000_000  # refused from the header
    min_side_px: int = 8


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What a clip may be; length and size are refused from its header."""

    max_duration_s: int = 20
    max_frame_pixels: int = 1920 * 1080
    sampled_frames: int = 120  # of a longer clip, evenly: finding landmarks takes up to 130 ms a frame
    max_frames: int = 300  # of a list of keypoints, whose landmarks are found already


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What a JSON request may hold."""

    max_instances: int = 64
    max_json_depth: int = 100
    max_json_values: int = 3 * MIB  # no body of 6 MiB has room for more; each takes some hundred bytes while it is read
    max_top_k: int = 1000


@dataclass(frozen=True, slots=True)
class JobLimits:
    """How long the steps of an asynchronous prediction may take, and how large what is said about it may be."""

    upload_s: int = 300  # in which an upload must begin
    queue_s: int = 21_600  # SageMaker's longest, RequestTTLSeconds
    grace_s: int = 60  # after the container has given a job up
    longest_s: int = 3600  # SageMaker's longest, InvocationTimeoutSeconds
    claim_s: int = 35  # an Idempotency-Key waits for a job to start: longer than the function that starts it can live
    poll_s: int = 5
    link_s: int = 300  # in which a result must begin to be fetched
    request_bytes: int = 16_384
    inline_result_bytes: int = 2_000_000  # inside an answer of 6 MiB, where escapes can make it three times as long
    max_key_chars: int = 255


TIMEOUTS = Timeouts()
BODIES = BodyLimits()
IMAGES = ImageLimits()
VIDEOS = VideoLimits()
REQUESTS = RequestLimits()
JOBS = JobLimits()

PUBLIC: dict[str, int | float] = {
    "max_pixels": IMAGES.max_pixels,
    "min_side_px": IMAGES.min_side_px,
    "max_instances": REQUESTS.max_instances,
    "max_duration_s": VIDEOS.max_duration_s,
    "max_frame_pixels": VIDEOS.max_frame_pixels,
    "max_frames": VIDEOS.max_frames,
    "max_key_chars": JOBS.max_key_chars,
}
"""The limits that an error's message may name, by the name it uses."""
