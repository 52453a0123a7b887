"""The command, as a user runs it: arguments in, text, JSON and an exit code out."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest
from rich.console import Console

from cognito_claims.__main__ import main
from cognito_claims.cli.commands.attach import print_change
from cognito_claims.testing import a_machine_event, a_user_event, recorded, recorded_names, to_json
from cognito_claims.tools.attach.change import Change
from cognito_claims.tools.evaluation.sampled import Traced
from cognito_claims.tools.json_diff import Difference
from tests.surrealdb_engines import accepted_by_3x

SURREALDB = {
    "SURREALDB_NAMESPACE": "test",
    "SURREALDB_DATABASE": "test",
    "SURREALDB_ACCESS": "user",
    "SURREALDB_TOKEN": "cognito",
    "SURREALDB_SCOPE": "user",
}
BOTH = {"COGNITO_CLAIMS_PLUGINS": "surrealdb,hasura", **SURREALDB}
HASURA = {"COGNITO_CLAIMS_PLUGINS": "hasura"}
FAUNA = {
    "COGNITO_CLAIMS_PLUGINS": "fauna",
    "FAUNA_ENDPOINT": "http://127.0.0.1:1",  # nobody listens there: nothing may ask
    "FAUNA_SECRET": "ssm:/fauna/key",
}
BESIDE = {**SURREALDB, **FAUNA, "COGNITO_CLAIMS_PLUGINS": "surrealdb,fauna"}
PLUGINS = """
from cognito_claims import Claims, TokenClaims, TokenDenied

def _factory(answer):
    return lambda environ: lambda event: answer(event)

def _raise(error):
    raise error

tenant = _factory(lambda event: Claims.adding({"tenant": "acme"}))
other_tenant = _factory(lambda event: Claims.adding({"tenant": "acme"}))
mute = _factory(lambda event: Claims(id_token=TokenClaims(suppress={"email"} if event.user else set())))
phone = _factory(lambda event: Claims(id_token=TokenClaims(suppress={"phone_number"})))
name = _factory(lambda event: Claims.adding({"given_name": "J."}))
root = _factory(lambda event: Claims.adding({"sub": "root"}))
broken = _factory(lambda event: _raise(RuntimeError("planted")))
closed = _factory(lambda event: _raise(TokenDenied("We are closed.")))
tier = _factory(lambda event: Claims.adding({"tier": event.user.attributes.get("custom:tier")}
                                            if event.user else {}))
decided = _factory(lambda event: Claims.adding({"vip": event.user.attributes.get("custom:vip") == "1"}
                                               if event.user else {}, to={"access"}))
big = _factory(lambda event: Claims.adding({"big": "x" * 3000, "bigger": "x" * 2500}))
huge = _factory(lambda event: Claims.adding({"huge": "x" * 7000}))
large = _factory(lambda event: Claims.adding({"large": "x" * 2500}))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "acme_plugins.py").write_text(PLUGINS)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("acme_plugins", None)


def test_preview_prints_the_pinned_shape(folder: Path) -> None:
    result = _json(folder, "pretoken_v2_Authentication", BOTH)

    assert list(result) == ["response", "id_token", "access_token", "findings", "verdicts"]
    assert list(result["id_token"]) == ["before", "after", "bytes"]
    assert result["findings"] == []
    assert result["response"] == {
        "claimsAndScopeOverrideDetails": {
            "idTokenGeneration": {
                "claimsToAddOrOverride": {
                    "ns": "test",
                    "db": "test",
                    "ac": "user",
                    "tk": "cognito",
                    "sc": "user",
                    "https://hasura.io/jwt/claims": (
                        '{"x-hasura-allowed-roles":["user"],"x-hasura-default-role":"user",'
                        '"x-hasura-user-id":"a1b2c3d4-5678-90ab-cdef-111122223333"}'
                    ),
                }
            }
        }
    }


def test_preview_shows_both_tokens_before_and_after(folder: Path) -> None:
    result = _json(folder, "pretoken_v2_Authentication", BOTH)

    before, after = result["id_token"]["before"], result["id_token"]["after"]
    added = set(after) - set(before)
    assert added == {"ns", "db", "ac", "tk", "sc", "https://hasura.io/jwt/claims"}
    assert {claim: after[claim] for claim in before} == before
    assert result["access_token"]["before"] == result["access_token"]["after"]


