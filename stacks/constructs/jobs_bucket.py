"""A bucket for what comes and goes with jobs: private, and forgetful."""

from aws_cdk import CfnResource
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.private_bucket import policy_of, private_bucket
from stacks.stage import Stage

_FORMS = {"AllowedMethods": ["POST"], "AllowedOrigins": ["*"], "AllowedHeaders": ["*"], "MaxAge": 3600}
_ABANDONED_DAYS = 1  # an upload in parts that nobody has finished


def jobs_bucket(
    scope: Construct, id: str, *, name: str, expiration_days: int, stage: Stage, takes_forms: bool = False
) -> CfnResource:
    """The bucket `name`, whose objects go after `expiration_days`, at the next midnight (UTC).

    Where it `takes_forms`, a page may send one: any page, since the form itself is what lets it in.
    """
    expiry = {"Id": "Expire", "Status": "Enabled", "ExpirationInDays": expiration_days}
    abandoned = {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _ABANDONED_DAYS}}
    forms = {"CorsConfiguration": {"CorsRules": [_FORMS]}} if takes_forms else {}
    rules = {"Rules": [expiry | abandoned]}
    bucket = private_bucket(scope, id, name=name, **forms, LifecycleConfiguration=rules)
    bucket.apply_removal_policy(stage.removal_policy)
    acknowledge(
        bucket, "S1", "access logs would outlive the objects they name; who asked for a job, the API's log says"
    )
    policy_of(scope, f"{id}Policy", bucket)
    return bucket
