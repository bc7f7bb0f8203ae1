"""A bucket that is private, encrypted, and spoken to by TLS alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from stacks.naming import attribute


def private_bucket(scope: Construct, id: str, *, name: str, **more: Any) -> CfnResource:
    """The bucket `name`, with `more` properties. Its policy is `policy_of`'s."""
    encryption = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    return CfnResource(
        scope,
        id,
        type="AWS::S3::Bucket",
        properties={
            "BucketName": name,
            "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]},
            **more,
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": True,
                "BlockPublicPolicy": True,
                "IgnorePublicAcls": True,
                "RestrictPublicBuckets": True,
            },
        },
    )


def policy_of(scope: Construct, id: str, bucket: CfnResource, allowed: Sequence[Mapping[str, Any]] = ()) -> CfnResource:
    """The policy of `bucket`: nothing but by TLS, and what else is `allowed` to whom."""
    arn = attribute(bucket, "Arn")
    only_by_tls = {
        "Sid": "OnlyByTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    statements = [only_by_tls, *({"Effect": "Allow", **statement} for statement in allowed)]
    return CfnResource(
        scope,
        id,
        type="AWS::S3::BucketPolicy",
        properties={"Bucket": bucket.ref, "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}},
    )
