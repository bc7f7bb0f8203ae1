"""Clients of AWS's services, with what the SDK would else choose by its version said here."""

from typing import Any

import botocore.session
from botocore.config import Config

_CONNECT_S, _READ_S, _ATTEMPTS = 2, 70, 4  # SageMaker's runtime answers within 60 s, or not


def client(service: str, attempts: int = _ATTEMPTS) -> Any:
    """A client that tries `attempts` times."""
    config = Config(
        connect_timeout=_CONNECT_S, read_timeout=_READ_S, retries={"mode": "standard", "total_max_attempts": attempts}
    )
    return botocore.session.get_session().create_client(service, config=config)
