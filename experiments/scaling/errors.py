"""What keeps a day from being simulated. Each is one line that says what to do.

ScalingFault
├── UnknownModel      no such model
├── UnknownEndpoint   the model has no such endpoint
├── NoTimes           nobody measured the endpoint there
├── BadPolicy         the policy asked for is none that model.toml could have
└── NotSimulated      the endpoint has something that nothing here stands for
"""


class ScalingFault(Exception):
    """Carries the line for the person at the terminal."""


class UnknownModel(ScalingFault):
    """MODEL names none."""


class UnknownEndpoint(ScalingFault):
    """`--endpoint` names none of the model's."""


class NoTimes(ScalingFault):
    """The folder of `--times` has no requests of the endpoint."""


class BadPolicy(ScalingFault):
    """A target, a cooldown or a bound that model.toml would refuse."""


class NotSimulated(ScalingFault):
    """A part of the endpoint's table that the simulation does not know."""
