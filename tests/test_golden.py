"""Every recorded event through the ready-made plugins: the whole response, and what Cognito and the backends make of it.

`python -m tests.test_golden` writes the golden files anew: read the difference before you commit it.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from cognito_claims.claims import merge
from cognito_claims.contract import hasura, surrealdb
from cognito_claims.contract.cognito import Tokens, issue_tokens
from cognito_claims.contract.errors import BackendRefusal
from cognito_claims.errors import UnsupportedClaimError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.registry import load
from cognito_claims.response import render
from cognito_claims.testing import recorded, recorded_names

Json = dict[str, Any]

GOLDEN = Path(__file__).parent / "golden"
EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "surrealdb-hasura.env"
SETTINGS = dict(line.split("=", 1) for line in EXAMPLE.read_text("utf-8").splitlines())
EVENTS = recorded_names("pretoken_")
MACHINES = tuple(name for name in EVENTS if "ClientCredentials" in name)
UNVERIFIED = ("pretoken_v2_odd_no_email", "pretoken_v2_odd_unverified_email")
PLUGINS = ("none", "surrealdb", "hasura", "hasura as json", "surrealdb,hasura")
CELLS = [f"{plugins}, {token} token" for plugins in PLUGINS for token in ("id", "access")]
CLIENT = "1example23456789abcdefghij"
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1Cd2Ef3"
NAMESPACE = "https://hasura.io/jwt/claims"
REFUSED = "refused"


def version_of(name: str) -> str:
    return name.split("_")[1]


@cache
def plugins_of(cell: str) -> Any:
    plugins, token = cell.removesuffix(" token").split(", ")
    environ = SETTINGS | {
        "COGNITO_CLAIMS_PLUGINS": plugins.removesuffix(" as json"),
        "SURREALDB_TOKENS": token,
        "HASURA_TOKENS": token,
    }
    if plugins.endswith(" as json"):
        environ["HASURA_CLAIMS_FORMAT"] = "json"
    return load(environ).plugins


def response(cell: str, name: str) -> Json:
    event = PreTokenGenerationEvent.from_json(recorded(name))
    answers = {plugin: ask(event) for plugin, ask in plugins_of(cell).items()}
    return render(merge(answers), event)


def outcome(cell: str, name: str) -> Json | str:
    try:
        return response(cell, name)
    except UnsupportedClaimError:
        return REFUSED


@cache
def tokens(cell: str, name: str) -> Tokens:
    event = recorded(name)
    return issue_tokens(event, event | {"response": response(cell, name)})


def token_of(cell: str, name: str) -> Json:
    issued = tokens(cell, name)
    token = issued.access_token if "access" in cell else issued.id_token
    assert token is not None
    return token


def golden_of(version: str) -> dict[str, list[Json]]:
    """Give each cell's outcomes, each with the events that come to it."""
    cells: dict[str, list[Json]] = {cell: [] for cell in CELLS}
    for cell, outcomes in cells.items():
        for name in EVENTS:
            if version_of(name) == version:
                found = outcome(cell, name)
                known = [entry for entry in outcomes if entry["response"] == found]
                outcomes.extend([] if known else [{"events": [], "response": found}])
                (known or outcomes)[-1]["events"].append(name)
    return cells


@cache
def golden() -> dict[tuple[str, str], Json | str]:
    found: dict[tuple[str, str], Json | str] = {}
    for path in GOLDEN.glob("*.json"):
        for cell, entries in json.loads(path.read_text("utf-8")).items():
            for entry in entries:
                for name in entry["events"]:
                    found[cell, name] = entry["response"]
    return found


def write_golden() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for version in sorted(set(map(version_of, EVENTS))):
        text = json.dumps(golden_of(version), indent=2, sort_keys=True, ensure_ascii=False)
        (GOLDEN / f"{version}.json").write_text(f"{text}\n", "utf-8")


ALL = [(cell, name) for cell in CELLS for name in EVENTS]
ACCEPTED = [pair for pair in ALL if golden().get(pair) != REFUSED]


def test_every_event_in_every_cell_has_a_golden_response() -> None:
    assert set(golden()) == set(ALL)


@pytest.mark.parametrize(("cell", "name"), ALL)
def test_the_response_is_the_golden_one(cell: str, name: str) -> None:
    found = outcome(cell, name)
    assert found == golden()[cell, name]
    assert json.loads(json.dumps(found)) == found


