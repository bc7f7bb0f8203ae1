"""How many cores an inference gets, and that the answer does not depend on it."""

import time

import numpy as np
import pytest

from model_server.engines import only
from model_server.engines.openvino import OpenVinoEngine, threads_for


@pytest.mark.parametrize(
    ("in_flight", "cores", "threads"),
    [(1, 2, 2), (2, 2, 1), (32, 2, 1), (1, 1, 1), (1, 8, 8), (2, 8, 4), (3, 8, 2), (8, 8, 1), (1, 6, 6), (2, 6, 3)],
)
def test_one_request_gets_all_cores_and_many_get_one_each(in_flight, cores, threads):
    assert threads_for(in_flight, cores) == threads


def test_answers_alike_while_the_load_comes_and_goes(colours, monkeypatch):
    monkeypatch.setattr("model_server.engines.openvino.cores", lambda: 4)
    in_flight = [1]
    engine = OpenVinoEngine(lambda: in_flight[0])
    engine.load(colours)
    batch = np.random.default_rng(0).random((1, 32, 32, 3), np.float32)
    alone = only(engine.warm_up(batch))
    assert list(engine._compiled) == [4], "nobody pays for what is not used"
    for load, threads in ((2, 2), (4, 1), (1, 4)):
        in_flight[0] = load
        assert np.allclose(only(engine.infer(batch)), alone, atol=1e-6)  # the first asks for it, in the background
        deadline = time.monotonic() + 30
        while threads not in engine._compiled:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert np.allclose(only(engine.infer(batch)), alone, atol=1e-6)
    assert sorted(engine._compiled) == [1, 2, 4]
