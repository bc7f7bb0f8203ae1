"""Where a training begins: at random, or with the weights in the channel `checkpoint` (transfer learning)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from tqdm import tqdm

from model_server.engines import EngineError
from model_server.engines.pytorch import read_weights
from models.archive import ArchiveError, unpack
from models.artifact import WEIGHTS
from models.labels import read_labels
from models.spec import ModelSpec, SpecError
from sign_language.networks.spoter import Spoter, build
from training.errors import UnusableCheckpoint

ARCHIVE = "model.tar.gz"
_LAST_LAYER = "linear_class."


@dataclass(frozen=True, slots=True)
class Pretrained:
    """The weights of a SPOTER, and its glosses in the order of its outputs where they are known."""

    weights: Mapping[str, torch.Tensor]
    glosses: Sequence[str] | None

    @property
    def feed_forward(self) -> int:
        """Units of each feed-forward layer."""
        return int(self.weights["transformer.encoder.layers.0.linear1.weight"].shape[0])

    def network(self, glosses: Sequence[str]) -> Spoter:
        """A network for `glosses` with these weights; its last layer is new unless it is for the same glosses."""
        network = Spoter(len(glosses), self.feed_forward)
        outputs = len(self.weights[f"{_LAST_LAYER}weight"])
        if list(self.glosses or glosses) == list(glosses) and outputs == len(glosses):
            tqdm.write("Fine-tuning the whole network of the checkpoint.")
            network.load_state_dict(self.weights)
            return network
        tqdm.write(
            f"The checkpoint is of {outputs} other glosses: its last layer is left, one of {len(glosses)} begins."
        )
        own = {name: value for name, value in network.state_dict().items() if name.startswith(_LAST_LAYER)}
        network.load_state_dict({**self.weights, **own})
        return network


def read_pretrained(channel: Path, spec: ModelSpec) -> Pretrained:
    """What `channel` holds: weights.pth, with labels.json or without, or the model.tar.gz of an earlier training.

    Raises UnusableCheckpoint.
    """
    if (channel / WEIGHTS).is_file() or not (channel / ARCHIVE).is_file():
        return _read(channel, spec)
    with TemporaryDirectory() as unpacked:
        try:
            unpack(channel / ARCHIVE, Path(unpacked))
        except ArchiveError as error:
            raise UnusableCheckpoint(f"the channel {channel.name}: {ARCHIVE} cannot be unpacked; {error}") from error
        return _read(Path(unpacked), spec)


def _read(folder: Path, spec: ModelSpec) -> Pretrained:
    if not (folder / WEIGHTS).is_file():
        raise UnusableCheckpoint(f"the checkpoint has no {WEIGHTS}; put that or the {ARCHIVE} of a training into it")
    try:
        weights = {name: value.float() for name, value in read_weights(folder / WEIGHTS).items()}
        build(0, weights).load_state_dict(weights)
        labelled = (folder / str(spec.model.labels)).is_file()
        glosses = tuple(read_labels(spec, folder).values()) if labelled else None
    except (EngineError, SpecError) as error:
        raise UnusableCheckpoint(f"the checkpoint: {error}") from error
    except (RuntimeError, LookupError) as error:
        line = str(error).splitlines()[0]
        raise UnusableCheckpoint(f"the checkpoint's {WEIGHTS} are of another network than SPOTER: {line}") from error
    if glosses and len(glosses) != len(weights[f"{_LAST_LAYER}weight"]):
        raise UnusableCheckpoint(f"the checkpoint's {spec.model.labels} has {len(glosses)} glosses, its network others")
    return Pretrained(weights, glosses)
