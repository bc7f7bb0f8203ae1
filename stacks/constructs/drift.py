"""Drift of one endpoint: a schedule, the processing job that it starts in the model's image, and an alarm.

EventBridge Scheduler calls CreateProcessingJob itself, so nothing of ours runs between the jobs.
"""

import json
from pathlib import Path
from typing import Any

from aws_cdk import CfnResource
from aws_cdk.aws_s3_assets import Asset
from constructs import Construct

from models.capture import DataCapture
from models.drift import Drift
from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.model_image import ModelImage
from stacks.constructs.role import Statement, role
from stacks.naming import PARTITION, alarm_topic_arn, arn, attribute, metrics_namespace
from stacks.stage import Stage

METRIC = "Drift"  # monitoring.drift.METRIC, which a test holds
DAY_S = 86_400  # CloudWatch's longest period
_ROOM = "/opt/ml/processing"
_JOB = "drift-<aws.scheduler.execution-id>"
_INSTANCE, _VOLUME_GB, _LONGEST_S = "ml.m5.large", 30, 3600
_LOGS = "/aws/sagemaker/ProcessingJobs"  # SageMaker's name, for all jobs of the account


class DriftCheck(Construct):
    """Compares what the endpoint `name` captures with the baseline in `folder`, the model's, every so many days."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        model: str,
        endpoint: str,
        capture: DataCapture,
        drift: Drift,
        folder: Path,
        image: ModelImage,
        stage: Stage,
    ) -> None:
        """`model` and `endpoint` are what the metric is told of, as the proxy's own are."""
        super().__init__(scope, id)
        baseline = Asset(self, "Baseline", path=str(folder / drift.baseline), display_name=f"{model}/{drift.baseline}")
        below, told = f"{capture.prefix}/{name}", f"{capture.prefix}-drift/{name}"
        job_role = role(
            self,
            "JobRole",
            service="sagemaker.amazonaws.com",
            acts_for=arn("sagemaker", "processing-job/drift-*"),
            statements=[
                *_objects(capture, below, told),
                {"Action": "s3:GetObject", "Resource": _object_arn(baseline.s3_bucket_name, baseline.s3_object_key)},
                *_image_and_log(image.repository_arn),
            ],
        )
        acknowledge(job_role, "IAM5[Resource::*]", "AWS offers no resource for ECR's token")
        acknowledge(
            job_role,
            "IAM5[Resource::arn:",
            "captured requests, their report and the job's log streams, which SageMaker names, below one prefix each",
        )
        request = _request(attribute(job_role, "Arn"), image.uri)
        arguments = ["check", f"{_ROOM}/captured", "--baseline", f"{_ROOM}/baseline/{baseline.s3_object_key}"]
        arguments += ["--days", str(drift.every_days), "--out", f"{_ROOM}/drift/drift.json"]
        arguments += ["--namespace", metrics_namespace(stage), "--endpoint", endpoint]
        request["AppSpecification"]["ContainerArguments"] = arguments
        request["ProcessingInputs"] = [
            _input("captured", f"s3://{capture.bucket}/{below}"),
            _input("baseline", f"s3://{baseline.s3_bucket_name}/{baseline.s3_object_key}"),
        ]
        request["ProcessingOutputConfig"] = _output(f"s3://{capture.bucket}/{told}", capture.kms_key_arn)
        self._schedule(name, drift, request, attribute(job_role, "Arn"))
        self._alarm(name, model, endpoint, drift, stage)

    def _schedule(self, name: str, drift: Drift, request: dict[str, Any], job_role_arn: str) -> None:
        starting = role(
            self,
            "ScheduleRole",
            service="scheduler.amazonaws.com",
            statements=[
                {"Action": "sagemaker:CreateProcessingJob", "Resource": arn("sagemaker", "processing-job/drift-*")},
                {
                    "Action": "iam:PassRole",
                    "Resource": job_role_arn,
                    "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
                },
            ],
        )
        acknowledge(starting, "IAM5[Resource::arn:", "jobs are named anew each time, after the schedule's run")
        every = "rate(1 day)" if drift.every_days == 1 else f"rate({drift.every_days} days)"
        CfnResource(
            self,
            "Schedule",
            type="AWS::Scheduler::Schedule",
            properties={
                "Description": f"Compares what {name} captured with its baseline.",
                "ScheduleExpression": every,
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": f"arn:{PARTITION}:scheduler:::aws-sdk:sagemaker:createProcessingJob",
                    "RoleArn": attribute(starting, "Arn"),
                    "Input": json.dumps(request),
                    "RetryPolicy": {"MaximumRetryAttempts": 3},
                },
            },
        )

    def _alarm(self, name: str, model: str, endpoint: str, drift: Drift, stage: Stage) -> None:
        topic = [alarm_topic_arn(stage)] if stage.is_watched else []
        CfnResource(
            self,
            "Alarm",
            type="AWS::CloudWatch::Alarm",
            properties={
                "AlarmName": f"{name}-drift",
                "AlarmDescription": f"What {name} is sent, or answers, has moved from what it was trained on.",
                "Namespace": metrics_namespace(stage),
                "MetricName": METRIC,
                "Dimensions": [{"Name": "Model", "Value": model}, {"Name": "Endpoint", "Value": endpoint}],
                "Statistic": "Maximum",
                "Period": DAY_S,
                "EvaluationPeriods": 1,
                "ComparisonOperator": "GreaterThanThreshold",
                "Threshold": drift.significant_psi,
                "TreatMissingData": "ignore",  # between two checks it stays what it is
                **({"AlarmActions": topic, "OKActions": topic} if topic else {}),
            },
        )


