"""What users build on: the public names and their signatures, exactly; a change here is a decision."""

import importlib
import inspect
import subprocess
import sys
from operator import attrgetter
from pathlib import Path

import pytest

import cognito_claims
import cognito_claims.lookups
import cognito_claims.testing
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.contract.hasura import session
from cognito_claims.lookups import DynamoDBItem, HttpsAnswer, find_all
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.registry import BUILT_IN

ROOT = Path(__file__).parents[1]


def test_the_package_offers_exactly_these_names() -> None:
    assert cognito_claims.__all__ == [
        "AwsError",
        "ClaimConflictError",
        "Claims",
        "CognitoClaimsError",
        "DeadlineError",
        "EventError",
        "FaunaError",
        "Groups",
        "Handler",
        "HasuraError",
        "Json",
        "LookUpFailedError",
        "Plugin",
        "PluginFactory",
        "PluginFailedError",
        "PluginResultError",
        "PluginTimeoutError",
        "PreTokenGenerationEvent",
        "Problem",
        "ProtectedClaimError",
        "RuleError",
        "Secret",
        "SecretError",
        "SettingsError",
        "SignInError",
        "Token",
        "TokenClaims",
        "TokenDenied",
        "TransportError",
        "TriggerVersion",
        "UnexpectedError",
        "UnsupportedClaimError",
        "User",
        "UserEvent",
        "UserPlugin",
        "UserPoolError",
        "deciding_groups",
        "for_clients",
        "merge",
        "optional",
        "pre_token_generation",
        "pure",
        "read_settings",
        "render",
        "seconds_left",
        "user_sync",
    ]


def test_look_ups_are_exactly_these_names() -> None:
    assert cognito_claims.lookups.__all__ == [
        "DynamoDBItem",
        "HttpsAnswer",
        "Item",
        "LookUp",
        "find_all",
        "prepare_all",
        "values_of",
    ]


def test_the_testing_kit_offers_exactly_these_names() -> None:
    assert cognito_claims.testing.__all__ == [
        "a_machine_event",
        "a_post_authentication_event",
        "a_user_event",
        "recorded",
        "recorded_names",
        "to_json",
    ]


