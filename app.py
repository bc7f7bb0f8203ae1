"""The CDK app of one stage: `cdk synth -c stage=dev|beta|prod`. stacks/ does the work."""

from stacks.deployment import deployment
from stacks.synth import synthesize

if __name__ == "__main__":
    raise SystemExit(synthesize(deployment))
