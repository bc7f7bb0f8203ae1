"""Each stack of two stages, as it was last looked at. After a change that you meant: `pytest --snapshot-update`."""

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.assembly import scrubbed
from tests.stacks.conftest import STACK_PARTS

STACKS = [(part, stage) for part in STACK_PARTS for stage in ("dev", "prod")] + [("watch", "prod")]


@pytest.mark.parametrize(("part", "stage"), STACKS)
def test_a_stack_is_what_it_was(stages, stage, part, snapshot):
    assert scrubbed(stages[stage].part(part).template) == snapshot.use_extension(JSONSnapshotExtension)
