"""How many requests are at work: what an engine goes by when it chooses how many cores one inference gets."""


class Load:
    """A count that the event loop changes and any thread reads."""

    def __init__(self) -> None:
        self._in_flight = 0

    def now(self) -> int:
        """The requests whose work has been handed to a thread and is not done; at least one, the one that asks."""
        return max(1, self._in_flight)

    def grow(self) -> None:
        """One more is at work."""
        self._in_flight += 1

    def shrink(self) -> None:
        """One is done."""
        self._in_flight -= 1
