"""Why there is no drift to be told, in one line that says what to do.

MonitoringError
├── BaselineFault   no training pictures, rows that are not theirs, or a file that is no baseline
└── CaptureFault    nothing captured, too little, or too much of it damaged
"""


class MonitoringError(Exception):
    """The message is for the person at the terminal, or in the job's log."""


class BaselineFault(MonitoringError):
    """No training pictures, rows that are not theirs, or a file that is no baseline."""


class CaptureFault(MonitoringError):
    """Nothing captured, too little, or too much of it damaged."""
