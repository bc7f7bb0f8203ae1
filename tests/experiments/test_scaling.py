"""A simulated day: queues that wait as the textbook says, and a policy that keeps its alarms, cooldowns and bounds."""

from array import array
from itertools import pairwise
from math import factorial, inf
from random import Random

import numpy as np
import pytest

from experiments.client.arrivals import DAY, DAY_S, STEADY, arrivals, read_shape
from experiments.scaling.environments import IDLE_S, Environments
from experiments.scaling.instances import Jobs, RandomRouting, SharedQueue
from experiments.scaling.policy import IN_POINTS, METRIC_DELAY_S, OUT_POINTS, Policy
from experiments.scaling.simulate import STARTING_S, simulate
from experiments.scaling.traffic import Traffic, draw, draw_moments

MEAN_S = 2.0
CASES = [(1, 0.5), (2, 0.6), (4, 0.7), (8, 0.75)]  # servers, utilisation
OFF, OFF_SHARE = 0.08, 0.015  # a day's differ by 0.03 and 0.005 between seeds (standard deviations, 60 days), unbiased
SCALES = Policy(target=300, least=1, most=10)
TYPICAL = read_shape(DAY)


def erlang_c(servers: int, erlangs: float) -> float:
    """The share that waits in M/M/c (L. Kleinrock, Queueing Systems, volume 1, 1975, equation 3.40)."""
    all_busy = erlangs**servers / factorial(servers) * servers / (servers - erlangs)
    return all_busy / (sum(erlangs**count / factorial(count) for count in range(servers)) + all_busy)


def mean_wait(servers: int, utilisation: float) -> float:
    """Of M/M/c, in seconds, with service times of MEAN_S in the mean."""
    return erlang_c(servers, servers * utilisation) * MEAN_S / (servers * (1 - utilisation))


def exponential(rate: float, seed: int) -> Traffic:
    moments = array("d", arrivals(rate, DAY_S, Random(seed), STEADY))
    random = Random(f"{seed} services")
    services = array("d", (random.expovariate(1 / MEAN_S) for _ in moments))
    return Traffic(moments, services, array("d", (random.random() for _ in moments)))


def evenly(*parts: tuple[int, int], service_s: float = 0.01) -> Traffic:
    """Requests a minute, each for so many minutes, from midnight on."""
    moments, minute = array("d"), 0
    for minutes, per_minute in parts:
        for of_part in range(minutes * per_minute):
            moments.append(60 * (minute + of_part / per_minute))
        minute += minutes
    lots = Random(0)
    return Traffic(moments, array("d", [service_s]) * len(moments), array("d", (lots.random() for _ in moments)))


def fixed(count: int) -> Policy:
    return Policy(target=1e9, least=count, most=count)


def instances(day) -> list[int]:
    return [round(point.instances) for point in day.points]


def changes(day) -> list[tuple[int, int]]:
    """The minutes from which on there were others, and how many."""
    return [(at + 1, after) for at, (before, after) in enumerate(pairwise(instances(day))) if before != after]


@pytest.mark.parametrize(("servers", "utilisation"), CASES)
def test_one_queue_waits_as_the_closed_form_says(servers, utilisation):
    traffic = exponential(servers * utilisation / MEAN_S, seed=servers)
    jobs = simulate(traffic, Jobs(traffic, at_once=1), fixed(servers))
    waits = np.frombuffer(jobs.waits)
    assert waits.mean() == pytest.approx(mean_wait(servers, utilisation), rel=OFF)
    assert (waits > 0).mean() == pytest.approx(erlang_c(servers, servers * utilisation), abs=OFF_SHARE)
    one_instance = simulate(traffic, RandomRouting(traffic, servers, places=inf), fixed(1))
    assert one_instance.waits == jobs.waits


