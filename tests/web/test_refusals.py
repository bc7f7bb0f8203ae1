"""What goes wrong is said in words, with what to do, and the next picture is answered."""

import re
import time
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from contract.errors import ImageUndecodable, InvalidApiKey, ModelNotReady, Throttled
from tests.local_run import FUNDUS
from tests.web.pictures import damaged, large_photograph
from tests.web.visitor import answered, refused


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    return large_photograph(tmp_path_factory.mktemp("large"))


def test_a_bad_file_is_refused_in_words_and_a_good_one_then_answered(visitor, tmp_path):
    visitor.choose("diabetic-retinopathy")
    words = refused(visitor.send(damaged(tmp_path)))
    expect(words).to_contain_text("Image undecodable")
    expect(words).to_contain_text(ImageUndecodable.message)
    expect(words).to_contain_text(re.compile("Request [0-9a-f-]{36}"))
    expect(visitor.page.get_by_role("status").first).to_contain_text("Image undecodable")
    answered(visitor.send(FUNDUS))


def test_without_a_key_the_page_asks_for_it_and_says_that_one_is_wrong(visit, local):
    visitor = visit(local)
    page = visitor.open(key="")
    dialog = page.get_by_role("dialog", name="The key")
    expect(dialog).to_be_visible()
    dialog.get_by_label("API key").fill("not-the-key")
    page.keyboard.press("Enter")
    expect(page.locator("#trouble")).to_contain_text("Invalid api key", ignore_case=True)
    expect(page.locator("#trouble")).to_contain_text(InvalidApiKey.message)
    expect(dialog).to_be_visible()
    dialog.get_by_label("API key").fill(local.key)
    dialog.get_by_role("button", name="Use it").click()
    visitor.ready()
    expect(dialog).to_be_hidden()
    expect(page.locator("#trouble")).to_be_hidden()
    answered(visitor.send(FUNDUS))


def test_a_picture_over_the_limit_is_made_smaller_and_that_is_said(visitor, large):
    visitor.choose("face-mask")
    article = answered(visitor.send(large))
    expect(article.locator(".said")).to_contain_text(re.compile(r"smaller: 4000 × 3000 to \d+ × \d+ pixels"))


def test_a_damaged_picture_over_the_limit_is_refused_in_words(visitor, tmp_path):
    bad = tmp_path / "broken.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0" + bytes(5_000_000))
    visitor.choose("face-mask")
    expect(refused(visitor.send(bad))).to_contain_text("damaged")


def test_a_picture_over_the_limit_goes_by_upload_as_a_job(visitor, large):
    visitor.choose("diabetic-retinopathy")
    article = answered(visitor.send(large))
    expect(article.locator(".said")).to_contain_text("by upload, as a job for jobs")
    assert not visitor.predictions()


@pytest.mark.parametrize("error", [Throttled, ModelNotReady])
def test_what_passes_is_tried_again_after_the_time_asked_and_that_is_said(visitor, error):
    refusals, asked_s = [error(), error()], []

    def answer_or_pass(route) -> None:
        asked_s.append(time.monotonic())
        if refusals:
            route.fulfill(status=error.status, headers={"Retry-After": "1"}, json=refusals.pop().envelope("r-1"))
        else:
            route.continue_()

    visitor.page.route("**/predict?*", answer_or_pass)
    visitor.choose("diabetic-retinopathy")
    article = visitor.send(FUNDUS)
    expect(article).to_contain_text(f"{error.message} Trying again in 1 s")
    answered(article)
    assert len(asked_s) == 3
    assert all(after - before > 0.9 for before, after in pairwise(asked_s))


def test_what_does_not_pass_is_given_up_and_may_be_tried_by_hand(visitor):
    broken = [True]

    def answer_or_pass(route) -> None:
        if broken:
            route.fulfill(status=503, headers={"Retry-After": "0"}, json=ModelNotReady().envelope("r-1"))
        else:
            route.continue_()

    visitor.page.route("**/predict?*", answer_or_pass)
    visitor.choose("diabetic-retinopathy")
    words = refused(visitor.send(FUNDUS))
    expect(words).to_contain_text(ModelNotReady.message)
    assert len(visitor.predictions()) == 6
    broken.clear()
    words.get_by_role("button", name="Try again").click()
    answered(visitor.latest(FUNDUS.name))


def test_offline_is_said_and_passes(visitor):
    visitor.choose("diabetic-retinopathy")
    visitor.context.set_offline(True)
    words = refused(visitor.send(FUNDUS))
    expect(words).to_contain_text("The API cannot be reached")
    visitor.page.get_by_role("button", name="Try retina.jpg").click()
    expect(visitor.page.get_by_role("alert")).to_contain_text("The sample cannot be reached")
    visitor.context.set_offline(False)
    words.get_by_role("button", name="Try again").click()
    answered(visitor.page.locator("article").last)
