"""The tables, printed and kept in docs/cost.md."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from experiments.cost.breakeven import Pair, break_even, pairs
from experiments.cost.monthly import Cost, monthly
from experiments.cost.prices import NoPrice, Price, PriceTable
from experiments.cost.stage import Around, Served, around_usd
from models.endpoints import AsyncEndpoint, LambdaEndpoint, ServerlessEndpoint

SECONDS = (0.1, 1.0)  # beside the measured time
_UNCONFIRMED, _BEYOND, _ASSUMED = "~", "†", "?"


@dataclass(frozen=True, slots=True)
class Bill:
    """All that a report is made of."""

    stage: str
    endpoints: Sequence[Served]
    around: Around
    archive_bytes: int
    rates: Sequence[float]
    """Requests a day of each endpoint."""
    prices: PriceTable


def month_section(bill: Bill) -> str:
    """What everything costs at each rate. An endpoint without a price has dashes, and its line below the table."""
    columns = [0.0, *bill.rates]
    costs = [_costs(each, columns, bill.prices) for each in bill.endpoints]
    around = [around_usd(bill.around, bill.endpoints, bill.archive_bytes, rate, bill.prices) for rate in columns]
    priced = [row for row in costs if not isinstance(row, NoPrice)]
    sums = [sum(row[at].usd for row in priced) + sum(around[at].values()) for at in range(len(columns))]
    rows = [
        _row("model", "endpoint", "ms", "idle", *(f"{rate:,.0f} a day" for rate in bill.rates)),
        _row("---", "---", *["---:"] * (len(columns) + 1)),
        *(_endpoint_row(each, row, bill) for each, row in zip(bill.endpoints, costs, strict=True)),
        *(_row("", name, "", *(_usd(each[name]) for each in around)) for name in around[0]),
        _row("**all of it**", "", "", *(f"**{_usd(total)}**" for total in sums)),
    ]
    missing = [
        f"No price: {row}. The sum is without `{each.name}` of {each.model}."
        for each, row in zip(bill.endpoints, costs, strict=True)
        if isinstance(row, NoPrice)
    ]
    is_beyond = any(cost.is_beyond for row in priced for cost in row)
    notes = "\n".join(f"- {note}" for note in [*missing, *_notes(bill, is_beyond)])
    return f"""## A month

US dollars for 30 days of the stage {bill.stage}, {bill.prices.region}, prices of {bill.prices.date}. Each endpoint is
asked so often, evenly all day; the rows without a model carry the requests of all endpoints together.

{chr(10).join(rows)}

{notes}
"""


def _costs(each: Served, rates: Sequence[float], prices: PriceTable) -> list[Cost] | NoPrice:
    try:
        return [monthly(each.settings, each.request, rate, prices) for rate in rates]
    except NoPrice as error:
        return error


def _endpoint_row(each: Served, costs: list[Cost] | NoPrice, bill: Bill) -> str:
    cells = ["—"] * (1 + len(bill.rates)) if isinstance(costs, NoPrice) else [_cell(cost, each) for cost in costs]
    return _row(each.model, _described(each, bill.prices), _milliseconds(each), *cells)


def break_even_section(bill: Bill) -> str:
    """From which rate on instances are cheaper, at the measured time and at others."""
    found = list(pairs(bill.endpoints))
    lines = [line for pair in found if (line := _break_even_row(pair, bill.prices))]
    rows = "\n".join(lines) or _row("no model here has both kinds", *[""] * (2 + len(SECONDS)))
    head = _row("model", "free while idle", "always on", "as measured", *(f"{each:g} s each" for each in SECONDS))
    return f"""## Break-even

Requests a day from which instances that are always on cost less than an endpoint that is free while idle, for requests
of the measured time and of others. "never": up to all that `max_instances` serve, at `target_invocations_per_instance`
each, the endpoint that is free while idle costs less.

