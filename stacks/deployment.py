"""One stage of Fovea: a stack for each model, one for the API, and, if wanted, for jobs, a page and to watch them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from aws_cdk import App
from constructs import Construct

from models.chosen import of_kinds, tried
from models.realtime import RealtimeEndpoint
from models.registry import ROOT, Model
from models.spec import ENDPOINT_NAME_MAX, SpecError
from stacks.api_stack import ApiStack
from stacks.instances import at_most
from stacks.jobs_stack import JobsStack, takes_jobs
from stacks.model_stack import ModelStack
from stacks.naming import API, JOBS, PAGE, TRAINING, WATCH, endpoint_name, retraining_part
from stacks.options import Options, options_of
from stacks.page_stack import PageStack
from stacks.retraining_stack import RetrainingStack, refuse_untrainable, trains
from stacks.stage import Stage, stage_asked
from stacks.training_stack import TrainingStack, needs_bucket
from stacks.watch_stack import WatchStack


def deployment(
    models: Sequence[Model],
    *,
    root: Path = ROOT,
    outdir: str | None = None,
    context: Mapping[str, str] | None = None,
    validate: bool = False,
) -> App:
    """The CDK app of the stage that the context names. Raises StageError, SpecError and ArchiveError.

    The context's `kinds`, such as `serverless,lambda`, leaves out the endpoints of all other kinds; its `model` leaves
    out all other models, and its `endpoints` replace that one's.
    `validate` has CDK check the templates. It compiles its rules anew each time, 1.4 s of a synth that else takes 2.2,
    so that is left to the tests, which do it for every stage, beside cfn-lint. CloudFormation checks a change set too.
    """
    app = App(
        outdir=outdir,
        context=context,
        analytics_reporting=False,
        builtin_cloud_formation_validation=validate,
    )
    stage = stage_asked(app.node.try_get_context)
    add_stacks(app, models, stage, options_of(stage, app.node.get_all_context()), root)
    return app


def add_stacks(scope: Construct, models: Sequence[Model], stage: Stage, options: Options, root: Path) -> ApiStack:
    """Every stack of `stage`; gives the API's. Raises SpecError and ArchiveError."""
    context = scope.node.try_get_context
    models = tried(models, context("model"), context("endpoints"))
    refuse_shared_names(models, stage)
    refuse_untrainable(models)
    kinds = context("kinds")
    models = at_most(models if kinds is None else of_kinds(models, str(kinds)), stage.most_instances)
    page = PageStack(scope, models=models, stage=stage, options=options, root=root) if options.page else None
    jobs = JobsStack(scope, stage=stage) if any(map(takes_jobs, models)) else None
    for model in models:
        stack = ModelStack(scope, model=model, stage=stage, root=root)
        if jobs is not None and takes_jobs(model):
            stack.add_stack_dependency(jobs, "SageMaker makes no endpoint that writes to a bucket which is not there")
    _add_training(scope, models, stage, root)
    api = ApiStack(scope, models=models, stage=stage, options=options, root=root)
    if page is not None:
        api.add_stack_dependency(page, "it answers to the page's origin, known once the page is there")
    if stage.is_watched or stage.monthly_limit_usd:
        WatchStack(scope, models=models, stage=stage)
    return api


def _add_training(scope: Construct, models: Sequence[Model], stage: Stage, root: Path) -> None:
    """The stacks of the models that are trained anew and have an endpoint, of those deployed, that this reaches."""
    trained = [(model, training) for model in models if (training := trains(model)) is not None]
    if any(needs_bucket(model) for model, _ in trained):
        TrainingStack(scope, models=[model for model, _ in trained if needs_bucket(model)], stage=stage)
    for model, training in trained:
        RetrainingStack(scope, model=model, training=training, stage=stage, root=root)


def refuse_shared_names(models: Sequence[Model], stage: Stage) -> None:
    """Raises SpecError where two things would have one name on AWS; a spec alone cannot see it."""
    owners: dict[str, str] = {}
    faults = []
    trained = {retraining_part(model.spec.name) for model in models if model.spec.training}
    for model in models:
        file = model.spec_file.relative_to(model.folder.parent.parent)
        if model.spec.name in (API, WATCH, JOBS, PAGE, TRAINING, *trained):
            faults.append(
                f"{file}: model.name: {model.spec.name!r} is the name of one of Fovea's stacks; choose another"
            )
        for key, name in _names(model, stage):
            if len(name) > ENDPOINT_NAME_MAX:
                faults.append(f"{file}: {key}: {name} passes SageMaker's {ENDPOINT_NAME_MAX} characters; shorten it")
            if name in owners:
                faults.append(f"{file}: {key}: {name} is an endpoint of {owners[name]} too; rename one")
            owners[name] = str(file)
    if faults:
        raise SpecError(faults)


def _names(model: Model, stage: Stage) -> Iterator[tuple[str, str]]:
    """The keys of model.toml that name something on AWS, and how."""
    for endpoint, settings in model.spec.endpoints.items():
        name = endpoint_name(stage, model.spec, endpoint)
        yield f"endpoints.{endpoint}", name
        for variant in settings.variants if isinstance(settings, RealtimeEndpoint) else ():
            yield f"endpoints.{endpoint}.variants.{variant}", f"{name}-{variant}"
