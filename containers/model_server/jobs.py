"""A job from the front -> its result, on a thread of the model's process."""

import logging
import os
from collections.abc import Callable

from contract.errors import ApiError, InternalError, ModelOutputInvalid, Overloaded
from contract.limits import MIB
from contract.media import JSON, JSON_LINES, wants_lines
from contract.options import Options
from model_server.deadline import Deadline
from model_server.json_lines import answer_lines
from model_server.load import Load
from model_server.logs import fields
from model_server.memory import give_all_back
from model_server.messages import OK, Channel, Job, Result
from model_server.predictor import Predictor, Request, Timings

CRASHED = 70  # sysexits.h, EX_SOFTWARE

log = logging.getLogger(__name__)


def serve_jobs(channel: Channel, predictor: Predictor, load: Load) -> None:
    """Answers jobs until the front is gone. What cannot be told as a result ends the process."""
    try:
        while True:
            job = Job(*channel.wait())
            load.tell(job.at_work)
            result = _result(job, channel.files, predictor)
            size = job.body if isinstance(job.body, int) else len(job.body)
            is_scattered = leaves_scraps(result.code, job.media_type, size)
            del job
            channel.send(tuple(result))
            del result
            if is_scattered:
                give_all_back()
    except (EOFError, ConnectionError):
        return  # the front is gone
    except BaseException:
        log.exception("the model's process cannot go on")
        os._exit(CRASHED)


def leaves_scraps(code: str, media_type: str | None, size: int) -> bool:
    """Whether a request of `size` bytes leaves much free between what stays: a crafted picture is refused with much of
    it in memory, and a large JSON body may be a million objects.
    """
    return code != OK or (media_type in (JSON, JSON_LINES) and size >= MIB)


def _result(job: Job, files: list[int], predictor: Predictor) -> Result:
    def request(timings: Timings) -> Request:
        body = _read(files, job.body) if isinstance(job.body, int) else job.body
        options = Options(job.top_k, job.threshold)
        return Request(body, job.media_type, job.accept, options, Deadline(job.deadline_s), timings)

    return result_of(predictor, job.request_id, request)


def result_of(predictor: Predictor, request_id: str, read: Callable[[Timings], Request]) -> Result:
    """What the model makes of the request that `read` gives. Raises nothing that can be told as a result."""
    timings = Timings()
    try:
        request = read(timings)
        request.deadline.check()
        in_lines = wants_lines(request.accept) or request.media_type == JSON_LINES
        answer = answer_lines(predictor, request) if in_lines else predictor.answer(request)
        if not (answer.content_type.isascii() and answer.content_type.isprintable()):
            raise ModelOutputInvalid
        code, content, content_type = OK, bytes(answer.content), answer.content_type
    except ApiError as error:
        code, content, content_type = error.code(), str(error).encode(), ""
    except MemoryError:
        code, content, content_type = Overloaded.code(), str(Overloaded()).encode(), ""
    except Exception:
        log.exception("defect", extra=fields(request_id=request_id))
        code, content, content_type = InternalError.code(), str(InternalError()).encode(), ""
    spent = timings.rounded()
    return Result(code, content, content_type, spent["decode"], spent["inference"], spent["encode"])


def _read(files: list[int], size: int) -> bytes:
    (file,) = files
    files.clear()
    try:
        return os.pread(file, size, 0)
    finally:
        os.close(file)
