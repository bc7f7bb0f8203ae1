"""Reads what a synth wrote: templates, assets, tags; and says an intrinsic function as one string."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App

from models.registry import ROOT, Model, load_models
from stacks.deployment import deployment

CONTEXT = json.loads((ROOT / "cdk.json").read_text())["context"]

Resource = dict[str, Any]


@dataclass(frozen=True)
class Stack:
    name: str
    template: dict[str, Any]
    assets: dict[str, Any]
    tags: dict[str, str]

    @property
    def kinds(self) -> set[str]:
        return {resource["Type"].removeprefix("AWS::") for resource in self.template["Resources"].values()}

    def resources(self, kind: str) -> Iterator[tuple[str, Resource]]:
        for name, resource in self.template["Resources"].items():
            if resource["Type"] == f"AWS::{kind}":
                yield name, resource

    def properties(self, kind: str) -> list[dict[str, Any]]:
        return [resource["Properties"] for _, resource in self.resources(kind)]

    def only(self, kind: str) -> dict[str, Any]:
        (properties,) = self.properties(kind)
        return properties


@dataclass(frozen=True)
class Assembly:
    folder: Path
    stacks: dict[str, Stack]

    def part(self, part: str) -> Stack:
        return next(stack for name, stack in self.stacks.items() if name.split("-", 2)[2] == part)

    @property
    def api(self) -> Stack:
        return self.part("api")

    @property
    def watch(self) -> Stack | None:
        """Only of the stages that are watched."""
        return next((stack for name, stack in self.stacks.items() if name.endswith("-watch")), None)

    @property
    def jobs(self) -> Stack | None:
        """Only where some model takes jobs."""
        return next((stack for name, stack in self.stacks.items() if name.endswith("-jobs")), None)

    @property
    def models(self) -> list[Stack]:
        return [stack for stack in self.stacks.values() if "model" in stack.tags]


def read(folder: Path) -> Assembly:
    manifest = json.loads((folder / "manifest.json").read_text())
    stacks = {}
    for name, artifact in manifest["artifacts"].items():
        if artifact["type"] == "aws:cloudformation:stack":
            stacks[name] = Stack(
                name,
                json.loads((folder / f"{name}.template.json").read_text()),
                json.loads((folder / f"{name}.assets.json").read_text()),
                artifact["properties"]["tags"],
            )
    return Assembly(folder, stacks)


def synthesize(stage: str, out: Path, root: Path = ROOT, **options: Any) -> Assembly:
    """With CDK's own validation, whose findings are errors by cdk.json; `options` are more of the context."""
    app(stage, out, root, **options).synth()
    return read(out)


def app(stage: str, out: Path, root: Path = ROOT, *, models: Sequence[Model] | None = None, **options: Any) -> App:
    """The deployment of `models`, or of all, with `options` as -c or cdk.json would give them."""
    context = CONTEXT | {"stage": stage} | options
    return deployment(
        load_models(root) if models is None else models, root=root, outdir=str(out), context=context, validate=True
    )


def said(value: Any) -> str:
    """`{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}]]}` -> `arn:${AWS::Partition}`."""
    match value:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Join": [glue, parts]}:
            return glue.join(map(said, parts))
        case {"Fn::Sub": text}:
            return text
    assert isinstance(value, str), value
    return value


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def scrubbed(value: Any) -> Any:
    """The same with each asset's hash replaced: a snapshot is of the infrastructure, not of the code in it."""
    return json.loads(re.sub(r"[0-9a-f]{64}", "<asset>", json.dumps(value)))
