"""The folders that SageMaker and a training container share, below /opt/ml, and its description of the job there.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import EmptyChannel, InvalidConfiguration

TRAINING = "training"
"""The channel of what is learned from, which every training has."""

LONGEST_REASON = 1024
"""Characters of the failure file that SageMaker shows."""


@dataclass(frozen=True, slots=True)
class OptMl:
    """What lies where. A training on a laptop has another root, and the rest is the same."""

    root: Path = Path("/opt/ml")

    @property
    def checkpoints(self) -> Path:
        """Copied to and from S3 while the job runs."""
        return self.root / "checkpoints"

    @property
    def model(self) -> Path:
        """What SageMaker packs into model.tar.gz."""
        return self.root / "model"

    @property
    def output_data(self) -> Path:
        """What SageMaker packs into output.tar.gz: files about the result that are not served."""
        return self.root / "output" / "data"

    @property
    def failure(self) -> Path:
        """Why the job failed, in a line."""
        return self.root / "output" / "failure"

    @property
    def config(self) -> Path:
        """SageMaker's description of the job."""
        return self.root / "input" / "config"

    def channel(self, name: str) -> Path:
        """Where the files of the input channel `name` are."""
        return self.root / "input" / "data" / name

    def filled_channel(self, name: str) -> Path:
        """The same, where there is something in it. Raises EmptyChannel."""
        folder = self.channel(name)
        if not folder.is_dir():
            raise EmptyChannel(f"there is no channel {name}; add it to the job's InputDataConfig")
        if next((file for file in folder.rglob("*") if file.is_file()), None) is None:
            raise EmptyChannel(f"the channel {name} is empty; look at the S3 prefix that it reads")
        return folder

    @property
    def hyperparameters(self) -> Mapping[str, str]:
        """Name -> value, all of them strings. Raises InvalidConfiguration."""
        values = self._read("hyperparameters.json", {})
        return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}

    def refuse_many_hosts(self) -> None:
        """Raises InvalidConfiguration for a job on several machines: each would train a model of its own."""
        hosts = self._read("resourceconfig.json", {}).get("hosts", ["algo-1"])
        if not isinstance(hosts, list) or len(hosts) != 1:
            raise InvalidConfiguration(f"the job has the hosts {hosts}; set InstanceCount to 1, on a larger instance")

    def refuse_pipes(self) -> None:
        """Raises InvalidConfiguration for a channel that is streamed: trainings read their files more than once."""
        for name, channel in self._read("inputdataconfig.json", {}).items():
            mode = channel.get("TrainingInputMode", "File") if isinstance(channel, dict) else channel
            if mode not in ("File", "FastFile"):
                raise InvalidConfiguration(f"the channel {name} has the input mode {mode}; use File or FastFile")

    def _read(self, name: str, default: dict[str, Any]) -> dict[str, Any]:
        file = self.config / name
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return default
        except (OSError, ValueError, RecursionError) as error:
            raise InvalidConfiguration(f"input/config/{name} cannot be read as JSON; SageMaker writes it") from error
        if not isinstance(values, dict):
            raise InvalidConfiguration(f"input/config/{name} is no JSON object; SageMaker writes it")
        return values

    def say_why(self, reason: str) -> None:
        """Writes the failure file."""
        self.failure.parent.mkdir(parents=True, exist_ok=True)
        self.failure.write_text(reason[:LONGEST_REASON], encoding="utf-8")
