"""The gateway's small parts, each as API Gateway has it."""

import pytest

from local.gateway import match
from local.throttle import TokenBucket


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/models/a/predict", {"model": "a"}),
        ("/models/a%20b/predict?x=1", {"model": "a b"}),
        ("/models/%2e%2e%2fetc/predict", {"model": "../etc"}),
        ("/models//predict", None),
        ("/models/a", None),
        ("/models/a/b/predict", None),
        ("/models/a/predict/", None),
    ],
)
def test_matches_paths_by_whole_segments(path, parameters):
    assert match("/models/{model}/predict", path) == parameters


def test_a_bucket_lets_a_burst_pass_and_then_its_rate():
    now = [0.0]
    bucket = TokenBucket(rate=2, burst=3, clock=lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] = 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    now[0] = 100
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
