"""Plugins beside each other: one truth about groups, app clients, declared claims, wrong plugins."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from cognito_claims.claims import Claims, Groups, TokenClaims
from cognito_claims.errors import ClaimConflictError, SettingsError, SignInError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.handlers import (
    Handler,
    pre_token_generation,
    pre_token_generation_from_env,
    user_sync,
)
from cognito_claims.plugin import PluginEntry, deciding_groups, for_clients, optional, pure
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.registry import load
from cognito_claims.secret import Secret
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.sync.users import UserSync
from cognito_claims.testing import a_machine_event, a_user_event, to_json
from cognito_claims.testing.acceptance import assert_accepted
from cognito_claims.tools.evaluation.check import check
from cognito_claims.tools.evaluation.preview import preview
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.playground.answers import State, answer
from cognito_claims.tools.playground.settings import Started, as_text

NAMESPACE = "https://hasura.io/jwt/claims"
ROLES = ("arn:aws:iam::123456789012:role/admins",)
EVENT = a_user_event(groups=("admins", "editors"), iam_roles=ROLES, preferred_role=ROLES[0])
WEB, OTHER = EVENT.client_id, "9other23456789abcdefghij"
HASURA = HasuraClaims(
    group_roles={"editors": "editor", "admins": "admin"},
    session_variables={"x-hasura-groups": "cognito:groups"},
)
EDITORS = Groups(("editors",), ROLES, ROLES[0])
MARK = "wrap the plugin in deciding_groups(...), or set decides_groups = True"
NEVER_OPTIONAL = "decides on groups, so its failure must refuse the sign-in"
FOR_ALL = "decides on groups, so it is asked for events of every app client"


def revoke(event: Any) -> Claims:
    return Claims() if event.user is None else Claims(groups=Groups())


def seen(event: Any) -> Claims:
    """Add what the event says of the groups."""
    return Claims.adding({"seen": [*event.groups, *event.iam_roles, str(event.preferred_role)]})


def saying(*claims: Claims) -> Callable[[object], Any]:
    return lambda _: claims[0]


def raising(error: BaseException) -> Callable[[object], Any]:
    def plugin(_event: object) -> Claims:
        raise error

    return plugin


class Decider:
    """Says what it has been asked, in order."""

    decides_groups = True

    def __init__(self, groups: Any, claims: Claims | None = None) -> None:
        self.groups = groups
        self.claims = claims
        self.asked: list[Any] = []

    def decide_groups(self, _event: object) -> Any:
        self.asked.append("groups")
        if isinstance(self.groups, BaseException):
            raise self.groups
        return self.groups

    def __call__(self, event: Any) -> Claims:
        self.asked.append(event.groups)
        return Claims(groups=self.groups) if self.claims is None else self.claims


def details(handler: Handler, event: Any = EVENT) -> dict[str, Any]:
    found: dict[str, Any] = handler(to_json(event), None)["response"]
    return next(iter(found.values())) or {}


def claims_of(handler: Handler, event: Any = EVENT) -> dict[str, Any]:
    section = details(handler, event)
    claims: dict[str, Any] = section.get("idTokenGeneration", section).get(
        "claimsToAddOrOverride", {}
    )
    return claims


def session(handler: Handler, event: Any = EVENT) -> tuple[Any, Any]:
    variables = json.loads(claims_of(handler, event)[NAMESPACE])
    return variables["x-hasura-allowed-roles"], variables["x-hasura-groups"]


def code_of(handler: Handler, event: Any = EVENT) -> str:
    with pytest.raises(SignInError) as refused:
        handler(to_json(event), None)
    return refused.value.reason_code


def problems_of(**plugins: Any) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        pre_token_generation(**plugins)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("version", ["1", "2", "3"])
@pytest.mark.parametrize("wrap", [deciding_groups, lambda plugin: pure(deciding_groups(plugin))])
def test_a_role_goes_with_the_group_that_gave_it(wrap: Callable[[Any], Any], version: Any) -> None:
    handler = pre_token_generation(hasura=HASURA, revoke=wrap(revoke))
    event = a_user_event(version=version, groups=("admins", "editors"))

    assert session(handler, event) == (["user"], "{}")
    assert details(handler, event)["groupOverrideDetails"]["groupsToOverride"] == []


def of_the_provider(event: Any) -> Claims:
    if event.user is None:
        return Claims()
    names = event.user.attributes["custom:idp_groups"].strip("[]").split(", ")
    return Claims(groups=Groups((*event.groups, *names)))


def test_groups_of_an_identity_provider_give_roles() -> None:
    handler = pre_token_generation(hasura=HASURA, idp=deciding_groups(of_the_provider))
    event = a_user_event(
        groups=("pool_Okta",), attributes={"custom:idp_groups": "[editors, staff]"}
    )

    assert session(handler, event) == (["user", "editor"], '{"pool_Okta","editors","staff"}')


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        (None, ["admins", "editors", *ROLES, ROLES[0]]),
        (EDITORS, ["editors", *ROLES, ROLES[0]]),
        (Groups(("editors",)), ["editors", "None"]),
        (Groups(), ["None"]),
        (Groups((), ROLES, ROLES[0]), ["None"]),  # Cognito drops roles without a group
        (Groups(EVENT.groups, EVENT.iam_roles, ROLES[0]), [*EVENT.groups, *ROLES, ROLES[0]]),
        (Groups(["editors"], [], None), ["editors", "None"]),  # type: ignore[arg-type]  # no types there
    ],
)
def test_all_others_see_what_was_decided(groups: Groups | None, told: list[str]) -> None:
    decider = Decider(groups)
    alone = deciding_groups(lambda _: Claims(groups=groups))

    for plugin in (decider, pure(decider), alone, pure(alone)):
        handler = pre_token_generation(a=seen, z=pure(for_clients(seen, OTHER)), mapper=plugin)
        assert claims_of(handler) == {"seen": told}
    assert decider.asked == ["groups", EVENT.groups] * 2


def test_a_decision_that_is_changed_afterwards_stays_what_the_others_saw() -> None:
    names = ["editors"]

    def change(event: Any) -> Claims:
        names.append("admins")
        return seen(event)

    handler = pre_token_generation(
        change=change,
        decider=deciding_groups(lambda _: Claims(groups=Groups(names))),  # type: ignore[arg-type]  # no types there
    )

    assert details(handler)["groupOverrideDetails"]["groupsToOverride"] == ["editors"]


def test_claims_are_made_side_by_side_after_groups_are_decided() -> None:
    meeting = threading.Barrier(2, timeout=2)

    class Meeting(Decider):
        def __call__(self, event: Any) -> Claims:
            meeting.wait()
            return super().__call__(event)

    def other(event: Any) -> Claims:
        meeting.wait()
        return seen(event)

    handler = pre_token_generation(other=other, mapper=Meeting(EDITORS))

    assert claims_of(handler) == {"seen": ["editors", *ROLES, ROLES[0]]}


@pytest.mark.parametrize(
    "claims",
    [Claims(), Claims(groups=Groups()), Claims(groups=EDITORS._replace(preferred_role=None))],
)
def test_claims_with_other_groups_than_decided_are_refused(claims: Claims) -> None:
    for wrap in (pure, deciding_groups):
        handler = pre_token_generation(seen=pure(seen), mapper=wrap(Decider(EDITORS, claims)))
        assert code_of(handler) == "plugin-result"


@pytest.mark.parametrize(
    ("decided", "code"),
    [
        (ValueError("hunter2"), "plugin-failed"),
        (SystemExit("hunter2"), "plugin-failed"),
        (("editors",), "plugin-result"),
        (Groups("editors"), "plugin-result"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_without_a_decision_nobody_is_asked(decided: Any, code: str) -> None:
    asked: list[object] = []
    decider = Decider(decided)

    assert code_of(pre_token_generation(other=pure(noting(asked)), mapper=decider)) == code
    assert (asked, decider.asked) == ([], ["groups"])


def noting(asked: list[object]) -> Callable[[object], Claims]:
    """Make a plugin that notes the events it is asked about."""

    def note(event: object) -> Claims:
        asked.append(event)
        return Claims()

    return note


async def later(_event: object) -> Groups:
    return Groups()


def test_a_decision_that_nobody_awaits_is_none() -> None:
    decider = Decider(None)
    decider.decide_groups = later  # type: ignore[method-assign]  # wrong on purpose

    assert code_of(pre_token_generation(mapper=decider)) == "plugin-result"


@pytest.mark.parametrize("wrap", [deciding_groups, lambda plugin: deciding_groups(pure(plugin))])
@pytest.mark.parametrize(
    ("plugin", "code"),
    [(raising(ValueError()), "plugin-failed"), (lambda _: {"plan": "free"}, "plugin-result")],
)
def test_if_the_deciding_plugin_fails_nobody_else_is_asked(
    plugin: Any, code: str, wrap: Callable[[Any], Any]
) -> None:
    asked: list[object] = []

    assert code_of(pre_token_generation(other=noting(asked), revoke=wrap(plugin))) == code
    assert asked == []


def test_a_deciding_plugin_may_refuse_the_user() -> None:
    for plugin in (deciding_groups(raising(TokenDenied("no"))), Decider(TokenDenied("no"))):
        with pytest.raises(TokenDenied, match=r"^no$"):
            pre_token_generation(seen=seen, x=plugin)(to_json(EVENT), None)


def test_a_deciding_plugin_has_no_more_time_than_the_others() -> None:
    gate = threading.Event()
    asked: list[object] = []

    def hang(_event: object) -> Claims:
        gate.wait()
        return Claims()

    handler = pre_token_generation(other=noting(asked), x=deciding_groups(hang), deadline_ms=30)

    assert (code_of(handler), asked) == ("deadline", [])
    gate.set()


def test_machines_have_no_groups_to_decide_on() -> None:
    handler = pre_token_generation(a=saying(Claims()), x=deciding_groups(revoke))
    wrong = pre_token_generation(a=saying(Claims()), x=Decider(EDITORS))

    assert details(handler, a_machine_event()) == {}
    assert code_of(wrong, a_machine_event()) == "unsupported-claim"


def test_the_deciding_plugin_may_suppress_the_groups_that_others_still_see() -> None:
    hidden = Claims(
        TokenClaims(suppress={"cognito:groups"}), TokenClaims(suppress={"cognito:groups"})
    )
    handler = pre_token_generation(hasura=HASURA, x=deciding_groups(saying(hidden)))

    assert session(handler)[1] == '{"admins","editors"}'
    assert details(handler)["idTokenGeneration"]["claimsToSuppress"] == ["cognito:groups"]


UNMARKED = [
    (Claims(groups=Groups()), "cognito:groups", "overridden"),
    (Claims(groups=EDITORS), "cognito:groups", "overridden"),
    *(
        (claims, name, "suppressed")
        for name in ("cognito:groups", "cognito:roles", "cognito:preferred_role")
        for claims in (
            Claims(TokenClaims(suppress={"email", name})),
            Claims(access_token=TokenClaims(suppress={name})),
        )
    ),
]


@pytest.mark.parametrize(("claims", "subject", "did"), UNMARKED)
@pytest.mark.parametrize("beside", [HASURA, optional(raising(ValueError())), Decider(None)])
def test_groups_that_an_unmarked_plugin_changes_beside_others_are_a_conflict(
    claims: Claims, subject: str, did: str, beside: Any, caplog: pytest.LogCaptureFixture
) -> None:
    handler = pre_token_generation(other=beside, revoke=saying(claims))

    assert code_of(handler) == "claim-conflict"
    told = f"{did} by revoke, which is not marked as deciding on groups: {MARK}"
    assert f"{subject}: {told} (plugins: other, revoke) " in caplog.text


@pytest.mark.parametrize("claims", [claims for claims, _, _ in UNMARKED])
def test_a_plugin_alone_need_not_be_marked(claims: Claims) -> None:
    assert details(pre_token_generation(revoke=saying(claims))) != {}


@pytest.mark.parametrize(
    ("plugin", "problem"),
    [
        (optional(deciding_groups(revoke)), NEVER_OPTIONAL),
        (deciding_groups(optional(revoke)), NEVER_OPTIONAL),
        (optional(Decider(None)), NEVER_OPTIONAL),
        (for_clients(Decider(None), WEB), FOR_ALL),
        (deciding_groups(for_clients(revoke, WEB)), FOR_ALL),
        (deciding_groups(pure(for_clients(pure(revoke), WEB))), FOR_ALL),
    ],
)
def test_a_deciding_plugin_is_needed_by_everybody(plugin: Any, problem: str) -> None:
    assert problems_of(hasura=HASURA, x=plugin) == [f"x: {problem}"]


def deciding_from_env(_environ: object) -> Any:
    return deciding_groups(revoke)


def odd_from_env(_environ: object) -> Any:
    decider = Decider(None)
    decider.decide_groups = ("editors",)  # type: ignore[assignment, method-assign]  # wrong on purpose
    return decider


def test_what_a_factory_makes_is_checked_like_a_plugin_in_code() -> None:
    with pytest.raises(SettingsError, match=r"decide_groups: expected a method$"):
        load({"COGNITO_CLAIMS_PLUGINS": f"x={__name__}:odd_from_env"})


NOT_A_FACTORY = deciding_groups(revoke)


def revoke_typed(event: PreTokenGenerationEvent) -> Claims:
    return revoke(event)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"X_ON_ERROR": "omit"}, f"X_ON_ERROR: x {NEVER_OPTIONAL}"),
        (
            {"COGNITO_CLAIMS_ON_ERROR": "omit"},
            f"COGNITO_CLAIMS_ON_ERROR: x {NEVER_OPTIONAL}; set X_ON_ERROR=deny",
        ),
        ({"X_CLIENTS": WEB}, f"X_CLIENTS: x {FOR_ALL}"),
    ],
)
def test_the_environment_makes_no_deciding_plugin_optional(
    settings: dict[str, str], problem: str
) -> None:
    environ = {
        "COGNITO_CLAIMS_PLUGINS": f"hasura,x={__name__}:deciding_from_env",
        "HASURA_DEFAULT_ROLE": "user",
        **settings,
    }
    with pytest.raises(SettingsError) as refused:
        load(environ)
    assert [str(found) for found in refused.value.problems] == [problem]


def test_a_deciding_plugin_may_deny_where_the_others_may_be_left_out() -> None:
    environ = {
        "COGNITO_CLAIMS_PLUGINS": f"x={__name__}:deciding_from_env",
        "COGNITO_CLAIMS_ON_ERROR": "omit",
        "X_ON_ERROR": "deny",
    }
    assert load(environ).plugins.keys() == {"x"}


@pytest.mark.parametrize("name", ["NOT_A_FACTORY", "revoke_typed"])
def test_a_plugin_where_a_factory_belongs_is_told(name: str) -> None:
    with pytest.raises(SettingsError, match=r"returns a plugin; got a plugin$"):
        load({"COGNITO_CLAIMS_PLUGINS": f"x={__name__}:{name}"})


def test_a_decider_that_fails_after_its_decision_refuses_the_sign_in() -> None:
    class Failing(Decider):
        def __call__(self, _event: Any) -> Claims:
            raise ValueError("hunter2")

    assert code_of(pre_token_generation(hasura=HASURA, x=Failing(EDITORS))) == "plugin-failed"


def test_one_plugin_decides() -> None:
    told = "only one plugin may decide on groups"
    assert problems_of(a=deciding_groups(revoke), b=Decider(None)) == [f"a, b: {told}"]


def test_only_true_marks_a_plugin_as_deciding() -> None:
    class Odd(Decider):
        decides_groups = "no"  # type: ignore[assignment]  # what a plugin without types may say

    assert code_of(pre_token_generation(a=seen, x=Odd(EDITORS))) == "claim-conflict"


def test_what_decides_groups_can_be_called() -> None:
    decider = Decider(None)
    decider.decide_groups = ("editors",)  # type: ignore[assignment, method-assign]  # wrong on purpose

    assert problems_of(x=decider) == ["x: decide_groups: expected a method"]


def test_a_sync_has_no_groups_to_decide_on() -> None:
    with pytest.raises(
        SettingsError, match=r"^x: decides on groups, but this trigger has no groups$"
    ):
        user_sync(x=deciding_groups(revoke))


def test_a_plugin_is_asked_for_events_of_its_clients_alone() -> None:
    asked: list[str] = []

    def plan(event: Any) -> Claims:
        asked.append(event.client_id)
        return Claims.adding({"plan": "free"}, needs={"email"})

    hide = pure(saying(Claims(TokenClaims(suppress={"email"}))))
    for plugin in (for_clients(plan, WEB, "another"), optional(pure(for_clients(plan, WEB)))):
        handler = pre_token_generation(plan=plugin, hide=for_clients(hide, OTHER))
        assert claims_of(handler) == {"plan": "free"}
        assert claims_of(handler, EVENT._replace(client_id=OTHER)) == {}
    assert asked == [WEB, WEB]


def test_clients_are_never_widened() -> None:
    handler = pre_token_generation(
        plan=for_clients(for_clients(saying(Claims.adding({"plan": "free"})), "a", WEB), WEB, "b")
    )

    assert claims_of(handler) == {"plan": "free"}
    assert claims_of(handler, EVENT._replace(client_id="a")) == {}
    assert claims_of(handler, EVENT._replace(client_id="b")) == {}
    nobody = for_clients(for_clients(seen, "a"), "b")
    assert problems_of(x=nobody) == [
        "x: no app client is left: its lists of app clients share no id"
    ]


@pytest.mark.parametrize("ids", [(), ("",), ("a b",), (None,), ("é",), ("a" * 129,), ("a,b",)])
def test_what_is_no_client_id_is_refused(ids: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"^client_ids: expected ids of app clients"):
        for_clients(seen, *ids)


class Declaring:
    pure = True

    def __init__(self, owns: Any, claims: Claims = Claims()) -> None:  # noqa: B008  (immutable)
        self.owns = owns
        self.claims = claims

    def __call__(self, _event: object) -> Claims:
        return self.claims


ID, BOTH = {"id": {"plan"}}, MappingProxyType({"id": {"a"}, "access": frozenset(("plan",))})


@pytest.mark.parametrize(
    ("one", "two", "token"),
    [(ID, {"id": {"x", "plan"}}, "id"), (BOTH, {"access": {"plan"}}, "access")],
)
def test_a_claim_that_two_plugins_declare_is_a_conflict_at_the_start(
    one: Any, two: Any, token: str
) -> None:
    with pytest.raises(ClaimConflictError) as refused:
        pre_token_generation(b=Declaring(one), a=for_clients(optional(Declaring(two)), WEB))

    assert (
        str(refused.value) == f"plan: declared by two plugins for the {token} token (plugins: a, b)"
    )


@pytest.mark.parametrize(("one", "two"), [(ID, BOTH), (ID, {}), (ID, None), ({"id": set()}, ID)])
def test_claims_that_are_declared_once_are_no_conflict(one: Any, two: Any) -> None:
    assert claims_of(pre_token_generation(a=Declaring(one), b=Declaring(two))) == {}


def test_plugins_for_different_clients_may_declare_the_same_claims() -> None:
    plan = Claims.adding({"plan": "free"})
    handler = pre_token_generation(
        a=for_clients(Declaring(ID, plan), WEB), b=for_clients(Declaring(ID, plan), OTHER)
    )

    assert claims_of(handler) == {"plan": "free"}
    with pytest.raises(ClaimConflictError):
        pre_token_generation(
            a=for_clients(Declaring(ID), WEB), b=for_clients(Declaring(ID), OTHER, WEB)
        )


@pytest.mark.parametrize(
    ("owns", "claims", "told"),
    [
        (ID, Claims.adding({"tier": "free"}), "tier in the id token"),
        (ID, Claims(TokenClaims(suppress={"a\n"})), r"'a\n' in the id token"),
        (ID, Claims.adding({"plan": "free"}, to={"access"}), "plan in the access token"),
    ],
)
def test_a_claim_that_a_plugin_has_not_declared_is_a_wrong_answer(
    owns: Any, claims: Claims, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert code_of(pre_token_generation(x=Declaring(owns, claims))) == "plugin-result"
    assert f"plugin x: {told} is not among the claims that it declares (owns)" in caplog.text


def test_a_plugin_need_not_add_what_it_declares() -> None:
    assert claims_of(pre_token_generation(x=Declaring(BOTH, Claims.adding({"a": "b"})))) == {
        "a": "b"
    }


@pytest.mark.parametrize(
    "owns", ["plan", {"plan"}, {"refresh": {"plan"}}, {"id": "plan"}, {"id": ["plan"]}, {"id": {7}}]
)
def test_a_declaration_that_cannot_be_read_is_refused(owns: Any) -> None:
    told = "x: owns: expected a mapping from id, access or both to sets of claim names"
    assert problems_of(x=Declaring(owns)) == [told]


@pytest.mark.parametrize(
    ("plugin", "got"),
    [
        (None, "expected a plugin, which can be called with an event, got nothing"),
        (Claims(), "expected a plugin, which can be called with an event, got Claims"),
        (optional("plan"), "expected a plugin, which can be called with an event, got str"),  # type: ignore[arg-type]  # wrong on purpose
        (HasuraClaims, "expected a plugin, got the class HasuraClaims: make an instance of it"),
        (pure(Claims), "expected a plugin, got the class Claims: make an instance of it"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_what_is_no_plugin_is_refused_when_the_handler_is_made(plugin: Any, got: str) -> None:
    assert problems_of(hasura=HASURA, x=plugin, y=None)[0] == f"x: {got}"
    with pytest.raises(SettingsError):
        user_sync(x=plugin)


@pytest.mark.parametrize("make", [pre_token_generation, user_sync])
def test_a_handler_without_a_plugin_is_refused(make: Any) -> None:
    with pytest.raises(SettingsError, match=r"^plugins: expected at least one, by name$"):
        make()


@pytest.mark.parametrize("to", ["access", "id", ["access"], ("id",), None, {"id": 1}])
def test_a_token_is_named_in_a_set(to: Any) -> None:
    with pytest.raises(ValueError, match=r'^to: expected a set, as in \{"access"\}$'):
        Claims.adding({"plan": "free"}, to=to)


def test_cognito_takes_what_was_decided() -> None:
    handler = pre_token_generation(
        hasura=HASURA, x=deciding_groups(lambda e: Claims(groups=e.user and EDITORS))
    )

    tokens = assert_accepted(handler)

    assert tokens["pretoken_v2_Authentication"].access_token["cognito:groups"] == ["editors"]  # type: ignore[index]  # it has one


def test_ready_made_plugins_declare_their_claims() -> None:
    surrealdb = SurrealDBClaims(namespace="n", database="d", access="a", tokens={"access"})
    fauna = FaunaTokens(endpoint="https://fauna.example.com", secret="s")
    sync = UserSync(HasuraUsers(url="https://hasura.example.com", admin_secret=Secret("s")))

    plugins = (HASURA, surrealdb, fauna, sync)
    assert [PluginEntry(plugin).owns for plugin in plugins] == [
        {"id": {NAMESPACE}},
        {"id": set(), "access": {"ns", "db", "ac"}},
        {"id": {"fauna_token_secret", "userId", "email"}},
        {},
    ]


def declared(**settings: str) -> dict[str, str]:
    plugins = "hasura,other=cognito_claims.plugins.hasura:HasuraClaims.from_env"
    return {"COGNITO_CLAIMS_PLUGINS": plugins, **settings}


def test_the_tools_tell_a_conflict_of_declared_claims_as_the_handler_does() -> None:
    told = f"{NAMESPACE}: declared by two plugins for the id token (plugins: hasura, other)"
    wanted = [Finding("claim-conflict", "error", told)]
    found = preview(to_json(a_machine_event()), declared())

    with pytest.raises(SignInError, match="claim-conflict"):
        pre_token_generation_from_env(declared())
    assert check(declared()) == wanted
    assert (found.response, found.findings, found.verdicts) == (None, wanted, {})
    state = State(event="pretoken_v3_ClientCredentials", settings=as_text(declared()))
    page = answer(state, Started.with_environment(declared()))
    assert page["preview"]["findings"] == [wanted[0]._asdict()]


def test_different_clients_settle_a_conflict_for_the_tools_too() -> None:
    environ = declared(HASURA_CLIENTS=WEB, OTHER_CLIENTS=OTHER)

    assert [finding.code for finding in check(environ)] == []
    found = preview(to_json(EVENT), environ)
    assert found.findings == []
    assert {name: v["accepted"] for name, v in found.verdicts.items()} == {
        "hasura": True,
        "other": False,
    }


# A plugin for suspended users, and one that makes groups of what an identity provider sent

REVOKE = {
    "COGNITO_CLAIMS_PLUGINS": "revoke=acme_groups:revoking,hasura",
    "HASURA_GROUP_ROLES": "editors=editor,admins=admin",
    "HASURA_SESSION_VARIABLES": "x-hasura-groups=cognito:groups",
}
IDP = {**REVOKE, "COGNITO_CLAIMS_PLUGINS": "idp=acme_groups:provided,hasura"}
MODULE = """
from cognito_claims import Claims, Groups, deciding_groups

