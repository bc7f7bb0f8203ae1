"""The model as a Lambda function: `handler`, which Lambda's runtime client calls with one event at a time.

Importing this loads the model, so that Lambda's init phase pays for it. There is no HTTP server and no second process:
Lambda is both, starts as many of these as it has clients, and replaces one that dies.
"""

import gc
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

from model_server import logs
from model_server.logs import fields, reason
from model_server.memory import suit_pictures

if TYPE_CHECKING:
    from model_server.function import Answer, Function

FAILED = 1

log = logging.getLogger(__name__)


class Context(Protocol):
    """What Lambda tells beside the event."""

    def get_remaining_time_in_millis(self) -> int:
        """Until it ends the process."""


def handler(event: Any, context: Context) -> "Answer":
    """Answers an event of the function's URL, or the proxy's."""
    return _FUNCTION.answer(event, context.get_remaining_time_in_millis() / 1000)


def _load() -> "Function":
    """Raises SystemExit, after one line in the log, when the model cannot be served: whoever called is told no more."""
    gc.disable()  # imports make little garbage and many objects; a twentieth of the cold start
    suit_pictures()
    logs.configure()

    from model_server.loading import load_predictor  # noqa: PLC0415
    from model_server.settings import read_settings  # noqa: PLC0415

    try:
        settings = read_settings(os.environ)
        predictor = load_predictor(settings.model_dir, settings.engine)
    except (Exception, SystemExit) as error:
        log.error("the model cannot be served", extra=fields(reason=reason(error)))  # noqa: TRY400 one clear line
        raise SystemExit(FAILED) from None

    from model_server.function import Function  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    return Function(predictor, settings.timeout_s)


_FUNCTION = _load()
