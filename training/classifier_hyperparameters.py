"""What may be chosen of the training of any image classifier."""

from typing import Annotated

from pydantic import Field

from training.hyperparameters import Hyperparameters


class ClassifierHyperparameters(Hyperparameters):
    """A model's train.py changes the defaults where its network asks for others."""

    epochs: Annotated[int, Field(ge=1, le=10_000, description="Passes over the training pictures, at most.")] = 20
    batch_size: Annotated[int, Field(ge=1, le=4096, description="Pictures in a step.")] = 32
    learning_rate: Annotated[float, Field(gt=0, le=1, description="Of AdamW at its highest, after the warm-up.")] = 2e-3
    weight_decay: Annotated[float, Field(ge=0, le=1, description="Of AdamW.")] = 1e-3
    patience: Annotated[
        int, Field(ge=0, description="Epochs without a lower validation loss that end the training; 0 never does.")
    ] = 5
    validation_share: Annotated[
        float, Field(gt=0, lt=1, description="Of the pictures of each label, where there is no channel validation.")
    ] = 0.15
    class_weights: Annotated[bool, Field(description="Whether rare labels count as much as frequent ones.")] = True
    augment: Annotated[bool, Field(description="Whether pictures are changed at random each time.")] = True
