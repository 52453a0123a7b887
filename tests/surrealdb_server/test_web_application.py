"""The web application in a browser, on a real SurrealDB server that fetches the local pool's keys."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page, Response, expect

from cognito_claims.contract.surrealdb_script import setup_script
from cognito_claims.tools.demo import shop
from cognito_claims.tools.demo.web import (
    EDITABLE,
    FILES,
    SETTINGS,
    LocalWeb,
    Values,
    application,
)
from cognito_claims.tools.local.cognito import LocalCognito
from cognito_claims.tools.local.loopback import address, listening, serving
from tests.browser.conftest import Complaints, browser, complaints, page
from tests.surrealdb_server.conftest import Start
from tests.surrealdb_server.server import ALLOWED, Server

__all__ = ["browser", "complaints", "page"]  # the fixtures, which pytest finds here

_A_401 = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
_SIX_READS = """async () => {
  const { readUser } = await import("/database.js");
  const users = await Promise.all(Array.from({ length: 6 }, readUser));
  return users.map((user) => user.email);
}"""


class RealWeb:
    """The application, its Cognito, and the server's own view of the rows."""

    def __init__(self, web: LocalWeb, server: Server) -> None:
        self.web = web
        self.setup = shop.setup_for(web.cognito)
        self._server = server

    def owner(self, text: str) -> object:
        return self._server.owner(self.setup, text)


@pytest.fixture(scope="module")
def real(start: Start) -> Iterator[RealWeb]:
    """Run everything on loopback; only the URL of the keys differs from the printed script."""
    with ExitStack() as stack:
        listener = stack.enter_context(listening(0))
        here = address(listener)
        urls = [f"{here}/"]
        cognito = stack.enter_context(LocalCognito(SETTINGS, callback_urls=urls, logout_urls=urls))
        server = stack.enter_context(start(*ALLOWED, "--allow-origin", here))
        setup = shop.setup_for(cognito)
        script = setup_script(setup, "3.x", editable=EDITABLE)
        theirs = f'"{setup.issuer}/.well-known/jwks.json"'
        assert script.count(theirs) == 1
        server.set_up(setup, script.replace(theirs, f'"{cognito.jwks_url}"'))
        server.set_up(setup, (FILES / "app.surql").read_text())
        values = Values(cognito.url, cognito.issuer, cognito.client_id, server.url)
        stack.enter_context(serving(application(values), listener))
        yield RealWeb(LocalWeb(f"{here}/", cognito, server.url), server)


def sign_in(page: Page, real: RealWeb) -> None:
    page.goto(real.web.url)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Username").fill(real.web.cognito.username)
    page.get_by_label("Password").fill(real.web.cognito.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("status")).to_have_text("You are signed in.", timeout=30_000)


def test_a_record_is_made_edited_and_read_again(page: Page, real: RealWeb) -> None:
    sign_in(page, real)
    page.get_by_label("About you").fill("note:one")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")

    assert real.owner("SELECT VALUE [email, about] FROM user") == [
        [real.web.cognito.email, "note:one"]
    ]


def test_six_parallel_reads_are_all_answered(page: Page, real: RealWeb) -> None:
    sign_in(page, real)
    answers = listened(page, real)

    read = [page.evaluate(_SIX_READS) for _ in range(8)]

    assert read == [[real.web.cognito.email] * 6] * 8
    assert answers == [200] * 48


def test_six_parallel_reads_of_a_user_whose_row_is_not_there(
    page: Page, real: RealWeb, complaints: Complaints
) -> None:
    """Each is tried once more by the application, and the row is there by then."""
    sign_in(page, real)
    answers = listened(page, real)

    for _ in range(8):
        real.owner("DELETE user")
        assert page.evaluate(_SIX_READS) == [real.web.cognito.email] * 6

    refused = answers.count(401)
    print(f"\nsix parallel reads of a new user, 8 times: {refused} of 48 tried once more")
    assert answers.count(200) == 48
    complaints[:] = [each for each in complaints if each != _A_401]


def listened(page: Page, real: RealWeb) -> list[int]:
    """Keep the statuses of the database's answers from now on; preflights are not among them."""
    answers: list[int] = []

    def keep(response: Response) -> None:
        if response.request.method == "POST" and response.url == f"{real.web.surrealdb}/rpc":
            answers.append(response.status)

    page.on("response", keep)
    return answers
