"""What import-linter cannot say: the spec imports only pydantic and the standard library, and nothing imports `app`."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from models.registry import ROOT


def imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def sources() -> list[Path]:
    rooms = ("contract", "models", "containers", "lambda_handlers", "stacks", "local", "images", "monitoring")
    rooms += ("experiments", "docs")
    return [file for room in rooms for file in (ROOT / room).rglob("*.py")]


def test_the_spec_imports_only_pydantic_and_the_standard_library():
    for name in ("spec", "endpoints", "labels"):
        modules = {module for module in imported(ROOT / "models" / f"{name}.py") if not module.startswith("models.")}
        assert {module.partition(".")[0] for module in modules} <= sys.stdlib_module_names | {"pydantic"}, name


def test_the_contract_imports_only_itself_and_the_standard_library():
    for file in (ROOT / "contract").glob("*.py"):
        roots = {name.partition(".")[0] for name in imported(file)}
        assert roots <= sys.stdlib_module_names | {"contract"}, file


def test_a_containers_own_code_knows_nothing_of_aws_the_stacks_or_the_proxy():
    files = list((ROOT / "containers").rglob("*.py"))
    assert len(files) > 20
    for file in files:
        roots = {name.partition(".")[0] for name in imported(file)}
        assert not roots & {"aws_cdk", "boto3", "botocore", "lambda_handlers", "stacks", "local"}, file


def test_nothing_imports_the_app():
    files = sources()
    assert len(files) > 20
    assert not [file for file in files if "app" in imported(file)]


def test_a_forbidden_import_is_noticed(tmp_path):
    """The rules are alive: import-linter fails when `contract` imports `local`."""
    (tmp_path / "contract").mkdir()
    (tmp_path / "contract" / "__init__.py").write_text("import local\n")
    for room in ("models", "model_server", "lambda_handlers", "stacks", "local", "images", "training", "monitoring"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    for named in ("front", "serve", "jobs"):  # which a rule names
        (tmp_path / "model_server" / f"{named}.py").touch()
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "contract knows nobody BROKEN" in done.stdout
