"""What a latency experiment does at each endpoint, and how a command line says it."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.arguments import count, positive, positives, several, some
from experiments.latency.errors import BadChoice


@dataclass(frozen=True, slots=True)
class Plan:
    """How many calls of which phase; the moments of those on a schedule follow from `seed`."""

    cold: int = 5
    """Calls that each meet a server which must start first."""
    clients: Sequence[int] = (1, 4)
    """That wait for each answer before they ask again, so many at once, one number after the other."""
    requests: int = 60
    """Calls for each of these numbers, in all."""
    rates: Sequence[float] = (2, 10, 25)
    """Requests a second on a schedule that waits for nobody, one rate after the other."""
    seconds: float = 10
    """For each of these rates."""
    seed: int = 0


def add_plan(parser: argparse.ArgumentParser) -> None:
    """What `plan_of` reads, and `--image`."""
    plan = Plan()
    parser.add_argument("--image", action="append", default=[], type=Path, help="sent in turn (the model's samples)")
    parser.add_argument("--cold", type=count, default=plan.cold, help=f"cold starts ({plan.cold})")
    parser.add_argument(
        "--clients",
        type=several,
        default=plan.clients,
        help="that wait for each answer, at once, one after another (1,4)",
    )
    parser.add_argument("--requests", type=some, default=plan.requests, help=f"of each of these ({plan.requests})")
    parser.add_argument(
        "--rates", type=positives, default=plan.rates, help="requests a second that wait for nobody (2,10,25)"
    )
    parser.add_argument("--seconds", type=positive, default=plan.seconds, help=f"of each of these ({plan.seconds:g})")
    parser.add_argument("--seed", type=int, default=plan.seed, help="of their moments (0)")


def plan_of(options: argparse.Namespace) -> Plan:
    """Raises BadChoice when an image is not there: nothing would be measured."""
    missing = next((file for file in options.image if not file.is_file()), None)
    if missing is not None:
        raise BadChoice(f"--image {missing}: there is no such file")
    return Plan(options.cold, options.clients, options.requests, options.rates, options.seconds, options.seed)