def test_preview_asks_a_real_surrealdb_and_hasuras_rules(folder: Path) -> None:
    verdicts = _json(folder, "pretoken_v2_Authentication", BOTH)["verdicts"]

    foreign = [verdict.pop("foreign_client")["accepted"] for verdict in verdicts.values()]
    assert foreign == [False, False]
    assert verdicts == {
        "surrealdb": {
            "token": "id",
            "accepted": True,
            "versions": {
                "1.x": {"accepted": True, "source": "claims table", "scope": "user"},
                "2.x": {
                    "accepted": True,
                    "source": "embedded engine",
                    "engine": "2.3.10",
                    "auth": "user:⟨a1b2c3d4-5678-90ab-cdef-111122223333⟩",
                    "access": "user",
                },
                "3.x": accepted_by_3x("a1b2c3d4-5678-90ab-cdef-111122223333"),
            },
        },
        "hasura": {
            "token": "id",
            "engine": "v2",
            "accepted": True,
            "session": {
                "x-hasura-role": "user",
                "x-hasura-user-id": "a1b2c3d4-5678-90ab-cdef-111122223333",
            },
        },
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("pretoken_v2_odd_unverified_email", "email-not-verified"),
        ("pretoken_v2_odd_no_email", "missing-email"),
    ],
)
def test_a_user_whom_surrealdb_would_refuse_is_an_error(folder: Path, name: str, code: str) -> None:
    result = _json(folder, name, BOTH, exit_code=1)

    assert result["verdicts"]["surrealdb"]["code"] == code
    assert [(f["code"], f["level"]) for f in result["findings"]] == [("surrealdb-refused", "error")]


def test_a_machine_token_has_no_id_token_and_no_verdict_in_its_favour(folder: Path) -> None:
    result = _json(folder, "pretoken_v3_ClientCredentials", BOTH)

    assert result["id_token"] is None
    assert result["access_token"]["after"]["client_id"] == "7m2mexample0123456789abcde"
    assert {name: verdict["code"] for name, verdict in result["verdicts"].items()} == {
        "surrealdb": "no-user",
        "hasura": "no-user",
    }


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({**HASURA, "HASURA_TOKENS": "id,access"}, "unsupported-claim"),
        ({**HASURA, "HASURA_CLAIMS_FORMAT": "json"}, "unsupported-claim"),
        (
            {"COGNITO_CLAIMS_PLUGINS": "a=acme_plugins:tenant,b=acme_plugins:other_tenant"},
            "claim-conflict",
        ),
        (
            {"COGNITO_CLAIMS_PLUGINS": "surrealdb,mute=acme_plugins:mute", **SURREALDB},
            "claim-conflict",
        ),
        ({"COGNITO_CLAIMS_PLUGINS": "root=acme_plugins:root"}, "protected-claim"),
        ({"COGNITO_CLAIMS_PLUGINS": "closed=acme_plugins:closed"}, "denied"),
        ({"COGNITO_CLAIMS_PLUGINS": "broken=acme_plugins:broken"}, "plugin-failed"),
    ],
)
def test_a_refused_sign_in_is_a_finding_and_no_tokens(
    folder: Path, environ: dict[str, str], code: str
) -> None:
    result = _json(folder, "pretoken_v1_Authentication", environ, exit_code=1)

    assert [(finding["code"], finding["level"]) for finding in result["findings"]] == [
        (code, "error")
    ]
    assert (result["response"], result["id_token"], result["access_token"]) == (None, None, None)
    assert "planted" not in json.dumps(result)


@pytest.mark.parametrize("command", [("check",), ("preview", "pretoken_v2_Authentication")])
@pytest.mark.parametrize(
    "source", ["raise RuntimeError('planted')", "import sys; sys.exit(0)", "planted !"]
)
def test_a_plugin_that_cannot_be_made_is_one_line_by_class_and_place(
    folder: Path, command: tuple[str, ...], source: str
) -> None:
    (folder / "acme_broken.py").write_text(source)

    run = _run(*command, environ={"COGNITO_CLAIMS_PLUGINS": "x=acme_broken:f"}, exit_code=2)

    assert run.stderr.startswith("cognito-claims: plugin x: ")
    assert "acme_broken.py" in run.stderr
    assert (run.stdout, run.stderr.count("\n"), "planted" in run.stderr) == ("", 1, False)


