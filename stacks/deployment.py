"""One stage of Fovea: a stack for each model, and one for the API."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import App

from models.registry import ROOT, Model
from models.spec import SpecError
from stacks.api_stack import ApiStack
from stacks.model_stack import ModelStack
from stacks.naming import API, endpoint_name
from stacks.stage import DEFAULT_STAGE, Stage, stage_named


def deployment(
    models: Sequence[Model],
    *,
    root: Path = ROOT,
    outdir: str | None = None,
    context: Mapping[str, str] | None = None,
    validate: bool = False,
) -> App:
    """The CDK app of the stage that the context names. Raises UnknownStage, SpecError and ArchiveError.

    `validate` has CDK check the templates. It compiles its rules anew each time, 1.4 s of a synth that else takes 2.2,
    so that is left to the tests, which do it for every stage, beside cfn-lint. CloudFormation checks a change set too.
    """
    app = App(
        outdir=outdir,
        context=context,
        analytics_reporting=False,
        builtin_cloud_formation_validation=validate,
    )
    asked = app.node.try_get_context("stage")
    stage = stage_named(DEFAULT_STAGE if asked is None else asked)
    refuse_shared_names(models, stage)
    for model in models:
        ModelStack(app, model=model, stage=stage, root=root)
    ApiStack(app, models=models, stage=stage, root=root)
    return app


def refuse_shared_names(models: Sequence[Model], stage: Stage) -> None:
    """Raises SpecError where two things would have one name on AWS; a spec alone cannot see it."""
    owners: dict[str, str] = {}
    faults = []
    for model in models:
        file = model.spec_file.relative_to(model.folder.parent.parent)
        if model.spec.name == API:
            faults.append(f"{file}: model.name: {API!r} is the name of the API's own stack; choose another")
        for endpoint in model.spec.endpoints:
            name = endpoint_name(stage, model.spec, endpoint)
            if name in owners:
                faults.append(f"{file}: endpoints.{endpoint}: {name} is an endpoint of {owners[name]} too; rename one")
            owners[name] = str(file)
    if faults:
        raise SpecError(faults)
