"""The endpoint that is recommended: the cheapest in time, and another one where the traffic or the target moves."""

from bisect import bisect_left
from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.client.percentiles import percentile
from experiments.cost.breakeven import Pair, break_even
from experiments.cost.monthly import IDLE_S, STARTING_S, monthly
from experiments.cost.prices import read_prices
from experiments.cost.request import Request
from experiments.report.candidate import Candidate, Level
from experiments.report.percentile import cold_share, mixed_percentile
from experiments.report.recommend import recommend, usd_a_thousand
from experiments.report.sentence import sentence
from models.endpoints import AsyncEndpoint, LambdaEndpoint, RealtimeEndpoint, ServerlessEndpoint

PRICES = read_prices()


def times(median_ms, count=40):
    """Around the median, a fifth to either side."""
    return [median_ms * (0.8 + 0.4 * at / (count - 1)) for at in range(count)]


def serverless(memory_mb, warm_ms, cold_ms, **about):
    endpoint = ServerlessEndpoint(kind="serverless", memory_mb=memory_mb, max_concurrency=10)
    request = Request(warm_ms / 1000, cold_ms / 1000, 100_000)
    return Candidate(f"serverless-{memory_mb}", endpoint, request, times(warm_ms), times(cold_ms, 10), **about)


def instance(instance_type="ml.c7i.large", warm_ms=30.0, name="", max_instances=4, **about):
    endpoint = RealtimeEndpoint(kind="realtime", instance_type=instance_type, max_instances=max_instances)
    request = Request(warm_ms / 1000, 0, 100_000)
    return Candidate(name or instance_type.replace(".", "-"), endpoint, request, times(warm_ms), **about)


def queue(warm_ms=30.0):
    endpoint = AsyncEndpoint(kind="async", instance_type="ml.c7i.large", max_instances=2)
    return Candidate("jobs", endpoint, Request(warm_ms / 1000, 0, 100_000), times(warm_ms), borrowed="ml.c7i.large")


# A slow model, so that instances pay within what serverless can take.
SMALL, MIDDLE, LARGE = serverless(1024, 900, 6000), serverless(2048, 480, 4000), serverless(4096, 260, 3000)
CPU = instance(warm_ms=200.0)
ALL = (SMALL, MIDDLE, LARGE, CPU)


def chosen(per_day, latency_ms, percent=95, candidates=ALL):
    found = recommend(candidates, per_day, latency_ms, percent, PRICES).chosen
    return found.candidate.name if found else None


def reason(candidate, per_day=1000, latency_ms=500, percent=95):
    (judged,) = recommend([candidate], per_day, latency_ms, percent, PRICES).judged
    return judged.reason


def test_little_traffic_and_a_loose_target_take_the_cheapest_that_scales_to_zero():
    assert chosen(100, 10_000) == "serverless-1024"
    cheapest = min((SMALL, MIDDLE, LARGE), key=lambda each: usd(each, 100))
    assert chosen(100, 10_000) == cheapest.name


def test_a_tighter_target_takes_more_memory_and_then_an_instance_that_is_always_on():
    assert [chosen(2000, ms) for ms in (2000, 600, 320, 241)] == [
        "serverless-1024",
        "serverless-2048",
        "serverless-4096",
        "ml-c7i-large",
    ]
    assert chosen(2000, 100) is None


def test_cold_starts_of_little_traffic_make_the_always_on_one_the_only_one_in_time():
    assert chosen(100, 1500) == "ml-c7i-large"
    assert chosen(1000, 1500) == "serverless-1024"


def test_much_traffic_takes_the_instance_by_its_price():
    pays = break_even(Pair(SMALL.served(""), CPU.served("")), PRICES)
    assert chosen(pays * 0.9, 10_000) == "serverless-1024"
    assert chosen(pays * 1.1, 10_000) == "ml-c7i-large"


def usd(candidate, per_day):
    return usd_a_thousand(monthly(candidate.settings, candidate.request, per_day, PRICES), per_day)


