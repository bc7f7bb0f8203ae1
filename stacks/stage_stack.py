"""What every stack of a stage has in common: how it is named, whose it is, and how it is uploaded."""

from aws_cdk import DefaultStackSynthesizer, Stack
from constructs import Construct

from stacks.naming import stack_name
from stacks.stage import PROJECT, Stage


class StageStack(Stack):
    """`Fovea-<stage>-<part>`, tagged with its project and stage, and with more where it is somebody's."""

    def __init__(self, scope: Construct, stage: Stage, part: str, description: str, **tags: str) -> None:
        super().__init__(
            scope,
            stack_name(stage, part),
            stack_name=stack_name(stage, part),  # in a pipeline too, whose stages would else be part of the name
            description=f"Fovea {stage.name}: {description}",
            tags={"project": PROJECT, "stage": stage.name, **tags},
            # Its own: a shared one would upload every stack's assets with each. The CDK command checks the bootstrap
            # version before it deploys, so the template need not.
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
