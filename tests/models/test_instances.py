"""What the name of an instance type says."""

import pytest

from models.instances import size


@pytest.mark.parametrize(
    ("instance_type", "known"),
    [
        ("ml.c7i.large", (2, 4096)),
        ("ml.m5.xlarge", (4, 16384)),
        ("ml.r6gd.2xlarge", (8, 65536)),
        ("ml.g5.48xlarge", (192, 786432)),
        ("ml.g6e.xlarge", (4, 32768)),
        ("ml.m8g.medium", (1, 4096)),
        ("ml.c4.8xlarge", None),
        ("ml.p4d.24xlarge", None),
    ],
)
def test_the_name_of_an_instance_says_how_large_it_is_or_that_nobody_knows(instance_type, known):
    assert size(instance_type) == known
