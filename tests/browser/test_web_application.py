"""The web application in a browser: from the hosted UI to the edited record and out again, and what it refuses."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from cognito_claims.tools.demo.web import LocalWeb, local_web
from tests.browser.conftest import Complaints

A_400 = "Failed to load resource: the server responded with a status of 400 (Bad Request)"
A_403 = "Failed to load resource: the server responded with a status of 403 (Forbidden)"
NOT_STARTED = "This sign-in was not started here. Please sign in again."
NOT_ASKED_FOR = "The token is not the one asked for. Please sign in again."
ENDED = "Your session has ended. Please sign in again."
HOSTILE = "note:one <img src=x onerror=alert(1)>'\"; DELETE user; -- {{x}}"
STORAGE = "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])"
LEFT = """async () => [
  (await import("/sign_in.js")).isSignedIn(),
  [...document.querySelectorAll("input, textarea")].map((field) => field.value).join(""),
]"""
OTHERS_ROW = """async () => {
  const { query } = await import("/database.js");
  const id = "user:somebody";
  return [
    await query("SELECT * FROM user WHERE id != $auth"),
    await query("SELECT * FROM $id", { id }),
    await query("UPDATE $id SET about = 'x'", { id }),
    await query("UPDATE $auth SET email = 'other@example.com' RETURN VALUE email"),
    (await query("SELECT VALUE email FROM user"))[0],
  ];
}"""
THROWN = """async () => {
  const { query } = await import("/database.js");
  const told = [];
  for (const verb of ["SELECT * FROM", "UPDATE", "UPSERT", "DELETE"]) {
    const set = verb.startsWith("UP") ? "SET about = 'x'" : "";
    const throwing = "WHERE id != $auth AND { THROW 'row ' + <string> email }";
    told.push(await query(`${verb} user ${set} ${throwing}`).catch((error) => error.message));
  }
  return told;
}"""


@pytest.fixture(scope="module")
def web() -> Iterator[LocalWeb]:
    with local_web(port=0) as web:
        yield web


@pytest.fixture
def page(page: Page, complaints: Complaints) -> Iterator[Page]:
    """Take out what the browser says of the login page's icon, and of a code that is none."""
    yield page
    complaints[:] = [each for each in complaints if each not in (A_400, A_403)]


def go_to_the_hosted_ui(page: Page, web: LocalWeb) -> dict[str, str]:
    """Press the button; give what the application sends there."""
    page.goto(web.url)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{web.cognito.url}/oauth2/authorize?**")
    return {name: value for name, [value] in parse_qs(urlsplit(page.url).query).items()}


def log_in(page: Page, web: LocalWeb) -> None:
    page.get_by_label("Username").fill(web.cognito.username)
    page.get_by_label("Password").fill(web.cognito.password)
    page.get_by_role("button", name="Sign in").click()


def sign_in(page: Page, web: LocalWeb) -> None:
    go_to_the_hosted_ui(page, web)
    log_in(page, web)
    expect(page.get_by_role("status")).to_have_text("You are signed in.")


def sent_back_with(page: Page, web: LocalWeb, query: str) -> None:
    """Open the application as the hosted UI would, with an answer of its own."""
    page.goto(f"{web.url}?{query}")


def is_signed_out(page: Page, message: str) -> None:
    """See that nobody is, and that nobody's record is left in what is hidden."""
    expect(page.get_by_role("status")).to_have_text(message)
    expect(page.get_by_role("heading", name="Welcome")).to_be_focused()
    expect(page.get_by_role("textbox")).to_have_count(0)
    assert page.evaluate(LEFT) == [False, ""]


def test_from_log_in_to_the_edited_record_and_out_and_in_again(page: Page, web: LocalWeb) -> None:
    sign_in(page, web)
    expect(page.get_by_label("Email")).to_have_value(web.cognito.email)
    page.get_by_label("Display name").fill("Ada: Countess")
    page.get_by_label("About you").fill(HOSTILE)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")

    page.get_by_role("button", name="Sign out").click()
    is_signed_out(page, "")
    sign_in(page, web)

    fields = page.get_by_role("textbox").all()
    shown = [field.input_value() for field in fields]
    assert shown == [web.cognito.email, web.cognito.username, "Ada: Countess", HOSTILE]
    assert [field.is_editable() for field in fields] == [False, False, True, True]


