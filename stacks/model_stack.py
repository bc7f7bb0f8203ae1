"""Everything one model needs on AWS, and nothing that another stack depends on."""

from pathlib import Path

from constructs import Construct

from models import endpoints
from models.capture import DataCapture
from models.realtime import RealtimeEndpoint
from models.registry import Model
from stacks.constructs.async_endpoint import QUEUED, permissions
from stacks.constructs.drift import DriftCheck
from stacks.constructs.endpoint import Endpoint, artifacts_of, endpoint_log_name
from stacks.constructs.endpoint_capture import KEPT, keep_captured
from stacks.constructs.endpoint_config import Settings
from stacks.constructs.endpoint_rollout import rollout_alarm_names
from stacks.constructs.endpoint_vpc import JOINED, join_network
from stacks.constructs.execution_role import ExecutionRole
from stacks.constructs.lambda_endpoint import LambdaEndpoint
from stacks.constructs.model_archive import ModelArchive
from stacks.constructs.model_image import ImageKind, ModelImage
from stacks.constructs.served_archive import RETRAINED, read_retrained, served_archive
from stacks.constructs.training_storage import training_storage
from stacks.naming import endpoint_name
from stacks.stage import Stage
from stacks.stage_stack import StageStack


class ModelStack(StageStack):
    """`Fovea-<stage>-<model>`: its images, its archive, its roles and its endpoints."""

    def __init__(self, scope: Construct, *, model: Model, stage: Stage, root: Path) -> None:
        spec = model.spec
        super().__init__(scope, stage, spec.name, spec.model.description, model=spec.name)
        self._model, self._stage, self._root = model, stage, root
        kinds = {name: _image_kind(model, name) for name in spec.endpoints}
        images = {
            kind: ModelImage(self, kind.id, root=root, model=model, kind=kind) for kind in sorted(set(kinds.values()))
        }
        on_sagemaker: dict[str, Settings] = {}
        for name, settings in spec.endpoints.items():
            if isinstance(settings, endpoints.LambdaEndpoint):
                LambdaEndpoint(
                    self,
                    name,
                    name=endpoint_name(stage, spec, name),
                    settings=settings,
                    image_uri=images[kinds[name]].uri,
                    engine=self._engine(name),
                    stage=stage,
                )
            else:
                on_sagemaker[name] = settings
        if on_sagemaker:
            self._add_to_sagemaker(on_sagemaker, {name: images[kinds[name]] for name in on_sagemaker})

    def _add_to_sagemaker(self, settings: dict[str, Settings], images: dict[str, ModelImage]) -> None:
        """Endpoints that take their model from S3, by a role of their own."""
        artifacts = dict.fromkeys(artifact for of_one in settings.values() for artifact in artifacts_of(of_one))
        archives = {artifact: self._archive(artifact) for artifact in artifacts}
        urls = {artifact: archive.url for artifact, archive in archives.items()}
        is_trained = self._model.spec.training is not None
        if is_trained:
            urls[None] = served_archive(self, urls[None])
        names = {name: endpoint_name(self._stage, self._model.spec, name) for name in settings}
        realtime = {names[name]: each for name, each in settings.items() if isinstance(each, RealtimeEndpoint)}
        queues = {names[name]: each for name, each in settings.items() if isinstance(each, endpoints.AsyncEndpoint)}
        on_instances = [*realtime.values(), *queues.values()]
        role = ExecutionRole(
            self,
            "ExecutionRole",
            object_arns=list(dict.fromkeys(archive.object_arn for archive in archives.values())),
            repository_arn=next(iter(images.values())).repository_arn,  # CDK keeps all images in one repository
            log_groups=[endpoint_log_name(names[name], of_one) for name, of_one in settings.items()],
            volume_key_arns=[each.volume_kms_key_arn for each in on_instances if each.volume_kms_key_arn],
            alarms=[alarm for name, each in realtime.items() for alarm in rollout_alarm_names(name, each)],
            more={
                QUEUED: permissions(self._model.spec, list(queues), self._stage),
                KEPT: [one for each in realtime.values() for one in keep_captured(each.data_capture)],
                JOINED: [one for each in on_instances for one in join_network(each.vpc)],
                RETRAINED: [read_retrained(training_storage(self._model, self._stage))] if is_trained else [],
            },
        )
        for name, of_one in settings.items():
            Endpoint(
                self,
                name,
                name=names[name],
                model=self._model.spec.name,
                settings=of_one,
                image_uri=images[name].uri,
                engine=self._engine(name),
                archive_urls={artifact: urls[artifact] for artifact in artifacts_of(of_one)},
                role_arn=role.arn,
                stage=self._stage,
            )
        for name, each in settings.items():
            if isinstance(each, RealtimeEndpoint) and each.data_capture:
                self._check_drift(name, each.data_capture, images[name])

    def _check_drift(self, name: str, capture: DataCapture, image: ModelImage) -> None:
        if capture.drift:
            DriftCheck(
                self,
                f"{name}-drift",
                name=endpoint_name(self._stage, self._model.spec, name),
                model=self._model.spec.name,
                endpoint=name,
                capture=capture,
                drift=capture.drift,
                folder=self._model.folder,
                image=image,
                stage=self._stage,
            )

    def _archive(self, artifact: str | None) -> ModelArchive:
        name = f"Archive {artifact}" if artifact else "Archive"
        return ModelArchive(self, name, root=self._root, model=self._model.with_artifact(artifact))

    def _engine(self, name: str) -> str | None:
        """What the endpoint's image must be told to run the network with, if anything."""
        spec = self._model.spec
        return spec.model.framework if spec.accelerator(name) == "native" else None


def _image_kind(model: Model, endpoint: str) -> ImageKind:
    settings = model.spec.endpoints[endpoint]
    return ImageKind(
        model.spec.accelerator(endpoint), settings.architecture, isinstance(settings, endpoints.LambdaEndpoint)
    )
