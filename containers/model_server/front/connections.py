"""All connections: how many there may be, and who goes first when there are too many."""

from typing import Protocol

MOST_CONNECTIONS = 1000


class Member(Protocol):
    """A connection."""

    def tick(self, now: float) -> None:
        """Gives up what has taken too long."""

    def let_go(self) -> None:
        """Closes as soon as what was asked is answered."""

    def abort(self) -> None:
        """Closes now."""


class Connections:
    """The open ones. Beyond the most, the one that has been idle longest makes room for the new one."""

    def __init__(self) -> None:
        self._open: dict[Member, None] = {}
        self._idle: dict[Member, None] = {}
        self.closing = False

    def add(self, member: Member) -> None:
        """A new one, which is idle until it asks."""
        self._open[member] = self._idle[member] = None
        if self.closing:  # it was accepted before, and is told of only now
            member.let_go()
        if len(self._open) > MOST_CONNECTIONS:
            longest = next(iter(self._idle))  # at least the new one is idle
            self.remove(longest)
            longest.abort()

    def remove(self, member: Member) -> None:
        """One that is closed."""
        self._open.pop(member, None)
        self._idle.pop(member, None)

    def is_busy(self, member: Member) -> None:
        """It has begun to ask."""
        self._idle.pop(member, None)

    def is_idle(self, member: Member) -> None:
        """All that it asked is answered."""
        if member in self._open:
            self._idle.pop(member, None)
            self._idle[member] = None

    def tick(self, now: float) -> None:
        """Gives up what has taken too long on each."""
        for member in list(self._open):
            member.tick(now)

    def let_go(self) -> None:
        """No more requests: idle ones are closed now, the others once they are answered."""
        self.closing = True
        for member in list(self._open):
            member.let_go()

    def abort(self) -> None:
        """Closes all now."""
        for member in list(self._open):
            member.abort()

    def count(self) -> int:
        """How many are open."""
        return len(self._open)
