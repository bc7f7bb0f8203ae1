"""A user pool of one: identity tokens as Cognito issues them, and their check as API Gateway makes it."""

import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from local.refused import Refused

POOL, CLIENT, E_MAIL = "us-east-1_local", "local", "local@example.com"
ISSUER = f"https://cognito-idp.us-east-1.amazonaws.com/{POOL}"
VALID_S = 24 * 3600  # Cognito's most

_CHECKS = jwt.JWTClaimsRegistry(
    iss={"essential": True, "value": ISSUER},
    aud={"essential": True, "value": CLIENT},
    token_use={"essential": True, "value": "id"},
    exp={"essential": True},
)


class Users:
    """Somebody who signed in. Their `token` is good for a day, and until the local run ends, with its key."""

    def __init__(self) -> None:
        self._key = RSAKey.generate_key(2048)
        self._key.ensure_kid()
        self.token = self.issue()

    def issue(self, **changed: Any) -> str:
        """An identity token, but for what is `changed` in its claims."""
        now, subject = int(time.time()), str(uuid.UUID(int=0))
        claims = {
            "sub": subject,
            "iss": ISSUER,
            "aud": CLIENT,
            "token_use": "id",
            "cognito:username": subject,
            "email": E_MAIL,
            "email_verified": True,
            "auth_time": now,
            "iat": now,
            "exp": now + VALID_S,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, claims | changed, self._key)

    def claims(self, authorization: str) -> Mapping[str, str]:
        """Those of a good token, as API Gateway tells them to a function: as strings. Raises Refused."""
        token = authorization.removeprefix("Bearer ").strip()
        try:
            claims = jwt.decode(token, self._key, algorithms=["RS256"]).claims
            _CHECKS.validate(claims)
        except (JoseError, ValueError) as error:
            raise Refused("UNAUTHORIZED") from error
        return {name: _told(name, value) for name, value in claims.items()}


def _told(name: str, value: Any) -> str:
    if name in ("exp", "iat"):
        return time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
