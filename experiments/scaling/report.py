"""A day in words: a short table, a row for each target, and what is plain from it."""

from collections.abc import Iterator
from math import isfinite

from experiments.cost.monthly import DAYS
from experiments.scaling.day import LONG_S
from experiments.scaling.endpoint import at_once, limit_of, policy_of, target_key
from experiments.scaling.policy import PERIOD_S, Policy
from experiments.scaling.study import Outcome, Study
from models.endpoints import AsyncEndpoint

GOOD_SHARE = 0.01  # of the requests may wait longer than a second, or get no answer


def report(study: Study) -> str:
    """Lines for the terminal."""
    return "\n".join([_title(study), "", *_table(study), "", *(f"- {line}" for line in remarks(study)), ""])


def described(study: Study) -> str:
    """What serves: the instances and their bounds, or the memory."""
    settings = study.own.settings
    policy = policy_of(settings)
    if policy is None:
        limit = limit_of(settings)
        bound = f"at most {limit:g} at once" if isfinite(limit) else "as many at once as the account allows"
        return f"{settings.memory_mb} MB, {bound}"
    bounds = f"{policy.least}" if policy.least == policy.most else f"{policy.least} to {policy.most}"
    return f"{bounds} × {settings.instance_type}, {at_once(settings)} at once on each"


def _title(study: Study) -> str:
    requests = len(study.own.day.traffic)
    return f"""{study.model}, endpoint {study.name}: {described(study)}
{requests:,} requests on {study.shape}, {_ms(study.times.mean_s)} each ({study.times.source})"""


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.2g} ms"


def _table(study: Study) -> Iterator[str]:
    if policy_of(study.own.settings) is None:
        yield "| most at once | cold starts | throttled | waited p50, s | p99, s | $ a day | $ a month |"
        yield "|---:|---:|---:|---:|---:|---:|---:|"
        day = study.own.day
        yield _row(f"{day.most}", f"{day.cold_starts:,}", f"{day.refused:,}", *_waits(study.own), *_usd(study.own))
        return
    yield "| target | most instances | hours | refused | waited p50, s | p99, s | over 1 s | $ a day | $ a month |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    for outcome in study.outcomes:
        day = outcome.day
        mark = " *" if outcome is study.own and len(study.outcomes) > 1 else ""
        slow = f"{day.slow_share:.2%}"
        counts = (f"{outcome.target}{mark}", f"{day.most}", f"{day.instance_hours:.1f}", f"{day.refused:,}")
        yield _row(*counts, *_waits(outcome), slow, *_usd(outcome))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _waits(outcome: Outcome) -> tuple[str, str]:
    median, tail = (outcome.day.wait_s(percent) for percent in (50, 99))
    return f"{median:.3f}", f"{tail:.3f}"


def _usd(outcome: Outcome) -> tuple[str, str]:
    return f"{outcome.usd_a_month / DAYS:,.2f}", f"{outcome.usd_a_month:,.2f}"


def remarks(study: Study) -> Iterator[str]:
    """What is plain from the figures, and nothing else."""
    if not len(study.own.day.traffic):
        yield "Nobody asked: give more --requests-per-day."
    elif policy := policy_of(study.own.settings):
        yield from _of_instances(study, policy)
    else:
        yield from _of_environments(study)


def _of_instances(study: Study, policy: Policy) -> Iterator[str]:
    own, settings = study.own, study.own.settings
    most = max((point.metric for point in own.day.points if point.metric >= 0), default=0.0)
    key = target_key(settings)
    is_queue = isinstance(settings, AsyncEndpoint)
    if not is_queue:
        capacity = PERIOD_S * at_once(settings) / study.times.mean_s
        busy = policy.target / capacity
        says = f"keeps it {busy:.0%} busy" if busy <= 1 else "is more than that: requests wait before it is reached"
        yield f"An instance can do {capacity:,.0f} requests a minute; {key} = {policy.target:g} {says}."
    if policy.least == policy.most:
        yield "min_instances is max_instances, so nothing follows the load."
    elif own.day.most <= policy.least:
        yield f"Never left min_instances = {policy.least}: at most {most:,.0f} for each, and {key} = {policy.target:g}."
    if own.day.slow_share > GOOD_SHARE and own.day.most >= policy.most and not is_queue:
        share = f"{own.day.slow_share:.1%}"
        yield f"{share} waited over a second or got no answer; as many as max_instances = {policy.most} were there."
    if own.day.left:
        yield f"{own.day.left:,} still waited at midnight."
    if len(study.outcomes) > 1:
        yield _of_targets(study, key, is_queue=is_queue)
    if study.times.clients < at_once(settings):
        yield (
            f"Measured with {study.times.clients} at once, and an instance does {at_once(settings)}: beside each other "
            "they take longer. Measure with python -m experiments.latency, and give --times."
        )


def _of_targets(study: Study, key: str, *, is_queue: bool) -> str:
    if len({(outcome.day.instance_hours, outcome.day.slow_share) for outcome in study.outcomes}) == 1:
        return f"On this day all values of {key} above come to the same."
    if is_queue:
        longest_s = study.own.day.wait_s(100)
        longest = f"{longest_s:.2g} s" if longest_s < 2 * PERIOD_S else f"{longest_s / PERIOD_S:,.0f} minutes"
        return f"The longest that a job waited was {longest}; a lower {key} brings more instances sooner."
    good = [outcome for outcome in study.outcomes if outcome.day.slow_share <= GOOD_SHARE]
    bound = f"fewer than {GOOD_SHARE:.0%} of the requests waiting over {LONG_S:g} s"
    if not good:
        return f"None of these targets has {bound}."
    best = min(good, key=lambda outcome: (round(outcome.usd_a_month, 2), outcome.target))
    return f"The cheapest of these with {bound}: {key} = {best.target}, {best.usd_a_month:,.2f} $ a month."


def _of_environments(study: Study) -> Iterator[str]:
    day, limit = study.own.day, limit_of(study.own.settings)
    if day.refused:
        share = day.refused / len(day.traffic)
        yield f"{share:.2%} are throttled: all {limit:g} at once were busy. Raise the limit, or take instances."
    elif isfinite(limit):
        yield f"At most {day.most} of {limit:g} at once were busy; nobody was throttled."
    yield f"{day.cold_starts:,} requests met a cold start and waited {study.times.cold_start_s:.2g} s for it."
