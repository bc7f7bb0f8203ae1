"""The cheapest endpoint that answers in time, for a traffic and a latency target.

A latency is that of all callers, those who meet a cold start among them. What cannot take the traffic is out, whatever
it costs; so is a GPU that only a CPU stood in for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from experiments.cost.monthly import DAY_S, DAYS, STARTING_S, Cost, monthly
from experiments.cost.prices import NoPrice, PriceTable
from experiments.report.candidate import START_MS, Candidate
from experiments.report.percentile import cold_share, mixed_percentile
from experiments.report.words import milliseconds, number, ordinal, share_of


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate at a traffic: what its callers wait, what it costs, and why it is out; no `reason` if it fits."""

    candidate: Candidate
    cold_share: float
    latency_ms: float
    usd_a_thousand: float
    reason: str = ""
    is_too_slow: bool = False
    """Whether the latency is the only reason."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`judged` has those that fit first, each part from the cheapest on."""

    requests_per_day: float
    latency_ms: float
    percentile: float
    judged: Sequence[Judged]

    @property
    def chosen(self) -> Judged | None:
        """The cheapest that fits."""
        return next(iter(self.fitting), None)

    @property
    def fitting(self) -> list[Judged]:
        """From the cheapest on."""
        return [each for each in self.judged if not each.reason]

    @property
    def fastest(self) -> Judged | None:
        """Of those that are only too slow; None where there is none, or nobody knows how slow."""
        slow = [each for each in self.judged if each.is_too_slow and each.latency_ms < inf]
        return min(slow, key=lambda each: each.latency_ms, default=None)


def recommend(
    candidates: Sequence[Candidate], requests_per_day: float, latency_ms: float, percentile: float, prices: PriceTable
) -> Recommendation:
    """The candidates, judged: `percentile` of the requests, which come evenly at random, within `latency_ms`."""
    judged = [_judged(each, requests_per_day, latency_ms, percentile, prices) for each in candidates]
    judged.sort(key=lambda each: (bool(each.reason), each.usd_a_thousand, each.latency_ms))
    return Recommendation(requests_per_day, latency_ms, percentile, judged)


def usd_a_thousand(cost: Cost, per_day: float) -> float:
    """US dollars for a thousand predictions, when there are `per_day`."""
    return cost.usd / (DAYS * per_day) * 1000


def _judged(candidate: Candidate, per_day: float, latency_ms: float, percentile: float, prices: PriceTable) -> Judged:
    share = 0.0 if candidate.idle_s is None else cold_share(per_day, candidate.idle_s)
    waits = mixed_percentile(candidate.warm_ms, candidate.start_ms, share, percentile)
    try:
        cost = monthly(candidate.settings, candidate.request, per_day, prices)
    except NoPrice as error:
        return Judged(candidate, share, waits, inf, str(error))
    usd = usd_a_thousand(cost, per_day)
    if reason := _unfit(candidate, cost, per_day, latency_ms, percentile):
        return Judged(candidate, share, waits, usd, reason)
    if waits > latency_ms:
        return Judged(
            candidate, share, waits, usd, _too_slow(candidate, share, waits, latency_ms, percentile), is_too_slow=True
        )
    return Judged(candidate, share, waits, usd)


def _unfit(candidate: Candidate, cost: Cost, per_day: float, latency_ms: float, percentile: float) -> str:
    """Why it is out however fast it is; empty if nothing speaks against it."""
    if candidate.is_queue and latency_ms < START_MS:
        return f"it is a queue: its first job waits some {STARTING_S} s for an instance"
    if candidate.is_stand_in:
        return "its time here is a CPU's, not its GPU's; measure it with --target aws"
    if getattr(candidate.settings, "provisioned_concurrency", None):
        return "experiments/cost has no price of provisioned_concurrency"
    if cost.is_beyond:
        return f"it does not take {number(per_day)} requests a day; raise what bounds it in model.toml"
    kept, places = candidate.kept_rate(latency_ms, percentile), _places(candidate, cost)
    if per_day / DAY_S > kept * places:
        many = f" on each of {places:.0f}" if places > 1 else ""
        return f"it kept the target up to {number(kept)} requests a second{many}, {number(per_day)} a day are more"
    return ""


def _places(candidate: Candidate, cost: Cost) -> float:
    """How many times over there is what was measured under load: a local run has one server, AWS had them all."""
    settings = candidate.settings
    if candidate.is_function:
        bound = getattr(settings, "max_concurrency", None) or getattr(settings, "reserved_concurrency", None)
        return 1.0 if candidate.target == "aws" else bound or inf
    count = cost.instances or settings.max_instances
    return count / max(1, settings.min_instances) if candidate.target == "aws" else float(count)


def _too_slow(candidate: Candidate, share: float, waits: float, latency_ms: float, percentile: float) -> str:
    cold = f": {share_of(share)} meet a cold start" if share >= 0.0005 else ""
    if waits < inf:
        over = "just over " if milliseconds(waits) == milliseconds(latency_ms) else ""
        return f"the {ordinal(percentile)} percentile is {over}{milliseconds(waits)}{cold}"
    if share and not candidate.start_ms:
        return f"nobody measured its cold starts, which {share_of(share)} meet; measure it again with some"
    return f"more than {number(100 - percentile)} % of its requests failed{cold}"
