"""A container of this experiment alone, as the PyTorch engine looks for one: `residual.networks.<network>`."""
