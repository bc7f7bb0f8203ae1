"""Training by SageMaker's container contract: what every model's train.py is given, and what becomes of its result."""
