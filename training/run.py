"""What stands around every training: the job is read, the model's train.py does its work, the end is told."""

import errno
import logging
import shutil
import signal
from collections.abc import Sequence
from typing import Any

from models.archive import SPEC_NAME
from models.artifact import artifact_faults
from training.data.examples import Example
from training.errors import (
    CorruptData,
    Interrupted,
    NoMemory,
    NoSpace,
    TrainingError,
    UnexpectedFailure,
    UnusableResult,
)
from training.evaluation import REPORT
from training.job import Job
from training.opt_ml import OptMl
from training.trainable import trainable

INTERRUPTED = 128 + signal.SIGTERM
_NO_SPACE = "No space left on device"
_NO_MEMORY = ("OOM when allocating", "out of memory", "can't allocate memory")  # TensorFlow, CUDA, PyTorch on a CPU

log = logging.getLogger(__name__)


def run(name: str, opt_ml: OptMl) -> int:
    """Trains the model `name`; gives the exit status: 0 with a result, 143 when interrupted, else 1 with the reason."""
    try:
        _train(name, opt_ml)
    except Interrupted as interrupted:
        log.warning("Interrupted: %s", interrupted)
        return INTERRUPTED
    except BaseException as error:
        reason = explained(error)
        log.error("%s", reason.line, exc_info=isinstance(reason, UnexpectedFailure))  # noqa: TRY400 a person's error
        opt_ml.say_why(reason.line)
        return 1
    log.info("Done: the model is in %s", opt_ml.model)
    return 0


def _train(name: str, opt_ml: OptMl) -> None:
    model, trainer = trainable(name)
    opt_ml.refuse_many_hosts()
    opt_ml.refuse_pipes()
    job = Job(model, trainer.Hyperparameters.parse(opt_ml.hyperparameters), opt_ml)
    job.stop_on_signals()
    opt_ml.model.mkdir(parents=True, exist_ok=True)
    held_out = trainer.train(job)
    _finish(job)
    _report(job, held_out)
    job.done()


def _finish(job: Job) -> None:  # type: ignore[type-arg]
    """Makes the result what the server reads. Raises UnusableResult."""
    if not (job.model_dir / SPEC_NAME).is_file():  # a trainer whose input is as it was has no reason to write one
        shutil.copyfile(job.model.spec_file, job.model_dir / SPEC_NAME)
    faults = artifact_faults(job.model.spec, job.model_dir)
    if faults:
        raise UnusableResult("; ".join(faults))


def _report(job: Job, held_out: Sequence[Example[Any]]) -> None:  # type: ignore[type-arg]
    """Asks the result about `held_out` by the served path, and writes the report to output/data.

    Raises UnusableModel for a result that cannot be served.
    """
    from training.evaluation.evaluate import evaluate  # noqa: PLC0415 the server, which a refusal does without

    if not held_out:
        return
    try:
        evaluate(job.model_dir, None, held_out).write(job.output_data)
    except CorruptData as error:  # what a training takes and the server does not, such as a picture of its own format
        log.warning("There is no report: %s", error)
    else:
        log.info("The report is %s", job.output_data / REPORT)


def explained(error: BaseException) -> TrainingError:
    """`error` as one that has a name; those that were foreseen are as they are."""
    if isinstance(error, TrainingError):
        return error
    if isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY):
        return NoMemory("the memory is used up; choose a larger instance, or a smaller batch")
    if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or _NO_SPACE in str(error):
        return NoSpace("the volume is full; give the job a larger one (VolumeSizeInGB), or make room")
    return UnexpectedFailure(f"{type(error).__name__}: {error}; the log has its traceback")
