"""How many requests are at work: what an engine goes by when it chooses how many cores one inference gets."""


class Load:
    """A count that the front tells with each job and any thread reads."""

    def __init__(self) -> None:
        self._at_work = 1

    def now(self) -> int:
        """The requests that were inside or waited when the last job came; at least one, the one that asks."""
        return self._at_work

    def tell(self, at_work: int) -> None:
        """What the front counts."""
        self._at_work = at_work
