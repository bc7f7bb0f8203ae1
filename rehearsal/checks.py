"""What moto holds after each step, asked through boto3 and compared with what the templates say."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3

from local.template import resolved
from rehearsal.command import ACCOUNT, REGION, RehearsalFailed

Resources = list[tuple[str, Mapping[str, Any]]]
"""Type and properties of every resource of every stack."""


class Account:
    """moto's account, by boto3."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url

    def client(self, service: str) -> Any:
        """A client of moto's."""
        keys = {"aws_access_key_id": "rehearsal", "aws_secret_access_key": "rehearsal"}
        return boto3.client(service, endpoint_url=self._endpoint_url, region_name=REGION, **keys)

    def served(self) -> dict[str, str]:
        """ARN of an endpoint -> address of the archive that it serves."""
        sagemaker = self.client("sagemaker")
        found = {}
        for name in self.endpoints():
            endpoint = sagemaker.describe_endpoint(EndpointName=name)
            config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
            name_or_arn = config["ProductionVariants"][0].get("ModelName")  # moto's updates write the ARN there
            if name_or_arn is None:
                continue  # an inference component's, which moto does not know
            model = sagemaker.describe_model(ModelName=name_or_arn.rpartition("/")[2])
            found[endpoint["EndpointArn"]] = model["PrimaryContainer"]["ModelDataUrl"]
        return found

    def endpoints(self) -> dict[str, str]:
        """Name -> status."""
        listed = self.client("sagemaker").list_endpoints(MaxResults=100)["Endpoints"]
        return {each["EndpointName"]: each["EndpointStatus"] for each in listed}

    def scaling_targets(self) -> dict[str, tuple[int, int]]:
        """Resource -> least and most."""
        targets = self.client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")
        return {each["ResourceId"]: (each["MinCapacity"], each["MaxCapacity"]) for each in targets["ScalableTargets"]}

    def scaling_policies(self) -> set[str]:
        """The resources that follow the load."""
        policies = self.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="sagemaker")
        return {each["ResourceId"] for each in policies["ScalingPolicies"]}

    def functions(self) -> set[str]:
        """The names of the Lambda functions."""
        return {each["FunctionName"] for each in self.client("lambda").list_functions()["Functions"]}

    def monthly_limits(self) -> list[float]:
        """Of every budget, in its currency."""
        budgets = self.client("budgets").describe_budgets(AccountId=ACCOUNT)["Budgets"]
        return [float(each["BudgetLimit"]["Amount"]) for each in budgets]

    def log_groups(self) -> dict[str, int | None]:
        """Name -> days that lines are kept."""
        groups = self.client("logs").describe_log_groups()["logGroups"]
        return {each["logGroupName"]: each.get("retentionInDays") for each in groups}

    def routes(self) -> set[tuple[str, str]]:
        """Method and path of every API."""
        gateway = self.client("apigateway")
        found = set()
        for api in gateway.get_rest_apis()["items"]:
            for resource in gateway.get_resources(restApiId=api["id"])["items"]:
                found |= {(method, resource["path"]) for method in resource.get("resourceMethods", {})}
        return found

    def quotas(self) -> list[int]:
        """Of every API key, the requests that it may make in its plan's period."""
        gateway = self.client("apigateway")
        plans = gateway.get_usage_plans()["items"]
        return sorted(
            plan["quota"]["limit"]
            for plan in plans
            for _ in gateway.get_usage_plan_keys(usagePlanId=plan["id"])["items"]
        )

    def buckets(self) -> set[str]:
        """The names of the buckets, but for what bootstrapping made."""
        there = {each["Name"] for each in self.client("s3").list_buckets()["Buckets"]}
        return {name for name in there if not name.startswith("cdk-")}

    def topics(self) -> set[str]:
        """The names of the topics."""
        return {each["TopicArn"].rpartition(":")[2] for each in self.client("sns").list_topics()["Topics"]}

    def stacks(self) -> set[str]:
        """The names of the stacks, but for what bootstrapping made."""
        summaries = self.client("cloudformation").list_stacks()["StackSummaries"]
        there = {each["StackName"] for each in summaries if each["StackStatus"] != "DELETE_COMPLETE"}
        return there - {"CDKToolkit"}

    def stages(self) -> set[str]:
        """The names of the stages of every API."""
        gateway = self.client("apigateway")
        apis = gateway.get_rest_apis()["items"]
        return {stage["stageName"] for api in apis for stage in gateway.get_stages(restApiId=api["id"])["item"]}


