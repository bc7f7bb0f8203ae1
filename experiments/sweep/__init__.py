"""Which memory, which instance: the latency experiment on variants of one model's endpoint, one after the other."""
