"""Levers of the model server that need packages which nothing else here needs, each measured beside what we have.

Their environment is made once; the networks are those of `make bench`, which is run before:

    python3.11 -m venv .cache/levers
    .cache/levers/bin/pip install -r experiments/levers/requirements.txt
    PYTHONPATH=.:containers .cache/levers/bin/python -m experiments.levers int8

What came of each is in experiments/performance/levers.md.
"""
