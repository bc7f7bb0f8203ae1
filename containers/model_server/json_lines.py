"""What `Accept: application/jsonlines` asks for, as a batch transform does: a line for each record, whatever is in it.

A record that cannot be answered is a line with its error, since SageMaker gives up the whole object, and then the job,
for a status that is not 200. What is not the record's fault still is one: SageMaker then tries again.
"""

import json
from dataclasses import replace

from contract.errors import BadRequest, ModelFailure, UnsupportedMediaType, UnusableMedia
from contract.media import JSON, JSON_LINES
from model_server.answers import Answer
from model_server.predictor import Predictor, Request


def answer_lines(predictor: Predictor, request: Request) -> Answer:
    """A line for each line of the body, or one for a body of another type. Raises ApiError for what may pass."""
    if request.media_type == JSON_LINES:
        records = [(line, JSON) for line in request.body.splitlines() if line.strip()]
    else:
        records = [(request.body, request.media_type)]
    lines = [_line(predictor, replace(request, body=body, media_type=of, accept=JSON)) for body, of in records]
    return Answer(b"\n".join(lines), JSON_LINES)


def _line(predictor: Predictor, request: Request) -> bytes:
    request.deadline.check()
    try:
        return bytes(predictor.answer(request).content).replace(b"\n", b" ")
    except (BadRequest, UnsupportedMediaType, UnusableMedia, ModelFailure) as error:
        return json.dumps({"error": {"code": error.code(), "message": str(error)}}, ensure_ascii=False).encode()