@pytest.mark.parametrize(("servers", "utilisation"), CASES[1:])
def test_by_random_routing_each_instance_is_a_queue_of_its_own(servers, utilisation):
    traffic = exponential(servers * utilisation / MEAN_S, seed=servers)
    waits = np.frombuffer(simulate(traffic, RandomRouting(traffic, 1, places=inf), fixed(servers)).waits)
    assert waits.mean() == pytest.approx(mean_wait(1, utilisation), rel=OFF)
    assert (waits > 0).mean() == pytest.approx(erlang_c(1, utilisation), abs=OFF_SHARE)


def test_littles_law_holds():
    traffic = exponential(4 * 0.7 / MEAN_S, seed=4)
    day = simulate(traffic, Jobs(traffic, at_once=1), fixed(4))
    there = np.mean([point.load for point in day.points])  # looked at once a minute
    stayed_s = np.frombuffer(day.waits).mean() + np.frombuffer(traffic.services).mean()
    assert there == pytest.approx(len(traffic) / DAY_S * stayed_s, rel=0.05)


def test_three_minutes_above_the_target_bring_what_it_asks_for_and_no_sooner():
    traffic = evenly((60, 100), (120, 1000), (60, 100))
    day = simulate(traffic, RandomRouting(traffic, 4), SCALES)
    (serves_from, count), *_ = changes(day)
    assert count == 4
    assert serves_from * 60 == 60 * (60 + OUT_POINTS) + METRIC_DELAY_S + STARTING_S
    two_minutes = evenly((60, 100), (2, 1000), (60, 100))
    assert not changes(simulate(two_minutes, RandomRouting(two_minutes, 4), SCALES))


def test_a_quarter_of_an_hour_below_lets_one_go_then_one_after_each_cooldown():
    traffic = evenly((60, 100), (120, 1000), (240, 100))
    for cooldown_s in (300, 1200):
        day = simulate(traffic, RandomRouting(traffic, 4), Policy(300, 1, 10, in_cooldown_s=cooldown_s))
        _, *leaving = changes(day)
        assert [count for _, count in leaving] == [3, 2, 1]
        assert leaving[0][0] * 60 == 60 * (180 + IN_POINTS) + METRIC_DELAY_S
        assert all((later - sooner) * 60 == cooldown_s for (sooner, _), (later, _) in pairwise(leaving))


def test_none_goes_that_the_load_needs():
    traffic = evenly((1440, 26 * 2))  # 26 for each of two is below 27, but 52 is more than one is meant for
    day = simulate(traffic, RandomRouting(traffic, 4), Policy(30, 1, 10))
    assert set(instances(day)) == {2}


@pytest.mark.parametrize("cooldown_s", [0, 1800])
def test_the_next_scaling_out_waits_for_the_cooldown(cooldown_s):
    traffic = evenly((60, 100), (4, 500), (100, 1000))
    day = simulate(traffic, RandomRouting(traffic, 4), Policy(300, 1, 10, out_cooldown_s=cooldown_s))
    (first, two), (second, four) = changes(day)[:2]
    assert (two, four) == (2, 4)
    assert (second - first) * 60 >= cooldown_s + STARTING_S
    assert (second - first) * 60 <= cooldown_s + STARTING_S + 60


def test_there_are_never_fewer_than_the_least_nor_more_than_the_most():
    moments = draw_moments(100_000, TYPICAL, seed=1)
    traffic = draw(moments, [0.1], seed=1)
    counts = set(instances(simulate(traffic, RandomRouting(traffic, 4), Policy(20, 2, 4))))
    assert counts == {2, 3, 4}


@pytest.mark.parametrize("seed", range(3))
def test_a_higher_target_never_needs_more_instance_hours(seed):
    traffic = draw(draw_moments(60_000, TYPICAL, seed), [0.05, 0.2], seed)
    targets = (10, 20, 40, 80, 160)
    hours = [simulate(traffic, RandomRouting(traffic, 2), Policy(each, 1, 8)).instance_hours for each in targets]
    assert hours == sorted(hours, reverse=True)
    assert hours[0] > hours[-1] == 24