def test_it_is_used_with_the_keyboard_alone(page: Page, web: LocalWeb) -> None:
    page.goto(web.url)
    is_signed_out(page, "")
    for key in ("Tab", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url(f"{web.cognito.url}/**")
    log_in(page, web)

    expect(page.get_by_role("heading", name="Your record")).to_be_focused()
    for _ in range(3):  # past the email and the user name
        page.keyboard.press("Tab")
    expect(page.get_by_label("Display name")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved.")


def test_the_request_has_pkce_and_fresh_random_values(page: Page, web: LocalWeb) -> None:
    first, second = (go_to_the_hosted_ui(page, web) for _ in range(2))

    random = {"state", "nonce", "code_challenge"}
    assert all(re.fullmatch(r"[\w-]{43}", first[name]) for name in random)
    assert {name for name in first if first[name] != second[name]} == random
    assert {name: first[name] for name in first if name not in random} == {
        "response_type": "code",
        "client_id": web.cognito.client_id,
        "redirect_uri": web.url,
        "scope": "openid email",
        "code_challenge_method": "S256",
    }


def test_tokens_and_codes_are_in_no_storage_address_or_text(page: Page, web: LocalWeb) -> None:
    sign_in(page, web)

    assert page.evaluate(STORAGE) == '[{},{},""]'
    assert page.url == web.url
    assert "eyJ" not in page.content()
    assert page.evaluate("history.state") is None
    page.reload()
    is_signed_out(page, "")


def test_the_page_asks_three_hosts_and_puts_no_token_into_an_address(
    page: Page, web: LocalWeb
) -> None:
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))

    sign_in(page, web)

    origins = {"{0.scheme}://{0.netloc}/".format(urlsplit(url)) for url in seen}
    assert origins == {web.url, f"{web.cognito.url}/", f"{web.surrealdb}/"}
    assert not [url for url in seen if "eyJ" in url or "@" in url]


@pytest.mark.parametrize("query", ["code=x&state=forged", "code=x", "error=x&state=forged"])
def test_a_forged_state_is_refused_and_nothing_is_asked(
    page: Page, web: LocalWeb, query: str
) -> None:
    go_to_the_hosted_ui(page, web)
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.method))

    sent_back_with(page, web, query)

    is_signed_out(page, NOT_STARTED)
    assert {*asked} == {"GET"}
    assert page.evaluate(STORAGE) == '[{},{},""]'
    assert page.url == web.url


def test_an_answer_that_nobody_waits_for_is_refused(page: Page, web: LocalWeb) -> None:
    sent_back_with(page, web, "code=x&state=null")

    is_signed_out(page, NOT_STARTED)


def test_a_refusal_of_cognitos_is_shown(page: Page, web: LocalWeb) -> None:
    state = go_to_the_hosted_ui(page, web)["state"]

    sent_back_with(page, web, f"error=access_denied&error_description=<b>No</b>&state={state}")

    is_signed_out(page, "Cognito did not sign you in: <b>No</b>")


def test_a_code_that_cognito_does_not_take_is_told(page: Page, web: LocalWeb) -> None:
    state = go_to_the_hosted_ui(page, web)["state"]

    sent_back_with(page, web, f"code=x&state={state}")

    is_signed_out(page, "Cognito gave no token. Please sign in again.")


def test_a_wrong_nonce_is_refused(page: Page, web: LocalWeb) -> None:
    sent = go_to_the_hosted_ui(page, web)
    page.goto(page.url.replace(sent["nonce"], "another"))

    log_in(page, web)

    is_signed_out(page, NOT_ASKED_FOR)


@pytest.mark.parametrize("name", ["issuer", "clientId"])
def test_another_issuers_or_clients_token_is_refused(page: Page, web: LocalWeb, name: str) -> None:
    value = {"issuer": web.cognito.issuer, "clientId": web.cognito.client_id}[name]
    go_to_the_hosted_ui(page, web)

    def changed(route: Route) -> None:
        body = route.fetch().text().replace(f'{name}: "{value}"', f'{name}: "another"')
        route.fulfill(body=body, content_type="text/javascript")

    page.route("**/config.js", changed)
    # The code is still this client's: only what the token is compared with is another.
    page.route("**/oauth2/token", lambda route: route.continue_(post_data=ours(route, web)))
    log_in(page, web)

    is_signed_out(page, NOT_ASKED_FOR)


def ours(route: Route, web: LocalWeb) -> str:
    sent = route.request.post_data or ""
    return sent.replace("client_id=another", f"client_id={web.cognito.client_id}")


