"""The price table: prices.toml, typed and checked, with its date and the source of every price."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

FILE = Path(__file__).with_name("prices.toml")


class PriceTableFault(Exception):
    """The table cannot be read; says where and why."""


class NoPrice(Exception):
    """The table has no price for something that a model.toml asks for; says where to add it."""


class Price(BaseModel):
    """US dollars for one unit, which the price's name gives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    usd: Annotated[float, Field(gt=0)]
    source: str
    confirmed: bool = True


class Rates(BaseModel):
    """The prices that every stage meets, whatever its instances."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serverless_gb_second: Price
    endpoint_data_gb: Price
    lambda_million_requests: Price
    lambda_x86_gb_second: Price
    lambda_arm_gb_second: Price
    lambda_storage_gb_second: Price
    api_million_requests: Price
    transfer_out_gb: Price
    logs_gb: Price
    alarm_metric_month: Price
    dashboard_month: Price
    custom_metric_month: Price
    s3_gb_month: Price
    s3_thousand_puts: Price
    s3_thousand_gets: Price
    ecr_gb_month: Price
    waf_acl_month: Price
    waf_rule_month: Price
    waf_million_requests: Price


class PriceTable(BaseModel):
    """Prices of one day in one region."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: date
    region: str
    sources: dict[str, str]
    rates: Rates
    instance_hour: dict[str, Price]

    def instance(self, instance_type: str) -> Price:
        """An hour of a SageMaker hosting instance. Raises NoPrice."""
        try:
            return self.instance_hour[instance_type]
        except KeyError as error:
            raise NoPrice(
                f"{instance_type}: has no price; add it to [instance_hour] in experiments/cost/prices.toml"
            ) from error

    @property
    def prices(self) -> dict[str, Price]:
        """All of them, by name."""
        rates: dict[str, Price] = {name: getattr(self.rates, name) for name in Rates.model_fields}
        return rates | self.instance_hour

    @model_validator(mode="after")
    def _sources_are_named(self) -> Self:
        for name, price in self.prices.items():
            if price.source not in self.sources:
                raise ValueError(f"{name}: its source {price.source!r} is not in [sources]; add it there")
        return self


def read_prices(file: Path = FILE) -> PriceTable:
    """The table in `file`. Raises PriceTableFault with a line for each fault."""
    try:
        return PriceTable.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except OSError as error:
        raise PriceTableFault(f"{file}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriceTableFault(f"{file}: is not TOML: {error}") from error
    except ValidationError as error:
        faults = [f"{file}: {_fault(fault)}" for fault in error.errors(include_url=False)]
        raise PriceTableFault("\n".join(faults)) from error


def _fault(fault: Any) -> str:
    where = ".".join(map(str, fault["loc"]))
    said = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"]
    return f"{where}: {said}" if where else said
