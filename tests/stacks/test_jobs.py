"""Asynchronous endpoints: the queue, the buckets behind it, whom it tells, and how it comes from and goes to zero."""

import pytest

from contract.limits import BODIES
from models.registry import load_models
from stacks.stage import STAGES
from tests.models.conftest import ASYNC, GPU
from tests.stacks.assembly import said, synthesize
from tests.stacks.test_model_stack import deployed

THERE = "${AWS::AccountId}-${AWS::Region}"


@pytest.fixture
def queues(stages):
    models = list(load_models())
    found = [
        (stage, e) for stage in stages for e in deployed(stages[stage], stage, models) if e.settings.kind == "async"
    ]
    assert len(found) == 9  # three models, three stages
    return found


def target_of(endpoint):
    (target,) = (
        (logical_id, target["Properties"])
        for logical_id, target in endpoint.stack.resources("ApplicationAutoScaling::ScalableTarget")
        if target["Properties"]["ResourceId"] == f"endpoint/{endpoint.name}/variant/AllTraffic"
    )
    return target


def policies_of(endpoint):
    """Logical id and properties of each, by type."""
    return {
        resource["Properties"]["PolicyType"]: (logical_id, resource["Properties"])
        for logical_id, resource in endpoint.stack.resources("ApplicationAutoScaling::ScalingPolicy")
        if resource["Properties"]["ScalingTargetId"]["Ref"] == target_of(endpoint)[0]
    }


def test_results_and_failures_of_a_model_go_to_places_of_its_own(queues):
    for stage, endpoint in queues:
        model = endpoint.stack.tags["model"]
        config = endpoint.config["AsyncInferenceConfig"]["OutputConfig"]
        assert said(config["S3OutputPath"]) == f"s3://fovea-{stage}-results-{THERE}/{model}/output/"
        assert said(config["S3FailurePath"]) == f"s3://fovea-{stage}-results-{THERE}/{model}/failure/"


def test_success_and_error_are_told_to_topics_that_the_role_may_publish_to(queues):
    for _, endpoint in queues:
        resources = endpoint.stack.template["Resources"]
        told = endpoint.config["AsyncInferenceConfig"]["OutputConfig"]["NotificationConfig"]
        names = {what: resources[topic["Ref"]]["Properties"]["TopicName"] for what, topic in told.items()}
        assert names == {"SuccessTopic": f"{endpoint.name}-success", "ErrorTopic": f"{endpoint.name}-error"}
        outputs = [said(output["Value"]) for output in endpoint.stack.template["Outputs"].values()]
        assert all(f"${{{topic['Ref']}}}" in outputs for topic in told.values())


def test_a_topic_is_published_to_by_tls_alone(queues):
    for _, endpoint in queues:
        policies = endpoint.stack.properties("SNS::TopicPolicy")
        assert len(policies) == len(endpoint.stack.properties("SNS::Topic")) == 2
        for policy in policies:
            (deny,) = policy["PolicyDocument"]["Statement"]
            assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "sns:Publish")
            assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_server_is_told_how_long_a_job_may_take_and_how_large_it_may_be(queues):
    for _, endpoint in queues:
        assert endpoint.model["PrimaryContainer"]["Environment"] == {
            "MODEL_SERVER_TIMEOUT": str(endpoint.settings.timeout_s),
            "MODEL_SERVER_MAX_BODY_BYTES": str(BODIES.upload),
        }
        assert endpoint.model["EnableNetworkIsolation"] is True


def test_it_begins_with_an_instance_and_goes_to_none_since_sagemaker_makes_no_endpoint_without(queues):
    for _, endpoint in queues:
        assert endpoint.variant["InitialInstanceCount"] == 1
        assert endpoint.resource["Properties"]["RetainAllVariantProperties"] is True
        _, target = target_of(endpoint)
        assert (target["MinCapacity"], target["MaxCapacity"]) == (0, endpoint.settings.max_instances)


def test_it_follows_its_queue(queues):
    for _, endpoint in queues:
        _, policy = policies_of(endpoint)["TargetTrackingScaling"]
        tracking = policy["TargetTrackingScalingPolicyConfiguration"]
        assert tracking["TargetValue"] == endpoint.settings.target_backlog_per_instance
        assert tracking["ScaleOutCooldown"] == endpoint.settings.scale_out_cooldown_s
        assert tracking["ScaleInCooldown"] == endpoint.settings.scale_in_cooldown_s
        assert tracking["CustomizedMetricSpecification"] == {
            "Namespace": "AWS/SageMaker",
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Dimensions": [{"Name": "EndpointName", "Value": endpoint.name}],
            "Statistic": "Average",
        }