def test_nobody_elses_row_is_reached_through_the_pages_own_module(
    page: Page, web: LocalWeb
) -> None:
    own = web.cognito.email
    sign_in(page, web)

    assert page.evaluate(OTHERS_ROW) == [[], [], [], [own], own]


def test_a_throwing_expression_gets_nothing_either(page: Page, web: LocalWeb) -> None:
    sign_in(page, web)

    told = page.evaluate(THROWN)

    assert [each for each in told if each not in ([], "SurrealDB did not take this.")] == []


@pytest.mark.parametrize(
    ("refusals", "message"),
    [(1, "You are signed in."), (2, "SurrealDB did not take your token.")],
)
def test_a_request_that_is_refused_is_tried_again_once(
    page: Page, web: LocalWeb, complaints: Complaints, refusals: int, message: str
) -> None:
    asked: list[str] = []

    def answered(route: Route) -> None:
        asked.append(route.request.method)
        if asked.count("POST") <= refusals and route.request.method == "POST":
            cors = {"Access-Control-Allow-Origin": web.url.rstrip("/")}
            route.fulfill(status=401, body="no", headers=cors)
        else:
            route.continue_()

    page.route(f"{web.surrealdb}/rpc", answered)
    go_to_the_hosted_ui(page, web)
    log_in(page, web)

    expect(page.get_by_role("status")).to_have_text(message)
    assert asked.count("POST") == 2
    complaints[:] = [each for each in complaints if "Failed to load resource" not in each]


def test_what_surrealdb_does_not_take_is_told_and_the_form_stays(page: Page, web: LocalWeb) -> None:
    sign_in(page, web)
    page.get_by_label("Display name").evaluate("field => field.removeAttribute('maxlength')")
    page.get_by_label("Display name").fill("x" * 81)

    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status")).to_have_text("SurrealDB did not take this.")
    expect(page.get_by_label("Display name")).to_have_value("x" * 81)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "SurrealDB cannot be reached."),
        ((401, "no"), "SurrealDB did not take your token."),
        ((502, "<html>"), "SurrealDB did not take this."),
        ((200, '{"id": 1, "error": {"code": -32000}}'), "SurrealDB did not take this."),
        ((200, '{"result": [{"status": "OK", "result": []}]}'), "SurrealDB has no record of you."),
    ],
)
def test_a_database_that_fails_leaves_nobody_signed_in(
    page: Page, web: LocalWeb, complaints: Complaints, answer: Any, message: str
) -> None:
    def answered(route: Route) -> None:
        cors = {"Access-Control-Allow-Origin": web.url.rstrip("/")}
        if answer is None:
            route.abort()
        else:
            route.fulfill(status=answer[0], body=answer[1], headers=cors)

    page.route(f"{web.surrealdb}/rpc", answered)
    go_to_the_hosted_ui(page, web)
    log_in(page, web)

    is_signed_out(page, message)
    complaints[:] = [each for each in complaints if "Failed to load resource" not in each]


def test_a_session_that_has_ended_is_told_and_its_record_goes(page: Page, web: LocalWeb) -> None:
    page.clock.install()
    sign_in(page, web)

    page.clock.fast_forward("59:00")
    expect(page.get_by_role("heading", name="Your record")).to_be_visible()
    page.clock.fast_forward("00:31")

    is_signed_out(page, ENDED)


def test_what_is_saved_after_the_end_goes_nowhere(page: Page, web: LocalWeb) -> None:
    sign_in(page, web)
    asked: list[str] = []
    page.on("request", lambda each: asked.append(each.url))
    page.evaluate("Date.now = () => 1e15")

    page.get_by_role("button", name="Save").click()

    is_signed_out(page, ENDED)
    assert asked == []


def test_the_policy_lets_no_script_run_that_is_not_a_file_of_its_own(
    page: Page, web: LocalWeb, complaints: Complaints
) -> None:
    page.goto(web.url)

    ran = page.evaluate(
        """() => { try { document.body.innerHTML = "<img src=x onerror=ran()>"; return "set"; }
        catch (error) { return error.name; } }"""
    )

    assert ran == "TypeError"
    assert any("TrustedHTML" in each for each in complaints)
    complaints.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 900)])
def test_it_fits_phone_and_desk_in_light_and_dark(
    page: Page, web: LocalWeb, scheme: Any, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    sign_in(page, web)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    save = page.get_by_role("button", name="Save").bounding_box()
    assert save is not None
    assert save["height"] >= 44
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(243, 244, 246)", "dark": "rgb(20, 23, 28)"}[scheme]
