"""Requests that run together: each caller gets its own rows, whatever happens to the others."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import sleep

import numpy as np
import pytest

from model_server.engines.batching import HALF_PARITY, Batcher, difference

WAIT_S = 10


class Device:
    """Doubles what it is given, and refuses a batch that holds -1. Its first run lasts until `free` is set."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.started, self.free = Event(), Event()

    def run(self, batch):
        first = not self.runs
        self.runs.append(len(batch))
        if first:
            self.started.set()
            assert self.free.wait(WAIT_S)
        if (batch == -1).any():
            raise ArithmeticError("minus one")
        doubled = 2 * batch
        return {"a": doubled, "same": doubled, "sum": batch.reshape(len(batch), -1).sum(axis=1)}


def several(*values: float, width: int = 2):
    return np.repeat(np.float32(values)[:, None], width, axis=1)


class Busy:
    """A batcher whose device works on a first call, while the calls under test gather behind it in their order."""

    def __init__(self, max_batch: int = 8) -> None:
        self.device = Device()
        self.batcher = Batcher(self.device.run, max_batch)
        self.pool = ThreadPoolExecutor(32)

    def __enter__(self):
        self.first = self.pool.submit(self.batcher.infer, several(100))
        assert self.device.started.wait(WAIT_S)
        return self

    def __exit__(self, *_):
        self.device.free.set()
        self.pool.shutdown(cancel_futures=True)

    def call(self, batch):
        waiting = len(self.batcher._waiting)
        future = self.pool.submit(self.batcher.infer, batch)
        while len(self.batcher._waiting) == waiting:
            assert not future.done()
            sleep(0.001)
        return future

    def answers(self, futures):
        self.device.free.set()
        return [future.result(WAIT_S) for future in futures]


def test_a_single_call_passes_straight_through():
    given, answer = several(1, 2), {"a": several(3, 4)}
    seen = []
    batcher = Batcher(lambda batch: seen.append(batch) or answer, 8)
    assert batcher.infer(given) is answer
    assert seen[0] is given


def test_an_error_of_a_single_call_is_its_own_and_the_next_succeeds():
    device = Device()
    device.free.set()
    batcher = Batcher(device.run, 8)
    with pytest.raises(ArithmeticError):
        batcher.infer(several(-1))
    assert batcher.infer(several(4))["a"].tolist() == [[8, 8]]


def test_calls_that_gather_run_as_one_and_each_gets_its_own_rows():
    with Busy() as busy:
        futures = [busy.call(several(number)) for number in range(1, 9)]
        for number, outputs in enumerate(busy.answers(futures), 1):
            assert outputs["a"].tolist() == [[2 * number, 2 * number]]
            assert outputs["sum"].tolist() == [2 * number]
            assert outputs["a"] is outputs["same"]
        assert busy.first.result()["a"].tolist() == [[200, 200]]
        assert busy.device.runs == [1, 8]


def test_calls_of_several_instances_stay_whole_and_within_the_largest_batch():
    with Busy(max_batch=4) as busy:
        sizes = (3, 2, 1, 4, 1)
        futures = [busy.call(several(*range(10 * i, 10 * i + size))) for i, size in enumerate(sizes)]
        for i, (size, outputs) in enumerate(zip(sizes, busy.answers(futures), strict=True)):
            assert outputs["a"][:, 0].tolist() == [2 * (10 * i + k) for k in range(size)]
        assert busy.device.runs == [1, 4, 3, 4]  # 3 + 1, 2 + 1, 4


def test_different_shapes_and_types_never_mix():
    with Busy() as busy:
        wide = [busy.call(several(number, width=3)) for number in (1, 2)]
        narrow = [busy.call(several(number)) for number in (3, 4)]
        double = busy.call(several(5).astype(np.float64))
        answers = busy.answers([*wide, *narrow, double])
        assert [answer["a"].shape for answer in answers] == [(1, 3), (1, 3), (1, 2), (1, 2), (1, 2)]
        assert [answer["a"][0, 0] for answer in answers] == [2, 4, 6, 8, 10]
        assert busy.device.runs == [1, 2, 2, 1]


