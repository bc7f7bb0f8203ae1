"""The key and the pictures go to the API and nowhere else. That no other origin is asked, every test holds."""

import base64

import httpx
from playwright.sync_api import expect

from tests.local_run import FUNDUS
from tests.web.visitor import answered


def test_the_key_is_in_no_address_and_kept_for_the_tab_alone(visitor):
    page, key = visitor.page, visitor.local.key
    answered(visitor.send(FUNDUS))
    assert "#" not in page.url
    assert all(key not in url for url in (page.url, *visitor.requested))
    assert page.evaluate("localStorage.length") == 0
    assert visitor.context.cookies() == []
    assert key in page.evaluate("Object.values(sessionStorage)")
    assert key not in page.content()
    page.reload()
    visitor.ready()
    other = visitor.context.new_page()
    other.goto(visitor.local.url)
    expect(other.get_by_role("dialog", name="The key")).to_be_visible()


def test_neither_key_nor_picture_is_in_a_log(visitor):
    visitor.choose("diabetic-retinopathy")
    with visitor.page.expect_response(lambda response: "/predict" in response.url, timeout=60_000) as waited:
        answered(visitor.send(FUNDUS))
    logged = b"".join(file.read_bytes() for file in visitor.local.logs)
    assert waited.value.header_value("x-amzn-requestid").encode() in logged
    picture = FUNDUS.read_bytes()
    for part in (visitor.local.key.encode(), FUNDUS.name.encode(), picture[:64], base64.b64encode(picture[:60])):
        assert part not in logged


def test_the_browser_keeps_to_the_policy_that_the_page_is_sent_with(visitor):
    policy = httpx.get(visitor.local.url).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    with visitor.page.expect_console_message(lambda message: message.text.startswith("CSP: ")) as refused:
        assert (
            visitor.page.evaluate("fetch('https://example.com/').catch((error) => error.message)") == "Failed to fetch"
        )
    assert refused.value.text == "CSP: connect-src https://example.com/"
    assert all("example.com" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()
