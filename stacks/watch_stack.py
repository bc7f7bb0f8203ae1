"""What watches over one stage: alarms, a limit for its cost, whom both tell, and a dashboard."""

import json
from collections.abc import Iterator, Sequence

from aws_cdk import CfnOutput, CfnResource
from constructs import Construct

from models.registry import Model
from stacks.constructs.alarms import alarms, watched
from stacks.constructs.budget import budget
from stacks.constructs.dashboard import dashboard_body
from stacks.constructs.role import Statement
from stacks.constructs.topic import topic
from stacks.naming import ACCOUNT, PARTITION, WATCH, alarm_topic, arn
from stacks.stage import PROJECT, Stage
from stacks.stage_stack import StageStack


class WatchStack(StageStack):
    """`Fovea-<stage>-watch`. It knows everything by name alone, and deploys before, after or without it."""

    def __init__(self, scope: Construct, *, models: Sequence[Model], stage: Stage) -> None:
        super().__init__(scope, stage, WATCH, "alarms, a limit for its cost and a dashboard.")
        told = topic(
            self, "Alarms", name=alarm_topic(stage), title=f"Fovea {stage.name}", publishers=list(_publishers(stage))
        )
        if stage.is_watched:
            self._watch(models, stage, told.arn)
        if stage.monthly_limit_usd:
            budget(self, stage, stage.monthly_limit_usd, told.arn).add_resource_dependency(told.policy)
        CfnOutput(
            self,
            "AlarmTopicArn",
            value=told.arn,
            description="To be told: aws sns subscribe --protocol email --notification-endpoint YOU --topic-arn <this>",
        )

    def _watch(self, models: Sequence[Model], stage: Stage, topic_arn: str) -> None:
        names = [name for each in watched(models, stage) for name in alarms(self, each, topic_arn=topic_arn)]
        body = dashboard_body(models, stage, [arn("cloudwatch", f"alarm:{name}") for name in names])
        dashboard = CfnResource(
            self,
            "Dashboard",
            type="AWS::CloudWatch::Dashboard",
            properties={"DashboardName": f"{PROJECT}-{stage.name}", "DashboardBody": json.dumps(body)},
        )
        CfnOutput(self, "DashboardName", value=dashboard.ref, description="In CloudWatch, under Dashboards.")


def _publishers(stage: Stage) -> Iterator[Statement]:
    """The alarms of this account and, where there is one, its budget."""
    by_account = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    yield {
        "Sid": "AlarmsOfThisAccount",
        "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Condition": by_account,
    }
    if stage.monthly_limit_usd:
        yield {
            "Sid": "BudgetsOfThisAccount",
            "Principal": {"Service": "budgets.amazonaws.com"},
            "Condition": {**by_account, "ArnLike": {"aws:SourceArn": f"arn:{PARTITION}:budgets::{ACCOUNT}:*"}},
        }