def test_check_takes_a_refusal_on_purpose_for_no_fault() -> None:
    assert _check({"COGNITO_CLAIMS_PLUGINS": "closed=acme_plugins:closed"}) == [
        ("denied", "warning", "refuses a sample user: closed: We are closed.")
    ]


def test_what_an_optional_plugin_leaves_out_is_a_warning(folder: Path) -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "hasura,broken=acme_plugins:broken"}

    result = _json(folder, "pretoken_v2_Authentication", {**environ, "BROKEN_ON_ERROR": "omit"})

    assert [(f["code"], f["level"]) for f in result["findings"]] == [("plugin-failed", "warning")]
    assert result["verdicts"]["hasura"]["accepted"] is True


@pytest.mark.parametrize(
    ("plugin", "code"),
    [
        ("large", "token-over-cookie"),
        ("big", "token-over-header"),
        ("huge", "token-over-api-gateway"),
    ],
)
def test_a_large_token_is_a_warning(folder: Path, plugin: str, code: str) -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": f"p=acme_plugins:{plugin}"}

    result = _json(folder, "pretoken_v2_Authentication", environ)

    assert [(f["code"], f["level"]) for f in result["findings"]] == [(code, "warning")]
    assert f"ID token: {result['id_token']['bytes']} bytes" in result["findings"][0]["message"]


def test_verdicts_are_on_the_tokens_that_are_configured(folder: Path) -> None:
    environ = {**BOTH, "HASURA_TOKENS": "access", "SURREALDB_TOKENS": "access"}

    verdicts = _json(folder, "pretoken_v2_Authentication", environ)["verdicts"]

    assert {name: (v["token"], v["accepted"]) for name, v in verdicts.items()} == {
        "surrealdb": ("access", True),
        "hasura": ("access", True),
    }


def test_preview_mints_nothing_and_says_so(folder: Path) -> None:
    shown = _json(folder, "pretoken_v1_Authentication", FAUNA)

    claims = shown["id_token"]["after"]
    assert claims["fauna_token_secret"] == "fnE" + "x" * 48
    assert "email" not in claims
    assert shown["findings"] == [
        {
            "code": "sample",
            "level": "warning",
            "message": "fauna: its values here are made up; a sign-in asks its backend for them",
        }
    ]


def test_preview_refuses_whom_fauna_would_refuse(folder: Path) -> None:
    environ = {**FAUNA, "FAUNA_IDENTITY": "email"}
    shown = _json(folder, "pretoken_v2_odd_unverified_email", environ, exit_code=1)

    assert [finding["message"] for finding in shown["findings"]] == [
        "fauna: FAUNA_IDENTITY: the user's email is not verified: email_verified is not true: "
        "This account has no verified email address, which the sign-in needs."
    ]


@pytest.mark.parametrize(
    ("attributes", "code", "told"),
    [
        (
            {"email_verified": "true"},
            "missing-email",
            "no attribute email; give them a verified one",
        ),
        (
            {"email": "jane.doe@example.com", "email_verified": "false"},
            "email-not-verified",
            "an email that is not verified (email_verified); let them verify it",
        ),
    ],
)
def test_a_verdict_tells_a_missing_email_from_one_that_is_not_verified(
    folder: Path, attributes: dict[str, str], code: str, told: str
) -> None:
    path = folder / "event.json"
    path.write_text(json.dumps(to_json(a_user_event(email=None, attributes=attributes))))

    verdict = _json(
        folder, str(path), {**SURREALDB, "COGNITO_CLAIMS_PLUGINS": "surrealdb"}, exit_code=1
    )["verdicts"]["surrealdb"]

    assert (verdict["code"], verdict["message"]) == (
        code,
        f"SurrealDB: the user has {told}, or set SURREALDB_TOKENS=access, whose script needs no email",
    )


def test_a_plugin_of_ones_own_has_no_verdict(folder: Path) -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "t=acme_plugins:tenant"}

    assert _json(folder, "pretoken_v2_Authentication", environ)["verdicts"] == {}


