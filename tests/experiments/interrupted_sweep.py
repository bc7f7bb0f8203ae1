"""A sweep in AWS that a signal ends in the middle, and that is told once more to end while it removes what it deployed:
`python -m tests.experiments.interrupted_sweep FOLDER` prints as JSON what was there and what was said.

A process of its own: the one that runs the tests has signals of its own to heed.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import boto3

from experiments.client.sample import Sample
from experiments.latency.run import Run, settings_of, write_run
from experiments.sweep.left import left_in_aws
from experiments.sweep.on_aws import API, OnAws
from experiments.sweep.sweep import sweep
from experiments.sweep.variants import with_variants
from models.registry import load_models

INSTANCES, FUNCTIONS = ["ml.c7i.large"], [2048]


def main(folder: Path) -> None:
    """The CDK command is real, and so are the signals; moto's API answers no request, so none is made."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    account, served, said = boto3.Session(), [], []
    model = with_variants(load_models(), "face-mask", (), INSTANCES, FUNCTIONS)

    def measure(target, model, variant, into):
        there = [each.what for each in left_in_aws(account) if "fovea-sweep-" in each.what]
        served.append([target.caller.url, *there])
        if variant == "function-2048":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)
        row = Sample("warm", 1, 0, 0, 0, 1, 200, "OK", "face-mask", variant, "a.jpg", 1)
        settings = settings_of(model.spec.endpoints[variant])
        write_run(Run("face-mask", model.spec.model.version, variant, settings, "aws", ""), [row], into)

    def say(line):
        said.append(line)
        if line.startswith("cdk destroy") and API in line:
            os.kill(os.getpid(), signal.SIGTERM)

    place = OnAws(account, model, folder / "cdk.log", say)
    ended = False
    try:
        sweep(place, model, list(model.spec.endpoints), measure, folder, say=say)
    except KeyboardInterrupt:
        ended = True
    place.remove_everything()
    print(json.dumps({"served": served, "said": said, "ended": ended}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
