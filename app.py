"""The CDK app: `cdk synth -c stage=dev|beta|prod`. It reads the models; stacks/ does the rest."""

import sys

from models.archive import ArchiveError
from models.registry import load_models
from models.spec import SpecError
from stacks.deployment import deployment
from stacks.stage import UnknownStage


def main() -> int:
    """Synthesizes one stage; a fault in what a person wrote is told in a line, without a traceback."""
    try:
        deployment(load_models()).synth()
    except (SpecError, ArchiveError, UnknownStage) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
