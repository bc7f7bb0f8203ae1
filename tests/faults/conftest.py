"""The server that most faults are tried on: the one of tests/containers, healthy and with its usual settings."""

from tests.containers.conftest import colours, logs, model_dirs, server  # noqa: F401 fixtures
