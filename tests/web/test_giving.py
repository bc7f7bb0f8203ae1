"""Every way to give the page a picture ends in the same answer; what the API refuses is told in its own words."""

import base64

from playwright.sync_api import expect

from contract.errors import PayloadTooLarge
from models.registry import ROOT
from tests.local_run import FUNDUS
from tests.web.visitor import answered, refused

_MODERATE = ROOT / "models" / "diabetic_retinopathy" / "samples" / "drawn_moderate.jpg"
_GIVE = """([type, holder, name, content]) => {
  const data = new DataTransfer();
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  data.items.add(new File([bytes], name, { type: "image/jpeg" }));
  const event = type === "drop" ? new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true })
    : new ClipboardEvent(type, { clipboardData: data, bubbles: true, cancelable: true });
  document.querySelector(holder).dispatchEvent(event);
}"""
_STATES = "document.querySelector('#shot video').srcObject.getTracks().map((track) => track.readyState)"


def give(visitor, how: str, holder: str) -> None:
    content = base64.b64encode(FUNDUS.read_bytes()).decode()
    visitor.page.evaluate(_GIVE, [how, holder, FUNDUS.name, content])


def test_a_picture_may_be_dropped_anywhere(visitor):
    visitor.choose("diabetic-retinopathy")
    give(visitor, "drop", "footer")
    answered(visitor.latest(FUNDUS.name))


def test_a_picture_may_be_pasted(visitor):
    visitor.choose("diabetic-retinopathy")
    give(visitor, "paste", "body")
    answered(visitor.latest(FUNDUS.name))


def test_several_pictures_are_answered_each_by_itself(visitor):
    visitor.choose("diabetic-retinopathy")
    visitor.send(FUNDUS, _MODERATE)
    expect(visitor.page.locator("article dl.times")).to_have_count(2, timeout=60_000)
    expect(visitor.page.locator("article h3")).to_have_text([_MODERATE.name, FUNDUS.name])
    expect(visitor.page.locator("#history tbody tr")).to_have_count(2)


def test_a_picture_may_be_taken(visit, local):
    visitor = visit(local, permissions=["camera"])
    page = visitor.open()
    visitor.choose("face-mask")
    page.get_by_role("button", name="Use the camera").click()
    dialog = page.get_by_role("dialog", name="Camera")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Take the picture").click()
    answered(visitor.latest("camera.jpg"))
    expect(dialog).to_be_hidden()
    assert page.evaluate(_STATES) == ["ended"]


def test_a_camera_that_is_not_given_is_said_and_may_be_tried_again(visitor):
    page = visitor.page
    visitor.choose("face-mask")
    page.get_by_role("button", name="Use the camera").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Allow it for this page")
    visitor.context.grant_permissions(["camera"])
    alert.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("dialog", name="Camera")).to_be_visible()
    expect(alert).to_be_hidden()
    page.get_by_role("button", name="Close").click()
    answered(visitor.send(FUNDUS))


def test_what_the_api_finds_too_large_is_said_in_its_words(visitor):
    error = PayloadTooLarge(max_body_bytes=4_500_000)
    visitor.answer_first(status=error.status, json=error.envelope("r-1"))
    visitor.choose("diabetic-retinopathy")
    words = refused(visitor.send(FUNDUS))
    expect(words).to_contain_text("Payload too large")
    expect(words).to_contain_text(str(error))
    words.get_by_role("button", name="Try again").click()
    answered(visitor.latest(FUNDUS.name))


def test_an_answer_that_cannot_be_shown_does_not_leave_the_page_waiting(visitor):
    visitor.answer_first(status=200, json={"predictions": []})
    visitor.choose("diabetic-retinopathy")
    words = refused(visitor.send(FUNDUS))
    expect(words).to_contain_text("cannot show the answer")
    assert len(visitor.complaints) == 1
    visitor.complaints.clear()  # the console has the reason
    words.get_by_role("button", name="Try again").click()
    answered(visitor.latest(FUNDUS.name))
