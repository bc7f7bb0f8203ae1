"""What every CDK app here does: it reads the models, and tells a fault in what a person wrote in a line."""

import sys
from collections.abc import Callable, Sequence

from aws_cdk import App

from models.archive import ArchiveError
from models.registry import Model, load_models
from models.spec import SpecError
from stacks.stage import StageError


def synthesize(app_of: Callable[[Sequence[Model]], App]) -> int:
    """Exit status 0, or 1 after a line for each fault, without a traceback."""
    try:
        app_of(load_models()).synth()
    except (SpecError, ArchiveError, StageError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0
