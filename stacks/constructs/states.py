"""States of the Amazon States Language, as the few shapes that a state machine here is made of.

CDK's own SageMaker task knows neither spot capacity nor checkpoints, and grants itself wildcards; so these are written
out, by the specification (https://states-language.net), in its older and wider known form, with paths.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from stacks.naming import PARTITION

State = dict[str, Any]
States = dict[str, State]

BUSY = {"ErrorEquals": ["Lambda.TooManyRequestsException", "Lambda.ServiceException", "Lambda.SdkClientException"]}
_WAITS = {"IntervalSeconds": 10, "MaxAttempts": 3, "BackoffRate": 3.0}


def resource(action: str) -> str:
    """The ARN of a service integration, such as `lambda:invoke`."""
    return f"arn:{PARTITION}:states:::{action}"


def task(
    action: str, parameters: Mapping[str, Any], *, then: str, otherwise: str, keep: str | None = None, **more: Any
) -> State:
    """Calls `action` and goes on to `then`; any error is kept as `$.failure`, and `otherwise` comes next.

    What it gives is kept at the path `keep`, or forgotten. `more` are the state's other fields.
    """
    caught = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": otherwise}]
    return {
        "Type": "Task",
        "Resource": resource(action),
        "Parameters": dict(parameters),
        "ResultPath": keep,
        "Catch": [*more.pop("Catch", []), *caught],
        **more,
        "Next": then,
    }


def invoke(function_arn: str, payload: Mapping[str, Any], *, then: str, otherwise: str, **more: Any) -> State:
    """Calls a function, and again where Lambda has no room for it; what it gives is at `keep`."""
    return task(
        more.pop("action", "lambda:invoke"),
        {"FunctionName": function_arn, "Payload": dict(payload)},
        then=then,
        otherwise=otherwise,
        **{"Retry": [BUSY | _WAITS], **more},
    )


def assign(values: Mapping[str, Any], *, then: str, keep: str = "$") -> State:
    """Makes `values`, whose keys that end in `.$` are paths or intrinsic functions."""
    return {"Type": "Pass", "Parameters": dict(values), "ResultPath": keep, "Next": then}


def choose(rules: Sequence[Mapping[str, Any]], otherwise: str) -> State:
    """The first of `rules` that holds says what comes next."""
    return {"Type": "Choice", "Choices": [dict(rule) for rule in rules], "Default": otherwise}


def wait(seconds: int, then: str) -> State:
    """Does nothing for so long."""
    return {"Type": "Wait", "Seconds": seconds, "Next": then}


def telling(name: str) -> str:
    """The state that tells the topic before the machine ends in `name`."""
    return f"Tell{name}"


def failure(name: str, tell_arn: str, said: str) -> States:
    """The end in `name`, which the topic is told of first: what is `said`, and the error if there is one."""
    told = {
        "kind": "failed",
        "state": name,
        "said": said,
        "run.$": "$.run",
        "execution.$": "$$.Execution.Id",
        "input.$": "$",
    }
    tell = invoke(
        tell_arn, told, then=name, otherwise=name, keep="$.told", ResultSelector={"Cause.$": "$.Payload.Cause"}
    )
    tell["Catch"][0]["ResultPath"] = "$.told"  # nobody could be told; it ends in its own name all the same
    return {telling(name): tell, name: {"Type": "Fail", "Error": name, "CausePath": "$.told.Cause"}}