def test_a_thousand_cost_what_a_month_does_shared_among_its_requests():
    by_hand = 0.9 * 1 * 0.00002 * 1000 + 1000 * (100_000 + 1000) / 1e9 * 0.016  # GB-seconds of a thousand, and data
    assert usd(SMALL, 1000) == pytest.approx(by_hand)
    hours = 24 * 30 * PRICES.instance("ml.c7i.large").usd
    assert usd(CPU, 500) == pytest.approx((hours + 30 * 500 * 101_000 / 1e9 * 0.016) / (30 * 500) * 1000)
    (judged,) = recommend([CPU], 500, 1000, 95, PRICES).judged
    assert judged.usd_a_thousand == usd(CPU, 500)


@st.composite
def endpoints(draw):
    some = st.floats(5, 3000)
    found = [
        serverless(
            memory_mb, draw(some), draw(some), levels=draw(loads()), target=draw(st.sampled_from(["local", "aws"]))
        )
        for memory_mb in draw(st.lists(st.sampled_from([1024, 2048, 6144]), unique=True))
    ]
    found.append(instance(warm_ms=draw(some), levels=draw(loads())))
    return [*found, queue(draw(some))]


@st.composite
def loads(draw):
    rates = sorted(draw(st.lists(st.floats(0.1, 100), max_size=3, unique=True)))
    return [
        Level(rate, times(draw(st.floats(5, 3000)), 5), draw(st.sampled_from([{}, {"THROTTLED": 1}]))) for rate in rates
    ]


@given(endpoints(), st.floats(10, 3e6), st.floats(5, 1e6), st.floats(1, 20), st.sampled_from([50, 95, 99]))
@settings(max_examples=150, deadline=None)
def test_a_looser_target_never_costs_more(candidates, per_day, latency_ms, looser, percent):
    tight, loose = (
        recommend(candidates, per_day, ms, percent, PRICES).chosen for ms in (latency_ms, latency_ms * looser)
    )
    if tight is not None:
        assert loose is not None
        assert loose.usd_a_thousand <= tight.usd_a_thousand


@given(st.floats(1, 1e6), st.floats(1.001, 100), st.sampled_from([50, 95, 99]))
def test_less_traffic_meets_more_cold_starts_and_never_waits_less(per_day, times_more, percent):
    few, many = (recommend([SMALL], each, 500, percent, PRICES).judged[0] for each in (per_day, per_day * times_more))
    assert few.cold_share >= many.cold_share
    assert few.latency_ms >= many.latency_ms


def test_the_percentile_of_a_mixture_is_that_of_a_simulated_day_of_random_requests():
    random, per_day = Random(5), 400.0
    waited = []
    for _ in range(60_000):
        gap = random.expovariate(per_day / 86_400)
        waited.append(random.choice(SMALL.cold_ms if gap > IDLE_S else SMALL.warm_ms))
    waited.sort()
    share = cold_share(per_day, IDLE_S)
    assert bisect_left(waited, min(SMALL.cold_ms)) / len(waited) == pytest.approx(1 - share, abs=0.005)
    for percent in (50, 90, 95, 99):
        expected = waited[round(len(waited) * percent / 100) - 1]
        assert mixed_percentile(SMALL.warm_ms, SMALL.cold_ms, share, percent) == pytest.approx(expected, rel=0.03)


def test_a_percentile_is_the_nearest_rank_and_nobody_s_is_infinite():
    assert [percentile([30, 10, 20, 40], percent) for percent in (25, 50, 51, 99)] == [10, 20, 30, 40]
    assert percentile([], 50) == inf
    assert mixed_percentile([10], [], 0.2, 80) == 10
    assert mixed_percentile([10], [], 0.2, 81) == inf


def test_what_cannot_take_the_traffic_is_out_however_cheap():
    one = instance(max_instances=1)
    assert "does not take 900,000 requests a day" in reason(one, per_day=900_000)
    assert reason(one, per_day=800_000) == ""


def test_the_measured_load_bounds_an_instance_as_often_as_there_are_some():
    loaded = instance(levels=[Level(2, times(40)), Level(4, times(300)), Level(8, times(3000))])
    assert reason(loaded, per_day=3 * 86_400) == ""  # three a second, where four were kept
    assert "up to 4 requests a second" in reason(loaded, per_day=5 * 86_400)
    assert "up to 2 requests a second" in reason(loaded, per_day=3 * 86_400, latency_ms=200)
    steady = instance(levels=[Level(20, times(40)), Level(40, times(3000))])
    assert reason(steady, per_day=4 * 10 * 86_400) == ""  # ten a second for each of four


