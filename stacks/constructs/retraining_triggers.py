"""What starts a model's training: a schedule, and the marker that is written after new data."""

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from models.training import NEVER, Training
from stacks.constructs.role import role
from stacks.constructs.training_storage import MARKER, TrainingStorage
from stacks.naming import attribute


def triggers(scope: Construct, training: Training, storage: TrainingStorage, machine_arn: str) -> None:
    """A rule of EventBridge for each; none where the training is started by hand alone."""
    rules: dict[str, dict[str, Any]] = {}
    if training.schedule != NEVER:
        rules["Schedule"] = {
            "Description": f"Trains {storage.model} anew.",
            "ScheduleExpression": training.schedule,
        }
    if training.on_new_data:
        rules["NewData"] = {
            "Description": f"Trains {storage.model} when all of its new data are there.",
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [storage.bucket]},
                    "object": {"key": [storage.key("data", MARKER)]},
                },
            },
        }
    if not rules:
        return
    start = {"Action": "states:StartExecution", "Resource": machine_arn}
    by = role(scope, "StartRole", service="events.amazonaws.com", statements=[start])
    target = {"Id": "Machine", "Arn": machine_arn, "RoleArn": attribute(by, "Arn")}
    for name, properties in rules.items():
        CfnResource(
            scope, name, type="AWS::Events::Rule", properties={**properties, "State": "ENABLED", "Targets": [target]}
        )
