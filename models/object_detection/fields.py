"""The fields of a protocol buffer text by their names, which remembers what nobody asked for."""

from collections.abc import Iterator

from models.object_detection.text_proto import Message


class Fields:
    """Those of a message that may not be there; `path` is how a person finds it. Said twice, the last one counts."""

    def __init__(self, message: Message, path: str = "") -> None:
        self._message = message
        self._path = path
        self._asked: set[str] = set()
        self._within: list[Fields] = []

    def has(self, name: str) -> bool:
        """Whether the message says the field `name`."""
        return name in self._message

    def child(self, name: str) -> "Fields":
        """The message in the field `name`, empty where it is not said. Raises ValueError for a number or a text."""
        return ([*self.named(name)] or [Fields({}, self._of(name))])[-1]

    def named(self, name: str) -> list["Fields"]:
        """All messages in the field `name`. Raises ValueError for a number or a text."""
        self._asked.add(name)
        values = self._message.get(name, [])
        messages = [Fields(value, self._of(name)) for value in values if isinstance(value, dict)]
        if len(messages) < len(values):
            raise ValueError(f"{self._of(name)} should be a message in braces")
        self._within += messages
        return messages

    def children(self) -> list["Fields"]:
        """The messages in all fields."""
        return [
            child
            for name, values in self._message.items()
            if any(isinstance(value, dict) for value in values)
            for child in self.named(name)
        ]

    @property
    def name(self) -> str:
        """Of the field that this message stands in."""
        return self._path.rpartition(".")[2]

    def number(self, name: str, default: float, *, least: float = 0.0) -> float:
        """The number in the field `name`. Raises ValueError for one below `least`."""
        text = self._said(name)
        try:
            number = default if text is None else float(text)
        except ValueError as error:
            raise ValueError(f"{self._of(name)} is {text!r}; it should be a number") from error
        if not least <= number < float("inf"):
            raise ValueError(f"{self._of(name)} is {text}; it should be {least:g} or more")
        return number

    def whole(self, name: str, *, least: int = 1) -> int | None:
        """The whole number in the field `name`, or None. Raises ValueError for one below `least`."""
        text = self._said(name)
        if text is None:
            return None
        if not text.isdecimal() or int(text) < least:
            raise ValueError(f"{self._of(name)} is {text!r}; it should be a whole number, {least} or more")
        return int(text)

    def flag(self, name: str) -> bool:
        """Whether the field `name` is true. Raises ValueError for something else."""
        text = self._said(name)
        if text not in (None, "true", "false"):
            raise ValueError(f"{self._of(name)} is {text!r}; it should be true or false")
        return text == "true"

    def unread(self) -> Iterator[str]:
        """The paths of the fields that nobody asked for."""
        for name in self._message:
            if name not in self._asked:
                yield self._of(name)
        told: set[str] = set()
        for child in self._within:
            for path in child.unread():
                if path not in told:
                    told.add(path)
                    yield path

    def _said(self, name: str) -> str | None:
        self._asked.add(name)
        values = self._message.get(name, [])
        if values and isinstance(values[-1], dict):
            raise ValueError(f"{self._of(name)} should be a value, not a message")
        return str(values[-1]) if values else None

    def _of(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name