def test_an_event_is_read_from_a_file(folder: Path) -> None:
    path = folder / "event.json"
    path.write_text(json.dumps(to_json(a_user_event(sub="from-a-file"))))

    result = _json(folder, str(path), HASURA)

    assert result["id_token"]["after"]["sub"] == "from-a-file"


def test_a_file_comes_before_the_recorded_event_of_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    Path("pretoken_v2_Authentication").write_text(json.dumps(to_json(a_user_event(sub="mine"))))

    result = _json(folder, "pretoken_v2_Authentication", HASURA)

    assert result["id_token"]["after"]["sub"] == "mine"


def test_without_an_env_file_the_environment_counts() -> None:
    run = _run("preview", "pretoken_v2_Authentication", "--format", "json", environ=HASURA)

    assert "hasura" in json.loads(run.stdout)["verdicts"]


def test_the_text_marks_what_is_added_changed_and_suppressed() -> None:
    plugins = "name=acme_plugins:name,phone=acme_plugins:phone,t=acme_plugins:tenant"

    text = _run(
        "preview",
        "pretoken_v2_Authentication",
        environ={"COGNITO_CLAIMS_PLUGINS": plugins, "COLUMNS": "120"},
    ).stdout

    assert re.search(r"added +tenant +acme", text)
    assert re.search(r"changed +given_name +Jane +J\.", text)
    assert re.search(r"suppressed +phone_number +\+12065551212", text)
    assert re.search(r" {5}email +jane\.doe@example\.com +the same", text)


def test_the_text_lets_no_attribute_steer_the_terminal(folder: Path) -> None:
    path = folder / "event.json"
    path.write_text(json.dumps(to_json(a_user_event(attributes={"name": "\x1b[31mred"}))))

    text = _run("preview", str(path), environ={**HASURA, "COLUMNS": "120"}).stdout

    assert "\x1b" not in text
    assert "\\x1b[31mred" in text


def test_json_lets_no_attribute_steer_the_terminal_and_says_the_same(folder: Path) -> None:
    event = recorded("pretoken_v2_Authentication")
    name = "Zoë \x1b[2J \x9b \x7f \u202e \u2028 🦊 \U000e0041 \n"
    event["request"]["userAttributes"]["given_name"] = name
    (folder / "event.json").write_text(json.dumps(event))

    text = _run("preview", str(folder / "event.json"), "--format", "json", environ=HASURA).stdout

    assert json.loads(text)["id_token"]["after"]["given_name"] == name
    assert all(c.isprintable() or c == "\n" for c in text)
    assert "Zoë \\u001b[2J \\u009b \\u007f \\u202e \\u2028 🦊 \\udb40\\udc41 \\n" in text


def test_an_error_lets_no_name_steer_the_terminal() -> None:
    ran = _run("check", "--env-file", "no\u202e\x1b[2J", environ={}, exit_code=2)

    assert ran.stderr == "cognito-claims: no\\u202e\\x1b[2J: No such file or directory\n"


def test_a_change_lets_no_setting_steer_the_terminal() -> None:
    bad = "a\u202e\x1b[2J"
    difference = Difference(bad, None, bad)
    out = io.StringIO()

    print_change(
        Change([difference], [difference], [bad], is_dry=True, remarks=(bad,)),
        Console(file=out, width=200),
    )

    shown, as_json = "a\\u202e\\x1b[2J", '"a\\u202e\\u001b[2J"'
    assert out.getvalue().splitlines() == [
        f"would change: {shown}: nothing -> {as_json}",
        f"would change: {shown}",
        shown,
        f"unexpected: {shown}: nothing -> {as_json}",
    ]


def test_the_text_draws_the_size_against_the_marks() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "l=acme_plugins:large", "COLUMNS": "120"}

    text = _run("preview", "pretoken_v2_Authentication", environ=environ).stdout

    gauge = r"^\[█{8}\|█{8}\|█+·+\|·{8}\] (\d+) bytes \(\| 2048, 4096, 8160; \] 10240\)$"
    (size,) = re.findall(gauge, text, re.M)
    assert 4096 < int(size) < 8160
    assert "warning: ID token" in text


