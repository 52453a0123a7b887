"""The playground's page in a browser: as one types, by keyboard, from a link, and driven by nobody else."""

import base64
import json
import re
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from cognito_claims.testing import recorded
from tests.browser.conftest import Complaints
from tests.test_playground import playground

CURRENT = '#results[data-freshness="current"]'
OLD = '#results[data-freshness="old"]'
ISSUED = "Tokens are issued: ID token (6 added), access token (unchanged). Verdicts: surrealdb accepts, hasura accepts."
LONG = "a" * 1500


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with playground({}) as address:
        yield address


def without_token(address: str) -> str:
    return address.partition("?")[0]


@pytest.fixture
def opened(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_selector(CURRENT)
    return page


def edit(page: Page, field: str, old: str, new: str) -> None:
    box = page.get_by_label(field, exact=True)
    text = box.input_value()
    assert old in text
    box.fill(text.replace(old, new, 1))


def test_the_page_begins_with_a_recorded_event_and_what_comes_of_it(opened: Page) -> None:
    expect(opened.get_by_label("Recorded event")).to_have_value("pretoken_v2_Authentication")
    expect(opened.locator("#outcome")).to_have_text(ISSUED)
    expect(opened.locator("#findings")).to_have_text("None.")
    rows = opened.get_by_role("table", name="Changes to the ID token").get_by_role("row")
    assert rows.nth(1).all_inner_texts() == ["ac added\t—\tuser"]
    assert json.loads(opened.locator("#response").inner_text()).keys() == {
        "claimsAndScopeOverrideDetails"
    }


def test_an_edit_of_the_event_changes_the_verdict_as_one_types(opened: Page) -> None:
    edit(opened, "Event", "Jane", "Joan")
    edit(opened, "Event", '"email_verified": "true"', '"email_verified": "false"')

    expect(opened.locator("#outcome")).to_contain_text("surrealdb refuses, hasura accepts")
    expect(opened.get_by_label("Recorded event")).to_have_value("")
    expect(opened.locator("#findings li")).to_contain_text(
        "error surrealdb: SurrealDB: the user has an email that is not verified"
    )
    expect(opened.locator("#findings code")).to_have_text("surrealdb-refused")
    expect(opened.locator("#verdicts")).to_contain_text("surrealdb refused (ID token)")


def test_an_edit_of_the_settings_changes_the_tokens(opened: Page) -> None:
    edit(opened, "Settings", "COGNITO", "HASURA_TOKENS=id,access\nCOGNITO")

    expect(opened.locator("#outcome")).to_contain_text("access token (1 added)")
    changes = opened.get_by_role("table", name="Changes to the access token")
    expect(changes).to_contain_text("https://hasura.io/jwt/claims added")


def test_a_token_that_is_too_large_says_so_in_its_gauge(opened: Page) -> None:
    gauge = opened.get_by_role("meter", name="Size of the ID token")
    before = gauge.get_attribute("aria-valuenow")
    edit(opened, "Event", '"acme"', f'"{LONG * 3}"')

    expect(gauge).to_have_attribute("aria-valuenow", "7877")
    expect(gauge).to_have_attribute("aria-valuemax", "8160")
    told = "7,877 bytes signed, more than one cookie takes"
    marks = "one cookie takes 4,096, many headers take 8,160"
    expect(gauge).to_have_attribute("aria-valuetext", f"{told}; {marks}")
    expect(opened.locator("#id-token .bytes")).to_have_text(told)
    assert before == "1882"


def test_a_machine_has_no_id_token(opened: Page) -> None:
    opened.get_by_label("Recorded event").select_option("pretoken_v3_ClientCredentials")

    expect(opened.locator("#id-token .no-token")).to_have_text("None with client credentials.")
    expect(opened.get_by_role("meter")).to_have_count(1)
    event = json.loads(opened.get_by_label("Event", exact=True).input_value())
    assert event == recorded("pretoken_v3_ClientCredentials")


def test_a_refused_sign_in_has_no_tokens(opened: Page) -> None:
    opened.get_by_label("Recorded event").select_option("pretoken_v1_Authentication")
    edit(opened, "Settings", "COGNITO", "HASURA_TOKENS=access\nCOGNITO")

    expect(opened.locator("#outcome")).to_have_text("The sign-in is refused: no tokens.")
    expect(opened.locator("#findings code")).to_have_text("unsupported-claim")
    expect(opened.get_by_role("meter")).to_have_count(0)
    expect(opened.get_by_role("table")).to_have_count(0)


def test_broken_json_is_one_message_beside_it_and_the_last_result_stays_as_an_old_one(
    opened: Page,
) -> None:
    edit(opened, "Event", '"email_verified": "true",', '"email_verified": "true"')

    problem = opened.locator("#event-problem")
    expect(problem).to_have_text("not JSON at line 16, column 7: Expecting ',' delimiter")
    assert opened.locator(".problem").filter(has_text=re.compile(".")).count() == 1
    assert problem.get_attribute("aria-live") == "polite"
    expect(opened.locator("#freshness")).to_have_text("of the last input that could be used")
    expect(opened.locator("#outcome")).to_have_text(ISSUED)
    expect(opened.get_by_label("Event", exact=True)).to_have_attribute("aria-invalid", "true")
    edit(opened, "Event", '"email_verified": "true"', '"email_verified": "true",')
    opened.wait_for_selector(CURRENT)
    expect(problem).to_have_text("")


def test_wrong_settings_are_told_beside_them_line_by_line(opened: Page) -> None:
    edit(opened, "Settings", "surrealdb,hasura", "surrealdb,hasurra")
    edit(opened, "Settings", "SURREALDB_DATABASE=test\n", "SURREALDB_DATABSE=test\n")

    expect(opened.locator("#settings-problem")).to_have_text(
        "COGNITO_CLAIMS_PLUGINS: entry 2: not built in; did you mean hasura?"
    )
    edit(opened, "Settings", "hasurra", "hasura")
    expect(opened.locator("#settings-problem")).to_have_text(
        "SURREALDB_DATABSE: unknown setting; did you mean SURREALDB_DATABASE?\n"
        "SURREALDB_DATABASE: required"
    )
    opened.wait_for_selector(OLD)


def test_an_answer_that_comes_late_is_never_shown(page: Page, address: str) -> None:
    page.add_init_script("""
        const real = window.fetch;
        let count = 0;
        window.fetch = async (what, options = {}) => {
          const late = what === "answer" && ++count === 2;  // the first edit's, however stale
          const response = await real(what, { ...options, signal: undefined });
          if (late) await new Promise((resolve) => setTimeout(resolve, 600));
          return response;
        };
        setInterval(() => { document.title = `asked ${count}`; }, 20);
    """)
    page.goto(address)
    page.wait_for_selector(CURRENT)
    edit(page, "Settings", "SURREALDB_NAMESPACE=test", "SURREALDB_NAMESPACE=late")
    expect(page).to_have_title("asked 2")
    assert page.locator("#freshness").inner_text() == "checking…"

    edit(page, "Settings", "SURREALDB_NAMESPACE=late", "SURREALDB_NAMESPACE=newest")

    page.wait_for_selector(CURRENT)
    expect(page.locator("#response")).to_contain_text('"ns": "newest"')
    page.wait_for_timeout(800)
    expect(page.locator("#response")).to_contain_text('"ns": "newest"')


def test_everything_is_done_by_keyboard_alone(opened: Page) -> None:
    keyboard = opened.keyboard
    keyboard.press("Tab")
    assert _focused(opened) == "recorded"
    keyboard.type("pretoken_v2_odd_unv")
    expect(opened.locator("#outcome")).to_contain_text("surrealdb refuses")
    keyboard.press("Tab")
    assert _focused(opened) == "event"
    keyboard.press("Tab")  # which no text area keeps to itself
    assert _focused(opened) == "settings"
    keyboard.press("Control+Home")
    keyboard.type("HASURA_DEFAULT_ROLE=reader\n")
    expect(opened.locator("#verdicts")).to_contain_text("reader")
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Enter")
    expect(opened.get_by_label("Test", exact=True)).to_have_value(re.compile("reader"))
    for focused in ("test", "copy-test", "save-test", "SUMMARY"):
        keyboard.press("Tab")
        assert _focused(opened) == focused
    keyboard.press("Enter")
    expect(opened.get_by_role("table", name="Unchanged claims of the ID token")).to_be_visible()


def _focused(page: Page) -> Any:
    """Name what has the focus; it must show."""
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "2px"
    return page.evaluate("document.activeElement.id || document.activeElement.tagName")


def _link(page: Page) -> str:
    page.get_by_role("button", name="Copy a link").click()
    return page.get_by_label("Link", exact=True).input_value()


def _state(link: str) -> Any:
    encoded = urlsplit(link).fragment.removeprefix("state=")
    return json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def test_a_link_brings_the_state_back_without_its_secrets(opened: Page) -> None:
    fauna = "FAUNA_ENDPOINT=https://db.example.com\nFAUNA_SECRET=planted\nFAUNA_SUPPRESS=none\nMY_KEY=planted"
    edit(opened, "Settings", "surrealdb,hasura", f"surrealdb,hasura,fauna\n{fauna}")
    opened.wait_for_selector(CURRENT)
    outcome = opened.locator("#outcome").inner_text()

    link = _link(opened)

    assert _state(link)["event"] == "pretoken_v2_Authentication"
    assert "planted" not in json.dumps(_state(link))
    expect(opened.locator("#link-note")).to_have_text(
        "Secrets are not in the link: FAUNA_SECRET. Left out, being no known setting: MY_KEY."
    )
    opened.goto("about:blank")
    opened.goto(link)
    opened.wait_for_selector(CURRENT)
    expect(opened.locator("#outcome")).to_have_text(outcome)
    expect(opened.get_by_label("Settings")).to_have_value(re.compile("\nFAUNA_SECRET=left-out\n"))


def test_a_page_without_the_token_says_what_to_open(
    page: Page, complaints: Complaints, address: str
) -> None:
    page.goto(without_token(address))

    expect(page.locator("body")).to_contain_text("Open the whole address that the command printed")
    assert "token=" not in page.content()
    complaints.clear()


def test_a_link_to_an_event_of_ones_own_holds_it_and_says_so(opened: Page) -> None:
    edit(opened, "Event", "Jane", "Zoë 🦊")
    opened.wait_for_selector(CURRENT)

    link = _link(opened)

    attributes = json.loads(_state(link)["event"])["request"]["userAttributes"]
    assert attributes["given_name"] == "Zoë 🦊"
    note = "The link holds the whole event, its user's attributes included."
    expect(opened.locator("#link-note")).to_have_text(note)
    edit(opened, "Event", "Zoë", "Zoe")
    expect(opened.locator("#link-made")).to_be_hidden()  # it would be of what was
    opened.evaluate("link => { location.href = link; }", link)  # in the same tab
    expect(opened.get_by_label("Event", exact=True)).to_have_value(re.compile("Zoë 🦊"))
    opened.wait_for_selector(CURRENT)


def test_there_is_no_link_and_no_test_of_what_cannot_be_used(opened: Page) -> None:
    edit(opened, "Event", "{", "")
    opened.wait_for_selector(OLD)
    status = opened.locator("#hand-on-status")

    opened.get_by_role("button", name="Copy a link").click()
    expect(status).to_have_text("No link: mend the input first.")
    opened.get_by_role("button", name="Make a pytest test").click()
    expect(status).to_have_text("No test: mend the input first.")
    expect(opened.get_by_label("Link", exact=True)).to_be_hidden()
    expect(opened.get_by_label("Test", exact=True)).to_be_hidden()


def test_a_link_runs_no_code(page: Page, tmp_path: Path) -> None:
    (tmp_path / "acme_evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    settings = "COGNITO_CLAIMS_PLUGINS=x=acme_evil:plugin"
    state = {"event": "pretoken_v2_Authentication", "settings": settings}
    encoded = base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")

    with playground({"PYTHONPATH": str(tmp_path)}) as address:
        page.goto(f"{address}#state={encoded}")
        expect(page.locator("#settings-problem")).to_contain_text("entry 1: not built in")
        page.goto("about:blank")

    assert not (tmp_path / "ran").exists()


OWN = """
from pathlib import Path
from cognito_claims import Claims
def plugin(environ):
    def own(event):
        Path(__file__).with_name("ran").touch()
        return Claims.adding({"own": "claim"})
    return own
"""


def test_with_a_plugin_of_ones_own_a_link_runs_after_a_click_and_not_before(
    page: Page, tmp_path: Path
) -> None:
    (tmp_path / "acme_own.py").write_text(OWN)
    settings = "COGNITO_CLAIMS_PLUGINS=own=acme_own:plugin"
    state = {"event": "pretoken_v2_Authentication", "settings": settings}
    encoded = base64.urlsafe_b64encode(json.dumps(state).encode()).decode().rstrip("=")
    environ = {"PYTHONPATH": str(tmp_path), "COGNITO_CLAIMS_PLUGINS": "own=acme_own:plugin"}

    with playground(environ) as address:
        page.goto(f"{address}#state={encoded}")
        page.wait_for_selector('#results[data-freshness="waiting"]')
        edit(page, "Event", "Jane", "Joan")  # what has been typed into a link's state is its too
        page.get_by_role("button", name="Make a pytest test").click()
        expect(page.locator("#hand-on-status")).to_have_text("No test: run it first.")
        page.wait_for_timeout(500)
        assert not (tmp_path / "ran").exists()

        page.get_by_role("button", name="Run it").click()
        expect(page.locator("#outcome")).to_contain_text("ID token (1 added)")
        expect(page.get_by_role("button", name="Run it")).to_be_hidden()
        page.goto("about:blank")

    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "fragment",
    ["e30", "!", "4pyT", "bnVsbA", "eyJldmVudCI6MX0", "eyJldmVudCI6Iv8iLCJzZXR0aW5ncyI6IiJ9"],
)
def test_a_link_that_is_broken_says_so_until_one_types(
    page: Page, address: str, fragment: str
) -> None:
    page.goto(f"{address}#state={fragment}")
    page.wait_for_selector(CURRENT)

    told = "This link is broken, or cut short: here is the page without it."
    expect(page.locator("#link-problem")).to_have_text(told)
    edit(page, "Settings", "test", "rest")
    expect(page.locator("#link-problem")).to_have_text("")
    assert page.url == without_token(address)


def test_a_test_is_shown_and_saved(opened: Page) -> None:
    opened.get_by_role("button", name="Make a pytest test").click()
    expect(opened.get_by_label("Test", exact=True)).to_be_visible()
    text = opened.get_by_label("Test", exact=True).input_value()

    with opened.expect_download() as download:
        opened.get_by_role("link", name="Save as test_claims.py").click()

    assert download.value.suggested_filename == "test_claims.py"
    assert download.value.path().read_text() == text
    assert "def test_this_event_has_this_response():" in text


def test_what_a_user_writes_is_text_and_never_the_page(opened: Page) -> None:
    hostile = "<img src=x onerror=alert(1)><b id=planted>"
    edit(opened, "Event", '"acme"', json.dumps(hostile))
    edit(opened, "Event", '"editors"', f'"editors", {json.dumps(hostile)}')
    opened.wait_for_selector(CURRENT)
    opened.locator("#id-token summary").click()

    row = opened.get_by_role("row", name=re.compile("custom:tenant_id"))
    expect(row).to_contain_text(hostile)
    expect(opened.locator("#planted")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 800, 1280])
