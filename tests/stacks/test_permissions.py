"""Who may do what: exact ARNs, and each exception by name."""

import re
from collections.abc import Iterator
from typing import Any

from models.registry import Model, load_models
from tests.stacks.assembly import Stack, listed, said, synthesize

# Where AWS offers no resource, or the resource is every one of its kind in this account and region.
WILDCARDS = {
    ("ecr:GetAuthorizationToken", "*"),
    ("cloudwatch:PutMetricData", "*"),
    *(
        (f"logs:{action}", "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*")
        for action in ("CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents")
    ),
}
HERE = "${AWS::Region}:${AWS::AccountId}"
OBJECTS_OF_A_MODEL = re.compile(
    r"arn:\$\{AWS::Partition\}:s3:::fovea-[a-z]+-(inputs|results)-\$\{AWS::AccountId\}-\$\{AWS::Region\}/[a-z-]+/\*"
)


def statements(stack: Stack, of: str = "") -> Iterator[dict[str, Any]]:
    for role in stack.properties("IAM::Role"):
        for policy in role["Policies"] if of in ("", service(role)) else ():
            yield from policy["PolicyDocument"]["Statement"]


def service(role: dict[str, Any]) -> str:
    """Whose role it is, such as `sagemaker`."""
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    return statement["Principal"]["Service"].partition(".")[0]


def allowed(stack: Stack, of: str = "") -> set[tuple[str, str]]:
    """(action, resource) of every statement, or of those of one service's roles."""
    return {
        (action, said(resource))
        for statement in statements(stack, of)
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }


def is_exact(resource: str) -> bool:
    """The streams of one log group count as exact, and the objects of one model's jobs: nobody can name them yet.

    So do the records of all jobs: `jobs` is no model's name.
    """
    streams_of_a_group = ":log-group:" in resource and resource.endswith(":*") and resource.count("*") == 1
    return "*" not in resource or streams_of_a_group or bool(OBJECTS_OF_A_MODEL.fullmatch(resource))


def test_every_permission_is_for_an_exact_resource_but_the_listed_ones(assembly):
    for stack in assembly.stacks.values():
        inexact = {pair for pair in allowed(stack) if not is_exact(pair[1])}
        assert inexact <= WILDCARDS
        assert not [action for action, _ in allowed(stack) if "*" in action]


def test_no_policy_is_managed_by_aws_or_attached_later(assembly):
    for stack in assembly.stacks.values():
        roles = set() if stack in (assembly.watch, assembly.jobs) else {"IAM::Role"}
        assert {kind for kind in stack.kinds if kind.startswith("IAM::")} == roles
        assert all("ManagedPolicyArns" not in role for role in stack.properties("IAM::Role"))


def test_a_metric_goes_to_one_namespace_only(assembly):
    for stack in assembly.models:
        (metrics,) = [s for s in statements(stack) if s["Action"] == "cloudwatch:PutMetricData"]
        assert metrics["Condition"] == {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}}


def test_sagemaker_reads_exactly_its_archive_its_repository_and_its_logs(assembly):
    for stack in assembly.models:
        container = stack.properties("SageMaker::Model")[0]["PrimaryContainer"]
        archive = said(container["ModelDataUrl"]).replace("s3://", "arn:${AWS::Partition}:s3:::")
        repository = said(container["Image"]).partition("/")[2].rpartition(":")[0]
        names = [endpoint["EndpointName"] for endpoint in stack.properties("SageMaker::Endpoint")]
        pull = ("BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage")
        alarms = [name for each in stack.properties("CloudWatch::Alarm") if "-rollout-" in (name := each["AlarmName"])]
        log = ("CreateLogGroup", "CreateLogStream", "DescribeLogStreams", "PutLogEvents")
        logs = f"arn:${{AWS::Partition}}:logs:{HERE}:log-group:/aws/sagemaker/Endpoints"
        assert allowed(stack, "sagemaker") == {
            ("s3:GetObject", archive),
            ("ecr:GetAuthorizationToken", "*"),
            ("cloudwatch:PutMetricData", "*"),
            *((f"ecr:{action}", f"arn:${{AWS::Partition}}:ecr:{HERE}:repository/{repository}") for action in pull),
            *((f"logs:{action}", f"{logs}/{name}:*") for action in log for name in names),
            *of_jobs(stack),
            *(
                ("cloudwatch:DescribeAlarms", f"arn:${{AWS::Partition}}:cloudwatch:{HERE}:alarm:{alarm}")
                for alarm in alarms
            ),
        }


def of_jobs(stack: Stack) -> Iterator[tuple[str, str]]:
    """What SageMaker needs for an asynchronous endpoint: this model's uploads and results, its own two topics."""
    _, stage, model = stack.name.split("-", 2)
    names = {e["EndpointName"] for e in stack.properties("SageMaker::Endpoint") if e["EndpointName"].endswith("-jobs")}
    there = "${AWS::AccountId}-${AWS::Region}"
    for name in names:
        yield "s3:GetObject", f"arn:${{AWS::Partition}}:s3:::fovea-{stage}-inputs-{there}/{model}/*"
        for action in ("PutObject", "AbortMultipartUpload"):
            yield f"s3:{action}", f"arn:${{AWS::Partition}}:s3:::fovea-{stage}-results-{there}/{model}/*"
        for what in ("success", "error"):
            yield "sns:Publish", f"arn:${{AWS::Partition}}:sns:{HERE}:{name}-{what}"


