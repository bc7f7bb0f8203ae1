"""docs/endpoints.md: every snippet of it is synthesized and held to the rules, so the page cannot rot."""

import re

import pytest
from cfnlint.api import lint_file
from syrupy.extensions.json import JSONSnapshotExtension

from models.registry import ROOT
from tests.stacks.assembly import app, read, scrubbed
from tests.stacks.test_rules import acknowledged, explains, findings

PAGE = (ROOT / "docs" / "endpoints.md").read_text()
SECTIONS = [section.partition("\n") for section in PAGE.split("\n## ")[1:]]
SNIPPETS = [
    (re.sub(r"[^a-z]+", "-", title.lower()).strip("-"), snippet)
    for title, _, text in SECTIONS
    for snippet in re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
]


def test_every_snippet_is_found():
    assert len(SNIPPETS) == PAGE.count("```toml") > 0


@pytest.mark.parametrize("snippet", [snippet for _, snippet in SNIPPETS], ids=[title for title, _ in SNIPPETS])
def test_a_snippet_deploys_as_it_stands_and_by_the_rules(repository, tmp_path, snippet, snapshot):
    file, out = repository.model / "model.toml", tmp_path / "out"
    spec = file.read_text()
    file.write_text(spec[: spec.index("[endpoints.")] + snippet)
    deployment = app("prod", out, repository.root)
    deployment.synth()
    stack = read(out).part("cat-breeds")
    assert len(stack.properties("SageMaker::Endpoint")) == snippet.count("kind = ")
    assert scrubbed(stack.template) == snapshot.use_extension(JSONSnapshotExtension)
    assert [match for template in out.glob("*.template.json") for match in lint_file(template)] == []
    reasons = acknowledged(deployment)
    unexplained = [one for one in findings(out, tmp_path / "nag") if not any(explains(why, one) for why in reasons)]
    assert unexplained == []
