"""`python -m experiments.approve EXECUTION`: says yes, or no, to a newly trained model that waits for a person's word.

It prints what it decides about. The token that ends the waiting is read from the execution's history: to run it takes
states:GetExecutionHistory of that execution, states:SendTaskSuccess and states:SendTaskFailure.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

_REJECTED = "ApprovalRejected"  # what the machine catches
_LONGEST_REASON = 1000  # SageMaker keeps it with the model: ApprovalDescription


class NothingWaits(Exception):
    """The execution does not wait for anybody."""


def asked(states: Any, execution: str) -> Mapping[str, Any]:
    """What the function that asks was given: the token, and all that is known of the run. Raises NothingWaits."""
    for event in _newest_first(states, execution):
        kind = event["type"]
        if kind in ("TaskSucceeded", "TaskFailed", "TaskTimedOut") or kind.startswith("Execution"):
            break
        parameters = json.loads(event.get("taskScheduledEventDetails", {}).get("parameters", "{}"))
        if "token" in parameters.get("Payload", {}):
            told: Mapping[str, Any] = parameters["Payload"]
            return told
    raise NothingWaits(f"{execution} waits for nobody: it has been decided about, is not there yet, or has ended")


def _newest_first(states: Any, execution: str) -> Sequence[Mapping[str, Any]]:
    pages = states.get_paginator("get_execution_history").paginate(executionArn=execution)
    return sorted((event for page in pages for event in page["events"]), key=itemgetter("id"), reverse=True)


def decide(states: Any, execution: str, rejection: str | None) -> Iterator[str]:
    """Sends the word, after a line for each thing that it is about. Raises NothingWaits."""
    told = asked(states, execution)
    known = told["input"]
    yield f"Run:       {told['run']}"
    yield f"Archive:   {known['candidate']['archive']}"
    yield f"Replaces:  {known['current']['archive']}"
    yield f"Gate:      {known['verdict']['outcome']}. {known['verdict']['reason']}"
    if rejection is None:
        states.send_task_success(taskToken=told["token"], output="{}")
        yield "Approved: the endpoints are updated now."
    else:
        states.send_task_failure(taskToken=told["token"], error=_REJECTED, cause=rejection[:_LONGEST_REASON])
        yield "Rejected: the model that serves goes on."


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 once the word is sent, 1 with a line when it could not be."""
    parser = argparse.ArgumentParser(prog="python -m experiments.approve", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("execution", help="the ARN of the execution, as the topic's message has it")
    parser.add_argument("--reject", metavar="WHY", help="say no, and why")
    options = parser.parse_args(arguments)
    if options.reject is not None and not options.reject.strip():
        parser.error("--reject: say why; it is kept with the model")
    try:
        states = botocore.session.get_session().create_client("stepfunctions")
        for line in decide(states, options.execution, options.reject):
            print(line, flush=True)
    except (NothingWaits, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
