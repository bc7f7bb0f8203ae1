"""The middle of a run: the gate, the model's entry in the registry, and a person's word where it is asked for."""

from typing import Any

from contract.media import CSV, JSON
from models.registry import accepted
from stacks.constructs.retraining import DIGEST, Retraining
from stacks.constructs.retraining_jobs import evaluation_key
from stacks.constructs.states import State, States, assign, choose, invoke, task, telling
from stacks.constructs.training_storage import EVALUATION

REJECTED = "ApprovalRejected"
"""The error with which somebody's no arrives (SendTaskFailure); experiments.approve sends it."""

_REGISTERED = "$.registered.package"
_OF_GATE = ("outcome", "reason", "metrics")


def decided(of: Retraining) -> States:
    """A candidate that is worse ends here; another is registered, and approved by the measures or by a person."""
    hours = of.training.approval_timeout_hours
    return {
        "Gate": invoke(
            of.functions.gate,
            {"key.$": evaluation_key(of)},
            then="IsWorse",
            otherwise=telling("GateFailed"),
            keep="$.verdict",
            ResultSelector={f"{key}.$": f"$.Payload.{key}" for key in _OF_GATE},
        ),
        "IsWorse": choose([_outcome("halt", telling("CandidateWorse"))], "NoteLineage"),
        "NoteLineage": assign(_lineage(of), then="Register", keep="$.lineage"),
        "Register": task(
            "aws-sdk:sagemaker:createModelPackage",
            _package(of),
            then="WhoDecides" if not _always(of) else "AskForApproval",
            otherwise=telling("RegistrationFailed"),
            keep="$.registered",
            ResultSelector={"package.$": "$.ModelPackageArn"},
        ),
        **({} if _always(of) else {"WhoDecides": choose([_outcome("approve", "AskForApproval")], "Approve")}),
        "AskForApproval": _approval(of, hours),
        "Approve": _marked("Approved", "$.verdict.reason", then="Update", otherwise=telling("RegistrationFailed")),
        "Reject": _marked(
            "Rejected", "$.failure.Cause", then=telling(REJECTED), otherwise=telling("RegistrationFailed")
        ),
    }


def rejected_after(reason: str, then: str) -> State:
    """Marks what has failed in service; when the registry cannot be told, the rest goes on."""
    parameters = {
        "ModelPackageArn.$": _REGISTERED,
        "ModelApprovalStatus": "Rejected",
        "ApprovalDescription": reason,
    }
    marked = task("aws-sdk:sagemaker:updateModelPackage", parameters, then=then, otherwise=then)
    marked["Catch"][0]["ResultPath"] = None  # why it was rolled back is what the topic should be told
    return marked


def _always(of: Retraining) -> bool:
    return of.training.approval == "always" or of.stage.approves_models


def _outcome(outcome: str, then: str) -> dict[str, str]:
    return {"Variable": "$.verdict.outcome", "StringEquals": outcome, "Next": then}


def _lineage(of: Retraining) -> dict[str, Any]:
    """From what the candidate came. The code's version is its image's tag, the hash of all that is in it."""
    return {
        "data:uri.$": "$.data.uri",
        "data:sha256.$": "$.data.sha256",
        "code:image-tag": of.image.tag,
        "code:image-digest.$": DIGEST,
        "run.$": "$.run",
        "replaces.$": "$.current.archive",
        "model:version": of.model.spec.model.version,
    }


def _package(of: Retraining) -> dict[str, Any]:
    container = {"Image": of.serving_image_uri, "ModelDataUrl.$": "$.candidate.archive"}
    quality = {"ContentType": JSON, "S3Uri.$": of.of_run(of.storage.uri("evaluations", "{}", EVALUATION))}
    return {
        "ModelPackageGroupName": of.group,
        "ModelPackageDescription.$": "$.verdict.reason",
        "ModelApprovalStatus": "PendingManualApproval",
        "InferenceSpecification": {
            "Containers": [container],
            "SupportedContentTypes": list(accepted(of.model.spec)),
            "SupportedResponseMIMETypes": [JSON, CSV],
        },
        "ModelMetrics": {"ModelQuality": {"Statistics": quality}},
        "SkipModelValidation": "All",  # it would need rights on the archive and the image; the endpoint tries both
        "CustomerMetadataProperties.$": "States.JsonMerge($.lineage, $.verdict.metrics, false)",
    }


def _approval(of: Retraining, hours: int) -> State:
    """Tells the topic, and waits for the token to come back: it is in the execution's history, and in no message."""
    said = {
        "kind": "asked",
        "state": "AskForApproval",
        "hours": hours,
        "token.$": "$$.Task.Token",
        "run.$": "$.run",
        "execution.$": "$$.Execution.Id",
        "input.$": "$",
    }
    return invoke(
        of.functions.tell,
        said,
        action="lambda:invoke.waitForTaskToken",
        then="Approve",
        otherwise=telling("ApprovalFailed"),
        keep="$.approval",
        TimeoutSeconds=hours * 3600,
        Catch=[
            {"ErrorEquals": [REJECTED], "ResultPath": "$.failure", "Next": "Reject"},
            {"ErrorEquals": ["States.Timeout"], "ResultPath": None, "Next": telling("ApprovalTimedOut")},
        ],
    )


def _marked(status: str, reason: str, *, then: str, otherwise: str) -> State:
    parameters = {"ModelPackageArn.$": _REGISTERED, "ModelApprovalStatus": status, "ApprovalDescription.$": reason}
    return task("aws-sdk:sagemaker:updateModelPackage", parameters, then=then, otherwise=otherwise)
