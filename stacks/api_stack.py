"""The HTTPS API of one stage, in front of every model's endpoints."""

from collections.abc import Sequence
from pathlib import Path

from aws_cdk import CfnOutput
from constructs import Construct

from models.registry import Model
from stacks.constructs.inference_api import JOB_ROUTES, ROUTES, InferenceApi
from stacks.constructs.page_config import page_config
from stacks.constructs.page_origin import page_origin
from stacks.constructs.proxy_function import ProxyFunction
from stacks.how_to_call import how_to_call
from stacks.jobs_stack import takes_jobs
from stacks.naming import API
from stacks.options import Options
from stacks.stage import Stage
from stacks.stage_stack import StageStack


class ApiStack(StageStack):
    """`Fovea-<stage>-api`. It knows the endpoints by name alone, and deploys before, after or without them.

    Offers `url`, the output that says where it is.
    """

    def __init__(
        self, scope: Construct, *, models: Sequence[Model], stage: Stage, options: Options, root: Path
    ) -> None:
        super().__init__(scope, stage, API, "the HTTPS API.")
        jobs = [model for model in models if takes_jobs(model)]
        origin = page_origin(self, stage, options)
        proxy = ProxyFunction(
            self, "Proxy", root=root, models=models, jobs=jobs, stage=stage, options=options, page_origin=origin
        )
        routes = ROUTES + JOB_ROUTES if jobs else ROUTES
        api = InferenceApi(
            self, "Api", function_arn=proxy.arn, routes=routes, stage=stage, options=options, page_origin=origin
        )
        if options.page:
            page_config(self, url=api.url, users=api.users, models=models, stage=stage, options=options)
        outputs = {
            each.name: CfnOutput(self, each.name, value=each.value, description=each.description)
            for each in how_to_call(api, stage, options)
        }
        self.url = outputs["ApiUrl"]