def _request(role_arn: str, image_uri: str) -> dict[str, Any]:
    """CreateProcessingJob's, without what is read and written. An image's entrypoint is the server's."""
    cluster = {"InstanceCount": 1, "InstanceType": _INSTANCE, "VolumeSizeInGB": _VOLUME_GB}
    return {
        "ProcessingJobName": _JOB,
        "RoleArn": role_arn,
        "AppSpecification": {"ImageUri": image_uri, "ContainerEntrypoint": ["python", "-m", "monitoring"]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": _LONGEST_S},
        "NetworkConfig": {"EnableNetworkIsolation": True},
    }


def _input(name: str, address: str) -> dict[str, Any]:
    kind = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {"S3Uri": address, "LocalPath": f"{_ROOM}/{name}", **kind}}


def _output(address: str, key_arn: str | None) -> dict[str, Any]:
    kept = {"S3Uri": address, "LocalPath": f"{_ROOM}/drift", "S3UploadMode": "EndOfJob"}
    outputs = {"Outputs": [{"OutputName": "drift", "S3Output": kept}]}
    return {**outputs, **({"KmsKeyId": key_arn} if key_arn else {})}


def _objects(capture: DataCapture, below: str, told: str) -> list[Statement]:
    statements: list[Statement] = [
        {"Action": "s3:GetObject", "Resource": _object_arn(capture.bucket, f"{below}/*")},
        {"Action": "s3:PutObject", "Resource": _object_arn(capture.bucket, f"{told}/*")},
        {
            "Action": "s3:ListBucket",
            "Resource": f"arn:{PARTITION}:s3:::{capture.bucket}",
            "Condition": {"StringLike": {"s3:prefix": [f"{below}*", f"{told}*"]}},
        },
    ]
    if capture.kms_key_arn:
        statements.append({"Action": ["kms:Decrypt", "kms:GenerateDataKey"], "Resource": capture.kms_key_arn})
    return statements


def _image_and_log(repository_arn: str) -> list[Statement]:
    layers = ["ecr:BatchCheckLayerAvailability", "ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"]
    written = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return [
        {"Action": layers, "Resource": repository_arn},
        {"Action": "ecr:GetAuthorizationToken", "Resource": "*"},
        {"Action": written, "Resource": arn("logs", f"log-group:{_LOGS}:*")},
    ]


def _object_arn(bucket: str, key: str) -> str:
    return f"arn:{PARTITION}:s3:::{bucket}/{key}"
