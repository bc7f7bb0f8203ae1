"""`python -m experiments.scaling`: from a model's name to a table, a picture and a price; and what it refuses."""

import re
from array import array

import pytest

from experiments.client.sample import Sample
from experiments.cost.monthly import DAYS
from experiments.cost.prices import read_prices
from experiments.latency.run import Run, write_run
from experiments.scaling.__main__ import main
from experiments.scaling.endpoint import (
    COMPONENT_WAKE_COOLDOWN_S,
    JOBS_WAKE_COOLDOWN_S,
    changed,
    cores,
    policy_of,
    refuse_what_is_not_simulated,
)
from experiments.scaling.errors import NotSimulated
from experiments.scaling.instances import WAITING_PLACES
from experiments.scaling.report import remarks, report
from experiments.scaling.study import Asked, study
from experiments.scaling.times import Times
from model_server.settings import Settings
from models.endpoints import AsyncEndpoint, LambdaEndpoint, RealtimeEndpoint, ServerlessEndpoint
from stacks.constructs.async_endpoint import WAKE_COOLDOWN_S
from stacks.constructs.endpoint_component import WAKING_COOLDOWN_S

TIMES = Times([1.0], cold_start_s=2.0, source="given", clients=8)
CPU = RealtimeEndpoint(kind="realtime", instance_type="ml.m5.large", max_instances=4)
EVENLY = array("d", (60.0 * minute for minute in range(1440)))  # a request a minute
PRICES = read_prices()
DATA_USD = 301_000 / 1e9 * 0.016  # of one request


def a_day(settings, moments=EVENLY, times=TIMES):
    return study(Asked("cat-breeds", "it", settings, times), moments, shape="steady", seed=0, prices=PRICES)


def simulated(tmp_path, *options):
    return main(["face-mask", "--endpoint=cpu", "--requests-per-day=3000", f"--out={tmp_path / 'out'}", *options])


def test_a_model_becomes_a_table_a_picture_and_a_price_for_each_endpoint(tmp_path, capsys):
    assert main(["face-mask", "--requests-per-day=3000", f"--out={tmp_path / 'out'}"]) == 0
    said = capsys.readouterr()
    assert "face-mask, endpoint serverless: 2048 MB, at most 10 at once" in said.out
    assert "face-mask, endpoint cpu: 1 to 3 × ml.c7i.large, 2 at once on each" in said.out
    assert "| 300 * | 1 | 24.0 | 0 |" in said.out
    assert re.search(r"\| 2\.5\d \| 7\d\.\d\d \|", said.out)  # 24 hours at 0.1071, and the data
    assert "Never left min_instances = 1" in said.out
    assert "drawing 3,000 requests" in said.err
    for name in ("serverless", "cpu"):
        picture = tmp_path / "out" / f"scaling-{name}.png"
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size > 20_000


def test_times_are_those_that_were_measured_with_the_most_clients(tmp_path, capsys):
    run = Run("face-mask", "1.0.0", "cpu", {"kind": "realtime", "instance_type": "ml.c7i.large"}, "local", "")
    samples = [_sample("warm", 1, 10.0), _sample("warm", 4, 30.0), _sample("warm", 4, 50.0), _sample("cold", 1, 900.0)]
    write_run(run, samples, tmp_path / "cpu")
    assert simulated(tmp_path, f"--times={tmp_path}") == 0
    assert "40 ms each (2 warm requests of 4 clients, local)" in capsys.readouterr().out
    assert simulated(tmp_path, f"--times={tmp_path / 'nowhere'}") == 1
    assert "cpu/run.json: No such file or directory; make it with python -m experiments.latency" in _line(capsys)
    write_run(run, samples[-1:], tmp_path / "cpu")
    assert simulated(tmp_path, f"--times={tmp_path}") == 1
    assert "has no warm request that was answered and timed; measure with python -m experiments.latency" in _line(
        capsys
    )


def _sample(phase, clients, decode_ms):
    hops = {"client_ms": 1.0, "decode_ms": decode_ms, "inference_ms": 0.0, "encode_ms": 0.0}
    return Sample(phase, clients, 0, 0, 0, decode_ms + 1, 200, "OK", "face-mask", "cpu", "a.jpg", 1, **hops)


def _line(capsys) -> str:
    said = capsys.readouterr().err.removeprefix("drawing 3,000 requests\n")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--endpoint=nowhere"], "--endpoint nowhere: face-mask has none; choose of serverless, cpu"),
        (["--target=0"], "target_invocations_per_instance: Input should be greater than or equal to 1"),
        (["--min=4", "--max=3"], "min_instances: 4 is above max_instances 3; lower it, or raise max_instances"),
        (["--scale-in-cooldown=3601"], "scale_in_cooldown_s: Input should be less than or equal to 3600"),
        (["--shape={here}/none.toml"], "none.toml: No such file or directory"),
        (["--shape={here}/bad.toml"], "bad.toml: parts: give a list of numbers"),
    ],
)
def test_what_cannot_be_simulated_has_one_line(tmp_path, capsys, options, words):
    (tmp_path / "bad.toml").write_text("parts = []")
    assert simulated(tmp_path, *(option.format(here=tmp_path) for option in options)) == 1
    assert words in _line(capsys)
    assert simulated(tmp_path, "--target=1", "--min=1", "--max=1", "--scale-in-cooldown=3600") == 0


