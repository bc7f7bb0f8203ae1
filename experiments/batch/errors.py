"""Why a batch ends, in one line that says what to do. What is wrong with one picture ends nothing: it is that row.

BatchError
├── InputFault      nothing there to score, or a name that a row cannot hold
├── OutputFault     the file for the rows: another model's, in use, no room
├── ServerFault     no server, or one that does not answer as this model
└── TransformFault  SageMaker has no such endpoint, or its job failed
"""


class BatchError(Exception):
    """The message is for the person at the terminal."""


class InputFault(BatchError):
    """Nothing there to score, or a name that a row cannot hold."""


class OutputFault(BatchError):
    """The file for the rows cannot be continued, or not be written."""


class ServerFault(BatchError):
    """No server, or one that does not answer as this model."""


class TransformFault(BatchError):
    """SageMaker has no such endpoint, or its job failed."""
