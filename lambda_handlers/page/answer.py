"""How a custom resource answers CloudFormation: by a PUT to the address that came with the event.

CloudFormation waits for it for as long as the resource's ServiceTimeout says, so an answer is tried more than once.
"""

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.request import Request, urlopen

Event = Mapping[str, Any]

_WAITS_S = (1, 4, None)
_TIMEOUT_S = 10


def answer(event: Event, fault: str | None) -> None:
    """Success, or the `fault`. Raises OSError where nobody takes the answer; Lambda then calls the function again."""
    body = {
        "Status": "FAILED" if fault else "SUCCESS",
        "Reason": fault or "",
        "PhysicalResourceId": event.get("PhysicalResourceId") or event["LogicalResourceId"],
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    # The address is signed for an empty type; urllib would add one of its own.
    request = Request(event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT")  # noqa: S310
    for wait_s in _WAITS_S:
        try:
            with urlopen(request, timeout=_TIMEOUT_S):  # noqa: S310  # CloudFormation's own, of an event that it signs
                return
        except OSError:
            if wait_s is None:
                raise
            time.sleep(wait_s)
