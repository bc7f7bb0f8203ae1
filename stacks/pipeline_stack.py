"""The pipeline: each commit is tested and synthesized, deployed to beta, asked for predictions there, and then waits.

CDK Pipelines' own constructs, other than elsewhere in stacks/: what they write is long and theirs to keep right, it
changes with the stages, and nobody waits for this app to synthesize.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import aws_cdk
from aws_cdk import App, DefaultStackSynthesizer, Duration, RemovalPolicy, Stack, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from models.registry import ROOT, Model
from stacks.api_stack import ApiStack
from stacks.constructs.pipeline_rules import acknowledge_generated, let_use_connection
from stacks.deployment import add_stacks
from stacks.naming import arn
from stacks.options import options_of
from stacks.pipeline_source import Source
from stacks.stage import PROJECT, STAGES, Stage, adjusted

NAME = f"{PROJECT.capitalize()}-pipeline"
TRIED, LAST = STAGES["beta"], STAGES["prod"]
KEPT_DAYS = 30  # logs and artifacts
PATIENCE = Duration.hours(3)  # images for GPUs are gigabytes, of PyTorch and CUDA
BUILDER = codebuild.ComputeType.LARGE  # 8 cores, 15 GB, 128 GB of disk: tests have TensorFlow, and those images
TOOLS = 'export PATH="$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH"'


def delivery(
    models: Sequence[Model],
    *,
    root: Path = ROOT,
    outdir: str | None = None,
    context: Mapping[str, str] | None = None,
) -> App:
    """The CDK app of the pipeline and of what it deploys. Raises StageError, SpecError and ArchiveError."""
    app = App(outdir=outdir, context=context, analytics_reporting=False, builtin_cloud_formation_validation=False)
    PipelineStack(app, models=models, source=Source.asked(app.node.try_get_context), root=root)
    return app


class PipelineStack(Stack):
    """`Fovea-pipeline`. beta and prod are in its account and region, by the names that a person's deployment gives."""

    def __init__(self, scope: Construct, *, models: Sequence[Model], source: Source, root: Path) -> None:
        super().__init__(
            scope,
            NAME,
            description="Fovea: from a commit to beta, and to prod when somebody says so.",
            tags={"project": PROJECT},
            synthesizer=DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        code = pipelines.CodePipelineSource.connection(
            source.repository, source.branch, connection_arn=source.connection_arn
        )
        made = self._pipeline(_synth(code, source), _cdk_version(root))
        beta, api = self._stage(TRIED, models, root)
        prod, _ = self._stage(LAST, models, root)
        made.add_stage(beta, post=[_smoke(code, TRIED, api)])
        made.add_stage(
            prod, pre=[pipelines.ManualApprovalStep("Promote", comment=f"{TRIED.name} answers. On to prod?")]
        )
        made.build_pipeline()
        let_use_connection(made, source.connection_arn)
        acknowledge_generated(self)

    def _pipeline(self, synth: pipelines.ShellStep, cdk_version: str) -> pipelines.CodePipeline:
        log = logs.LogGroup(self, "Log", retention=logs.RetentionDays.ONE_MONTH, removal_policy=RemovalPolicy.DESTROY)
        logging = codebuild.LoggingOptions(cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=log))
        return pipelines.CodePipeline(
            self,
            "Pipeline",
            pipeline_name=NAME,
            synth=synth,
            cli_version=cdk_version,
            artifact_bucket=self._artifacts(),
            publish_assets_in_parallel=False,  # a project for each image would be a dozen
            code_build_defaults=pipelines.CodeBuildOptions(
                logging=logging, timeout=PATIENCE, build_environment=_machine(codebuild.ComputeType.SMALL)
            ),
            # Images are built there, by a Docker of its own: CDK Pipelines makes that project privileged, and no other.
            asset_publishing_code_build_defaults=pipelines.CodeBuildOptions(
                build_environment=_machine(BUILDER, BUILDX_NO_DEFAULT_ATTESTATIONS="1")  # SageMaker refuses them
            ),
        )

    def _artifacts(self) -> s3.Bucket:
        """With S3's own key: one of KMS is a dollar a month, for what only roles of this account read anyway."""
        return s3.Bucket(
            self,
            "Artifacts",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(KEPT_DAYS), abort_incomplete_multipart_upload_after=Duration.days(1)
                )
            ],
            removal_policy=RemovalPolicy.RETAIN,  # CloudFormation deletes none that holds something
        )

    def _stage(self, stage: Stage, models: Sequence[Model], root: Path) -> tuple[aws_cdk.Stage, ApiStack]:
        deployed = aws_cdk.Stage(self, stage.name)
        options = options_of(stage, self.node.get_all_context())
        return deployed, add_stacks(deployed, models, adjusted(stage, self.node.try_get_context), options, root)


def _synth(code: pipelines.CodePipelineSource, source: Source) -> pipelines.CodeBuildStep:
    return pipelines.CodeBuildStep(
        "Synth",
        input=code,
        commands=["make test", TOOLS, f'cdk synth --quiet --app "python pipeline.py" {source.as_context}'],
        primary_output_directory="cdk.out",
        build_environment=_machine(BUILDER),
        partial_build_spec=_with_python(),
    )


def _smoke(code: pipelines.CodePipelineSource, stage: Stage, api: ApiStack) -> pipelines.CodeBuildStep:
    """As somebody with AWS credentials; the id of the API is CloudFormation's choice."""
    may = [arn("execute-api", f"*/{stage.name}/{route}") for route in ("GET/models", "POST/models/*/predict")]
    return pipelines.CodeBuildStep(
        "Smoke",
        input=code,
        commands=[
            "make .venv/.app-installed",
            TOOLS,
            'python -m experiments.smoke "$API_URL" --sign --each-endpoint',
        ],
        env_from_cfn_outputs={"API_URL": api.url},
        role_policy_statements=[iam.PolicyStatement(actions=["execute-api:Invoke"], resources=may)],
        partial_build_spec=_with_python(),
    )


def _machine(size: codebuild.ComputeType, **variables: str) -> codebuild.BuildEnvironment:
    return codebuild.BuildEnvironment(
        build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
        compute_type=size,
        environment_variables={
            name: codebuild.BuildEnvironmentVariable(value=value) for name, value in variables.items()
        },
    )


def _with_python() -> codebuild.BuildSpec:
    return codebuild.BuildSpec.from_object({"phases": {"install": {"runtime-versions": {"python": "3.11"}}}})


def _cdk_version(root: Path) -> str:
    """That of the repository; another may not read what this one's library writes."""
    return str(json.loads((root / "package.json").read_text(encoding="utf-8"))["devDependencies"]["aws-cdk"])
