"""docs/stages.md, from stacks/stage.py: what each stage has, and how to have it otherwise."""

from dataclasses import fields
from typing import Any

from aws_cdk import RemovalPolicy

from stacks.stage import STAGES, Stage

_KEPT = {
    RemovalPolicy.DESTROY: "goes with the stack",
    RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE: "stays",
}


def stages_page(made: str) -> str:
    """The page, beneath the line that says who made it."""
    names = [field.name for field in fields(Stage) if field.name != "name"]
    rows = [[f"`{name}`", *(_said(getattr(stage, name)) for stage in STAGES.values())] for name in names]
    table = [["", *STAGES], ["---"] * (len(STAGES) + 1), *rows]
    return f"""{made}
# The stages

`cdk deploy -c stage=beta` deploys one of them. All that differs is in stacks/stage.py, with the reason beside it:

{chr(10).join("| " + " | ".join(row) + " |" for row in table)}

- `most_instances` bounds every endpoint that runs on instances, whatever `min_instances` and `max_instances` its
  model.toml has: dev never has more than one of each, and so no scaling. Types of instances are the models' own; to
  leave the instances out altogether, `-c kinds=serverless,lambda`.
- `removal_policy` is that of the logs. Endpoints, functions and the API can be made again, and go.
- `approves_models`: a person has to agree to each newly trained model, whatever the measures say of it
  ([retraining](retraining.md)).
- `-c stage=sweep` is one more, like dev, of `python -m experiments.sweep` alone, which deploys and destroys it. It
  tries endpoints that no model.toml has, by what works in every stage: `-c model=face-mask` leaves out all other
  models, and `-c endpoints='{{"small": {{"kind": "serverless", "memory_mb": 1024}}}}'` replaces that one's.
- For one deployment `-c monthly_limit_usd=` and `-c tracing=` say otherwise ([watching](watching.md)).
"""


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return "none" if value is None else str(_KEPT.get(value, value))
