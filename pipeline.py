"""The CDK app of the pipeline, which no other command touches: `cdk deploy --app "python pipeline.py" …`.

docs/pipeline.md has the rest of the command; stacks/ does the rest of the work.
"""

from stacks.pipeline_stack import delivery
from stacks.synth import synthesize

if __name__ == "__main__":
    raise SystemExit(synthesize(delivery))
