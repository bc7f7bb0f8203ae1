"""One JSON object a line on stdout, for CloudWatch: never a picture, a header or a byte that a client sent.

An exception is logged as its type and where it was raised; its message is left out, because that is where
libraries quote their input. Who knows that a message is safe passes it as the field `reason`.
"""

import json
import logging
import sys
import traceback
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from time import time
from typing import Any

FIELDS = "fields"
_REASON_MAX = 500


class JsonFormatter(logging.Formatter):
    """Formats a record, and the fields that `fields()` put there, as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        entry = _entry(record.created, record.levelname.lower(), record.getMessage(), getattr(record, FIELDS, {}))
        if record.exc_info and record.exc_info[0]:
            frames = traceback.extract_tb(record.exc_info[2])
            entry["exception"] = record.exc_info[0].__name__
            entry["raised_at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        return json.dumps(entry, default=str)


def write(message: str, **values: str | float | None) -> None:
    """An info line past the machinery of `logging`, which would be a tenth of what the front does for a request."""
    sys.stdout.write(json.dumps(_entry(time(), "info", message, values)) + "\n")
    sys.stdout.flush()


def _entry(created_s: float, level: str, message: str, values: Mapping[str, Any]) -> dict[str, Any]:
    moment = datetime.fromtimestamp(created_s, UTC).isoformat(timespec="milliseconds")
    return {"time": moment, "level": level, "message": message, **values}


def fields(**values: object) -> dict[str, dict[str, object]]:
    """The `extra` of a logging call that puts `values` into the line."""
    return {FIELDS: values}


def reason(error: BaseException) -> str:
    """The type and message of `error` on one line of bounded length."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:_REASON_MAX]


def configure() -> None:
    """Sends every logger of the process, warnings included, through the one formatter."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    warnings.filterwarnings("ignore", module="PIL")  # a damaged file can bring tens of thousands
