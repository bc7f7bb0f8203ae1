"""Why a training cannot go on, each one line for /opt/ml/output/failure, of which SageMaker shows 1024 characters.

    TrainingError
    ├── InvalidHyperparameter   a name or a value that the model's class refuses
    ├── InvalidConfiguration    a file of input/config that is missing, or is none that SageMaker writes
    ├── UnusableData
    │   ├── EmptyChannel        nothing to read where there should be
    │   ├── UnknownLabel        a label outside the model's map
    │   └── CorruptData         more than a hundredth of the records cannot be read
    ├── UnusableCheckpoint      none where one was promised, damaged, or of another network
    ├── Diverged                the loss is no number any more
    ├── UnusableModel           one that is to be evaluated, and cannot be served or compared
    ├── UnusableResult          what the training left cannot be served
    ├── NoSpace                 the volume is full
    ├── NoMemory                the machine has less than the training needs
    └── UnexpectedFailure       an error that nobody foresaw; its traceback is in the log

An Interrupted is none of them: the machine is being taken away, the state is saved, and the next one goes on.
"""

from typing import ClassVar


class TrainingError(Exception):
    """Carries the reason and what to do about it, in a line; a person reads it in SageMaker's console."""

    @property
    def line(self) -> str:
        """The reason behind the name of its kind, on one line."""
        return f"{type(self).__name__}: {' '.join(str(self).split())}"


class InvalidHyperparameter(TrainingError):
    """A name or a value that the model's class of hyperparameters refuses."""


class InvalidConfiguration(TrainingError):
    """A file of input/config that is missing, or that SageMaker would not write."""


class UnusableData(TrainingError):
    """Data that no model can be trained on."""


class EmptyChannel(UnusableData):
    """A channel that is not there, or holds nothing that can be read."""


class UnknownLabel(UnusableData):
    """A label outside the model's map."""


class CorruptData(UnusableData):
    """More of the records than are tolerated that cannot be read; fewer are left out, and counted."""

    tolerated: ClassVar[float] = 0.01


class UnusableCheckpoint(TrainingError):
    """A checkpoint that is not there, is damaged, or is of another network or training."""


class Diverged(TrainingError):
    """A loss that is no number any more."""


class UnusableModel(TrainingError):
    """A model that is to be evaluated, and cannot be served, or not be compared with the other."""


class UnusableResult(TrainingError):
    """A result that the model server would refuse."""


class NoSpace(TrainingError):
    """A volume without room for what is to be written."""


class NoMemory(TrainingError):
    """A machine with less memory than the training needs."""


class UnexpectedFailure(TrainingError):
    """An error that nobody foresaw."""


class Interrupted(Exception):
    """The machine is being taken away; everything is saved, and a training with the same checkpoints goes on."""
