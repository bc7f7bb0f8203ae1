"""Which requests a load draws from, and how often each: a TOML file, so that it can be one's own traffic."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from experiments.client.call import Call
from models.registry import ROOT, Model
from models.samples import samples

FILE = Path(__file__).with_name("mix.toml")


class MixFault(Exception):
    """The file cannot be used; a line for each fault."""


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    share: Annotated[float, Field(gt=0)]
    endpoint: str | None = None
    file: Path | None = None


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    requests: Annotated[list[_Entry], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Kind:
    """Requests of one kind, asked in turn, and how often in relation to others."""

    share: float
    calls: Sequence[Call]


@dataclass(frozen=True, slots=True)
class Mix:
    """All kinds of a file."""

    kinds: Sequence[Kind]

    @property
    def calls(self) -> Sequence[Call]:
        """Every one once."""
        return [call for kind in self.kinds for call in kind.calls]

    def drawn(self, random: Random) -> Iterator[Call]:
        """Without end; kinds by their shares, the calls of a kind in turn."""
        asked = [0] * len(self.kinds)
        shares = [kind.share for kind in self.kinds]
        while True:
            (at,) = random.choices(range(len(self.kinds)), shares)
            calls = self.kinds[at].calls
            yield calls[asked[at] % len(calls)]
            asked[at] += 1


def read_mix(file: Path, models: Sequence[Model]) -> Mix:
    """The kinds in `file`; its paths are from the repository's root. Raises MixFault."""
    try:
        table = _Table.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise MixFault(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MixFault(f"{file}: is not TOML: {error}") from error
    except ValidationError as error:
        raise MixFault("\n".join(f"{file}: {_fault(fault)}" for fault in error.errors(include_url=False))) from error
    by_name = {model.spec.name: model for model in models}
    return Mix([Kind(entry.share, _calls(entry, by_name, file)) for entry in table.requests])


def _fault(fault: Any) -> str:
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}; see experiments/load/mix.toml"


def _calls(entry: _Entry, models: dict[str, Model], file: Path) -> Sequence[Call]:
    model = models.get(entry.model)
    if model is None:
        raise MixFault(f"{file}: there is no model {entry.model!r}; choose one of {', '.join(models)}")
    answering = [name for name, endpoint in model.spec.endpoints.items() if endpoint.kind != "async"]
    endpoint = entry.endpoint or answering[0]
    if endpoint not in answering:
        known = ", ".join(answering)
        raise MixFault(f"{file}: {entry.model} has no endpoint {endpoint!r} that answers requests; one of {known}")
    sent = [ROOT / entry.file] if entry.file else list(samples(model).values())
    if not sent:
        raise MixFault(f"{file}: {entry.model} has no samples; name a file to send")
    try:
        return [Call.of_file(entry.model, endpoint, each) for each in sent]
    except OSError as error:
        raise MixFault(f"{file}: {error.filename}: {error.strerror}") from error
