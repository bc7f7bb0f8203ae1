"""Everything one model needs on AWS, and nothing that another stack depends on."""

from pathlib import Path

from aws_cdk import DefaultStackSynthesizer, Stack
from constructs import Construct

from models.endpoints import RealtimeEndpoint
from models.registry import Model
from stacks.constructs.endpoint import Endpoint
from stacks.constructs.execution_role import ExecutionRole
from stacks.constructs.model_archive import ModelArchive
from stacks.constructs.model_image import ModelImage
from stacks.naming import endpoint_name, stack_name
from stacks.stage import PROJECT, Stage


class ModelStack(Stack):
    """`Fovea-<stage>-<model>`: its images, its archive, its role and its endpoints."""

    def __init__(self, scope: Construct, *, model: Model, stage: Stage, root: Path) -> None:
        spec = model.spec
        super().__init__(
            scope,
            stack_name(stage, spec.name),
            description=f"Fovea {stage.name}: {spec.model.description}",
            tags={"project": PROJECT, "stage": stage.name, "model": spec.name},
            # Its own: a shared one would upload every stack's assets with each. The CDK command checks the bootstrap
            # version before it deploys, so the template need not.
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        images = {
            accelerator: ModelImage(
                self,
                f"{accelerator.capitalize()}Image",
                root=root,
                container=spec.model.container,
                accelerator=accelerator,
                requirements=model.requirements,
            )
            for accelerator in sorted({spec.accelerator(name) for name in spec.endpoints})
        }
        archive = ModelArchive(self, "Archive", root=root, model=model)
        names = {name: endpoint_name(stage, spec, name) for name in spec.endpoints}
        role = ExecutionRole(
            self,
            "ExecutionRole",
            object_arn=archive.object_arn,
            repository_arn=next(iter(images.values())).repository_arn,  # CDK keeps all images in one repository
            endpoints=list(names.values()),
            volume_key_arns=[
                settings.volume_kms_key_arn
                for settings in spec.endpoints.values()
                if isinstance(settings, RealtimeEndpoint) and settings.volume_kms_key_arn
            ],
        )
        for name, settings in spec.endpoints.items():
            Endpoint(
                self,
                name,
                name=names[name],
                settings=settings,
                image_uri=images[spec.accelerator(name)].uri,
                engine=spec.model.framework if spec.accelerator(name) == "native" else None,
                archive_url=archive.url,
                role_arn=role.arn,
                stage=stage,
            )