def test_a_job_wakes_an_instance_that_leaves_a_quarter_of_an_hour_later():
    traffic = evenly((120, 0), (1, 1), service_s=10)
    day = simulate(traffic, Jobs(traffic, 2), Policy(5, 0, 2))
    assert day.waits[0] == 60 + METRIC_DELAY_S + STARTING_S
    (serves_from, one), (gone_from, none) = changes(day)
    assert (one, none) == (1, 0)
    assert (gone_from - serves_from) >= IN_POINTS
    assert day.instance_hours * 3600 == STARTING_S + (gone_from - serves_from) * 60
    assert (day.refused, day.left) == (0, 0)


def test_the_last_instance_stays_as_long_as_anything_comes():
    now_and_then = array("d", (7200.0 + 600 * at for at in range(30)))  # every ten minutes for five hours
    traffic = Traffic(now_and_then, array("d", [0.01] * 30), array("d", [0.0] * 30))
    day = simulate(traffic, Jobs(traffic, 2), Policy(5, 0, 2))
    (_, one), (gone_from, none) = changes(day)
    assert (one, none) == (1, 0)
    assert gone_from * 60 >= now_and_then[-1] + IN_POINTS * 60
    assert max(list(day.waits)[1:]) == 0


def test_jobs_that_nobody_could_begin_are_left_at_midnight():
    traffic = evenly((1430, 0), (9, 10), service_s=60)
    day = simulate(traffic, Jobs(traffic, 1), Policy(5, 0, 1))
    assert day.left > 80
    assert not day.refused


def test_a_component_refuses_until_a_copy_is_there():
    traffic = evenly((120, 0), (30, 10))
    day = simulate(traffic, SharedQueue(traffic, 4), Policy(300, 0, 2, wake_cooldown_s=600))
    (serves_from, one), (_, none) = changes(day)
    assert (one, none) == (1, 0)
    assert day.refused == (serves_from - 120) * 10 == len(traffic) - day.served.sum()


def test_an_instance_has_places_for_so_many_and_refuses_one_more():
    traffic = evenly((120, 0), (1, 60), service_s=600)
    day = simulate(traffic, RandomRouting(traffic, 4), fixed(1))
    assert day.refused == 60 - 4 - 32
    assert simulate(traffic, RandomRouting(traffic, 4), fixed(4)).refused == 0


def test_serverless_throttles_what_is_more_than_its_concurrency():
    traffic = Traffic(array("d", [10, 11, 12, 30]), array("d", [5.0] * 4), array("d", [0.0] * 4))
    day = simulate(traffic, Environments(traffic, cold_start_s=2.0, limit=2))
    assert list(day.served) == [True, True, False, True]
    assert (day.refused, day.most, day.cold_starts) == (1, 2, 2)
    assert simulate(traffic, Environments(traffic, cold_start_s=2.0, limit=3)).refused == 0


def test_an_environment_is_gone_after_ten_idle_minutes():
    moments = array("d", [0, 1 + IDLE_S - 1, 2 * IDLE_S + 5])
    traffic = Traffic(moments, array("d", [1.0] * 3), array("d", [0.0] * 3))
    day = simulate(traffic, Environments(traffic, cold_start_s=0.5, limit=inf))
    assert list(day.waits) == [0.5, 0.0, 0.5]


def test_one_seed_is_one_day():
    def day(seed):
        traffic = draw(draw_moments(20_000, TYPICAL, seed), [0.1, 0.9], seed)
        return simulate(traffic, RandomRouting(traffic, 2), Policy(8, 1, 4))

    assert (day(1).waits, day(1).points) == (day(1).waits, day(1).points)
    assert day(1).traffic.moments != day(2).traffic.moments


def test_the_typical_day_has_its_hours():
    assert len(TYPICAL.shares) == 24
    moments = draw_moments(50_000, TYPICAL, seed=0)
    assert len(moments) == pytest.approx(50_000, rel=0.02)
    by_hour = np.histogram(np.frombuffer(moments), bins=24, range=(0, DAY_S))[0]
    assert by_hour[20] > 10 * by_hour[3]
