"""The one model server: a model folder behind SageMaker's container contract, or as a Lambda function.

    python -m model_server serve:  serve -> front --job--> worker -> jobs ─┐
    Lambda's runtime client:       aws_lambda -> function ----------> jobs ─┴-> predictor -> payload, images, …, engines

`front` speaks HTTP and holds no model, `worker` is the model's process; a function is both in one process.
"""