def revoke(event):
    return Claims() if event.user is None else Claims(groups=Groups())

def of_the_provider(event):
    if event.user is None:
        return Claims()
    text = event.user.attributes.get("custom:idp_groups", "").strip("[]")
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    return Claims(groups=Groups(groups=(*event.groups, *names))) if names else Claims()

revoking = lambda environ: deciding_groups(revoke)
revoking_unmarked = lambda environ: revoke
provided = lambda environ: deciding_groups(of_the_provider)
provided_unmarked = lambda environ: of_the_provider
"""


@pytest.fixture
def _acme_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "acme_groups.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("acme_groups", None)


def unmarked(environ: dict[str, str]) -> dict[str, str]:
    plugins = environ["COGNITO_CLAIMS_PLUGINS"].replace(",", "_unmarked,")
    return {**environ, "COGNITO_CLAIMS_PLUGINS": plugins}


OKTA = a_user_event(groups=("pool_Okta",), attributes={"custom:idp_groups": "[editors, staff]"})


@pytest.mark.usefixtures("_acme_groups")
@pytest.mark.parametrize(
    ("environ", "event", "groups", "roles", "variable"),
    [
        (REVOKE, EVENT, None, ["user"], "{}"),
        (
            IDP,
            OKTA,
            ["pool_Okta", "editors", "staff"],
            ["user", "editor"],
            '{"pool_Okta","editors","staff"}',
        ),
    ],
)
def test_what_is_decided_on_groups_holds_in_the_tools_and_in_the_handler(
    environ: dict[str, str], event: Any, groups: Any, roles: list[str], variable: str
) -> None:
    found = preview(to_json(event), environ)
    assert found.id_token is not None
    assert found.access_token is not None
    variables = json.loads(found.id_token.after[NAMESPACE])

    assert found.findings == []
    assert (
        found.response == pre_token_generation_from_env(environ)(to_json(event), None)["response"]
    )
    assert (variables["x-hasura-allowed-roles"], variables["x-hasura-groups"]) == (roles, variable)
    assert found.id_token.after.get("cognito:groups") == groups
    assert found.access_token.after.get("cognito:groups") == groups
    assert [finding for finding in check(environ) if finding.level == "error"] == []


@pytest.mark.usefixtures("_acme_groups")
@pytest.mark.parametrize(("environ", "event"), [(REVOKE, EVENT), (IDP, OKTA)])
def test_the_tools_refuse_groups_that_an_unmarked_plugin_changes(
    environ: dict[str, str], event: Any
) -> None:
    name = environ["COGNITO_CLAIMS_PLUGINS"].partition("=")[0]
    told = f"overridden by {name}, which is not marked as deciding on groups: {MARK}"
    problem = f"cognito:groups: {told} (plugins: {', '.join(sorted((name, 'hasura')))})"
    wanted = Finding("claim-conflict", "error", problem)
    found = preview(to_json(event), unmarked(environ))

    assert (found.response, found.findings) == (None, [wanted])
    assert wanted in check(unmarked(environ))
    assert code_of(pre_token_generation_from_env(unmarked(environ)), event) == "claim-conflict"