def test_nothing_scrolls_sideways(opened: Page, scheme: Any, width: int) -> None:
    opened.set_viewport_size({"width": width, "height": 844})
    opened.emulate_media(color_scheme=scheme)
    edit(opened, "Event", '"acme"', f'"{LONG}"')
    edit(opened, "Settings", "cognito:groups", f"cognito:groups,x-hasura-{LONG}=custom:tenant_id")
    opened.wait_for_selector(CURRENT)
    _link(opened)
    opened.locator("#id-token summary").click()

    assert opened.evaluate("document.documentElement.scrollWidth") == width
    ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(15, 19, 23)"}[scheme]


def test_every_control_has_a_name_every_table_a_caption_and_headings_are_in_order(
    opened: Page,
) -> None:
    opened.get_by_role("button", name="Make a pytest test").click()
    _link(opened)
    for summary in opened.locator("summary").all():
        summary.click()

    unnamed = (
        "[...document.querySelectorAll('textarea, input, select')].filter(c => !c.labels.length)"
    )
    assert opened.evaluate(f"{unnamed}.length") == 0
    tables = opened.evaluate(
        "[...document.querySelectorAll('table')].map(t => t.caption.textContent)"
    )
    assert len(tables) == len({*tables}) == 5
    assert opened.evaluate("[...document.querySelectorAll('th')].every(th => th.scope)") is True
    levels = opened.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1])")
    assert levels == [1, 2, 2, 2, 3, 3, 3, 3, 3]


