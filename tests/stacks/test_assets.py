"""What is in an asset, and what changes its hash: the files that it needs, and no other."""

import json
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import assembly as local_assembly
from models.registry import ROOT, load_models
from stacks.constructs.model_image import DOCKERFILE, SPEC_READERS
from stacks.staging import archived, staged
from tests.stacks.assembly import Assembly, synthesize
from tests.stacks.conftest import copy_rooms

SERVER = "containers/model_server/app.py"


def hashes(assembly: Assembly) -> dict[str, str]:
    """Asset by what it is, such as `archive`, `proxy` or `savedmodel (cpu)`."""
    return {
        asset["displayName"]: key
        for stack in assembly.stacks.values()
        for kind in ("files", "dockerImages")
        for key, asset in stack.assets.get(kind, {}).items()
        if not asset["displayName"].endswith("Template")
    }


def content(assembly: Assembly, name: str) -> set[str]:
    folder = assembly.folder / f"asset.{hashes(assembly)[name]}"
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def before(repository, tmp_path):
    return hashes(synthesize("dev", tmp_path / "before", repository.root))


@pytest.fixture
def changed(repository, tmp_path, before):
    """Which assets have another hash after a change to the repository."""

    def compare(stage: str = "dev") -> set[str]:
        after = hashes(synthesize(stage, tmp_path / "after", repository.root))
        return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}

    return compare


