"""The verdict on SurrealDB 3.x: a real engine's where it is installed, else the claims table's."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.contract.surrealdb import Setup, SignIn, public_key, setup_script, sign, sign_in
from cognito_claims.contract.surrealdb_engine3 import ENGINE, IS_INSTALLED, Engine3
from tests.surrealdb_engines import CLIENT, ISSUER, ME, an_id_token

SETUP = Setup("app", "main", ISSUER, CLIENT, "user")
installed = pytest.mark.skipif(not IS_INSTALLED, reason="no surrealdb-embedded")


def refusal(script: str = "", **changed: Any) -> str:
    with pytest.raises(BackendRefusal) as raised:
        sign_in(sign(an_id_token(**changed)), SETUP, script=script or None, generation="3.x")
    return raised.value.code


@installed
def test_the_engine_is_of_the_version_that_verdicts_tell() -> None:
    with Engine3() as engine:
        assert engine._call("version")["result"] == f"surrealdb-{ENGINE}"


@installed
def test_the_printed_script_lets_a_bearer_reach_their_own_row_alone() -> None:
    token = sign(an_id_token())

    assert sign_in(token, SETUP, generation="3.x") == SignIn(ME, "user")
    assert sign_in(token, SETUP, editable=["about"], generation="3.x") == SignIn(ME, "user")


@installed
@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iss": "https://example.com"}, "wrong-issuer"),
        ({"aud": "another"}, "wrong-audience"),
        ({"email_verified": False}, "email-not-verified"),
        ({"exp": 1}, "expired"),
        ({"ns": "other"}, "unexplained"),
    ],
)
def test_a_token_is_refused_for_its_reason(changed: dict[str, Any], code: str) -> None:
    assert refusal(**changed) == code


@installed
@pytest.mark.parametrize(
    ("line", "instead", "code"),
    [
        ("id = session::rd() AND email = session::token().email", "true", "other-row"),
        ("FOR delete NONE", "FOR delete FULL", "other-row"),
        ("  FOR update NONE", "  FOR update FULL", "other-id"),
        ("TYPE RECORD", "TYPE JWT", "setup-script"),
    ],
)
def test_a_script_that_lets_bearers_reach_more_is_refused(
    line: str, instead: str, code: str
) -> None:
    script = setup_script(SETUP, "3.x", public_key=public_key())
    assert line in script

    assert refusal(script.replace(line, instead)) == code


def test_without_the_engine_the_table_answers() -> None:
    code = (
        "import sys; sys.modules['surrealdb_embedded'] = None\n"
        "from cognito_claims.contract.surrealdb import SOURCES; print(SOURCES['3.x'])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )

    assert ran.stdout == "claims table\n"
