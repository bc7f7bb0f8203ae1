"""The model's own server on this machine, for as long as a batch runs."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.limits import BODIES
from experiments.batch.errors import ServerFault
from experiments.local_run import DidNotStart, answers, start_model_server
from local.environment import EnvironmentFailed, interpreter
from models.registry import ROOT, Model

TIMEOUT_S = 600  # clips of fifteen seconds each wait in a queue; nobody else does


@contextmanager
def serving(model: Model) -> Iterator[str]:
    """The address of a server of `model`, started now and stopped at the end. Raises ServerFault."""
    spec = model.spec.model
    if spec.is_remote:
        raise ServerFault(f"{spec.name}: {spec.artifact} is in S3; give the --url of a server, or --target aws")
    listed = [ROOT / "containers" / spec.container / "requirements-cpu.txt"]
    own = [model.requirements] if model.requirements else []
    with tempfile.TemporaryDirectory(prefix="fovea-batch-") as folder:
        model_dir = shutil.copytree(model.artifact, Path(folder) / "model")
        shutil.copy(model.spec_file, model_dir)
        try:
            python = interpreter(model.folder.name if own else spec.container, [*listed, *own])
            with start_model_server(model_dir, python, **_settings(model)) as url:
                yield url
        except EnvironmentFailed as error:
            raise ServerFault(str(error)) from error
        except DidNotStart as error:
            last = (str(error).strip() or "it said nothing").splitlines()[-1]
            raise ServerFault(f"{spec.name}: its server does not start: {last}") from error


def running(url: str) -> str:
    """The address of a server that somebody else started. Raises ServerFault when none answers there."""
    address = url.rstrip("/")
    if not answers(f"{address}/ping"):
        raise ServerFault(f"--url {url}: no model server answers there; start one, or leave --url out")
    return address


def _settings(model: Model) -> dict[str, str]:
    engine = {"MODEL_SERVER_ENGINE": model.spec.model.framework} if model.spec.model.engine == "native" else {}
    limits = {"MODEL_SERVER_MAX_BODY_BYTES": str(BODIES.upload), "MODEL_SERVER_TIMEOUT": str(TIMEOUT_S)}
    return {**limits, **engine}
