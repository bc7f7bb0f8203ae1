"""How many cores an inference gets, and that the answer does not depend on it."""

import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from model_server.cores import cores, has_amx
from model_server.engines import only
from model_server.engines.openvino import OpenVinoEngine, threads_for
from model_server.loading import load_predictor
from tests.containers.model_folder import COLOURS, write_spec


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


def compiled_for(folder, precision):
    """An engine that is ready, and what it answers."""
    engine = OpenVinoEngine()
    engine.load(folder)
    engine.precision = precision
    return engine, only(engine.warm_up(np.random.default_rng(0).random((1, 32, 32, 3), np.float32)))


@pytest.mark.skipif(not has_amx(), reason="this CPU has no AMX")
def test_bfloat16_is_computed_in_where_it_is_asked_for(colours):
    _, exact = compiled_for(colours, "float32")
    engine, near = compiled_for(colours, "bfloat16")
    assert engine._compiled[cores()]._compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "bf16"
    assert 0 < np.abs(near - exact).max() < 0.02


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_model_toml_says_it(colours, tmp_path, precision):
    folder = Path(shutil.copytree(colours, tmp_path / "colours"))
    (folder / "model.toml").unlink()
    write_spec(folder, COLOURS, 32, framework=f'"tensorflow"\nprecision = "{precision}"')
    engine = load_predictor(folder, "openvino")._engine
    assert engine.precision == (precision if has_amx() else "float32")


def test_a_cpu_without_amx_keeps_to_float32_and_says_so(colours, monkeypatch, caplog):
    _, exact = compiled_for(colours, "float32")
    monkeypatch.setattr("model_server.engines.openvino.has_amx", lambda: False)
    with caplog.at_level("INFO"):
        _, answered = compiled_for(colours, "bfloat16")
    assert (answered == exact).all()
    assert [record.message for record in caplog.records] == ["precision"]
