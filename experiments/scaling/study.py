"""One endpoint on one day: its own policy, and beside it half and double the target."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from experiments.cost.prices import PriceTable
from experiments.scaling.day import Day
from experiments.scaling.endpoint import changed, policy_of, servers_of, target_key
from experiments.scaling.price import usd_a_month
from experiments.scaling.simulate import Seen, simulate
from experiments.scaling.times import Times
from experiments.scaling.traffic import Traffic, draw
from models.instances import InstanceEndpoint

FACTORS = (0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a day came to with one setting of the endpoint."""

    settings: Any
    day: Day
    usd_a_month: float

    @property
    def target(self) -> int | None:
        """Of its policy, if it has one."""
        policy = policy_of(self.settings)
        return None if policy is None else int(policy.target)


@dataclass(frozen=True, slots=True)
class Study:
    """`outcomes` by rising target; `own` is among them, with the target that was asked for."""

    model: str
    name: str
    shape: str
    times: Times
    own: Outcome
    outcomes: Sequence[Outcome]


@dataclass(frozen=True, slots=True)
class Asked:
    """An endpoint to simulate, and what is known of it."""

    model: str
    name: str
    settings: Any
    times: Times

    @property
    def alternatives(self) -> Sequence[Any]:
        """Its table with each target, where it scales: by rising target, its own among them."""
        policy = policy_of(self.settings)
        if policy is None or policy.least == policy.most:
            return [self.settings]
        targets = sorted({max(1, round(policy.target * factor)) for factor in FACTORS})
        return [self._with(target) for target in targets]

    def _with(self, target: int) -> Any:
        policy = policy_of(self.settings)
        if not isinstance(self.settings, InstanceEndpoint) or policy is None or policy.target == target:
            return self.settings
        return changed(self.settings, {target_key(self.settings): target})


def study(
    asked: Asked, moments: "array[float]", *, shape: str, seed: int, prices: PriceTable, seen: Seen = lambda: None
) -> Study:
    """Simulates the day with each of the targets. Raises NoPrice, NotSimulated."""
    traffic = draw(moments, asked.times.seconds, seed)
    outcomes = [_outcome(settings, asked.times, traffic, prices, seen) for settings in asked.alternatives]
    own = next(outcome for outcome in outcomes if outcome.settings is asked.settings)
    return Study(asked.model, asked.name, shape, asked.times, own, outcomes)


def _outcome(settings: Any, times: Times, traffic: Traffic, prices: PriceTable, seen: Seen) -> Outcome:
    day = simulate(traffic, servers_of(settings, traffic, times), policy_of(settings), seen)
    return Outcome(settings, day, usd_a_month(settings, times, day, prices))
