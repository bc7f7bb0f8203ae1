"""The [endpoints.NAME.data_capture] table: which requests and answers are kept, and where."""

from typing import Annotated, Literal

from pydantic import Field

from models.drift import Drift
from models.instances import KmsKeyArn
from models.table import Table

BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")]

REFUSED_BY_CAPTURE = {
    "s3_uri": "give the bucket's name as bucket, and a prefix in it as prefix",
    "lifecycle": "the bucket is yours, and so is how long it keeps anything; set it there",
}


class DataCapture(Table):
    """Keeps a part of the requests and answers in a bucket of yours, as SageMaker's lines of JSON.

    A request holds a picture, which may be personal data: nothing is kept without this table, and who may read the
    bucket and how long it keeps anything is the bucket's owner's to say.
    """

    bucket: BucketName = Field(description="The name of a bucket of this account and region, without `s3://`.")
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", max_length=400)] = Field(
        "captured",
        description="Where in the bucket, without a slash at either end; below it SageMaker adds the endpoint's name.",
    )
    percent: Annotated[int, Field(ge=1, le=100)] = Field(description="Of the requests: 1 to 100.")
    what: Literal["both", "input", "output"] = Field(
        "both", description="`input` keeps requests, `output` answers, `both` each."
    )
    kms_key_arn: KmsKeyArn | None = Field(
        None, description="ARN of the KMS key that encrypts what is kept; without it the bucket's own encryption does."
    )
    drift: Drift | None = Field(
        None, description="Whether it is compared with what the model was trained on; a table of its own below."
    )