{head}
{_row("---", "---", "---", *["---:"] * (1 + len(SECONDS)))}
{rows}
"""


def not_counted_section(bill: Bill) -> str:
    """What the tables leave out."""
    return "## Not counted\n\n" + "\n".join(f"- {line}" for line in _not_counted(bill)) + "\n"


def _break_even_row(pair: Pair, prices: PriceTable) -> str | None:
    try:
        times = [pair, *(pair.lasting(seconds) for seconds in SECONDS)]
        cells = [_rate(break_even(each, prices)) for each in times]
    except NoPrice:
        return None
    measured = f"{cells[0]} ({_milliseconds(pair.idle)} ms)"
    return _row(pair.idle.model, _described(pair.idle, prices), _described(pair.steady, prices), measured, *cells[1:])


def _rate(per_day: float | None) -> str:
    return "never" if per_day is None else f"{per_day:,.0f}"


def _described(each: Served, prices: PriceTable) -> str:
    settings = each.settings
    if isinstance(settings, ServerlessEndpoint | LambdaEndpoint):
        kind = "a function, " * isinstance(settings, LambdaEndpoint)
        return f"`{each.name}`: {kind}{settings.memory_mb} MB"
    price = prices.instance_hour.get(settings.instance_type)
    doubt = f" {_UNCONFIRMED}" if price is not None and not price.confirmed else ""
    queue = "a queue, " * isinstance(settings, AsyncEndpoint)
    return f"`{each.name}`: {queue}{settings.instance_type}{doubt}"


def _milliseconds(each: Served) -> str:
    return f"{each.request.seconds * 1000:g}" + (f" {_ASSUMED}" if each.request.source == "assumed" else "")


def _cell(cost: Cost, each: Served) -> str:
    fewest = getattr(each.settings, "min_instances", None)
    grown = f" ({cost.instances} instances)" if cost.instances is not None and cost.instances != fewest else ""
    return _usd(cost.usd) + grown + (f" {_BEYOND}" if cost.is_beyond else "")


def _usd(value: float) -> str:
    return "< 0.01" if 0 < value < 0.005 else f"{value:,.2f}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(bill: Bill, is_beyond: bool) -> Iterator[str]:
    kilobytes = ", ".join(sorted({f"{each.request.body_bytes / 1000:g}" for each in bill.endpoints}))
    yield (
        "ms: how long a model's server takes for a request, measured here on two cores (docs/images.md), not on AWS, "
        f"or given; {_ASSUMED} is assumed. A request has {kilobytes} kB, its answer 1."
    )
    if is_beyond:
        yield f"{_BEYOND} more than the endpoint takes: `max_instances` at their target, or its bound on concurrency."
    if doubtful := _unconfirmed(bill):
        yield f"{_UNCONFIRMED} not confirmed by a second source: the price of {', '.join(doubtful)}."


def _unconfirmed(bill: Bill) -> list[str]:
    used: dict[str, Price] = {name: price for name, price in bill.prices.prices.items() if not name.startswith("ml.")}
    for each in bill.endpoints:
        kind = getattr(each.settings, "instance_type", None)
        if kind in bill.prices.instance_hour:
            used[kind] = bill.prices.instance_hour[kind]
    return [f"{name} ({price.usd:g})" for name, price in used.items() if not price.confirmed]


def _not_counted(bill: Bill) -> Iterator[str]:
    rates = bill.prices.rates
    yield "free tiers: a million requests and 400,000 GB-seconds of Lambda, ten alarms, three dashboards, 5 GB of logs"
    if any(getattr(each.settings, "provisioned_concurrency", None) for each in bill.endpoints):
        yield "provisioned concurrency of serverless endpoints, for which the table has no price"
    yield "discounts: savings plans, the cheaper tiers of very large use"
    yield "peaks: evenly asked, an endpoint needs fewer instances and fewer cold starts than on a real day"
    yield 'cold starts of serverless endpoints: AWS bills "to process inference requests", and says no more of loading'
    yield (
        f"images in ECR, {rates.ecr_gb_month.usd:g} a GB and month: some 0.2 GB for CPUs, several GB with CUDA; "
        "what earlier deployments left in the bootstrap's bucket and repository"
    )
    yield "the instances that an update runs beside the old ones until it is done; the instances' storage volumes"
    yield (
        f"logs once they are taken in (storage, queries), custom metrics ({rates.custom_metric_month.usd:g} each and "
        "month), traces, what looks at CloudWatch from outside"
    )
    yield "data between regions and zones, NAT gateways, VPC endpoints, requests to KMS, messages of SNS"
    yield "training, notebooks, data labelling; support plans, taxes"
    if bill.around.unpriced:
        kinds = ", ".join(f"`{kind}` ({count})" for kind, count in sorted(bill.around.unpriced.items()))
        yield f"resources of this stage that the table has no price for: {kinds}"
