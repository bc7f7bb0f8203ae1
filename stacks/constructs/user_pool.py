"""The people who may call, in Cognito: they are invited, sign in, and send the identity token that they get."""

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.naming import attribute, sign_in_address, sign_in_prefix
from stacks.options import Options
from stacks.stage import PROJECT, Stage

PASSWORDS = {
    "MinimumLength": 12,
    "RequireLowercase": True,
    "RequireUppercase": True,
    "RequireNumbers": True,
    "RequireSymbols": True,
    "TemporaryPasswordValidityDays": 3,
}
TOKENS_VALID_MINUTES = 60
SCOPES = ["openid", "email"]


class UserPool(Construct):
    """A user pool with one app client. Offers `id`, `client_id` and, where it leads somewhere, its `sign_in_url`.

    Our page, where it has an origin, comes back to itself, and finds its way to sign in without that.
    """

    def __init__(self, scope: Construct, id: str, *, stage: Stage, options: Options, page_origin: str = "") -> None:
        super().__init__(scope, id)
        self._pool = _pool(self, stage, is_mfa_required=options.mfa == "required")
        self.id = self._pool.ref
        callback_urls = (*options.callback_urls, *([f"{page_origin}/"] if page_origin else []))
        self.client_id = _client(self, self.id, stage, callback_urls).ref
        self.sign_in_url = None
        if callback_urls:
            _resource(self, "UserPoolDomain", UserPoolId=self.id, Domain=sign_in_prefix(stage))
        if options.callback_urls:
            self.sign_in_url = (
                f"{sign_in_address(stage)}/login?client_id={self.client_id}"
                f"&response_type=code&scope={'+'.join(SCOPES)}&redirect_uri={options.callback_urls[0]}"
            )

    def authorizer(self, scope: Construct, api_id: str) -> str:
        """The id of an authorizer that takes an identity token of this pool, with or without `Bearer`.

        The methods name no scopes, or it would take access tokens instead, and not all ways to sign in give those any.
        """
        properties = {
            "Name": "users",
            "Type": "COGNITO_USER_POOLS",
            "RestApiId": api_id,
            "IdentitySource": "method.request.header.Authorization",
            "ProviderARNs": [attribute(self._pool, "Arn")],
        }
        return CfnResource(scope, "Authorizer", type="AWS::ApiGateway::Authorizer", properties=properties).ref


def _pool(scope: Construct, stage: Stage, *, is_mfa_required: bool) -> CfnResource:
    pool = _resource(
        scope,
        "UserPool",
        UserPoolName=f"{PROJECT}-{stage.name}",
        UserPoolTier="LITE",
        UsernameAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        AutoVerifiedAttributes=["email"],
        AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},  # nobody invites themselves
        AccountRecoverySetting={"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
        Policies={"PasswordPolicy": PASSWORDS},
        MfaConfiguration="ON" if is_mfa_required else "OPTIONAL",
        EnabledMfas=["SOFTWARE_TOKEN_MFA"],  # an app that shows six digits; messages to telephones cost
    )
    pool.apply_removal_policy(stage.removal_policy)
    if not is_mfa_required:
        acknowledge(pool, "COG2", "whoever deploys chose mfa=optional in so many words; each user may still turn it on")
    acknowledge(pool, "COG8", "the Plus tier is billed for each user of a month; Lite has all that this API asks for")
    return pool


def _client(scope: Construct, pool_id: str, stage: Stage, callback_urls: tuple[str, ...]) -> CfnResource:
    """A client without a secret: a page cannot keep one, so it sends the code with PKCE's proof."""
    signing_in: dict[str, Any] = {}
    if callback_urls:
        signing_in = {
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": SCOPES,
            "CallbackURLs": list(callback_urls),
            "LogoutURLs": list(callback_urls),
        }
    return _resource(
        scope,
        "UserPoolClient",
        UserPoolId=pool_id,
        ClientName=f"{PROJECT}-{stage.name}",
        GenerateSecret=False,
        # By password as it is only for whoever has AWS credentials too; everybody else proves to know it (SRP).
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
        SupportedIdentityProviders=["COGNITO"],
        PreventUserExistenceErrors="ENABLED",
        EnableTokenRevocation=True,
        IdTokenValidity=TOKENS_VALID_MINUTES,
        AccessTokenValidity=TOKENS_VALID_MINUTES,
        TokenValidityUnits={"IdToken": "minutes", "AccessToken": "minutes"},
        **signing_in,
    )


def _resource(scope: Construct, kind: str, **properties: Any) -> CfnResource:
    return CfnResource(scope, kind, type=f"AWS::Cognito::{kind}", properties=properties)
