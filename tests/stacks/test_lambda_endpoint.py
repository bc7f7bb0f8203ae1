"""What a model's stack deploys to Lambda, and what is in the function's image."""

import pytest
from cfnlint.api import lint_file

from models.archive import ArchiveError
from models.registry import ROOT
from tests.stacks.assembly import Stack, said, synthesize
from tests.stacks.test_assets import append, content, hashes
from tests.stacks.test_permissions import allowed

GPU = '[endpoints.gpu]\nkind = "realtime"\ninstance_type = "ml.g5.xlarge"\nmax_instances = 4\n'
WEB = '[endpoints.web]\nkind = "lambda"\n'
SERVERLESS = '[endpoints.serverless]\nkind = "serverless"\nmemory_mb = 2048\n'
IMAGE = "cat-breeds (cpu, lambda)"


@pytest.fixture
def deploy(repository, tmp_path):
    """The model's stack when it also has a function, with `lines` in its table."""

    def deployed(*lines: str, instead_of: str = GPU) -> Stack:
        repository.edit(instead_of, WEB + "".join(f"{line}\n" for line in lines))
        return synthesize("dev", tmp_path / "out", repository.root).part("cat-breeds")

    return deployed


def url_of(stack: Stack) -> dict:
    return stack.only("Lambda::Url")


def test_a_function_is_what_its_table_asks_for(deploy):
    stack = deploy("memory_mb = 3008", "ephemeral_storage_mb = 1024", "timeout_s = 60", "reserved_concurrency = 7")
    function = stack.only("Lambda::Function")
    ((image, _),) = [item for item in stack.assets["dockerImages"].items() if item[1]["displayName"] == IMAGE]
    assert function["FunctionName"] == "fovea-dev-cat-breeds-web"
    assert function["PackageType"] == "Image"
    assert image in said(function["Code"]["ImageUri"])
    assert (function["MemorySize"], function["Timeout"]) == (3008, 60)
    assert function["EphemeralStorage"] == {"Size": 1024}
    assert function["Architectures"] == ["x86_64"]
    assert function["ReservedConcurrentExecutions"] == 7
    assert function["Environment"] == {"Variables": {"MODEL_SERVER_TIMEOUT": "60"}}
    assert function["LoggingConfig"]["LogFormat"] == "JSON"
    assert not {"Handler", "Runtime", "ImageConfig", "VpcConfig", "Layers"} & set(function)


def test_a_function_may_write_its_own_log_and_nothing_else(deploy):
    stack = deploy()
    log = said(stack.only("Lambda::Function")["LoggingConfig"]["LogGroup"]).strip("${}")
    role = stack.template["Resources"][said(stack.only("Lambda::Function")["Role"])[2:-5]]["Properties"]
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == {"Fn::GetAtt": [log, "Arn"]}


def test_the_url_asks_for_a_signature_unless_told_otherwise(deploy):
    stack = deploy()
    assert url_of(stack)["AuthType"] == "AWS_IAM"
    assert "Cors" not in url_of(stack)
    assert not stack.properties("Lambda::Permission")
    assert "ReservedConcurrentExecutions" not in stack.only("Lambda::Function")


def test_everybody_may_call_only_where_it_is_written_out_and_then_only_by_the_url(deploy, tmp_path):
    stack = deploy('auth = "none"')
    assert lint_file(tmp_path / "out" / f"{stack.name}.template.json") == []
    ((function, _),) = stack.resources("Lambda::Function")
    assert url_of(stack)["AuthType"] == "NONE"
    permissions = {permission.pop("Action"): permission for permission in stack.properties("Lambda::Permission")}
    everybody = {"FunctionName": {"Fn::GetAtt": [function, "Arn"]}, "Principal": "*"}
    assert permissions == {
        "lambda:InvokeFunctionUrl": everybody | {"FunctionUrlAuthType": "NONE"},
        "lambda:InvokeFunction": everybody | {"InvokedViaFunctionUrl": True},
    }


@pytest.mark.parametrize(("auth", "signed"), [("iam", True), ("none", False)])
def test_pages_of_the_named_origins_may_call(deploy, auth, signed):
    cors = url_of(deploy('cors = ["https://example.com"]', f'auth = "{auth}"'))["Cors"]
    assert cors["AllowOrigins"] == ["https://example.com"]
    assert cors["AllowMethods"] == ["GET", "POST"]
    assert {"accept", "content-type"} <= set(cors["AllowHeaders"])
    assert ("authorization" in cors["AllowHeaders"]) is signed
    assert "AllowCredentials" not in cors


def test_the_outputs_are_the_name_and_the_address(deploy):
    stack = deploy()
    ((url, _),) = stack.resources("Lambda::Url")
    values = [said(output["Value"]) for output in stack.template["Outputs"].values()]
    assert "fovea-dev-cat-breeds-web" in values
    assert f"${{{url}.FunctionUrl}}" in values


