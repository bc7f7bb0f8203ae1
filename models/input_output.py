"""The [input] and [output] tables of model.toml: what a network takes, and what its numbers mean."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from models.table import Table


def _three_finite(values: tuple[float, float, float]) -> tuple[float, float, float]:
    if not all(abs(value) < 1e6 for value in values):
        raise ValueError("give three finite numbers, red, green and blue")
    return values


def _three_positive(values: tuple[float, float, float]) -> tuple[float, float, float]:
    if not all(0 < value < 1e6 for value in values):
        raise ValueError("give three numbers above 0, red, green and blue")
    return values


MediaType = Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$")]


class InputSpec(Table):
    """How a picture becomes the network's input: resized to `size`, then x = (pixel - mean) / std.

    A detector takes the pixels themselves, 0..255, and may do without a size.
    """

    size: tuple[Annotated[int, Field(ge=8, le=4096)], Annotated[int, Field(ge=8, le=4096)]] | None = Field(
        None, description="Height and width of the network's input, in pixels; a classifier needs it."
    )
    resize: Literal["stretch", "center-crop", "letterbox", "shorter-side"] = Field(
        "stretch",
        description="`stretch` ignores the aspect ratio, `center-crop` cuts the longer side, `letterbox` pads the "
        "shorter one with black, `shorter-side` keeps the aspect ratio and lets the longer side grow.",
    )
    mean: Annotated[tuple[float, float, float], AfterValidator(_three_finite)] = Field(
        (0.0, 0.0, 0.0), description="Subtracted from each pixel (0..255), in the order red, green, blue."
    )
    std: Annotated[tuple[float, float, float], AfterValidator(_three_positive)] = Field(
        (255.0, 255.0, 255.0), description="Divides what is left, in the same order."
    )
    channels: Literal["RGB", "BGR"] = Field(
        "RGB", description="Order in which the network takes the channels; `mean` and `std` stay red, green, blue."
    )
    layout: Literal["NHWC", "NCHW"] = Field("NHWC", description="Order of the input's axes.")
    accepts: Annotated[tuple[MediaType, ...], Field(min_length=1)] | None = Field(
        None, description="Content types of a request; only for `pytorch_script`, whose code reads them."
    )

    @model_validator(mode="after")
    def _shorter_side_is_one_number(self) -> Self:
        if self.resize == "shorter-side" and self.size and self.size[0] != self.size[1]:
            raise ValueError(f'size: with resize = "shorter-side" both numbers are that side; not {list(self.size)}')
        return self


class OutputSpec(Table):
    """What the network's numbers mean."""

    scores: Literal["probabilities", "logits"] = Field(
        "probabilities", description="`logits` are put through a softmax; `probabilities` must already sum to 1."
    )
    meanings: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        (), description="What each label means, a sentence for people, in the order of `labels`; the page shows it."
    )
    positive: str | None = Field(
        None,
        description="Of two labels the one that is looked for, which precision, recall and F1 of an evaluation are of; "
        "the second unless said.",
    )
