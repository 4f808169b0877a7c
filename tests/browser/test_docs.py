"""The REST API in a browser: read without a key, and tried with the page's session."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.visitor import Visitor

PATIENCE = 60_000.0  # milliseconds: an API process makes the document when it is first asked


def test_the_documentation_is_shown_and_a_request_is_tried(visit: Callable[..., Visitor]) -> None:
    visitor = visit(signed_in=False)
    visitor.page.goto("/docs")
    expect(visitor.page.get_by_role("heading", name="PruneServe")).to_be_visible(timeout=PATIENCE)
    expect(visitor.page.locator("#operations-jobs-submit_job")).to_be_visible()

    page = visit().page
    page.goto("/docs")
    me = page.locator("#operations-client-get_me")
    me.get_by_text("Look up whose key this is").click(timeout=PATIENCE)
    me.get_by_role("button", name="Try it out").click()
    me.get_by_role("button", name="Execute").click()
    expect(me.locator(".live-responses-table")).to_contain_text('"owner": "ada"', timeout=PATIENCE)
