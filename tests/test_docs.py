"""The reference pages say what the code says, and links in the documentation lead somewhere."""

import re

import pytest

from docs.generate import FOLDER, PAGES
from models.registry import ROOT


@pytest.mark.parametrize("name", PAGES)
def test_a_reference_page_is_what_the_code_makes(name):
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("models/*/README.md")], ids=str
)
def test_every_relative_link_leads_to_a_file(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
