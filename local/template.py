"""Follows a CloudFormation template: resources by type, what a value refers to, the asset behind a hash."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

_HASH = re.compile(r"[0-9a-f]{64}")
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")

REGION, ACCOUNT = "us-east-1", "000000000000"
"""Where the local run is, as far as anybody can tell."""

_PSEUDO = {
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}

Properties = Mapping[str, Any]
Asset = TypeVar("Asset")


class AssemblyError(Exception):
    """cdk.out holds something that the local run cannot follow; says what."""


def of_type(resources: Mapping[str, Properties], kind: str) -> dict[str, Properties]:
    """The properties of each resource of type `kind`, by logical id."""
    return {name: resource["Properties"] for name, resource in resources.items() if resource["Type"] == kind}


def referred(resources: Mapping[str, Properties], value: Any, kind: str | None = None) -> Properties:
    """The properties of the first resource (of type `kind`) that `value` refers to. Raises AssemblyError."""
    for name in references(value):
        if name in resources and kind in (None, resources[name]["Type"]):
            properties: Properties = resources[name]["Properties"]
            return properties
    raise AssemblyError(f"the template refers to {value!r}, which the local run cannot follow")


def references(value: Any) -> Iterator[str]:
    """The logical ids that `value` refers to."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.split(".")[0]
            elif key == "Fn::Sub":
                yield from _SUBSTITUTED.findall(inner if isinstance(inner, str) else inner[0])
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolved(value: Any, account: str = ACCOUNT) -> str:
    """The text that `value` comes to in `account`, in this region. Raises AssemblyError."""
    known = {**_PSEUDO, "AWS::AccountId": account}
    match value:
        case str() | int():
            return str(value)
        case {"Ref": name} if name in known:
            return known[name]
        case {"Fn::Join": [str(glue), list(parts)]}:
            return glue.join(resolved(part, account) for part in parts)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([A-Za-z:]+)\}", lambda found: resolved({"Ref": found[1]}, account), text)
    raise AssemblyError(f"the template says {value!r}, which the local run cannot put into words")


def decided(template: Mapping[str, Any], parameters: Mapping[str, str]) -> Mapping[str, Properties]:
    """The resources of `template` where its parameters have these values, the others their defaults: of each Fn::If
    what holds, of each reference to one of `parameters` its value. Raises AssemblyError.
    """
    defaults = {name: given.get("Default") for name, given in template.get("Parameters", {}).items()}
    unknown = sorted(set(parameters) - set(defaults))
    if unknown:
        raise AssemblyError(f"the template has no parameter {', '.join(unknown)}")
    values, conditions = {**defaults, **parameters}, template.get("Conditions", {})

    def decide(value: Any) -> Any:
        match value:
            case {"Fn::If": [str(name), yes, no]}:
                return decide(yes if _holds(conditions[name], values) else no)
            case {"Ref": str(name)} if name in parameters:
                return parameters[name]
            case dict():
                return {key: decide(inner) for key, inner in value.items()}
            case list():
                return [decide(inner) for inner in value]
        return value

    resources: Mapping[str, Properties] = decide(template["Resources"])
    return resources


def _holds(condition: Any, values: Mapping[str, Any]) -> bool:
    match condition:
        case {"Fn::Not": [inner]}:
            return not _holds(inner, values)
        case {"Fn::Equals": [one, other]}:
            return bool(_said(one, values) == _said(other, values))
    raise AssemblyError(f"the template has the condition {condition!r}, which the local run cannot decide")


def _said(value: Any, values: Mapping[str, Any]) -> Any:
    return values.get(value["Ref"]) if isinstance(value, Mapping) and "Ref" in value else value


def asset_of(assets: Mapping[str, Asset], value: Any, what: str) -> Asset:
    """The asset whose hash is in `value`. Raises AssemblyError, which calls it `what`."""
    for key in _HASH.findall(json.dumps(value)):
        if key in assets:
            return assets[key]
    raise AssemblyError(f"{what} is not an asset of this assembly: {value!r}")


def path_of(resources: Mapping[str, Properties], resource_id: Any) -> str:
    """The path of a resource of the REST API, such as /models/{model}."""
    named = (name for name in references(resource_id) if resources[name]["Type"] == "AWS::ApiGateway::Resource")
    name = next(named, None)
    if name is None:
        return ""
    resource = resources[name]["Properties"]
    return f"{path_of(resources, resource['ParentId'])}/{resource['PathPart']}"