def test_those_who_want_no_motion_get_none(opened: Page) -> None:
    duration = "getComputedStyle(document.querySelector('.fill')).transitionDuration"
    assert opened.evaluate(duration) == "0.12s"

    opened.emulate_media(reduced_motion="reduce")

    assert opened.evaluate(duration) == "0s"


def test_a_playground_that_has_ended_is_told(page: Page, complaints: Complaints) -> None:
    with playground({}) as address:
        page.goto(address)
        page.wait_for_selector(CURRENT)
    edit(page, "Settings", "test", "rest")

    told = "The playground does not answer. Is the command still running?"
    expect(page.locator("#page-problem")).to_have_text(told)
    page.wait_for_selector(OLD)
    assert {*complaints} == {"Failed to load resource: net::ERR_CONNECTION_REFUSED"}
    complaints.clear()


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Serve an empty page on another port, as another program on this machine would."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


ATTEMPT = """async ([address, type, mode]) => {
  const headers = type ? { "Content-Type": type } : {};
  const body = JSON.stringify({ event: "pretoken_v2_Authentication", settings: "" });
  try {
    const response = await fetch(address + "answer", { method: "POST", mode, headers, body });
    return `answered, ${response.type}`;
  } catch (error) {
    return error.name;
  }
}"""


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("application/json", "cors"), ("text/plain", "cors"), ("text/plain", "no-cors")],
)
def test_a_foreign_page_cannot_drive_it(
    page: Page, complaints: Complaints, address: str, elsewhere: str, kind: str, mode: str
) -> None:
    page.goto(address)  # the browser has the cookie
    page.wait_for_selector(CURRENT)
    address = without_token(address)
    answered: list[int] = []
    page.on("response", lambda r: answered.append(r.status) if r.url.startswith(address) else None)
    page.goto(elsewhere)

    assert page.evaluate(ATTEMPT, [address, kind, mode]) == "TypeError"
    assert 200 not in answered
    complaints.clear()


def test_a_foreign_page_cannot_show_it_in_a_frame(
    page: Page, complaints: Complaints, address: str, elsewhere: str
) -> None:
    page.goto(elsewhere)

    page.evaluate(
        "address => { const f = document.createElement('iframe'); f.src = address; document.body.append(f); }",
        address,
    )

    page.wait_for_timeout(500)
    assert page.frames[1].url == "chrome-error://chromewebdata/"
    assert "frame-ancestors 'none'" in complaints[0]
    complaints.clear()


def test_a_name_bound_anew_to_this_machine_is_refused(address: str) -> None:
    port = urlsplit(address).port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=10) as connection:
        connection.sendall(f"GET /beginning HTTP/1.1\r\nHost: evil.example:{port}\r\n\r\n".encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 403 ")