def test_errors_under_load_bound_it_too():
    throttled = serverless(2048, 50, 1000, levels=[Level(2, times(60)), Level(4, times(60), {"THROTTLED": 1})])
    assert "up to 2 requests a second on each of 10" in reason(throttled, per_day=21 * 86_400)
    assert reason(throttled, per_day=19 * 86_400) == ""


def test_aws_is_not_multiplied_since_all_of_it_was_measured():
    levels = [Level(2, times(60)), Level(4, times(60), {"THROTTLED": 1})]
    on_aws = serverless(2048, 50, 1000, levels=levels, target="aws")
    assert "up to 2 requests a second, " in reason(on_aws, per_day=3 * 86_400)
    assert reason(on_aws, per_day=1 * 86_400) == ""


def test_a_gpu_that_a_cpu_stood_in_for_is_never_recommended_and_one_of_aws_is():
    gpu = instance("ml.g5.xlarge", warm_ms=5.0, name="gpu")
    assert "a CPU's" in reason(gpu)
    told = sentence(recommend([gpu, instance(warm_ms=300)], 1000, 100, 95, PRICES), PRICES)
    assert "The fastest is ml.c7i.large" in told
    assert "Nobody measured gpu (ml.g5.xlarge) with a GPU" in told
    assert reason(instance("ml.g5.xlarge", warm_ms=5.0, target="aws")) == ""


def test_a_queue_is_for_targets_of_minutes():
    assert "queue" in reason(queue(), per_day=10)
    minutes = (STARTING_S + 60) * 1000
    assert reason(queue(), per_day=10, latency_ms=minutes) == ""
    assert chosen(10, minutes, candidates=[queue(), CPU]) == "jobs"
    assert chosen(10, 1000, candidates=[queue(), CPU]) == "ml-c7i-large"
    told = sentence(recommend([queue()], 10, minutes, 95, PRICES), PRICES)
    assert told.startswith(
        "jobs (a queue on ml.c7i.large), not measured: at 10 requests a day 90.1 % meet a cold start"
    )


def test_cold_starts_that_nobody_measured_count_as_unknown():
    unmeasured = Candidate("web", LambdaEndpoint(kind="lambda", memory_mb=2048), Request(0.05), times(50))
    assert "nobody measured its cold starts, which 49.9 % meet" in reason(unmeasured, per_day=100)
    assert reason(unmeasured, per_day=10_000) == ""


def test_errors_of_warm_requests_are_waits_without_end():
    half = Candidate("cpu", CPU.settings, CPU.request, [*times(50, 9), inf])
    assert "failed" in reason(half)
    assert reason(half, percent=80) == ""


def test_a_type_without_a_price_is_out_and_does_not_stop_the_others():
    unpriced = instance("ml.x9.huge")
    assert "ml.x9.huge: has no price" in reason(unpriced)
    assert chosen(2000, 241, candidates=[unpriced, CPU]) == "ml-c7i-large"


def test_the_sentence_says_what_why_and_what_else():
    told = sentence(recommend([MIDDLE, CPU], 2000, 600, 95, PRICES), PRICES)
    pays = break_even(Pair(MIDDLE.served(""), CPU.served("")), PRICES)
    assert told.startswith(
        "serverless with 2048 MB: at 2,000 requests a day fewer than 0.1 % meet a cold start of 4.0 s, "
    )
    assert "the 95th percentile is 571 ms, within 600 ms; " in told
    assert (
        f"ml.c7i.large costs {usd(CPU, 2000) / usd(MIDDLE, 2000):.0f} times as much and pays from {pays:,.0f} a day"
        in told
    )


def test_the_sentence_says_why_what_costs_less_is_not_it():
    told = sentence(recommend([SMALL, CPU], 100, 1000, 95, PRICES), PRICES)
    assert told.startswith("ml.c7i.large: at 100 requests a day nobody meets a cold start")
    assert "serverless with 1024 MB would cost 0.020 $ a thousand, but the 95th percentile is 6.9 s: " in told
    assert "49.9 % meet a cold start" in told


def test_the_sentence_says_how_far_off_the_fastest_is():
    told = sentence(recommend(ALL, 2000, 100, 95, PRICES), PRICES)
    assert told.startswith(
        "None of them answers 95 % of 2,000 requests a day within 100 ms. The fastest is ml.c7i.large"
    )
    assert "2.4 times the target" in told