@pytest.mark.parametrize(
    ("function", "signature"),
    [
        (
            cognito_claims.pre_token_generation,
            "deadline_ms: int = 4000, user_pools: Collection[str] = ('any',), "
            "log_sub: bool = False, **plugins: Plugin",
        ),
        (
            cognito_claims.user_sync,
            "deadline_ms: int = 4000, user_pools: Collection[str] = ('any',), "
            "log_sub: bool = False, **plugins: UserPlugin",
        ),
        (cognito_claims.optional, "plugin: Plugin | UserPlugin"),
        (cognito_claims.pure, "plugin: Plugin | UserPlugin"),
        (cognito_claims.deciding_groups, "plugin: Plugin"),
        (cognito_claims.for_clients, "plugin: Plugin | UserPlugin, *client_ids: str"),
        (cognito_claims.merge, "answers: Mapping[str, Claims]"),
        (cognito_claims.render, "claims: Claims, event: PreTokenGenerationEvent"),
        (
            cognito_claims.Claims.adding,
            "claims: Mapping[str, Json], to: Set[Literal['id', 'access']] = frozenset({'id'}), "
            "needs: Set[str] = frozenset()",
        ),
        (cognito_claims.PreTokenGenerationEvent.from_json, "raw: object"),
        (cognito_claims.UserEvent.from_json, "raw: object"),
        (cognito_claims.seconds_left, ""),
        (cognito_claims.Secret, "text: str, environ: Mapping[str, str] | None = None"),
        (
            DynamoDBItem,
            "table: str, key: Mapping[str, str | Mapping[str, str]], attributes: Collection[str] = (), "
            "consistent: bool = False, region: str | None = None, "
            "absent: Literal['omit', 'deny'] = 'omit', cache_seconds: int = 0, "
            "email_providers: Collection[str] = (), name: str = 'dynamodb', "
            "environ: Mapping[str, str] | None = None",
        ),
        (
            HttpsAnswer,
            "url: str, secret: str | secret.Secret, "
            "auth: Literal['bearer', 'standard-webhooks'] = 'bearer', "
            "absent: Literal['omit', 'deny'] = 'omit', cache_seconds: int = 0, name: str = 'https', "
            "environ: Mapping[str, str] | None = None",
        ),
        (DynamoDBItem.__call__, "self, event: PreTokenGenerationEvent, tenant: str | None = None"),
        (DynamoDBItem.find, "self, values: Mapping[str, Json]"),
        (find_all, "look_ups: Mapping[str, lookups.looking_up.LookUp], values: Mapping[str, Json]"),
        (FaunaTokens.from_env, "environ: Mapping[str, str]"),
        (HasuraClaims.from_env, "environ: Mapping[str, str]"),
        (SurrealDBClaims.from_env, "environ: Mapping[str, str]"),
        (
            issue_tokens,
            "event: dict[str, Any], returned: object, now: float | None = None, "
            "issuer_type: Literal['original', 'updated'] = 'original', "
            "read_attributes: Collection[str] | None = None",
        ),
        (
            session,
            "token: dict[str, Any], config: dict[str, Any], role: str | None = None, "
            "engine: Literal['v2', 'v3'] = 'v2', now: float | None = None, "
            "compatibility_date: datetime.date | str | None = None",
        ),
    ],
)
def test_a_signature_is_as_documented(function: object, signature: str) -> None:
    assert _signature(function) == signature


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        (cognito_claims.TokenClaims, ("add", "suppress", "add_scopes", "suppress_scopes")),
        (cognito_claims.Claims, ("id_token", "access_token", "groups", "needs")),
        (cognito_claims.Groups, ("groups", "iam_roles", "preferred_role")),
        (cognito_claims.User, ("name", "attributes")),
        (
            cognito_claims.PreTokenGenerationEvent,
            (
                "version",
                "trigger_source",
                "user_pool_id",
                "region",
                "client_id",
                "user",
                "groups",
                "scopes",
                "client_metadata",
                "iam_roles",
                "preferred_role",
            ),
        ),
        (
            cognito_claims.UserEvent,
            (
                "trigger_source",
                "user_pool_id",
                "region",
                "client_id",
                "user",
                "new_device_used",
                "client_metadata",
            ),
        ),
    ],
)
def test_a_value_has_exactly_these_fields(value: type, fields: tuple[str, ...]) -> None:
    assert value._fields == fields  # type: ignore[attr-defined]  # a NamedTuple's


@pytest.mark.parametrize("path", BUILT_IN.values())
def test_a_built_in_plugin_is_where_the_registry_says(path: str) -> None:
    module, _, attributes = path.partition(":")
    made = attrgetter(attributes)(importlib.import_module(module))

    assert callable(made)


def test_calls_that_must_not_compile_do_not() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "tests/typing/api.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.stdout == "Success: no issues found in 1 source file\n"


def _signature(function: object) -> str:
    assert callable(function)
    parameters = inspect.signature(function).parameters.values()
    return ", ".join(_shown(str(parameter)) for parameter in parameters)


def _shown(parameter: str) -> str:
    for prefix in ("collections.abc.", "cognito_claims.", "claims.", "events.", "plugin."):
        parameter = parameter.replace(prefix, "")
    return parameter.replace("typing.", "").replace(repr(cognito_claims.Json), "Json")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("contract.errors:Refused", "contract.errors:BackendRefusal"),
        ("contract.hasura:Refused", "contract.errors:BackendRefusal"),
        ("registry:Marked", "plugin:PluginEntry"),
        ("settings:read", "settings:read_settings"),
        (":read", ":read_settings"),
    ],
)
def test_what_had_another_name_until_0_2_is_found_by_it(old: str, new: str) -> None:
    found = []
    for path in (old, new):
        module, _, name = path.partition(":")
        found.append(getattr(importlib.import_module(f"cognito_claims.{module}".rstrip(".")), name))

    assert found[0] is found[1]
