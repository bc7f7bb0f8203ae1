"""Each stack of two stages, as it was last looked at. After a change that you meant: `pytest --snapshot-update`."""

import pytest
from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.assembly import scrubbed
from tests.stacks.conftest import STACK_PARTS


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("part", STACK_PARTS)
def test_a_stack_is_what_it_was(stages, stage, part, snapshot):
    assert scrubbed(stages[stage].part(part).template) == snapshot.use_extension(JSONSnapshotExtension)
