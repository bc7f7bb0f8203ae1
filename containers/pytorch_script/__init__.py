"""Runs a model.tar.gz that was made for the SageMaker PyTorch containers, its code/inference.py unmodified."""