def test_the_text_tells_the_verdicts() -> None:
    text = _run("preview", "pretoken_v2_Authentication", environ={**BOTH, "COLUMNS": "120"}).stdout

    assert "surrealdb: accepted" in text
    assert "1.x: yes, scope user (says the claims table)" in text
    assert "access user (says the embedded engine 2.3.10)" in text
    assert "x-hasura-role: user" in text


@pytest.mark.parametrize(
    ("name", "environ", "exit_code", "line"),
    [
        ("pretoken_v2_odd_no_email", BOTH, 1, "surrealdb: refused, "),
        ("pretoken_v3_ClientCredentials", BOTH, 0, "ID token: none for client credentials"),
        (
            "pretoken_v2_Authentication",
            {"COGNITO_CLAIMS_PLUGINS": "root=acme_plugins:root"},
            1,
            "The sign-in is refused: no tokens.",
        ),
    ],
)
def test_the_text_tells_what_went_wrong(
    name: str, environ: dict[str, str], exit_code: int, line: str
) -> None:
    run = _run("preview", name, environ={**environ, "COLUMNS": "120"}, exit_code=exit_code)

    assert line in run.stdout


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "event.json: No such file or directory"),
        ("{", "event.json: not JSON at line 1"),
        ("NaN", "event.json: not JSON"),
        (b"\xff\xfe", "event.json: not a text in UTF-8"),
        ("[" * 100_000, "event.json: not JSON"),
        ("[]", "not a pre token generation event: event: expected an object, got an array"),
        ("{}", "not a pre token generation event: triggerSource: expected a string, got nothing"),
    ],
)
def test_what_is_no_event_is_one_clear_line(
    folder: Path, content: str | bytes | None, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    if content is not None:
        Path("event.json").write_bytes(content if isinstance(content, bytes) else content.encode())

    run = _run("preview", "event.json", environ=HASURA, exit_code=2)

    assert (run.stdout, run.stderr) == ("", f"cognito-claims: {line}\n")


@pytest.mark.parametrize("name", recorded_names("post", "pre_", "preauth", "presignup"))
def test_an_event_of_another_trigger_is_one_clear_line(name: str) -> None:
    run = _run("preview", name, environ=HASURA, exit_code=2)

    assert run.stderr == (
        "cognito-claims: not a pre token generation event: "
        "triggerSource: expected TokenGeneration_*\n"
    )


def test_every_wrong_setting_has_its_line() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "surrealdb,hasurra", "SURREALDB_DATABSE": "test"}

    run = _run("preview", "pretoken_v2_Authentication", environ=environ, exit_code=2)

    assert run.stderr.splitlines() == [
        "cognito-claims: SURREALDB_DATABSE: unknown setting; did you mean SURREALDB_DATABASE?",
        "cognito-claims: SURREALDB_NAMESPACE: required",
        "cognito-claims: SURREALDB_DATABASE: required",
        "cognito-claims: SURREALDB_ACCESS: required, unless token and scope are set (SurrealDB 1.x)",
        "cognito-claims: COGNITO_CLAIMS_PLUGINS: entry 2: "
        "neither a known plugin nor name=import.path:factory; did you mean hasura?",
    ]


def test_an_env_file_with_wrong_lines_is_refused_line_by_line(folder: Path) -> None:
    path = folder / "wrong.env"
    path.write_text("A=1\nthis is no setting\nA=2\nB\n")

    run = _run("check", "--env-file", str(path), environ={}, exit_code=2)

    assert run.stderr.splitlines() == [
        f"cognito-claims: {path}: line 2: expected NAME=value",
        f"cognito-claims: {path}: line 3: A stands twice",
        f"cognito-claims: {path}: line 4: expected NAME=value",
    ]


def test_an_env_file_may_quote_comment_and_leave_empty(folder: Path) -> None:
    path = folder / "good.env"
    path.write_text("# ours\nCOGNITO_CLAIMS_PLUGINS='hasura'  # one\nHASURA_DEFAULT_ROLE=\n\n")

    run = _run("check", "--env-file", str(path), environ={"COGNITO_CLAIMS_PLUGINS": "nonsense"})

    assert run.stdout == "No findings: the settings fit together.\n"


