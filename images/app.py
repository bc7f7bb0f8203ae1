"""A CDK app of one stack that no one deploys: the CPU image of every container, whether a model uses it or not."""

from pathlib import Path

from aws_cdk import App, Stack

from models.registry import ROOT, containers
from stacks.constructs.model_image import ContainerImage


def synthesize_containers(out: Path, root: Path = ROOT) -> Path:
    """Writes the cloud assembly to `out` and returns it; an image in it has the same key as in a stage's."""
    app = App(outdir=str(out), analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = Stack(app, "Images")
    for container in containers(root):
        ContainerImage(stack, container, root=root, container=container)
    app.synth()
    return out