def resources(assembly: Path) -> Resources:
    """Of every template in a cloud assembly."""
    templates = [json.loads(file.read_text("utf-8")) for file in sorted(assembly.glob("*.template.json"))]
    return [(each["Type"], each.get("Properties", {})) for one in templates for each in one["Resources"].values()]


def check_deployed(account: Account, wanted: Resources) -> list[str]:
    """A line for each kind of resource that is there as its template says. Raises RehearsalFailed."""
    return [f"{what}: {_same(what, seen(account), asked)}" for what, asked, seen in _expectations(wanted)]


def _expectations(wanted: Resources) -> Iterator[tuple[str, Any, Callable[[Account], Any]]]:
    of = {kind: [given for each, given in wanted if each == kind] for kind, _ in wanted}
    endpoints = [given["EndpointName"] for given in of["AWS::SageMaker::Endpoint"]]
    yield "SageMaker endpoints in service", dict.fromkeys(endpoints, "InService"), Account.endpoints
    targets = of["AWS::ApplicationAutoScaling::ScalableTarget"]
    bounds = {given["ResourceId"]: (given["MinCapacity"], given["MaxCapacity"]) for given in targets}
    yield "scaling targets", bounds, Account.scaling_targets
    yield "scaling policies", set(bounds), Account.scaling_policies
    named = {given["FunctionName"] for given in of["AWS::Lambda::Function"] if "FunctionName" in given}
    yield "functions of models", named, lambda account: account.functions() & named
    yield "functions", len(of["AWS::Lambda::Function"]), lambda account: len(account.functions())
    groups = {given["LogGroupName"] for given in of["AWS::Logs::LogGroup"] if "LogGroupName" in given}
    kept = dict.fromkeys(groups, of["AWS::Logs::LogGroup"][0]["RetentionInDays"])
    yield "log groups of endpoints", kept, lambda account: _only(account.log_groups(), groups)
    yield "log groups", len(of["AWS::Logs::LogGroup"]), lambda account: len(account.log_groups())
    yield (
        "buckets",
        {resolved(given["BucketName"], ACCOUNT) for given in of.get("AWS::S3::Bucket", [])},
        Account.buckets,
    )
    yield "topics", {given["TopicName"] for given in of.get("AWS::SNS::Topic", [])}, Account.topics
    yield "methods of the API", len(of["AWS::ApiGateway::Method"]), lambda account: len(account.routes())
    quotas = sorted(given["Quota"]["Limit"] for given in of.get("AWS::ApiGateway::UsagePlan", []))
    yield "API keys with a quota", quotas, Account.quotas
    limits = [given["Budget"]["BudgetLimit"]["Amount"] for given in of.get("AWS::Budgets::Budget", [])]
    yield "budgets", limits, Account.monthly_limits
    yield "stages of the API", {given["StageName"] for given in of["AWS::ApiGateway::Stage"]}, Account.stages


def check_gone(account: Account) -> list[str]:
    """Nothing is left, for a stage whose removal policies keep nothing. Raises RehearsalFailed."""
    left = {
        "SageMaker endpoints": account.endpoints(),
        "functions": account.functions(),
        "log groups": account.log_groups(),
        "buckets": account.buckets(),
        "topics": account.topics(),
        "stacks": account.stacks(),
    }
    return [f"{what}: {_same(what, found, type(found)())}" for what, found in left.items()]


def _same(what: str, seen: Any, asked: Any) -> str:
    if seen != asked:
        raise RehearsalFailed(f"{what}: {seen!r}, not {asked!r}")
    return str(len(asked)) if hasattr(asked, "__len__") else str(asked)


def _only(found: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if name in names}
