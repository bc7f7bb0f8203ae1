"""One Lambda execution environment: imports the handler once, then answers one event after another.

Runs as a script in a process of its own, with the function's code as its only path beside the
installed packages. Frames on stdin and stdout are a 4-byte big-endian length and JSON; an empty one says that the
handler is imported. Like the Lambda runtime with JSON logging, it writes each log record to the log as one JSON line.
"""

import importlib
import json
import logging
import os
import sys
import time
import traceback
import uuid
from typing import Any, BinaryIO

_STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class Context:
    """The part of the Lambda context that handlers use."""

    def __init__(self, request_id: str, timeout_s: float) -> None:
        self.aws_request_id = request_id
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self._deadline = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is stopped."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


class JsonLines(logging.Formatter):
    """The record as one JSON object, extra fields included."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields = {"timestamp": self.formatTime(record), "level": record.levelname, "message": record.getMessage()}
        fields |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            fields["stackTrace"] = self.formatException(record.exc_info)
        return json.dumps(fields, default=str)


def main(code: str, handler_name: str, timeout_s: float) -> None:
    """Serves events until stdin closes."""
    events, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the handler prints goes to the log, not between the frames
    log = logging.StreamHandler(sys.stderr)
    log.setFormatter(JsonLines())
    logging.getLogger().addHandler(log)
    sys.path[0] = code
    module, _, name = handler_name.rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    write_frame(answers, b"")
    while (frame := read_frame(events)) is not None:
        event = json.loads(frame)
        context = Context(str(uuid.uuid4()), timeout_s)
        try:
            answer: Any = {"answer": handler(event, context)}
        except Exception as error:  # as in Lambda, any error is the function's answer
            traceback.print_exc()
            answer = {"error": type(error).__name__}
        write_frame(answers, json.dumps(answer).encode())


def write_frame(stream: BinaryIO, content: bytes) -> None:
    """Length and content."""
    stream.write(len(content).to_bytes(4, "big") + content)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next content, or None once the stream is closed."""
    length = stream.read(4)
    return stream.read(int.from_bytes(length, "big")) if len(length) == 4 else None


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
