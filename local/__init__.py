"""The synthesized stacks on this machine: what `cdk deploy` would send to AWS, read from cdk.out and run.

    client ──HTTP──> gateway ──event──> function ──boto──> sagemaker_runtime ──HTTP──> model server process
                                                 ──boto──> lambda_runtime ──event──> model's function process
                                                 ──boto──> async_runtime ──> async_queue ──HTTP──> model server process
    client ──HTTP──> s3_front ──> s3: moto's server, a process

Nothing here describes a model, a route or a limit a second time; all of it comes from the templates.
"""
