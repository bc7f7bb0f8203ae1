"""The last part of a run: the model's stack is given the candidate, and the former model again where it fails.

CloudFormation updates the endpoints as a deployment would, by their rollout; what that calls off, it takes back itself.
"""

from collections.abc import Mapping
from typing import Any

from stacks.constructs.retraining import Retraining
from stacks.constructs.retraining_decision import rejected_after
from stacks.constructs.served_archive import PARAMETER
from stacks.constructs.states import States, choose, invoke, task, telling, wait

POLL_S = 30
WATCH_S = 900  # an endpoint's alarm goes off after ten minutes; five more for its figures to be there

_THROTTLED = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 15, "MaxAttempts": 5, "BackoffRate": 2.0}
_ALARM = {"Variable": "$.alarms.raised[0]", "IsPresent": True}


def deployed(of: Retraining) -> States:
    """The candidate in service, tried, watched where the stage is, and taken back where it does not hold."""
    after_smoke = "Watch" if of.alarms else "TellDeployed"
    said = {
        "kind": "deployed",
        "state": "Deployed",
        "run.$": "$.run",
        "execution.$": "$$.Execution.Id",
        "input.$": "$",
    }
    return {
        **_updated(of, "Update", "$.candidate.archive", then="SmokeTest", otherwise=telling("UpdateFailed")),
        "SmokeTest": invoke(of.functions.smoke, {}, then=after_smoke, otherwise="RollBack", keep="$.smoke"),
        **(_watched(of) if of.alarms else {}),
        "TellDeployed": invoke(of.functions.tell, said, then="Deployed", otherwise="Deployed"),
        "Deployed": {"Type": "Succeed"},
        **_updated(of, "RollBack", "$.current.parameter", then="RejectInService", otherwise=telling("RollbackFailed")),
        "RejectInService": rejected_after(
            "It failed in service and was rolled back; the execution's history says how.",
            "WhyRolledBack" if of.alarms else telling("SmokeTestFailed"),
        ),
        **({"WhyRolledBack": choose([_because_of_alarm()], telling("SmokeTestFailed"))} if of.alarms else {}),
    }


def _updated(of: Retraining, name: str, archive: str, *, then: str, otherwise: str) -> States:
    """The stack with another archive, by the template that it has."""
    parameter = {"ParameterKey": PARAMETER, "ParameterValue.$": archive}
    asked, status = f"AskAfter{name}", f"$.{_camel(name)}.stack.StackStatus"
    return {
        name: task(
            "aws-sdk:cloudformation:updateStack",
            {
                "StackName": of.stack,
                "UsePreviousTemplate": True,
                "Parameters": [parameter],
                "Capabilities": ["CAPABILITY_IAM"],
            },
            then=f"WaitFor{name}",
            otherwise=otherwise,
        ),
        f"WaitFor{name}": wait(POLL_S, asked),
        asked: task(
            "aws-sdk:cloudformation:describeStacks",
            {"StackName": of.stack},
            then=f"Has{name}Ended",
            otherwise=otherwise,
            keep=f"$.{_camel(name)}",
            ResultSelector={"stack.$": "$.Stacks[0]"},
            Retry=[_THROTTLED],
        ),
        f"Has{name}Ended": choose(
            [
                {"Variable": status, "StringEquals": "UPDATE_COMPLETE", "Next": then},
                {"Variable": status, "StringMatches": "*_IN_PROGRESS", "Next": f"WaitFor{name}"},
            ],
            otherwise,
        ),
    }


def _watched(of: Retraining) -> States:
    """The endpoints' alarms, after they had time to go off."""
    return {
        "Watch": wait(WATCH_S, "AskAlarms"),
        "AskAlarms": task(
            "aws-sdk:cloudwatch:describeAlarms",
            {"AlarmNames": list(of.alarms), "StateValue": "ALARM"},
            then="IsQuiet",
            otherwise=telling("WatchFailed"),
            keep="$.alarms",
            ResultSelector={"raised.$": "$.MetricAlarms[*].AlarmName"},
            Retry=[_THROTTLED],
        ),
        "IsQuiet": choose([{**_ALARM, "Next": "RollBack"}], "TellDeployed"),
    }


def _because_of_alarm() -> Mapping[str, Any]:
    return {**_ALARM, "Next": telling("AlarmRaised")}


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]