def test_a_model_and_a_policy_that_are_not_there_have_one_line(tmp_path, capsys):
    assert main(["nobody"]) == 1
    assert "nobody: no such model; choose one of brain-tumor, " in _line(capsys)
    assert main(["face-mask", "--endpoint=serverless", "--target=5"]) == 1
    assert "serverless: has no instances, so nothing to scale; name others with --endpoint" in _line(capsys)
    with pytest.raises(SystemExit):
        simulated(tmp_path, "--peak-rate=0")
    assert "'0' is not a number above 0" in capsys.readouterr().err


def test_variants_and_kept_servers_are_refused():
    variants = RealtimeEndpoint.model_validate(CPU.model_dump() | {"variants": {"b": {"artifact": "other"}}})
    kept = ServerlessEndpoint(kind="serverless", provisioned_concurrency=1)
    for settings, key in ((variants, "variants"), (kept, "provisioned_concurrency")):
        with pytest.raises(NotSimulated, match=re.escape(f"it.{key}: is not simulated")):
            refuse_what_is_not_simulated("it", settings)
    refuse_what_is_not_simulated("it", CPU)


def test_a_day_costs_what_its_hours_and_its_requests_do():
    month = {kind: a_day(settings).own.usd_a_month for kind, settings in _KINDS.items()}
    requests = DAYS * 1440
    assert month["realtime"] == pytest.approx(DAYS * 24 * 0.115 + requests * DATA_USD)
    assert month["serverless"] == pytest.approx(requests * (2 * 0.00002 + DATA_USD))
    cold_s = DAYS * 2.0  # one a day
    assert month["lambda"] == pytest.approx(requests * 0.2e-6 + (requests + cold_s) * 2 * 0.0000166667)


_KINDS = {
    "realtime": CPU,
    "serverless": ServerlessEndpoint(kind="serverless", memory_mb=2048),
    "lambda": LambdaEndpoint(kind="lambda", memory_mb=2048),
}


def test_half_and_double_the_target_stand_beside_it():
    moments = array("d", (0.5 * at for at in range(2 * 86_400)))  # 120 a minute, all day
    done = a_day(changed(CPU, {"target_invocations_per_instance": 80}), moments, Times([0.1], 1, "given", 8))
    assert [outcome.target for outcome in done.outcomes] == [40, 80, 160]
    assert [outcome.day.most for outcome in done.outcomes] == [3, 2, 1]
    assert done.own.target == 80
    said = "\n".join(remarks(done))
    assert "An instance can do 1,200 requests a minute; target_invocations_per_instance = 80 keeps it 7% busy." in said
    cheapest = done.outcomes[-1].usd_a_month
    assert f"target_invocations_per_instance = 160, {cheapest:,.2f} $ a month." in said
    assert "| 80 * | 2 | 48.0 | 0 |" in report(done)


def test_a_target_that_an_instance_cannot_do_is_said():
    moments = array("d", (1.5 * at for at in range(57_600)))  # 40 a minute, and an instance can do 12
    table = changed(CPU, {"max_instances": 2, "target_invocations_per_instance": 60})
    said = "\n".join(remarks(a_day(table, moments, Times([10.0], 1, "given", 8))))
    assert "can do 12 requests a minute; target_invocations_per_instance = 60 is more than that" in said
    assert "None of these targets has fewer than 1% of the requests waiting over 1 s." in said


def test_what_is_throttled_is_said():
    crowd = array("d", [10.0 + at / 100 for at in range(8)])
    said = "\n".join(remarks(a_day(ServerlessEndpoint(kind="serverless", max_concurrency=6), crowd)))
    assert "25.00% are throttled: all 6 at once were busy." in said
    said = "\n".join(remarks(a_day(ServerlessEndpoint(kind="serverless", max_concurrency=8), crowd)))
    assert "At most 8 of 8 at once were busy; nobody was throttled." in said


def test_what_is_known_of_the_server_and_the_stacks_is_what_they_have():
    assert Settings().queue == WAITING_PLACES
    assert (JOBS_WAKE_COOLDOWN_S, COMPONENT_WAKE_COOLDOWN_S) == (WAKE_COOLDOWN_S, WAKING_COOLDOWN_S)
    queue = AsyncEndpoint(kind="async", instance_type="ml.c7i.large", scale_in_cooldown_s=60)
    policy = policy_of(queue)
    assert (policy.target, policy.least, policy.most, policy.out_cooldown_s, policy.in_cooldown_s) == (5, 0, 1, 60, 60)


@pytest.mark.parametrize(
    ("instance_type", "count"),
    [("ml.c7i.large", 2), ("ml.g5.xlarge", 4), ("ml.c5.9xlarge", 36), ("ml.c7g.medium", 1), ("ml.t2.medium", 2)],
)
def test_the_size_of_an_instance_says_how_many_cores_it_has(instance_type, count):
    assert cores(instance_type) == count
    with pytest.raises(NotSimulated, match=re.escape("ml.m5.metal: its size says nothing of its cores")):
        cores("ml.m5.metal")
