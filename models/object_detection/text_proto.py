"""Protocol buffer text without its schema, which protobuf's own reader needs, and which no package here brings.

https://protobuf.dev/reference/protobuf/textformat-spec/
"""

import re
from collections.abc import Iterator
from typing import TypeAlias

Message: TypeAlias = dict[str, list["str | Message"]]
"""Field -> its values in their order: texts, numbers and names as they stand, and messages."""

_DEEPEST = 100  # protobuf's own limit
_ENDS = {"{": "}", "<": ">"}
_QUOTES = ("'", '"')
_PIECE = re.compile(
    r"(?P<skipped>\s+|#[^\n]*)|(?P<text>\"(?:\\.|[^\"\\\n])*+\"|'(?:\\.|[^'\\\n])*+')"
    r"|(?P<word>\[[\w./]+\](?=\s*[:{<])|[\w.+-]+)|(?P<mark>[{}<>\[\]:,;])",
    re.DOTALL,
)


class NotTextProto(ValueError):
    """Carries what is wrong, and in which line."""


def parse(text: str) -> Message:
    """The message that `text` says. Raises NotTextProto."""
    return _Reader(text).message("", 0)


class _Reader:
    """Takes a text apart, piece by piece."""

    def __init__(self, text: str) -> None:
        self._pieces = self._split(text)
        self._line = 1
        self._next = next(self._pieces)

    def message(self, end: str, depth: int) -> Message:
        """The fields up to the mark `end`, which is "" for the end of the text."""
        if depth > _DEEPEST:
            raise self._fault(f"is more than {_DEEPEST} messages deep")
        fields: Message = {}
        while self._next != end:
            name = self._taken()
            if not re.fullmatch(r"[A-Za-z_]\w*|\[[\w./]+\]", name):
                raise self._fault(f"has {_shown(name)} where the name of a field should be")
            is_marked = self._next == ":"
            if is_marked:
                self._taken()
            if not is_marked and self._next not in _ENDS:
                raise self._fault(f"lacks the colon after {name}")
            fields.setdefault(name, []).extend(self._values(depth))
            if self._next in (",", ";"):
                self._taken()
        self._taken()
        return fields

    def _values(self, depth: int) -> list["str | Message"]:
        if self._next != "[":
            return [self._value(depth)]
        self._taken()
        values = []
        while self._next != "]":
            values.append(self._value(depth))
            if self._next == ",":
                self._taken()
        self._taken()
        return values

    def _value(self, depth: int) -> "str | Message":
        piece = self._taken()
        if piece in _ENDS:
            return self.message(_ENDS[piece], depth + 1)
        if piece[:1] in _QUOTES:
            text = piece[1:-1]
            while self._next[:1] in _QUOTES and self._next:
                text += self._taken()[1:-1]
            return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
        if not piece or piece in "}>[]:,;":
            raise self._fault(f"has {_shown(piece)} where a value should be")
        return piece

    def _taken(self) -> str:
        piece, self._next = self._next, next(self._pieces, "")
        return piece

    def _split(self, text: str) -> Iterator[str]:
        at = 0
        while at < len(text):
            found = _PIECE.match(text, at)
            if found is None:
                raise self._fault(f"cannot be read at {text[at : at + 20]!r}")
            if found.lastgroup != "skipped":
                yield found[0]
            self._line += found[0].count("\n")
            at = found.end()
        yield ""

    def _fault(self, what: str) -> NotTextProto:
        return NotTextProto(f"line {self._line} {what}")


def _shown(piece: str) -> str:
    return repr(piece) if piece else "its end"