def test_a_job_that_waits_for_no_instance_starts_one(queues):
    for _, endpoint in queues:
        logical_id, policy = policies_of(endpoint)["StepScaling"]
        steps = policy["StepScalingPolicyConfiguration"]
        assert steps["AdjustmentType"] == "ChangeInCapacity"
        assert steps["StepAdjustments"] == [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}]
        alarms = endpoint.stack.properties("CloudWatch::Alarm")
        (alarm,) = (each for each in alarms if each.get("MetricName") == "HasBacklogWithoutCapacity")
        assert alarm["Dimensions"] == [{"Name": "EndpointName", "Value": endpoint.name}]
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
        assert alarm["AlarmActions"] == [{"Ref": logical_id}]


def test_a_bucket_is_private_encrypted_and_spoken_to_by_tls_alone(assembly):
    buckets = dict(assembly.jobs.resources("S3::Bucket"))
    stage = assembly.jobs.name.split("-")[1]
    named = {said(bucket["Properties"]["BucketName"]) for bucket in buckets.values()}
    assert named == {f"fovea-{stage}-inputs-{THERE}", f"fovea-{stage}-results-{THERE}"}
    for bucket in (bucket["Properties"] for bucket in buckets.values()):
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
        (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert encryption["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    policies = {policy["Bucket"]["Ref"]: policy for policy in assembly.jobs.properties("S3::BucketPolicy")}
    assert policies.keys() == buckets.keys()
    for name, policy in policies.items():
        (deny,) = policy["PolicyDocument"]["Statement"]
        assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert [said(resource) for resource in deny["Resource"]] == [f"${{{name}.Arn}}", f"${{{name}.Arn}}/*"]


def test_a_bucket_forgets_and_goes_with_its_stage_but_in_prod(stages):
    for name, assembly in stages.items():
        for logical_id, bucket in assembly.jobs.resources("S3::Bucket"):
            (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
            kept_days = 1 if logical_id == "Inputs" else STAGES[name].job_retention_days
            assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", kept_days)
            assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
            assert bucket["DeletionPolicy"] == ("RetainExceptOnCreate" if name == "prod" else "Delete")


def test_the_longest_name_of_a_bucket_is_one(assembly):
    for bucket in assembly.jobs.properties("S3::Bucket"):
        name = said(bucket["BucketName"])
        name = name.replace("${AWS::AccountId}", "123456789012").replace("${AWS::Region}", "ap-northeast-1")
        assert len(name) <= 63


def test_without_an_asynchronous_endpoint_there_are_no_buckets(repository, tmp_path):
    assembly = synthesize("dev", tmp_path / "out", repository.root)
    assert not [name for name in assembly.stacks if name.endswith("-jobs")]
    assert "fovea-dev-results" not in str(assembly.part("cat-breeds").template)


def test_one_that_never_sleeps_and_never_grows_has_no_scaling_and_its_bounds(repository, tmp_path):
    more = "min_instances = 1\nmax_concurrent_invocations_per_instance = 3\n"
    repository.edit(GPU, ASYNC + more)
    stack = synthesize("beta", tmp_path / "out", repository.root).part("cat-breeds")
    assert not [kind for kind in stack.kinds if kind.startswith("ApplicationAutoScaling")]
    assert not stack.properties("CloudWatch::Alarm")
    (config,) = [c for c in stack.properties("SageMaker::EndpointConfig") if "AsyncInferenceConfig" in c]
    assert config["AsyncInferenceConfig"]["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 3}
    (endpoint,) = [e for e in stack.properties("SageMaker::Endpoint") if e["EndpointName"].endswith("-jobs")]
    assert "RetainAllVariantProperties" not in endpoint


def test_one_that_grows_but_never_sleeps_needs_no_waking(repository, tmp_path):
    repository.edit(GPU, ASYNC + "min_instances = 1\nmax_instances = 4\n")
    stack = synthesize("beta", tmp_path / "out", repository.root).part("cat-breeds")
    (policy,) = stack.properties("ApplicationAutoScaling::ScalingPolicy")
    assert policy["PolicyType"] == "TargetTrackingScaling"
    assert not stack.properties("CloudWatch::Alarm")
