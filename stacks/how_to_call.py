"""What the API's stack says after it is deployed: where the API is, and what somebody types to call it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from stacks.constructs.inference_api import InferenceApi
from stacks.naming import REGION, arn
from stacks.options import Options
from stacks.stage import Stage

_SIGNED = (
    f'--aws-sigv4 aws:amz:{REGION}:execute-api --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" '
    '${AWS_SESSION_TOKEN:+-H "x-amz-security-token: $AWS_SESSION_TOKEN"}'
)
_SHOWN = {"api-key": '-H "x-api-key: $KEY"', "iam": _SIGNED, "cognito": '-H "Authorization: Bearer $TOKEN"'}
_GET_KEY = "aws apigateway get-api-key --include-value --query value --output text --api-key <this id>"


class Output(NamedTuple):
    """A CloudFormation output."""

    name: str
    value: str
    description: str


def how_to_call(api: InferenceApi, stage: Stage, options: Options) -> Iterator[Output]:
    """The address and a command first, then what the command needs."""
    yield Output("ApiUrl", api.url, "The API's address: GET <address>/models.")
    command = " ".join(["curl", *(_SHOWN[word] for word in options.shown), f"{api.url}/models"])
    yield Output("HowToCall", command, f"Lists the models. docs/auth.md has more of auth = {options.auth}.")
    for caller, key_id in api.key_ids.items():
        name = "".join(part.capitalize() for part in re.split(r"-", caller))
        whose = f"Of {caller}. For" if caller else "For"
        yield Output(f"ApiKeyId{name}", key_id, f"{whose} the key itself: {_GET_KEY}")
    if options.auth == "iam":
        yield Output(
            "InvokeArn",
            arn("execute-api", f"{api.id}/{stage.name}/*"),
            "Whose policy allows execute-api:Invoke of this may call. For one route, end it so: POST/models/*/predict.",
        )
    if api.users is not None:
        yield Output("UserPoolId", api.users.id, "Invite: aws cognito-idp admin-create-user --username E-MAIL.")
        yield Output("UserPoolClientId", api.users.client_id, "Of the page or program that signs people in.")
        yield Output("GetToken", _get_token(api.users.id, api.users.client_id), "Their token, with AWS credentials.")
        if api.users.sign_in_url is not None:
            yield Output(
                "SignInUrl", api.users.sign_in_url, "Where people sign in; it leads to the first callback URL."
            )
    if api.domain is not None and not options.zone_id:
        yield Output("DomainTarget", api.domain.target, f"Make {options.domain} a CNAME of this.")


def _get_token(pool_id: str, client_id: str) -> str:
    return (
        f"aws cognito-idp admin-initiate-auth --user-pool-id {pool_id} --client-id {client_id} "
        "--auth-flow ADMIN_USER_PASSWORD_AUTH --auth-parameters USERNAME=$EMAIL,PASSWORD=$PASSWORD "
        "--query AuthenticationResult.IdToken --output text"
    )
