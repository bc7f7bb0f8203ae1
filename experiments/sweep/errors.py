"""Why a sweep ends, or does not begin, in one line that says what to do.

SweepError
├── BadVariant      nothing to try, or what AWS does not offer
├── NotAgreed       nobody said yes to what it costs
└── DeployFailed    the CDK command could not deploy, or not remove
"""


class SweepError(Exception):
    """The message is for the person at the terminal."""


class BadVariant(SweepError):
    """What was asked for cannot be tried."""


class NotAgreed(SweepError):
    """It costs money, and nobody agreed."""


class DeployFailed(SweepError):
    """The CDK command failed; what it said last."""
