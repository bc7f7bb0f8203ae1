"""What a sweep in AWS costs, as far as it is known before: said, and agreed to, before anything is deployed."""

from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from experiments.cost.prices import NoPrice, PriceTable, read_prices
from experiments.sweep.errors import NotAgreed
from models.registry import Model

_GIB = 1024
HOUR_S = 3600


def ask(model: Model, variants: Sequence[str], region: str, person: TextIO) -> None:
    """Tells what `variants` cost and waits for a line of `person` that says yes. Raises NotAgreed."""
    prices = read_prices()
    print(f"To be deployed in {region}, one after the other, and removed again:")
    for line in lines(model, variants, prices):
        print(f"  {line}")
    print("and an API, which costs by the request. Images and archives stay in the account's bootstrap bucket and")
    print(f"repository, as after every deployment. Prices of {prices.region}, {prices.date}.", flush=True)
    print("Deploy them? [y/N] ", end="", flush=True)
    answer = person.readline()
    if not answer:
        raise NotAgreed("nobody is here to agree; give --yes")
    if answer.strip().lower() not in ("y", "yes"):
        raise NotAgreed("nothing was deployed")


def lines(model: Model, variants: Sequence[str], prices: PriceTable) -> Iterator[str]:
    """One for each variant, with US dollars."""
    for name in variants:
        try:
            yield f"{name}: {_price(model.spec.endpoints[name], prices)}"
        except NoPrice as error:
            yield f"{name}: by the hour; {error}"


def _price(settings: Any, prices: PriceTable) -> str:
    """Raises NoPrice."""
    if settings.kind == "realtime":
        return f"about {prices.instance(settings.instance_type).usd:.2f} $ an hour, from its start until it is removed"
    rate = prices.rates.serverless_gb_second if settings.kind == "serverless" else prices.rates.lambda_x86_gb_second
    return f"about {settings.memory_mb / _GIB * rate.usd * HOUR_S:.2f} $ for each hour that it computes, none idle"
