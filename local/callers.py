"""Who may call this local run: one caller, who has whatever the stage asks to be shown, and prints how to show it."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from starlette.requests import Request

from local.assembly import Api, Route
from local.refused import Refused
from local.signature import SERVICE, AccessKey, check_signature
from local.template import ACCOUNT, REGION
from local.tokens import Users

_NOBODY = ("accessKey", "accountId", "caller", "user", "userArn", "principalOrgId", "apiKey", "apiKeyId")
_NO_IDENTITY = (
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
)


class Way(NamedTuple):
    """One thing to show: the shell's variable that holds it, and what curl does with that."""

    variable: str
    value: str
    option: str


class Callers:
    """The credentials, made once and kept below `state`, so that a shell's variables stay good."""

    def __init__(self, state: Path) -> None:
        self.key = _kept(state / "api-key", lambda: f"local-{secrets.token_urlsafe(24)}")
        pair = _kept(state / "access-key", lambda: f"AKIALOCAL{secrets.token_hex(6).upper()}:{secrets.token_hex(20)}")
        self.access_key = AccessKey(*pair.split(":"))

    @cached_property
    def users(self) -> Users:
        """Made when first asked for: their key takes a moment."""
        return Users()

    def ways(self, api: Api) -> Sequence[Way]:
        """All that a call of `api` has to show."""
        asked = {route.authorization for route in api.routes}
        ways = []
        if "AWS_IAM" in asked:
            signed = f'--aws-sigv4 aws:amz:{REGION}:{SERVICE} --user "$CREDENTIALS"'
            ways.append(Way("CREDENTIALS", ":".join(self.access_key), signed))
        if "COGNITO_USER_POOLS" in asked:
            ways.append(Way("TOKEN", self.users.token, '-H "Authorization: Bearer $TOKEN"'))
        if any(route.key_required for route in api.routes):
            ways.append(Way("KEY", self.key, '-H "x-api-key: $KEY"'))
        return ways

    def admitted(self, route: Route, request: Request, body: bytes) -> dict[str, Any]:
        """What API Gateway tells the function of the caller, for `requestContext`. Raises Refused."""
        identity: dict[str, Any] = dict.fromkeys((*_NOBODY, *_NO_IDENTITY))
        identity["sourceIp"] = request.client.host if request.client else None
        identity["userAgent"] = request.headers.get("user-agent")
        context: dict[str, Any] = {"identity": identity}
        if route.authorization == "AWS_IAM":
            check_signature(request, body, self.access_key)
            identity |= self._user()
        elif route.authorization == "COGNITO_USER_POOLS":
            context["authorizer"] = {"claims": self.users.claims(request.headers.get("authorization", ""))}
        if route.key_required:
            if not secrets.compare_digest(request.headers.get("x-api-key", "").encode(), self.key.encode()):
                raise Refused("INVALID_API_KEY")
            identity |= {"apiKey": self.key, "apiKeyId": "local"}
        return context

    def _user(self) -> Mapping[str, str]:
        arn = f"arn:aws:iam::{ACCOUNT}:user/local"
        return {
            "accessKey": self.access_key.id,
            "accountId": ACCOUNT,
            "caller": "AIDALOCAL",
            "user": "AIDALOCAL",
            "userArn": arn,
        }


def _kept(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        file.write_text(make())
    return file.read_text().strip()
