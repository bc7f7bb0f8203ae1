"""A job from the front -> its result, on a thread of the model's process."""

import logging
import os

from contract.errors import ApiError, InternalError, ModelOutputInvalid, Overloaded
from contract.options import Options
from model_server.deadline import Deadline
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
            del job
            channel.send(tuple(result))
            if result.code != OK:
                give_all_back()  # a crafted picture is refused with much of it in memory
            del result
    except (EOFError, ConnectionError):
        return  # the front is gone
    except BaseException:
        log.exception("the model's process cannot go on")
        os._exit(CRASHED)


def _result(job: Job, files: list[int], predictor: Predictor) -> Result:
    timings = Timings()
    try:
        body = _read(files, job.body) if isinstance(job.body, int) else job.body
        deadline = Deadline(job.deadline_s)
        deadline.check()
        options = Options(job.top_k, job.threshold)
        answer = predictor.answer(Request(body, job.media_type, job.accept, options, deadline, timings))
        if not (answer.content_type.isascii() and answer.content_type.isprintable()):
            raise ModelOutputInvalid
        code, content, content_type = OK, bytes(answer.content), answer.content_type
    except ApiError as error:
        code, content, content_type = error.code(), str(error).encode(), ""
    except MemoryError:
        code, content, content_type = Overloaded.code(), str(Overloaded()).encode(), ""
    except Exception:
        log.exception("defect", extra=fields(request_id=job.request_id))
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
