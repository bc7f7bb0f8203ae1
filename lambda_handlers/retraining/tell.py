"""Tells the topic's subscribers how a training ended, or that it waits for them.

The token that ends the waiting is in the execution's history alone, where only who may read it and may send it finds
it; `python -m experiments.approve` does both.
"""

import json
import os
from collections.abc import Mapping
from typing import Any

from lambda_handlers.retraining.aws import client
from lambda_handlers.retraining.settings import Settings, settings

_LONGEST_SUBJECT = 100  # SNS
_REASONS = ("ExitMessage", "FailureReason", "errorMessage")
"""Where a processing job, a training job and a function say why, in what a failed task's Cause holds."""

Event = Mapping[str, Any]


def handler(event: Event, _context: Any) -> dict[str, str]:
    """Says of the event's `state` what its `kind` asks for; the `Cause` for the state that comes after."""
    told = settings()
    cause = reason_of(event)
    lines = _KINDS[event["kind"]](told, event, cause)
    subject = f"{told.model} ({told.stage}): {event['state']}"[:_LONGEST_SUBJECT]
    client("sns").publish(TopicArn=os.environ["TOPIC_ARN"], Subject=subject, Message="\n".join(lines))
    return {"Cause": cause}


def reason_of(event: Event) -> str:
    """Why, in a line: what the state says of itself and of the error that was caught; else what the gate said."""
    itself, failure = str(event.get("said", "")), event["input"].get("failure")
    if failure:
        return f"{itself} {_cause_of(failure)}".strip()
    return itself or str(event["input"].get("verdict", {}).get("reason", ""))


def _cause_of(failure: Mapping[str, Any]) -> str:
    cause = str(failure.get("Cause") or "")
    try:
        said = json.loads(cause)
    except (ValueError, RecursionError):
        said = None
    if isinstance(said, dict):
        cause = next((str(said[key]) for key in _REASONS if said.get(key)), cause)
    return cause or str(failure.get("Error", "")) or "no reason was given"


def _failed(told: Settings, event: Event, cause: str) -> list[str]:
    return [f"The training of {told.model} ended in {event['state']}.", "", cause, "", *_where(event)]


def _asked(told: Settings, event: Event, cause: str) -> list[str]:
    command = f"python -m experiments.approve {event['execution']}"
    return [
        f"A newly trained {told.model} waits for somebody's word, {event['hours']} hours at the longest.",
        "",
        cause,
        "",
        f"Deploy it:  {command}",
        f'Or not:     {command} --reject "why"',
        "",
        *_where(event),
    ]


def _deployed(told: Settings, event: Event, cause: str) -> list[str]:
    return [f"A newly trained {told.model} is served in {told.stage}.", "", cause, "", *_where(event)]


def _where(event: Event) -> list[str]:
    lines = [f"Run: {event['run']}", f"Execution: {event['execution']}"]
    archive = event["input"].get("candidate", {}).get("archive")
    return [*lines, f"Archive: {archive}"] if archive else lines


_KINDS = {"failed": _failed, "asked": _asked, "deployed": _deployed}
