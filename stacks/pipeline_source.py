"""Where the pipeline takes the repository from: three keys of the context, refused in a line where they cannot be."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stacks.stage import BadOption

_FORMS = {
    "connection_arn": (
        re.compile(r"arn:aws[a-z-]*:(codeconnections|codestar-connections):[a-z0-9-]+:[0-9]{12}:connection/[0-9a-f-]+"),
        "the ARN of a connection to where the repository is",
    ),
    "repository": (re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+"), "its owner and name, such as somebody/fovea"),
    "branch": (re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*"), "the name of a branch"),
}
PAGE = "docs/pipeline.md"


@dataclass(frozen=True, slots=True)
class Source:
    """A branch of a repository, and the connection by which AWS may read it."""

    connection_arn: str
    repository: str
    branch: str

    @classmethod
    def asked(cls, context: Callable[[str], Any]) -> "Source":
        """What the context says. Raises BadOption."""
        return cls(**{name: _checked(name, context(name) or {"branch": "main"}.get(name)) for name in _FORMS})

    @property
    def as_context(self) -> str:
        """The same for the command that synthesizes the pipeline from within it; there is nothing in it to quote."""
        return " ".join(f"-c {name}={getattr(self, name)}" for name in _FORMS)


def _checked(name: str, given: object) -> str:
    form, what = _FORMS[name]
    if given is None:
        raise BadOption(f"{name}: is missing; give -c {name}= with {what} ({PAGE})")
    if not form.fullmatch(str(given)):
        raise BadOption(f"{name}: {given!r} is not {what} ({PAGE})")
    return str(given)