def test_only_v1_refuses_and_only_access_tokens_and_json_objects() -> None:
    refused = {pair for pair, found in golden().items() if found == REFUSED}
    cells = {
        *(f"{plugins}, access token" for plugins in PLUGINS if plugins != "none"),
        "hasura as json, id token",
    }
    assert refused == {(cell, name) for cell, name in ALL if cell in cells and "_v1_" in name}


def test_without_plugins_and_for_machines_nothing_is_overridden() -> None:
    for cell, name in ALL:
        if cell.startswith("none") or name in MACHINES:
            (details,) = response(cell, name).values()
            assert details is None


@pytest.mark.parametrize(("cell", "name"), ACCEPTED)
def test_cognito_takes_the_response(cell: str, name: str) -> None:
    assert (tokens(cell, name).id_token is None) is (name in MACHINES)


# What the backends make of the tokens


def of_users(*plugins: str, token: str) -> list[tuple[str, str]]:
    cells = [f"{named}, {token} token" for named in plugins]
    return [(cell, name) for cell, name in ACCEPTED if cell in cells and name not in MACHINES]


SURREALDB_CELLS = [
    (cell, name)
    for token in ("id", "access")
    for cell, name in of_users("surrealdb", "surrealdb,hasura", token=token)
]


@pytest.mark.parametrize(("cell", "name"), SURREALDB_CELLS)
def test_every_surrealdb_takes_a_users_token_unless_it_reads_an_unverified_email(
    cell: str, name: str
) -> None:
    verdict = surrealdb.verdict(
        token_of(cell, name),
        namespace="test",
        database="test",
        access="user",
        token_name="cognito",
        scope="account",
        issuer=ISSUER,
        client_id=CLIENT,
        token="access" if "access" in cell else "id",
    )
    generations = {answer["accepted"] for answer in verdict["versions"].values()}
    if name in UNVERIFIED and "id token" in cell:
        assert (verdict["code"], generations) == ("email-not-verified", {False})
    else:
        sub = recorded(name)["request"]["userAttributes"]["sub"]
        assert (verdict["accepted"], generations) == (True, {True})
        assert verdict["versions"]["2.x"]["auth"] == f"user:⟨{sub}⟩"


SECRET = {"issuer": ISSUER, "audience": [CLIENT]}
HASURA_CELLS = [
    (cell, name, engine)
    for token in ("id", "access")
    for cell, name in of_users("hasura", "hasura as json", "surrealdb,hasura", token=token)
    for engine in ("v2", "v3")
]
GROUP_ARRAYS = {
    (): "{}",
    ("admins", "editors"): '{"admins","editors"}',
    ("us-east-1_Ab1Cd2Ef3_Google",): '{"us-east-1_Ab1Cd2Ef3_Google"}',
    ("admin", 'a "quoted" group', "back\\slash", "comma,group", "{braces}", "Größe"): (
        r'{"admin","a \"quoted\" group","back\\slash","comma,group","{braces}","Größe"}'
    ),
}


def session(cell: str, name: str, engine: Any, role: str | None = None) -> dict[str, str]:
    is_json = "as json" in cell
    config: Json = {"claims_format": "json" if is_json else "stringified_json"}
    if engine == "v3":
        place = {"location": f"/{NAMESPACE.replace('/', '~1')}"}
        place["claimsFormat"] = "Json" if is_json else "StringifiedJson"
        config = {"claimsConfig": {"namespace": place}}
    return hasura.session(token_of(cell, name), SECRET | config, role, engine=engine)


@pytest.mark.parametrize(("cell", "name", "engine"), HASURA_CELLS)
def test_hasura_takes_the_claims_namespace_of_every_user(cell: str, name: str, engine: str) -> None:
    request = recorded(name)["request"]
    groups = (request.get("groupConfiguration") or {}).get("groupsToOverride") or ()
    expected = {
        "x-hasura-role": "user",
        "x-hasura-user-id": request["userAttributes"]["sub"],
        "x-hasura-groups": GROUP_ARRAYS[tuple(groups)],
    }
    assert session(cell, name, engine) == expected
    if "editors" in groups:
        assert session(cell, name, engine, "editor") == expected | {"x-hasura-role": "editor"}
    else:
        with pytest.raises(BackendRefusal, match=r"\[access-denied\]"):
            session(cell, name, engine, "editor")


@pytest.mark.parametrize(("cell", "name", "engine"), HASURA_CELLS)
def test_no_group_makes_an_admin(cell: str, name: str, engine: str) -> None:
    with pytest.raises(BackendRefusal, match=r"\[access-denied\]"):
        session(cell, name, engine, "admin")


if __name__ == "__main__":
    write_golden()
