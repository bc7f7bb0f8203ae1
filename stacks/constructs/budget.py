"""What AWS Budgets tells of a stage: that its month costs more than was meant.

AWS takes no money for a budget that only warns. It sees a stage by the tags of its stacks, which somebody has to
activate once for the account ("cost allocation tags", docs/watching.md); until then it counts nothing.
"""

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from stacks.stage import PROJECT, Stage

# Spent, or what the month will come to as it goes: percent of the limit.
WARNINGS = (("ACTUAL", 80), ("FORECASTED", 100))


def budget(scope: Construct, stage: Stage, limit_usd: int, topic_arn: str) -> CfnResource:
    """A limit for the month of `stage`, and two warnings to `topic_arn`."""
    tags = [{"Tags": {"Key": key, "Values": [value], "MatchOptions": ["EQUALS"]}} for key, value in _tags(stage)]
    return CfnResource(
        scope,
        "Budget",
        type="AWS::Budgets::Budget",
        properties={
            "Budget": {  # without a name: a change of its warnings makes another, which could not have the same
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                "BudgetLimit": {"Amount": limit_usd, "Unit": "USD"},
                "FilterExpression": {"And": tags},  # CostFilters, the older way, cannot say that both must be
                "Metrics": ["UnblendedCost"],
            },
            "NotificationsWithSubscribers": [_warning(kind, percent, topic_arn) for kind, percent in WARNINGS],
        },
    )


def _tags(stage: Stage) -> list[tuple[str, str]]:
    return [("project", PROJECT), ("stage", stage.name)]


def _warning(kind: str, percent: int, topic_arn: str) -> dict[str, Any]:
    notification = {
        "NotificationType": kind,
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": percent,
        "ThresholdType": "PERCENTAGE",
    }
    return {"Notification": notification, "Subscribers": [{"SubscriptionType": "SNS", "Address": topic_arn}]}