@pytest.mark.parametrize("culprit", [0, 1, 3])
def test_an_error_reaches_only_the_culprit(culprit):
    with Busy() as busy:
        futures = [busy.call(several(-1 if i == culprit else i + 1)) for i in range(4)]
        assert isinstance(futures[culprit].exception(busy.device.free.set() or WAIT_S), ArithmeticError)
        others = [i for i in range(4) if i != culprit]
        assert [futures[i].result(WAIT_S)["sum"].tolist() for i in others] == [[2 * (i + 1)] for i in others]
        assert busy.device.runs == [1, 4, 1, 1, 1, 1]
        assert busy.batcher.infer(several(7))["sum"].tolist() == [14]


def test_outputs_without_a_row_for_each_instance_are_computed_alone():
    batcher = Batcher(lambda batch: {"count": np.float32(len(batch))}, 8)
    with Busy() as busy:
        busy.batcher._run = lambda batch: {"total": batch.sum()}
        futures = [busy.call(several(number)) for number in (1, 2)]
        assert [float(answer["total"]) for answer in busy.answers(futures)] == [2, 4]
    assert batcher.infer(several(1, 2))["count"] == 2


class Interrupted(BaseException):
    """What ends a thread from outside."""


def test_nobody_hangs_when_a_leaders_thread_is_interrupted():
    with Busy() as busy:
        futures = [busy.call(several(number)) for number in (1, 2, 3)]
        run, interrupted = busy.batcher._run, []

        def interrupt_once(batch):
            if len(batch) == 3 and not interrupted:
                interrupted.append(batch)
                raise Interrupted
            return run(batch)

        busy.batcher._run = interrupt_once
        assert isinstance(futures[0].exception(busy.device.free.set() or WAIT_S), Interrupted)
        assert [future.result(WAIT_S)["sum"].tolist() for future in futures[1:]] == [[4], [6]]


def test_many_callers_each_get_their_own_answer():
    device = Device()
    device.free.set()
    batcher = Batcher(device.run, 8)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda number: batcher.infer(several(number)), range(400)))
    assert [int(answer["a"][0, 0]) for answer in answers] == [2 * number for number in range(400)]
    assert sum(device.runs) == 400
    assert max(device.runs) <= 8


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ([0.2, 0.8], 0.0),
        ([0.3, 0.7], 0.1),
        ([np.nan, 0.8], np.inf),
        ([0.2, np.inf], np.inf),
        ([0.2, 0.8, 0.0], np.inf),
    ],
)
def test_scores_are_compared_as_they_are(answered, expected):
    assert difference({"a": np.float32([0.2, 0.8])}, {"a": np.float32(answered)}) == pytest.approx(expected)


def test_outputs_without_numbers_are_compared_by_what_they_say():
    yes, no = np.array([b"yes"], object), np.array([b"no"], object)
    assert difference({"a": yes}, {"a": yes.copy()}) == 0
    assert difference({"a": yes}, {"a": no}) == np.inf
    assert difference({"a": np.float32([np.inf])}, {"a": np.float32([1])}) == np.inf


def test_large_outputs_are_compared_in_relation_to_the_largest():
    boxes = np.float32([[100, 400]])
    assert difference({"boxes": boxes}, {"boxes": boxes + 1}) == pytest.approx(1 / 400)
    assert difference({"boxes": boxes}, {"boxes": boxes * 1.01}) > HALF_PARITY


def test_tensorflow_gives_each_caller_its_own_answer_through_it(colours, monkeypatch):
    from model_server.engines import only, tensorflow  # noqa: PLC0415

    monkeypatch.setattr(tensorflow, "accelerates", lambda: True)
    engine = tensorflow.TensorFlowEngine()
    engine.load(colours)
    pictures = np.random.default_rng(5).random((24, 1, 32, 32, 3), np.float32)
    plain = only(engine.warm_up(pictures[0]))
    assert engine.max_batch == 8
    alone = [only(engine.infer(picture)) for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        together = [only(outputs) for outputs in pool.map(engine.infer, pictures)]
    assert plain == pytest.approx(alone[0], abs=1e-6)
    assert np.concatenate(together) == pytest.approx(np.concatenate(alone), abs=1e-6)