def test_check_reports_every_wrong_setting() -> None:
    environ = {**HASURA, "HASURA_TOKENS": "refresh", "COGNITO_CLAIMS_DEADLINE_MS": "soon"}

    assert _check(environ, exit_code=1) == [
        ("settings", "error", "COGNITO_CLAIMS_DEADLINE_MS: expected a whole number"),
        ("settings", "error", "HASURA_TOKENS: expected one of id, access"),
    ]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"COGNITO_CLAIMS_PLUGINS": "none"}, []),
        (BOTH, []),
        (
            {"COGNITO_CLAIMS_PLUGINS": "surrealdb,mute=acme_plugins:mute", **SURREALDB},
            [
                (
                    "claim-conflict",
                    "error",
                    "email: suppressed in the id token, but a backend reads it"
                    " (plugins: mute, surrealdb)",
                )
            ],
        ),
        (
            {**HASURA, "HASURA_CLAIMS_FORMAT": "json"},
            [
                (
                    "unsupported-claim",
                    "warning",
                    "attach the trigger at V2_0 or later: https://hasura.io/jwt/claims: V1_0 carries"
                    " strings only, got dict; a value of another type needs V2_0 or later"
                    " (id token, V1_0, plugin: hasura)",
                )
            ],
        ),
        (
            {"COGNITO_CLAIMS_PLUGINS": "t=acme_plugins:tenant"},
            [
                (
                    "unsupported-claim",
                    "warning",
                    "client credentials would be refused: tenant:"
                    " client credentials have no ID token (id token, V3_0, plugin: t)",
                )
            ],
        ),
        (FAUNA, []),
        ({**BESIDE, "FAUNA_SUPPRESS": "none"}, []),
        (
            BESIDE,
            [
                (
                    "claim-conflict",
                    "error",
                    "email: suppressed in the id token, but a backend reads it"
                    " (plugins: fauna, surrealdb)",
                ),
                ("claim-conflict", "warning", "FAUNA_SUPPRESS=none would keep email"),
            ],
        ),
        (
            {**HASURA, "HASURA_SESSION_VARIABLES": "x-hasura-email=email"},
            [],
        ),
        (
            {**HASURA, "HASURA_ALLOWED_ROLES": "user,admin"},
            [
                (
                    "admin-for-everyone",
                    "warning",
                    "hasura: every user may take Hasura's role admin, which sees and changes everything",
                )
            ],
        ),
        (
            {**HASURA, "HASURA_SESSION_VARIABLES": "x-hasura-org-id=custom:org_id"},
            [
                (
                    "writable-attribute",
                    "warning",
                    "claim https://hasura.io/jwt/claims is taken from custom:org_id:"
                    " app clients may write it unless their WriteAttributes leave it out",
                )
            ],
        ),
        (
            {"COGNITO_CLAIMS_PLUGINS": "tier=acme_plugins:tier"},
            [
                (
                    "writable-attribute",
                    "warning",
                    "claim tier is taken from custom:tier:"
                    " app clients may write it unless their WriteAttributes leave it out",
                )
            ],
        ),
        (
            {"COGNITO_CLAIMS_PLUGINS": "broken=acme_plugins:broken", "BROKEN_ON_ERROR": "omit"},
            [("plugin-failed", "warning", "claims omitted: plugin broken: RuntimeError")],
        ),
    ],
)
def test_check_tries_the_composition_on_every_version(
    environ: dict[str, str], expected: list[tuple[str, str, str]]
) -> None:
    exit_code = int(any(level == "error" for _, level, _ in expected))

    found = [
        (c, lv, m.split(" at /")[0].split(" at <")[0])
        for c, lv, m in _check(environ, exit_code=exit_code)
    ]

    assert found == expected


def test_check_warns_of_a_claim_that_only_hangs_on_an_attribute() -> None:
    found = _check({"COGNITO_CLAIMS_PLUGINS": "vip=acme_plugins:decided"})

    assert (
        "writable-attribute",
        "warning",
        "claims depend on custom:vip: app clients may write it unless their WriteAttributes leave it out",
    ) in found


