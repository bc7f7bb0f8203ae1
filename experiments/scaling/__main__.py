"""`python -m experiments.scaling MODEL`: a day of each endpoint, simulated: instances, waits and the price."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from experiments.arguments import positive
from experiments.client.arrivals import DAY, DAY_S, Shape, ShapeFault, read_shape
from experiments.client.sample import ForeignRows
from experiments.cost.prices import NoPrice, PriceTable, PriceTableFault, read_prices
from experiments.scaling.endpoint import at_once, changed, refuse_what_is_not_simulated, target_key
from experiments.scaling.errors import BadPolicy, ScalingFault, UnknownEndpoint, UnknownModel
from experiments.scaling.plot import draw
from experiments.scaling.report import report
from experiments.scaling.simulate import MINUTES, Seen
from experiments.scaling.study import Asked, study
from experiments.scaling.times import times_of
from experiments.scaling.traffic import draw_moments
from models.instances import InstanceEndpoint
from models.registry import ROOT, Model, load_models
from models.spec import SpecError

PER_DAY = 100_000.0


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for, read and checked."""

    endpoints: Sequence[Asked]
    shape: Shape
    per_day: float
    seed: int
    out: Path
    prices: PriceTable


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0 with a table and a picture for each endpoint, 1 with one clear line otherwise."""
    options = _options(arguments)
    try:
        _simulate(_order(options))
    except (ScalingFault, ShapeFault, ForeignRows, NoPrice, PriceTableFault, SpecError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or 'the output'}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


def _simulate(order: Order) -> None:
    order.out.mkdir(parents=True, exist_ok=True)
    print(f"drawing {order.per_day:,.0f} requests", file=sys.stderr, flush=True)
    moments = draw_moments(order.per_day, order.shape, order.seed)
    for asked in order.endpoints:
        with _minutes(asked) as seen:
            done = study(asked, moments, shape=order.shape.name, seed=order.seed, prices=order.prices, seen=seen)
        print(report(done), flush=True)
        print(f"{draw(done, order.out / f'scaling-{asked.name}.png')}\n", flush=True)


@contextmanager
def _minutes(asked: Asked) -> Iterator[Seen]:
    total = MINUTES * len(asked.alternatives)
    with tqdm(total=total, desc=asked.name, unit="min", leave=False, mininterval=0.5) as bar:
        yield bar.update


def _order(options: argparse.Namespace) -> Order:
    """Raises ScalingFault, ShapeFault, ForeignRows, NoPrice, PriceTableFault, SpecError."""
    model, prices, shape = _model(options.model), read_prices(), read_shape(options.shape)
    rate = options.requests_per_day if options.peak_rate is None else options.peak_rate * DAY_S / shape.peak
    out = options.out or ROOT / ".cache" / "experiments" / model.spec.name
    return Order(_asked(model, options, prices), shape, rate, options.seed, out, prices)


def _model(name: str) -> Model:
    models = {model.spec.name: model for model in load_models()}
    if name not in models:
        raise UnknownModel(f"{name}: no such model; choose one of {', '.join(models)}")
    return models[name]


def _asked(model: Model, options: argparse.Namespace, prices: PriceTable) -> list[Asked]:
    endpoints = model.spec.endpoints
    for name in options.endpoint:
        if name not in endpoints:
            raise UnknownEndpoint(f"--endpoint {name}: {model.spec.name} has none; choose of {', '.join(endpoints)}")
    chosen = {name: endpoints[name] for name in options.endpoint or endpoints}
    changes = {key: value for key, value in _changes(options).items() if value is not None}
    if changes and not any(isinstance(settings, InstanceEndpoint) for settings in chosen.values()):
        raise BadPolicy(f"{', '.join(chosen)}: has no instances, so nothing to scale; name others with --endpoint")
    tables = {name: _table(name, settings, changes, prices) for name, settings in chosen.items()}
    return [
        Asked(model.spec.name, name, settings, times_of(model, name, options.times))
        for name, settings in tables.items()
    ]


def _table(name: str, settings: Any, changes: dict[str, int], prices: PriceTable) -> Any:
    """The endpoint's table with the changes, once it is sure that it can be simulated and has a price."""
    refuse_what_is_not_simulated(name, settings)
    if isinstance(settings, InstanceEndpoint):
        given = {target_key(settings) if key == "target" else key: value for key, value in changes.items()}
        settings = changed(settings, given) if given else settings
        prices.instance(settings.instance_type)
        at_once(settings)
    return settings


def _changes(options: argparse.Namespace) -> dict[str, int | None]:
    return {
        "target": options.target,
        "scale_out_cooldown_s": options.scale_out_cooldown,
        "scale_in_cooldown_s": options.scale_in_cooldown,
        "min_instances": options.min,
        "max_instances": options.max,
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m experiments.scaling", description=__doc__)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--endpoint", action="append", default=[], metavar="NAME", help="again for more (all of them)")
    rate = parser.add_mutually_exclusive_group()
    rate.add_argument("--requests-per-day", type=positive, default=PER_DAY, metavar="N", help=f"({PER_DAY:g})")
    rate.add_argument("--peak-rate", type=positive, metavar="R", help="requests a second in the busiest part")
    parser.add_argument("--shape", type=Path, default=DAY, metavar="FILE", help="another day than a typical one")
    parser.add_argument(
        "--times", type=Path, metavar="FOLDER", help="of experiments.latency; without it docs/images.md"
    )
    parser.add_argument("--target", type=int, metavar="N", help="requests a minute, or jobs, for each instance")
    parser.add_argument("--scale-out-cooldown", type=int, metavar="S", help="seconds")
    parser.add_argument("--scale-in-cooldown", type=int, metavar="S", help="seconds")
    parser.add_argument("--min", type=int, metavar="N", help="instead of min_instances")
    parser.add_argument("--max", type=int, metavar="N", help="instead of max_instances")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another day of that kind (0)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="for the pictures (.cache/experiments/MODEL)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