def append(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as opened:
        opened.write("# changed\n")


def test_a_small_repository_has_these_assets(before):
    assert set(before) == {"cat-breeds/model.tar.gz", "proxy", "savedmodel (cpu)", "savedmodel (gpu)"}
    assert before["savedmodel (cpu)"] != before["savedmodel (gpu)"]


@pytest.mark.parametrize(
    "file",
    [
        "tests/stacks/test_assets.py",
        "docs/errors.md",
        "models/registry.py",
        "models/dog_breeds/train.py",
        "models/cat_breeds/train.py",
        "containers/other/inference.py",
        "containers/savedmodel/README.md",
        "containers/model_server/__pycache__/app.cpython-311.pyc",
        "contract/__pycache__/limits.cpython-313.pyc",
        "lambda_handlers/__pycache__/__init__.cpython-313.pyc",
        "lambda_handlers/another/handler.py",
        "local/server.py",
        "app.py",
        "cdk.out/manifest.json",
        ".venv/lib/python3.11/site-packages/numpy.py",
    ],
)
def test_a_file_that_no_asset_needs_changes_none(repository, changed, file):
    append(repository.root / file)
    assert changed() == set()


@pytest.mark.parametrize(
    ("file", "assets"),
    [
        (SERVER, {"savedmodel (cpu)", "savedmodel (gpu)"}),
        ("containers/savedmodel/requirements-cpu.txt", {"savedmodel (cpu)", "savedmodel (gpu)"}),
        ("containers/Dockerfile", {"savedmodel (cpu)", "savedmodel (gpu)"}),
        ("models/spec.py", {"savedmodel (cpu)", "savedmodel (gpu)"}),
        ("contract/limits.py", {"savedmodel (cpu)", "savedmodel (gpu)", "proxy"}),
        ("lambda_handlers/proxy/handler.py", {"proxy"}),
        ("models/cat_breeds/artifact/variables/variables.index", {"cat-breeds/model.tar.gz"}),
    ],
)
def test_a_file_changes_the_assets_that_hold_it(repository, changed, file, assets):
    append(repository.root / file)
    assert changed() == assets


def test_another_model_changes_only_what_the_api_says(repository, changed):
    other = repository.root / "models" / "dog_breeds"
    shutil.copytree(repository.model, other)
    spec = (other / "model.toml").read_text()
    (other / "model.toml").write_text(spec.replace("cat-breeds", "dog-breeds"))
    assert changed() == {"dog-breeds/model.tar.gz", "proxy"}


def test_another_stage_changes_only_where_the_proxy_calls(changed):
    assert changed("prod") == {"proxy"}


def test_a_build_context_holds_only_what_the_image_needs(dev):
    for model in load_models():
        container = model.spec.model.container
        for gpu in {endpoint.is_gpu for endpoint in model.spec.endpoints.values()}:
            files = content(dev, f"{container} ({'gpu' if gpu else 'cpu'})")
            rooms = (
                "contract/",
                "models/",
                "monitoring/",
                *(f"containers/{room}/" for room in ("model_server", "requirements", container)),
            )
            assert {file for file in files if not file.startswith(rooms)} == {DOCKERFILE, ".dockerignore"}
            assert {file for file in files if file.startswith("models/")} == set(SPEC_READERS)
            assert not [file for file in files if "__pycache__" in file or file.endswith((".md", ".pyc"))]


def test_the_functions_package_holds_our_own_code_and_the_registry(dev):
    files = content(dev, "proxy")
    rooms = ("contract/", "lambda_handlers/__init__.py", "lambda_handlers/proxy/", "registry.json")
    assert all(file.startswith(rooms) for file in files)
    assert all(file.endswith(".py") for file in files - {"registry.json"})
    assert "lambda_handlers/proxy/handler.py" in files


def test_the_registry_leads_from_each_public_name_to_an_endpoint(stages):
    for stage, assembly in stages.items():
        file = assembly.folder / f"asset.{hashes(assembly)['proxy']}" / "registry.json"
        registry = json.loads(file.read_text())
        assert set(registry) == {"auth", "stage", "models", "targets"}
        assert registry["stage"] == stage
        made = {
            (service, properties[name])
            for service, kind, name in (
                ("sagemaker", "SageMaker::Endpoint", "EndpointName"),
                ("lambda", "Lambda::Function", "FunctionName"),
            )
            for stack in assembly.models
            for properties in stack.properties(kind)
        }
        targets = [target for of_model in registry["targets"].values() for target in of_model.values()]
        assert {(target["service"], target["name"]) for target in targets} == made
        for described in registry["models"]:
            behind = registry["targets"][described["name"]]
            assert {e["name"] for e in described["endpoints"]} == set(behind)
            kinds = {e["name"]: e["kind"] for e in described["endpoints"]}
            assert {name for name in behind if "timeout_s" in behind[name]} == {
                name for name, kind in kinds.items() if kind == "async"
            }


def test_the_archive_holds_the_model_and_its_spec(repository, tmp_path):
    assembly = synthesize("dev", tmp_path / "out", repository.root)
    archive = assembly.folder / f"asset.{hashes(assembly)['cat-breeds/model.tar.gz']}.tar.gz"
    with tarfile.open(archive) as tar:
        assert tar.getnames() == ["model.toml", "saved_model.pb"]


def test_a_package_can_be_read_by_lambda(repository):
    folder = staged(repository.root, "proxy", {"lambda_handlers/__init__.py": b""})
    assert {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*") if path.is_file()} == {"0o644"}


def test_many_synths_at_once_write_one_folder(repository):
    (model,) = load_models(repository.root)
    with ThreadPoolExecutor(8) as pool:
        archives = set(pool.map(lambda _: archived(repository.root, model), range(16)))
    (archive,) = archives
    assert [path.name for path in archive.parent.parent.iterdir()] == [archive.parent.name]
    with tarfile.open(archive) as tar:
        assert "saved_model.pb" in tar.getnames()


def test_a_pack_that_fails_leaves_nothing_behind(repository):
    (model,) = load_models(repository.root)
    (model.artifact / "link").symlink_to(ROOT)
    with pytest.raises(Exception, match="is a link"):
        archived(repository.root, model)
    assert list((repository.root / ".cache/staged").iterdir()) == []
    (model.artifact / "link").unlink()
    assert archived(repository.root, model).is_file()


def test_the_copy_is_what_the_repository_deploys(dev, tmp_path):
    """The tests above change a copy; here it gives the real one's image."""
    copy_rooms(tmp_path)
    for model in load_models():
        shutil.copytree(model.folder, tmp_path / model.folder.relative_to(ROOT), dirs_exist_ok=True)
        container = Path("containers") / model.spec.model.container
        shutil.copytree(ROOT / container, tmp_path / container, dirs_exist_ok=True)
    assert hashes(synthesize("dev", tmp_path / "out", tmp_path)) == hashes(dev)


def test_a_model_that_openvino_refuses_gets_an_image_with_its_framework(repository, tmp_path):
    repository.edit('container = "savedmodel"', 'container = "savedmodel"\nengine = "native"')
    stack = synthesize("dev", tmp_path / "out", repository.root).part("cat-breeds")
    images = {image["displayName"]: image["source"] for image in stack.assets["dockerImages"].values()}
    assert set(images) == {"savedmodel (native)", "savedmodel (gpu)"}
    assert images["savedmodel (native)"]["dockerBuildArgs"] == {"CONTAINER": "savedmodel", "ACCELERATOR": "native"}
    environments = [model["PrimaryContainer"]["Environment"] for model in stack.properties("SageMaker::Model")]
    assert [one.get("MODEL_SERVER_ENGINE") for one in environments] == ["tensorflow", None]
    endpoints = local_assembly.Assembly(tmp_path / "out").endpoints()
    names = {endpoint.kind: [file.name for file in endpoint.image.requirements] for endpoint in endpoints}
    assert names == {"serverless": ["requirements-native.txt"], "realtime": ["requirements-cpu.txt"]}


def test_a_scripts_own_requirements_are_built_into_its_image(repository, tmp_path):
    own = "models/cat_breeds/artifact/code/requirements.txt"
    (repository.root / own).parent.mkdir()
    (repository.root / own).write_text("six==1.16.0\n")
    (repository.root / own).with_name("inference.py").touch()
    shutil.copytree(ROOT / "containers/pytorch_script", repository.root / "containers/pytorch_script")
    repository.edit(
        'framework = "tensorflow"\ncontainer = "savedmodel"', 'framework = "pytorch"\ncontainer = "pytorch_script"'
    )
    assembly = synthesize("dev", tmp_path / "out", repository.root)
    assert own in content(assembly, "pytorch_script (cpu)")
    for image in assembly.part("cat-breeds").assets["dockerImages"].values():
        assert image["source"]["dockerBuildArgs"]["REQUIREMENTS"] == own
