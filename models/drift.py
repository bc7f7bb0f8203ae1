"""The [endpoints.NAME.data_capture.drift] table: when what was captured is compared with what was trained on."""

from typing import Annotated

from pydantic import Field

from models.table import Table

REFUSED_BY_DRIFT = {
    "instance_type": "pictures are measured on one small instance; remove it",
    "features": "every feature of the baseline is compared; remove it",
}


class Drift(Table):
    """Compares captured requests and answers with a baseline, on a schedule, and makes an alarm of the largest PSI.

    A processing job in the model's own image, on one `ml.m5.large`, paid by the second.
    """

    baseline: Annotated[str, Field(pattern=r"^[\w-]+\.json$")] = Field(
        "baseline.json",
        description="A file beside model.toml, made by `python -m monitoring baseline`, that ends in `.json`.",
    )
    every_days: Annotated[int, Field(ge=1, le=365)] = Field(
        7, description="How often, and how far back what was captured is looked at: 1 to 365."
    )
    significant_psi: Annotated[float, Field(gt=0, le=100)] = Field(
        0.25, description="The alarm goes off above this Population Stability Index of any feature."
    )
