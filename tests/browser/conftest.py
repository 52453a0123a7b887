"""A headless Chromium, in which a page may talk to this machine alone and must not complain."""

import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, sync_playwright

_OPTIONS = (
    "--no-sandbox",  # root's browser, in CI, has none
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="package")  # and no longer: playwright's event loop runs until then
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*_OPTIONS])
        yield browser
        browser.close()


class Complaints(list[str]):
    """What the browser had to complain of; a test that provokes something takes it out."""


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: Browser, complaints: Complaints) -> Iterator[Page]:
    """Give a page in a context of its own; an error in its console, or a foreign address, fails the test."""

    def keep(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    def guard(route: Route, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", "localhost", None):
            complaints.append(f"a foreign address: {request.url}")
            route.abort()
        else:
            route.continue_()

    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("console", keep)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    context.route("**", guard)
    yield page
    context.close()
    assert complaints == []
