"""When what was captured is compared: what is refused, with which remedy."""

import pytest

from models.registry import load_models
from tests.models.test_endpoints import GPU, fault_of, instance

CAPTURE = '[endpoints.gpu.data_capture]\nbucket = "captured-requests"\npercent = 5\n'
D = "endpoints.gpu.data_capture.drift"


def drift(*lines: str, instance_type: str = "ml.g5.xlarge", before: str = "") -> str:
    return instance(instance_type, before, CAPTURE, f"[{D}]", *lines)


REFUSALS = [
    (drift(), f"{D}.baseline: baseline.json is not beside model.toml; make it: python -m monitoring baseline"),
    (drift('baseline = "../baseline.json"'), f"{D}.baseline: '../baseline.json' does not fit; A file beside"),
    (drift("every_days = 0"), f"{D}.every_days: Input should be greater than or equal to 1"),
    (drift("significant_psi = 0"), f"{D}.significant_psi: Input should be greater than 0"),
    (drift('instance_type = "ml.m5.xlarge"'), f"{D}.instance_type: pictures are measured on one small instance"),
    (
        drift(instance_type="ml.c7g.large", before='architecture = "arm64"'),
        "data_capture.drift: SageMaker runs no processing job on Graviton",
    ),
]


@pytest.mark.parametrize(("tables", "words"), REFUSALS)
def test_names_the_key_and_the_remedy(repository, tables, words):
    assert words in fault_of(repository, tables)
    (repository.model / "baseline.json").write_text("{}")
    repository.edit(GPU, drift())
    assert load_models(repository.root)[0].spec.endpoints["gpu"].data_capture.drift.every_days == 7


def test_nothing_is_compared_unless_it_is_written(repository):
    repository.edit(GPU, instance("ml.g5.xlarge", CAPTURE))
    assert load_models(repository.root)[0].spec.endpoints["gpu"].data_capture.drift is None
