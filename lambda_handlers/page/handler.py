"""CloudFormation's event in, its answer out: the page's files and its configuration, made, changed and taken away."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lambda_handlers.page.answer import Event, answer
from lambda_handlers.page.site import Site

PACKAGE = Path(os.environ.get("PAGE_PACKAGE", Path(__file__).resolve().parent.parent.parent))
SITE = Site(PACKAGE, os.environ["PAGE_BUCKET"], os.environ["PAGE_DISTRIBUTION"])

log = logging.getLogger("page")
log.setLevel(logging.INFO)


def handler(event: Event, _context: Any) -> None:
    """Does what the event asks, and answers whatever comes of it."""
    what = f"{event['RequestType']} {event['ResourceType']}"
    try:
        ACTIONS[event["ResourceType"], event["RequestType"] == "Delete"](event)
        fault = None
    except (ClientError, BotoCoreError) as error:
        log.exception("failed", extra={"asked": what})
        fault = f"{what}: {_named(error)}; the function's log has more"
    except Exception:
        log.exception("defect", extra={"asked": what})
        fault = f"{what}: a defect; the function's log has more"
    answer(event, fault)


def publish(event: Event) -> None:
    """The files of this version, and no others."""
    SITE.publish(event["RequestId"])


def empty(_event: Event) -> None:
    """No file."""
    SITE.empty()


def configure(event: Event) -> None:
    """config.json, as the API's stack says."""
    SITE.configure(event["ResourceProperties"]["Config"], event["RequestId"])


def forget_configuration(_event: Event) -> None:
    """No config.json."""
    SITE.forget_configuration()


ACTIONS: dict[tuple[str, bool], Callable[[Event], None]] = {
    ("Custom::PageFiles", False): publish,
    ("Custom::PageFiles", True): empty,
    ("Custom::PageConfig", False): configure,
    ("Custom::PageConfig", True): forget_configuration,
}
"""(type, whether it goes) -> what is done."""


def _named(error: ClientError | BotoCoreError) -> str:
    """AWS's or the SDK's name of the error; its message may hold names that are not CloudFormation's to show."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}, {error.response.get('Error', {}).get('Code', 'unnamed')}"
    return type(error).__name__
