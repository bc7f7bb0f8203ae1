"""Runs with drawn times, in the files that experiments.latency leaves: log-normal, faster with more memory."""

from random import Random

from experiments.client.sample import HOPS, Sample
from experiments.latency.run import Run, write_run

SERVERLESS = {"kind": "serverless", "max_concurrency": 10}
FUNCTION = {"kind": "lambda"}
INSTANCE = {"kind": "realtime", "max_instances": 4}
_SHARES = dict(zip(HOPS, (0.03, 0.05, 0.12, 0.1, 0.15, 0.5, 0.05), strict=True))


def write(folder, endpoint, settings, *, warm_ms=60.0, cold_ms=0.0, rates=(), knee=20.0, cold=10, **about):
    """Forty warm requests, `cold` cold ones unless `cold_ms` is 0, twenty at each of `rates`, around these medians."""
    random = Random(endpoint)
    samples = [sample(endpoint, "warm", warm_ms * random.lognormvariate(0, 0.15), concurrency=1) for _ in range(40)]
    samples += [sample(endpoint, "warm", 3 * warm_ms, concurrency=4) for _ in range(8)]
    if cold_ms:
        samples += [sample(endpoint, "cold", cold_ms * random.lognormvariate(0, 0.2)) for _ in range(cold)]
    for rate in rates:
        slower = 1 + (rate / knee) ** 3
        for at in range(20):
            ms = warm_ms * slower * random.lognormvariate(0, 0.2 * slower**0.5)
            status = 429 if rate > 2 * knee and at % 4 == 0 else 200
            samples.append(sample(endpoint, "load", ms, rate=rate, status=status))
    told = {"model": "face-mask", "version": "1.0.0", "target": "local"} | about
    how_cold = "a new process" if cold_ms else ""
    write_run(
        Run(endpoint=endpoint, settings=settings, how_cold=how_cold, environment={"cores": "2"}, **told),
        samples,
        folder / endpoint,
    )


def sample(endpoint, phase, ms, *, concurrency=0, rate=0.0, status=200):
    """One request of a photograph; its hops are known if it was answered. A cold one waited for the service."""
    shares = _SHARES if phase != "cold" else dict.fromkeys(HOPS, 0.02) | {"service": 0.88}
    hops = {f"{hop}_ms": ms * share for hop, share in shares.items()} if status == 200 else {}
    code = "OK" if status == 200 else "THROTTLED"
    return Sample(
        phase, concurrency, rate, 0.0, 0.0, ms, status, code, "face-mask", endpoint, "face.jpg", 100_000, **hops
    )


def write_sweep(folder):
    """Three memories, a function and two types of instance."""
    for memory_mb, warm_ms, cold_ms in ((1024, 95, 2100), (2048, 52, 1300), (4096, 31, 1000)):
        write(
            folder,
            f"serverless-{memory_mb}",
            SERVERLESS | {"memory_mb": memory_mb},
            warm_ms=warm_ms,
            cold_ms=cold_ms,
            rates=(2, 10, 25, 50),
        )
    write(folder, "web", FUNCTION | {"memory_mb": 3008}, warm_ms=40, cold_ms=1500, rates=(2, 10, 25))
    write(folder, "cpu", INSTANCE | {"instance_type": "ml.c7i.large"}, warm_ms=30, rates=(2, 10, 25, 50, 100), knee=40)
    write(folder, "gpu", INSTANCE | {"instance_type": "ml.g5.xlarge"}, warm_ms=30, rates=(2, 10))
