"""Graphs that do more than compute: TensorFlow would run whatever operations they name, some of them while it loads."""

import numpy as np
import pytest

from model_server.engines import EngineError
from tests.faults.failing_scripts import SIDE
from tests.faults.refused_folders import never_ready_and_one_clear_line

PICTURE = np.full((1, SIDE, SIDE, 3), 0.5, np.float32)
REFUSED = {
    "export_writing_model": "WriteFile",
    "export_writing_within": "WriteFile",
    "export_writing_on_load": "WriteFile",
    "export_v1_writing": "WriteFile",
    "export_v1_writing_on_load": "WriteFile",
    "export_frozen_writing": "WriteFile",
    "export_saving": "SaveV2",
    "export_printing": "PrintV2",
    "export_reading": "ReadFile",
}


@pytest.fixture(scope="module")
def models():
    from tests.faults import writing_model  # noqa: PLC0415 TensorFlow takes seconds

    return writing_model


def answer(folder):
    from model_server.engines.tensorflow import TensorFlowEngine  # noqa: PLC0415

    engine = TensorFlowEngine()
    engine.load(folder)
    return engine.warm_up(PICTURE)


@pytest.mark.parametrize("export", REFUSED)
def test_a_graph_that_does_more_than_compute_is_refused_before_it_loads(models, tmp_path, export):
    mark = tmp_path / "was-run"
    folder = getattr(models, export)(tmp_path / "model", mark)
    with pytest.raises(EngineError, match=f"operation {REFUSED[export]}, "):
        answer(folder)
    assert not list(tmp_path.glob("was-run*"))


@pytest.mark.parametrize("export", ["export_vocabulary", "export_v1"])
def test_a_graph_that_was_saved_with_its_variables_is_answered(models, tmp_path, export):
    folder = getattr(models, export)(tmp_path / "model")
    (scores,) = answer(folder).values()
    assert scores == pytest.approx(np.full((1, 3), 1 / 3))


def test_a_server_that_would_give_way_to_tensorflow_does_not_run_it(models, tmp_path):
    """OpenVINO does not know the operation."""
    mark = tmp_path / "was-run"
    folder = models.export_writing_model(tmp_path / "model", mark)
    assert "WriteFile" in never_ready_and_one_clear_line(folder, {"TF_CPP_MIN_LOG_LEVEL": "2"})
    assert not mark.exists()