def test_a_model_without_sagemaker_has_no_role_archive_or_endpoint_there(deploy):
    stack = deploy(instead_of=SERVERLESS + "\n" + GPU)
    assert not [kind for kind in stack.kinds if kind.startswith("SageMaker")]
    assert {action.partition(":")[0] for action, _ in allowed(stack)} == {"logs"}
    assert [file["displayName"] for file in stack.assets["files"].values()] == ["Fovea-dev-cat-breeds Template"]


def test_an_api_without_sagemaker_may_not_invoke_there(repository, tmp_path):
    repository.edit(SERVERLESS + "\n" + GPU, WEB)
    api = synthesize("dev", tmp_path / "out", repository.root).api
    invoked = {pair for pair in allowed(api) if "Invoke" in pair[0]}
    here = "${AWS::Region}:${AWS::AccountId}:function:fovea-dev-cat-breeds-web"
    assert invoked == {("lambda:InvokeFunction", f"arn:${{AWS::Partition}}:lambda:{here}")}


@pytest.mark.parametrize(
    ("architecture", "platform", "image"),
    [("x86_64", "linux/amd64", IMAGE), ("arm64", "linux/arm64", "cat-breeds (cpu, arm64, lambda)")],
)
def test_the_image_is_built_for_lambda_and_for_the_architecture(deploy, architecture, platform, image):
    stack = deploy(f'architecture = "{architecture}"')
    images = {image["displayName"]: image["source"] for image in stack.assets["dockerImages"].values()}
    assert set(images) == {"savedmodel (cpu)", image}
    assert images[image]["platform"] == platform
    assert images[image]["dockerBuildTarget"] == "lambda"
    assert images[image]["dockerFile"] == "containers/Dockerfile"
    held = {"CONTAINER": "savedmodel", "MODEL": "models/cat_breeds", "ARTIFACT": "artifact"}
    assert images[image]["dockerBuildArgs"] == held
    assert stack.only("Lambda::Function")["Architectures"] == [architecture]


def test_the_image_holds_what_the_archive_would_and_nothing_more_of_the_model(repository, tmp_path):
    repository.edit(GPU, WEB)
    artifact = repository.model / "artifact"
    for file in ("variables/.hidden", "card.md", "__pycache__/a.pyc", ".DS_Store", "code/__pycache__/a.pyc"):
        append(artifact / file)
    for file in ("train.py", "README.md", "samples/cat.jpg", "artifact_old/saved_model.pb"):
        append(repository.model / file)
    assembly = synthesize("dev", tmp_path / "out", repository.root)
    ours = {file for file in content(assembly, IMAGE) if file.startswith("models/cat_breeds/")}
    assert ours == {
        f"models/cat_breeds/{name}"
        for name in ("model.toml", "artifact/saved_model.pb", "artifact/variables/.hidden", "artifact/card.md")
    }
    shared = content(assembly, "savedmodel (cpu)")
    assert content(assembly, IMAGE) - ours == shared


def test_a_changed_model_makes_another_image_and_a_changed_sample_none(repository, tmp_path):
    repository.edit(GPU, WEB)
    before = hashes(synthesize("dev", tmp_path / "before", repository.root))
    append(repository.model / "samples/cat.jpg")
    append(repository.model / "train.py")
    assert hashes(synthesize("dev", tmp_path / "same", repository.root)) == before
    append(repository.model / "artifact/variables/variables.index")
    after = hashes(synthesize("dev", tmp_path / "after", repository.root))
    assert {name for name in before if before[name] != after[name]} == {"cat-breeds/model.tar.gz", IMAGE}


@pytest.mark.parametrize("name", ["link", "model.toml"])
def test_an_image_refuses_what_an_archive_does(repository, tmp_path, name):
    repository.edit(SERVERLESS + "\n" + GPU, WEB)
    fault = repository.model / "artifact" / name
    if name == "link":
        fault.symlink_to(ROOT)
    else:
        fault.touch()
    with pytest.raises(ArchiveError, match=name):
        synthesize("dev", tmp_path / "out", repository.root)
    fault.unlink()
    assert synthesize("dev", tmp_path / "out", repository.root).part("cat-breeds").only("Lambda::Function")


def test_the_frameworks_own_engine_is_named_to_the_function_too(repository, deploy):
    repository.edit('container = "savedmodel"', 'container = "savedmodel"\nengine = "native"')
    stack = deploy()
    assert stack.only("Lambda::Function")["Environment"]["Variables"]["MODEL_SERVER_ENGINE"] == "tensorflow"
    images = {image["displayName"]: image["source"] for image in stack.assets["dockerImages"].values()}
    assert images["cat-breeds (native, lambda)"]["dockerBuildArgs"]["ACCELERATOR"] == "native"