def test_sagemaker_is_nobodys_deputy(assembly):
    for stack in assembly.models:
        (role,) = [role for role in stack.properties("IAM::Role") if service(role) == "sagemaker"]
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        source = statement["Condition"]["ArnLike"]["aws:SourceArn"]
        assert said(source) == f"arn:${{AWS::Partition}}:sagemaker:{HERE}:*"


def test_the_proxy_invokes_exactly_the_endpoints_that_the_model_stacks_make(assembly):
    made = {e["EndpointName"] for stack in assembly.models for e in stack.properties("SageMaker::Endpoint")}
    queues = {f"fovea-{assembly.api.name.split('-')[1]}-{m.spec.name}-{e}" for m, e in endpoints_of_kind("async")}
    for action, names in (("InvokeEndpoint", made - queues), ("InvokeEndpointAsync", queues)):
        invoked = {resource for asked, resource in allowed(assembly.api) if asked == f"sagemaker:{action}"}
        assert names
        assert invoked == {f"arn:${{AWS::Partition}}:sagemaker:{HERE}:endpoint/{name}" for name in names}
    functions = {f["FunctionName"] for stack in assembly.models for f in stack.properties("Lambda::Function")}
    called = {resource for action, resource in allowed(assembly.api) if action == "lambda:InvokeFunction"}
    assert called == {f"arn:${{AWS::Partition}}:lambda:{HERE}:function:{name}" for name in functions}
    assert made | functions == {
        f"{assembly.api.name.lower()[:-4]}-{m.spec.name}-{e}" for m in load_models() for e in m.spec.endpoints
    }


def endpoints_of_kind(kind: str) -> Iterator[tuple[Model, str]]:
    for model in load_models():
        yield from ((model, name) for name, settings in model.spec.endpoints.items() if settings.kind == kind)


def test_the_proxy_keeps_jobs_in_two_buckets_and_reads_what_models_wrote(assembly):
    _, stage, _ = assembly.api.name.split("-")
    there = "${AWS::AccountId}-${AWS::Region}"
    inputs, results = (f"arn:${{AWS::Partition}}:s3:::fovea-{stage}-{what}-{there}" for what in ("inputs", "results"))
    names = {model.spec.name for model, _ in endpoints_of_kind("async")}
    assert {pair for pair in allowed(assembly.api) if pair[0].startswith("s3:")} == {
        *((f"s3:{action}", f"{inputs}/{name}/*") for action in ("PutObject", "GetObject") for name in names),
        *((f"s3:{action}", f"{results}/jobs/*") for action in ("PutObject", "GetObject")),
        *(("s3:GetObject", f"{results}/{name}/*") for name in names),
        *(("s3:ListBucket", bucket) for bucket in (inputs, results)),
    }
    made = {said(bucket["BucketName"]) for bucket in assembly.jobs.properties("S3::Bucket")}
    variables = assembly.api.only("Lambda::Function")["Environment"]["Variables"]
    assert {said(value) for name, value in variables.items() if name.endswith("_BUCKET")} == made
    assert said(variables["INPUTS_BUCKET"]) == inputs.partition(":::")[2]


def test_the_proxy_may_else_only_write_its_own_log(assembly):
    log = said(assembly.api.only("Lambda::Function")["LoggingConfig"]["LogGroup"]).strip("${}")
    role = assembly.api.template["Resources"][said(assembly.api.only("Lambda::Function")["Role"])[2:-5]]["Properties"]
    (policy,) = role["Policies"]
    known = ("sagemaker:", "lambda:", "s3:")  # held by the tests above
    others = [s for s in policy["PolicyDocument"]["Statement"] if not listed(s["Action"])[0].startswith(known)]
    assert others == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": [log, "Arn"]},
        }
    ]


def test_only_this_api_and_stage_invokes_the_function(assembly):
    permission = assembly.api.only("Lambda::Permission")
    ((api, _),) = assembly.api.resources("ApiGateway::RestApi")
    stage = assembly.api.only("ApiGateway::Stage")["StageName"]
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert said(permission["SourceArn"]) == f"arn:${{AWS::Partition}}:execute-api:{HERE}:${{{api}}}/{stage}/*"


def test_a_volume_key_and_an_archive_in_s3_are_granted_as_they_are_named(repository, tmp_path):
    key = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    repository.edit('instance_type = "ml.g5.xlarge"', f'instance_type = "ml.c5.large"\nvolume_kms_key_arn = "{key}"')
    repository.edit(
        'container = "savedmodel"', 'container = "savedmodel"\nartifact = "s3://weights/cats/v1/model.tar.gz"'
    )
    stack = synthesize("dev", tmp_path / "out", repository.root).part("cat-breeds")
    assert {("kms:CreateGrant", key), ("kms:DescribeKey", key)} <= allowed(stack)
    assert ("s3:GetObject", "arn:${AWS::Partition}:s3:::weights/cats/v1/model.tar.gz") in allowed(stack)
    assert {said(m["PrimaryContainer"]["ModelDataUrl"]) for m in stack.properties("SageMaker::Model")} == {
        "s3://weights/cats/v1/model.tar.gz"
    }
    assert [config.get("KmsKeyId") for config in stack.properties("SageMaker::EndpointConfig")] == [None, key]
