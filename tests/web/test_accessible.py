"""For everybody: by keyboard alone, on a telephone, and by the rules of WCAG 2.2 AA as axe checks them."""

from importlib.resources import files

import pytest
from playwright.sync_api import expect

from tests.local_run import FUNDUS
from tests.web.pictures import damaged
from tests.web.visitor import answered, refused

_AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
_RUN = """async () => (await axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa",
  "best-practice"] })).violations.flatMap((rule) => rule.nodes.map((node) => `${rule.id}: ${node.html}`))"""
_PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def violations(page) -> list[str]:
    page.evaluate(_AXE)  # not by a script element, which the page's CSP would refuse
    return page.evaluate(_RUN)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_state(visit, local, tmp_path, scheme):
    visitor = visit(local, color_scheme=scheme)
    page = visitor.open()
    assert violations(page) == []
    visitor.choose("diabetic-retinopathy")
    article = answered(visitor.send(FUNDUS))
    article.get_by_text("Raw answer").click()
    refused(visitor.send(damaged(tmp_path)))
    visitor.choose("sign-language")
    answered(visitor.try_sample("keypoints.json"))
    visitor.choose("object-detection")
    page.get_by_label("Compare with").select_option(label="object-detection · gpu")
    answered(visitor.try_sample("drawn_scene.jpg"))
    expect(page.locator("progress")).to_have_count(0, timeout=60_000)
    assert violations(page) == []
    page.get_by_role("button", name="Change the key").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


def test_a_keyboard_alone_reaches_an_answer(visitor):
    page = visitor.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the picture")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#choose-file")).to_be_focused()
    sample = page.get_by_role("button", name="Try").first
    for _ in range(3):
        page.keyboard.press("Tab")
        if sample.evaluate("(button) => button === document.activeElement"):
            break
    expect(sample).to_be_focused()
    page.keyboard.press("Space")
    answered(page.locator("article").first)
    expect(page.get_by_role("status").first).to_contain_text("says:")


def test_a_keyboard_alone_changes_the_model_and_the_threshold(visitor):
    page = visitor.page
    page.get_by_role("radio").first.focus()
    while not page.get_by_role("radio", name="object-detection").is_checked():
        page.keyboard.press("ArrowDown")
    page.get_by_role("button", name="Try drawn_scene.jpg").press("Enter")
    article = answered(visitor.latest("drawn_scene.jpg"))
    before = article.locator(".box").count()
    article.get_by_role("slider", name="Threshold").press("Home")
    assert article.locator(".box").count() > before


@pytest.mark.parametrize("sample", ["diabetic-retinopathy/retina.jpg", "object-detection/drawn_scene.jpg"])
def test_a_telephone_scrolls_down_alone(visit, local, tmp_path, sample):
    visitor = visit(local, **_PHONE)
    page = visitor.open()
    model, _, name = sample.partition("/")
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wider) <= 0
    visitor.choose(model)
    answered(visitor.try_sample(name)).get_by_text("Raw answer").click()
    refused(visitor.send(damaged(tmp_path)))
    assert page.evaluate(wider) <= 0
