"""The synthesized stacks on this machine: what `cdk deploy` would send to AWS, read from cdk.out and run.

    client ──HTTP──> gateway ──event──> function ──boto──> sagemaker_runtime ──HTTP──> model server process

Nothing here describes a model, a route or a limit a second time; all of it comes from the templates.
"""
