"""Who asks an API, and what a call of it shows: a key, a signature of AWS credentials, both or nothing."""

import re
from typing import Any

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

_REGION = re.compile(r"https://[^/]*\.execute-api\.([a-z0-9-]+)\.")


class NoCredentials(Exception):
    """There is nothing to sign with; the message says what to set."""


class Caller:
    """Whoever asks the API at `url`, without its last slash."""

    def __init__(self, url: str, *, key: str | None = None, signs: bool = False) -> None:
        """Raises NoCredentials where there are none to sign with."""
        self.url, self._key = url.rstrip("/"), key
        self._signer = _signer(url) if signs else None

    def headers(self, method: str, url: str, body: bytes, media_type: str) -> dict[str, str]:
        """Of a request to `url`, the signature made now: it is good for some minutes."""
        headers = {"Content-Type": media_type} | ({"x-api-key": self._key} if self._key else {})
        if self._signer is None:
            return headers
        request = AWSRequest(method, url, data=body, headers=headers)
        self._signer.add_auth(request)
        return dict(request.headers.items())


def _signer(url: str) -> Any:
    session = botocore.session.get_session()
    credentials, found = session.get_credentials(), _REGION.match(url)
    region = found[1] if found else session.get_config_variable("region")
    if credentials is None or region is None:
        raise NoCredentials(
            "--sign: there are no AWS credentials, or no region; set AWS_PROFILE, or AWS_DEFAULT_REGION"
        )
    return SigV4Auth(credentials.get_frozen_credentials(), "execute-api", region)
