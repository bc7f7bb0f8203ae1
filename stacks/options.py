"""What a person may choose of a stage's API, by `-c name=value` or in cdk.json: typed, read once, refused in a line.

cdk.json's context says it for one stage, `"stages": {"prod": {"auth": "cognito"}}`, or for whichever is deployed,
`"auth": "cognito"`; -c says the latter, for once. docs/auth.md tells what each is for and costs.
"""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from stacks.stage import Auth, Stage, StageError

PAGE = "docs/auth.md"
_DOMAIN = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$"
_CERTIFICATE = r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$"
_OF_CLOUDFRONT = r"^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+$"
_CALLBACK = r"^(https://[^\s#,]+|http://localhost(:[0-9]{1,5})?(/[^\s#,]*)?)$"


class OptionRefused(StageError):
    """An option that cannot be; a line for each, which says what can."""


def _listed(given: object) -> object:
    return given.split(",") if isinstance(given, str) else given


def _parsed(given: object) -> object:
    """A list of tables, which -c can only give as JSON."""
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise ValueError("is not JSON; give a list of tables, as cdk.json has it") from error


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Caller(_Table):
    """Somebody with an API key of their own, and what they may ask of the API with it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="a-z, 0-9 and -, at most 40")]
    requests_per_second: Annotated[float, Field(gt=0, description="a number over 0")]
    burst_requests: Annotated[int, Field(ge=1, description="a whole number from 1")]
    requests_per_day: Annotated[int, Field(ge=1, description="a whole number from 1")]


class Options(_Table):
    """How a stage's API may be called. Each description says what a value may be."""

    auth: Annotated[Auth, Field(description="one of api-key, iam, cognito")]
    api_key_alone: Annotated[Literal["accepted"] | None, Field(description="accepted")] = None
    callers: Annotated[tuple[Caller, ...], BeforeValidator(_parsed), Field(description="a list of tables")] = ()
    mfa: Annotated[Literal["required", "optional"], Field(description="required or optional")] = "required"
    callback_urls: Annotated[
        tuple[Annotated[str, Field(pattern=_CALLBACK)], ...],
        BeforeValidator(_listed),
        Field(description="addresses that begin with https:// or http://localhost, between commas"),
    ] = ()
    waf: Annotated[bool, Field(description="on or off")] = False
    waf_requests: Annotated[
        int, Field(ge=10, le=2_000_000_000, description="a whole number from 10, of requests in five minutes")
    ] = 2_000
    domain: Annotated[
        str | None, Field(pattern=_DOMAIN, max_length=253, description="a name in lower case, such as api.example.com")
    ] = None
    certificate_arn: Annotated[
        str | None, Field(pattern=_CERTIFICATE, description="the ARN of a certificate in ACM, in the API's region")
    ] = None
    zone_id: Annotated[
        str | None, Field(pattern=r"^Z[A-Z0-9]{1,31}$", description="the id of a hosted zone, such as Z0123456789ABC")
    ] = None
    page: Annotated[bool, Field(description="on or off")] = False
    page_domain: Annotated[
        str | None,
        Field(pattern=_DOMAIN, max_length=253, description="a name in lower case, such as fovea.example.com"),
    ] = None
    page_certificate_arn: Annotated[
        str | None,
        Field(pattern=_OF_CLOUDFRONT, description="the ARN of a certificate in ACM in us-east-1, whatever the region"),
    ] = None

    @property
    def needs_key(self) -> bool:
        """Whether a call needs an API key: API Gateway has no other way to tell whose plan it counts against."""
        return self.auth == "api-key" or bool(self.callers)

    @property
    def shown(self) -> tuple[str, ...]:
        """Everything that a call has to show, by the words of `auth`."""
        return tuple(dict.fromkeys([self.auth, *(["api-key"] if self.needs_key else [])]))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        given = self.model_fields_set
        if self.auth != "cognito" and (unused := {"mfa", "callback_urls"} & given):
            raise ValueError(f"{min(unused)}: only auth = cognito has users; remove it, or use -c auth=cognito")
        if not self.waf and "waf_requests" in given:
            raise ValueError("waf_requests: there is no firewall to count; remove it, or use -c waf=on")
        if self.domain is None and (unused := {"certificate_arn", "zone_id"} & given):
            raise ValueError(f"{min(unused)}: there is no domain; remove it, or say domain too")
        if self.domain is not None and self.certificate_arn is None:
            raise ValueError(f"certificate_arn: {self.domain} needs its certificate, {_described('certificate_arn')}")
        if self.page and self.auth == "iam":
            raise ValueError(
                "page: a page has no AWS credentials to sign with; use -c auth=cognito, or leave the page off"
            )
        if (self.page_domain is None) != (self.page_certificate_arn is None):
            missing = "page_domain" if self.page_domain is None else "page_certificate_arn"
            raise ValueError(f"{missing}: the page's name and its certificate go together; give {_described(missing)}")
        names = [caller.name for caller in self.callers]
        if len(set(names)) < len(names):
            raise ValueError("callers: two have one name; give each its own")
        return self


def options_of(stage: Stage, context: Mapping[str, Any]) -> Options:
    """What `context` says of `stage`, or else what the stage does. Raises OptionRefused."""
    stages = context.get("stages", {})
    own = stages.get(stage.name, {}) if isinstance(stages, Mapping) else None
    if not isinstance(own, Mapping):
        raise OptionRefused('stages: is no table; in cdk.json, write "stages": {"prod": {"auth": "iam"}}')
    chosen = {name: context[name] for name in Options.model_fields if name in context}
    try:
        options = Options.model_validate({"auth": stage.auth, **own, **chosen})
    except ValidationError as error:
        raise OptionRefused("\n".join(_fault(fault, stage) for fault in error.errors(include_url=False))) from error
    if options.auth == "api-key" and stage.auth != "api-key" and options.api_key_alone is None:
        raise OptionRefused(
            f"auth: {stage.name} wants more than a key, which whoever reads one request can use for ever; "
            f"use -c auth=iam or -c auth=cognito, or insist with -c api_key_alone=accepted ({PAGE})"
        )
    return options


def _fault(fault: Any, stage: Stage) -> str:
    location = [str(part) for part in fault["loc"]]
    name = ".".join(location)
    if fault["type"] == "value_error":
        return f"{name}: {fault['ctx']['error']}" if name else str(fault["ctx"]["error"])
    if fault["type"] == "extra_forbidden":
        where = name if location[0] == "callers" else f"stages.{stage.name}.{name}"
        return f"{where}: is not a known option; {PAGE} lists them"
    if fault["type"] == "missing":
        return f"{name}: is missing; give {_described(location[-1])}"
    fields = [part for part in location if not re.fullmatch(r"\d+", part)]
    known = [field for field in fields if field in Options.model_fields or field in Caller.model_fields]
    return f"{name}: {fault['input']!r} does not fit; give {_described(known[-1])}"


def _described(name: str) -> str:
    return str((Caller.model_fields.get(name) or Options.model_fields[name]).description)