def test_check_prints_errors_first_and_for_people() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "root=acme_plugins:root", "COLUMNS": "120"}

    text = _run("check", environ=environ, exit_code=1).stdout

    assert text == (
        "error: sub: cannot be added or changed in the id token (plugin: root) [protected-claim]\n"
    )


def test_a_response_that_the_contract_refuses_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cognito_claims.invocation.decision.render", lambda *_: {"claims": {}})

    result = _json(folder, "pretoken_v2_Authentication", HASURA, exit_code=1)

    assert {finding["code"] for finding in result["findings"]} == {"unknown-key", "missing-key"}
    assert result["id_token"] is None
    assert _run("preview", "pretoken_v2_Authentication", environ=HASURA, exit_code=1).stdout.count(
        "Cognito would not take this response."
    )
    assert _check(HASURA, exit_code=1)


def test_traced_texts_make_up_what_is_missing_and_know_what_was_asked_for() -> None:
    made_up, plain = Traced({"sub": "1"}), Traced({"sub": "1"}, None)

    assert (dict(made_up), len(made_up), "custom:b" in made_up) == ({"sub": "1"}, 1, True)
    assert (made_up["custom:a"], made_up["phone_number"], made_up.get("identities")) == (
        "made-up-custom:a",
        "+12065550100",
        None,
    )
    assert made_up.invented == ["custom:a", "custom:b", "phone_number"]
    with pytest.raises(KeyError):
        plain["custom:a"]
    assert (plain.get("b", "c"), plain.missed) == ("c", {"custom:a"})


SENT = "every client may send what it likes, so it is no proof of anything"


