"""The one model server: SageMaker's container contract over a model folder, as `python -m model_server serve`.

    serve -> app -> invocations -> workers -> classifier -> payload, images, preprocess, engines, answers

`serve` owns the process, `app` the routes, `invocations` one request, `classifier` the model's verbs.
"""
