"""What the engines for GPUs share: requests that go together as one batch, and the check that half precision
answers as full precision does.

A GPU takes about as long for eight pictures as for one. So while it works, the requests that arrive gather, and go
together when it is free. No timer holds anyone back: an idle device takes a request at once, alone.
"""

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock

import numpy as np

from model_server.engines import Array, Outputs
from model_server.logs import fields, reason

HALF_PARITY = 2e-3
"""The most that half precision may move a score, or any other output in relation to its largest value."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A call that found the device busy. Its answer is the outputs, or None: its own turn to run has come."""

    batch: Array
    answer: Future[Outputs | None] = field(default_factory=Future)


class Batcher:
    """Puts batches of one shape together for `run`, which runs one batch of up to `max_batch` at a time.

    It has no thread of its own. A caller that finds `run` idle leads: it takes along those who wait with its shape,
    runs, hands each his rows, and lets the one who has waited longest lead next. So nobody works for others after he
    has his own answer.
    """

    def __init__(self, run: Callable[[Array], Outputs], max_batch: int) -> None:
        self._run = run
        self._max_batch = max_batch
        self._lock = Lock()
        self._busy = False
        self._waiting: deque[_Waiting] = deque()

    def infer(self, batch: Array) -> Outputs:
        """What `run` gives for `batch`, (1..max_batch, ...). Raises what `run` raises for this batch alone."""
        with self._lock:
            call = _Waiting(batch) if self._busy else None
            if call is None:
                self._busy = True
            else:
                self._waiting.append(call)
        outputs = None if call is None else call.answer.result()
        return self._lead(batch) if outputs is None else outputs

    def _lead(self, batch: Array) -> Outputs:
        with self._lock:
            followers = self._gather(batch)
        try:
            return self._run_together(batch, followers) if followers else self._run(batch)
        finally:
            self._hand_over(followers)

    def _gather(self, batch: Array) -> list[_Waiting]:
        """Takes those out of the queue who fit beside `batch`, in their order."""
        free, taken = self._max_batch - len(batch), []
        for call in self._waiting:
            if len(call.batch) <= free and _kind(call.batch) == _kind(batch):
                taken.append(call)
                free -= len(call.batch)
        self._waiting = deque(call for call in self._waiting if call not in taken)
        return taken

    def _run_together(self, batch: Array, followers: Sequence[_Waiting]) -> Outputs:
        """Runs all as one batch; where that fails, one by one, so that each fails or succeeds for himself."""
        batches = [batch, *(call.batch for call in followers)]
        try:
            own, *others = _rows(self._run(np.concatenate(batches)), [len(each) for each in batches])
        except Exception as error:
            log.warning("a batch failed; its requests run one by one", extra=fields(reason=reason(error)))
            for call in followers:
                self._run_alone(call)
            return self._run(batch)
        for call, outputs in zip(followers, others, strict=True):
            call.answer.set_result(outputs)
        return own

    def _run_alone(self, call: _Waiting) -> None:
        try:
            call.answer.set_result(self._run(call.batch))
        except Exception as error:
            call.answer.set_exception(error)

    def _hand_over(self, followers: Sequence[_Waiting]) -> None:
        """Lets the next lead. Followers are without an answer only where their leader's thread was interrupted."""
        with self._lock:
            self._waiting.extendleft(call for call in reversed(followers) if not call.answer.done())
            following = self._waiting.popleft() if self._waiting else None
            self._busy = following is not None
        if following is not None:
            following.answer.set_result(None)


def _kind(batch: Array) -> tuple[object, ...]:
    return batch.dtype, batch.shape[1:]


def _rows(outputs: Outputs, sizes: Sequence[int]) -> list[Outputs]:
    """Each caller's rows of `outputs`. Names of one output stay names of one. Raises ValueError without such rows."""
    ends = np.cumsum([0, *sizes])
    values = {id(value): value for value in outputs.values()}
    if any(value.ndim == 0 or len(value) != ends[-1] for value in values.values()):
        raise ValueError(f"an output has no row for each of {ends[-1]} instances")
    shares: list[Outputs] = []
    for start, end in pairwise(ends):
        share = {key: value[start:end] for key, value in values.items()}
        shares.append({name: share[id(value)] for name, value in outputs.items()})
    return shares


def difference(exact: Mapping[str, Array], answered: Mapping[str, Array]) -> float:
    """The largest difference between outputs, in relation to an output's largest value where that is over 1.

    Infinite where shapes differ, where a number is NaN or Inf, and for words that are not the same.
    """
    largest = 0.0
    for name, wanted in exact.items():
        given = answered[name]
        if given.shape != wanted.shape:
            return float("inf")
        if wanted.dtype.kind not in "fiub":
            largest = largest if (given == wanted).all() else float("inf")
            continue
        if not (np.isfinite(given).all() and np.isfinite(wanted).all()):
            return float("inf")
        gap = np.abs(np.asarray(given, np.float64) - np.asarray(wanted, np.float64))
        largest = max(largest, float(gap.max(initial=0) / max(1.0, float(np.abs(wanted).max(initial=0)))))
    return largest