def _own(folder: Path, body: str) -> dict[str, str]:
    """Write a plugin with this body; its name stands for its text."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    name = f"plugin_{abs(hash(body))}"
    (folder / f"{name}.py").write_text(
        "import json\nfrom cognito_claims import Claims, Groups\n"
        f"def from_env(environ):\n    return plugin\n\ndef plugin(event):\n{lines}"
    )
    return {"COGNITO_CLAIMS_PLUGINS": f"p={name}:from_env"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            "wanted = event.client_metadata\n"
            "if event.user is None:\n    return Claims()\n"
            "return Claims.adding({'tenant': wanted.get('org', 'none'), 'role': wanted['role']})",
            [
                f"claim tenant is taken from client_metadata org: {SENT}",
                f"claim role is taken from client_metadata role: {SENT}",
            ],
        ),
        (
            "return Claims(groups=Groups((event.client_metadata['group'],))) if event.user else Claims()",
            [f"the groups are taken from client_metadata group: {SENT}"],
        ),
        (
            "is_vip = 'vip' in event.client_metadata\n"
            "return Claims.adding({'vip': is_vip}, to={'access'}) if event.user else Claims()",
            [f"claims depend on client_metadata vip: {SENT}"],
        ),
        (
            "copied = {f'm_{k}': v for k, v in event.client_metadata.items()}\n"
            "return Claims.adding(copied) if event.user else Claims()",
            [f"claim m_made-up-key is taken from client_metadata made-up-key: {SENT}"],
        ),
    ],
)
def test_check_warns_of_what_is_taken_from_client_metadata(
    folder: Path, body: str, expected: list[str]
) -> None:
    found = [f for f in _check(_own(folder, body)) if f[0] != "unsupported-claim"]

    assert found == [("writable-attribute", "warning", text) for text in expected]


@pytest.mark.parametrize(
    "body",
    [
        "level = int(event.user.attributes.get('custom:level', '0')) if event.user else 0",
        "level = json.loads(event.user.attributes['custom:json'])['made-up'] if event.user else 0",
        "level = json.loads(event.client_metadata['list'])[0] if event.user else 0",
        "level = json.loads((event.user.attributes if event.user else {}).get('identities', '[{}]'))[0]",
    ],
)
def test_check_does_not_blame_a_plugin_for_parsing(folder: Path, body: str) -> None:
    assert "plugin-failed" not in [
        c for c, _, _ in _check(_own(folder, f"{body}\nreturn Claims()"))
    ]


def test_a_failure_on_a_made_up_value_is_a_warning_that_names_it(folder: Path) -> None:
    plans = "{'free': 0}[event.user.attributes['custom:plan']] if event.user else 0"

    found = _check(_own(folder, f"{plans}\nreturn Claims()"))

    told = [
        (lv, m.split(" at /")[0], m.split(", on ")[-1])
        for c, lv, m in found
        if c == "plugin-failed"
    ]
    assert told == [("warning", "plugin p: KeyError", "made-up values (custom:plan)")]


@pytest.mark.parametrize(
    "taken",
    ["event.user.name.split('_', 1)[1]", "json.loads(event.user.attributes['identities'])[0]"],
)
def test_a_plugin_for_federated_users_is_not_blamed_for_a_native_one(
    folder: Path, taken: str
) -> None:
    found = _check(_own(folder, f"{taken} if event.user else 0\nreturn Claims()"))

    told = {(lv, m.split(", on ")[-1]) for c, lv, m in found if c == "plugin-failed"}
    native = "a made-up native user (user name, identities); a federated one is no failure"
    assert told == {("warning", native)}


def test_a_failure_that_has_nothing_to_do_with_made_up_values_is_an_error(folder: Path) -> None:
    body = "event.client_metadata.get('a')\nraise RuntimeError"

    found = _check(_own(folder, body), exit_code=1)

    assert [lv for c, lv, _ in found if c == "plugin-failed"] == ["error"]


def test_the_module_is_the_command() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "cognito_claims", "preview", "no-such-event"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (run.returncode, run.stderr) == (
        2,
        "cognito-claims: no-such-event: No such file or directory\n",
    )


def test_without_its_extra_the_command_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cognito_claims.__main__.import_module", _missing("typer"))

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "cognito-claims: the command needs typer: pip install 'cognito-claims[cli]'\n"
    )


def test_a_module_of_our_own_that_is_missing_is_no_missing_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cognito_claims.__main__.import_module", _missing("cognito_claims.cli"))

    with pytest.raises(ModuleNotFoundError):
        main()


def test_a_machine_event_of_the_builders_previews(folder: Path) -> None:
    path = folder / "machine.json"
    path.write_text(json.dumps(to_json(a_machine_event())))

    assert _json(folder, str(path), HASURA)["access_token"]["after"]["scope"] == "orders/read"


@pytest.mark.parametrize("name", recorded_names("pretoken_"))
def test_every_recorded_event_previews(folder: Path, name: str) -> None:
    result = _json(folder, name, HASURA)

    assert result["response"] is not None
    assert recorded(name)["version"] in ("1", "2", "3")


def _env_file(folder: Path, environ: dict[str, str]) -> str:
    path = folder / "settings.env"
    path.write_text("".join(f"{name}='{value}'\n" for name, value in environ.items()))
    return str(path)


def test_who_interrupts_while_the_command_loads_sees_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(_: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr("cognito_claims.__main__.import_module", interrupted)

    assert _run("preview", environ={}, exit_code=130) == ("", "")


def _json(folder: Path, event: str, environ: dict[str, str], *, exit_code: int = 0) -> Any:
    run = _run(
        "preview",
        event,
        "--env-file",
        _env_file(folder, environ),
        "--format",
        "json",
        environ={},
        exit_code=exit_code,
    )
    return json.loads(run.stdout)


def _check(environ: dict[str, str], *, exit_code: int = 0) -> list[tuple[str, str, str]]:
    run = _run("check", "--format", "json", environ=environ, exit_code=exit_code)
    return [(f["code"], f["level"], f["message"]) for f in json.loads(run.stdout)["findings"]]


def _missing(name: str) -> Callable[[str], object]:
    def import_module(_: str) -> object:
        raise ModuleNotFoundError(name=name)

    return import_module


class Run(NamedTuple):
    stdout: str
    stderr: str


def _run(*arguments: str, environ: dict[str, str], exit_code: int = 0) -> Run:
    stdout, stderr = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environ, clear=True),
        mock.patch.object(sys, "argv", ["cognito-claims", *arguments]),
        contextlib.redirect_stdout(stdout),
        contextlib.redirect_stderr(stderr),
        pytest.raises(SystemExit) as ended,
    ):
        main()
    assert ended.value.code == exit_code, (stdout.getvalue(), stderr.getvalue())
    return Run(stdout.getvalue(), stderr.getvalue())
