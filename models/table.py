"""What every table of model.toml is: frozen, and a key that it does not know is a fault."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

TableName = Annotated[str, Field(pattern=r"^[a-z]([a-z0-9-]*[a-z0-9])?$", max_length=40)]
"""Of a table that a model.toml names itself."""


class Table(BaseModel):
    """A table of model.toml.

    `defer_build`: a validator is built for what is read, a whole file, and not for each table in it besides.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, defer_build=True)
