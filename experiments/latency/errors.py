"""Why a latency experiment ends, in one line that says what to do. A call that fails in the middle is a row instead.

LatencyError
├── BadChoice       no such model or endpoint, one that nobody waits at, an image that is not there
├── ImageRefused    the model takes it not
├── NotAnswering    nobody at the address, a key that is wrong, an endpoint that is not deployed, no prediction
├── Throttled       callers that wait are turned away: their times would be of the throttle, not of the endpoint
├── AwsFault        no credentials, no such stack, a call of AWS's that fails
└── LocalRunFault   the local run does not start
"""


class LatencyError(Exception):
    """The message is for the person at the terminal."""


class BadChoice(LatencyError):
    """What was asked for is not there, or is nothing that answers."""


class ImageRefused(LatencyError):
    """The model does not take what it is sent."""


class NotAnswering(LatencyError):
    """No prediction comes, and waiting would bring none."""


class Throttled(LatencyError):
    """Callers that wait for each answer are turned away."""


class AwsFault(LatencyError):
    """AWS cannot be asked, or refuses."""


class LocalRunFault(LatencyError):
    """The local run does not start."""
