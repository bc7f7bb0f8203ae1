"""What SageMaker keeps of an endpoint's requests and answers, and what its role may do for that."""

from collections.abc import Iterator
from typing import Any

from contract.media import CSV, JSON
from models.capture import DataCapture
from stacks.constructs.role import Statement
from stacks.naming import PARTITION

KEPT = "captured requests, which SageMaker names, below one prefix of one bucket"
_MODES = {"input": ["Input"], "output": ["Output"], "both": ["Input", "Output"]}


def capture_config(capture: DataCapture) -> dict[str, Any]:
    """The configuration's DataCaptureConfig. Pictures are kept as base64, JSON and CSV as they are."""
    config: dict[str, Any] = {
        "EnableCapture": True,
        "InitialSamplingPercentage": capture.percent,
        "DestinationS3Uri": f"s3://{capture.bucket}/{capture.prefix}",
        "CaptureOptions": [{"CaptureMode": mode} for mode in _MODES[capture.what]],
        "CaptureContentTypeHeader": {"JsonContentTypes": [JSON], "CsvContentTypes": [CSV]},
    }
    return config | ({"KmsKeyId": capture.kms_key_arn} if capture.kms_key_arn else {})


def keep_captured(capture: DataCapture | None) -> Iterator[Statement]:
    """What the endpoint's role needs. Without it nothing is kept, and SageMaker says nothing either."""
    if capture is None:
        return
    below = f"arn:{PARTITION}:s3:::{capture.bucket}/{capture.prefix}/*"
    yield {"Action": "s3:PutObject", "Resource": below}
    if capture.kms_key_arn:
        yield {"Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": capture.kms_key_arn}
