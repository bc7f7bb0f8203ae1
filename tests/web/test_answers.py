"""What people read of an answer is what the API answered, for each model."""

import psutil
import pytest
from playwright.sync_api import expect

from models.registry import load_models
from models.samples import samples
from tests.web.visitor import answered

_MODELS = {model.spec.name: model for model in load_models()}
_NEAR_PX = 1.5


@pytest.mark.parametrize("name", _MODELS)
def test_each_model_answers_each_of_its_samples(visitor, name):
    visitor.choose(name)
    for sample in samples(_MODELS[name]).values():
        with visitor.page.expect_response(lambda response: "/predict" in response.url, timeout=60_000) as waited:
            article = visitor.try_sample(sample.name)
        said = waited.value.json()
        expect(answered(article).locator("dl.times")).to_contain_text("Round trip")
        best = (said.get("predictions") or said.get("instances") or said["detections"])[0]
        expect(article.locator(".ranked li").first).to_contain_text(best.get("gloss") or best["label"])
        expect(article.locator(".ranked li").first).to_contain_text(f"{best['score'] * 100:.1f} %")
    expect(visitor.page.locator("#history tbody tr")).to_have_count(len(samples(_MODELS[name])))


def test_boxes_lie_where_the_answer_says(visitor):
    visitor.choose("object-detection")
    with visitor.page.expect_response(lambda response: "/predict" in response.url, timeout=60_000) as waited:
        article = answered(visitor.try_sample("drawn_scene.jpg"))
    kept = [each for each in waited.value.json()["detections"] if each["score"] >= 0.5]
    boxes = article.locator(".box")
    expect(boxes).to_have_count(len(kept))
    assert len(kept) > 2
    article.locator("figure").scroll_into_view_if_needed()
    picture = article.locator("figure img").bounding_box()
    for at, each in enumerate(kept):
        drawn = boxes.nth(at).bounding_box()
        x0, y0, x1, y1 = each["box"]
        wanted = {
            "x": picture["x"] + x0 * picture["width"],
            "y": picture["y"] + y0 * picture["height"],
            "width": (x1 - x0) * picture["width"],
            "height": (y1 - y0) * picture["height"],
        }
        assert drawn == pytest.approx(wanted, abs=_NEAR_PX)
        expect(boxes.nth(at)).to_contain_text(each["label"])


def test_the_threshold_redraws_without_asking_again(visitor):
    visitor.choose("object-detection")
    article = answered(visitor.try_sample("drawn_scene.jpg"))
    before, asked = article.locator(".box").count(), len(visitor.predictions())
    slider = article.get_by_role("slider", name="Threshold")
    slider.fill("0.05")
    assert article.locator(".box").count() > before
    slider.fill("1")
    expect(article.locator(".box")).to_have_count(0)
    assert len(visitor.predictions()) == asked == 1


def test_two_endpoints_answer_beside_each_other(visitor):
    visitor.choose("diabetic-retinopathy")
    visitor.page.get_by_label("Compare with").select_option(label="diabetic-retinopathy · gpu")
    article = visitor.try_sample("drawn_moderate.jpg")
    expect(article.locator("dl.times")).to_have_count(2, timeout=60_000)
    first, second = (article.locator("ol.ranked").nth(at).inner_text() for at in (0, 1))
    assert first == second
    assert [url.partition("endpoint=")[2].partition("&")[0] for url in visitor.predictions()] == ["serverless", "gpu"]


def test_a_cold_start_is_told_from_the_models_own_time(visitor):
    visitor.choose("sign-language")
    answered(visitor.try_sample("keypoints.json"))
    warm = answered(visitor.try_sample("keypoints.json"))
    expect(warm.locator(".times")).to_contain_text("Model")
    expect(warm.locator(".cold")).to_have_count(0)
    servers = visitor.local.servers()
    for server in servers:
        server.kill()  # as idleness ends it, but now
    psutil.wait_procs(servers, timeout=10)
    cold = answered(visitor.try_sample("keypoints.json"))
    expect(cold.locator(".cold")).to_contain_text("Cold start, about")
