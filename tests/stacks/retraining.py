"""A small repository whose one model is trained anew, synthesized, and its state machine read from the template."""

import json
from pathlib import Path
from typing import Any

from local.template import resolved
from tests.models.conftest import Repository
from tests.stacks.assembly import Assembly, Stack, synthesize
from tests.stacks.conftest import copy_rooms

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001"
    "a5f645400000000049454e44ae426082"
)
TABLE = '\n[training]\nhyperparameters = { epochs = "3" }\n'
UNKNOWN = "arn:aws:cloudformation:us-east-1:000000000000:"
PART = "cat-breeds-training"


def trained_repository(root: Path, table: str = TABLE) -> Repository:
    """All that is deployed, with a model that has a [training] table, a train.py and a sample."""
    repository = Repository(root)
    copy_rooms(root)
    (repository.model / "train.py").touch()
    (repository.model / "samples").mkdir()
    (repository.model / "samples" / "cat.png").write_bytes(PIXEL)
    with (repository.model / "model.toml").open("a") as spec:
        spec.write(table)
    return repository


def deployed(root: Path, out: Path, stage: str = "dev", table: str = TABLE) -> Assembly:
    return synthesize(stage, out, trained_repository(root, table).root)


def machine(stack: Stack) -> dict[str, Any]:
    """The definition, as AWS would get it."""
    return json.loads(resolved_text(stack.only("StepFunctions::StateMachine")["DefinitionString"]))


def resolved_text(value: Any) -> str:
    """As local.template resolves it; what only CloudFormation knows is an ARN that ends in the logical id."""
    match value:
        case {"Ref": name} if not name.startswith("AWS::"):
            return f"{UNKNOWN}{name}"
        case {"Fn::GetAtt": [name, _]}:
            return f"{UNKNOWN}{name}"
        case {"Fn::Join": [glue, parts]}:
            return glue.join(map(resolved_text, parts))
    return resolved(value)
