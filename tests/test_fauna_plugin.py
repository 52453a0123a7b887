import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cognito_claims.claims import Claims, TokenClaims, merge
from cognito_claims.contract.cognito import issue_tokens
from cognito_claims.deadline import Stopwatch
from cognito_claims.errors import ClaimConflictError, FaunaError, SettingsError, TokenDenied
from cognito_claims.handlers import pre_token_generation
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.secret import Secret
from cognito_claims.testing import a_machine_event, a_user_event, recorded, recorded_names
from tests.stand_ins.fauna import SECRET, FaunaServer
from tests.stand_ins.fauna_wire import null_secret, status, wrong_shape
from tests.stand_ins.moto import Answer, Request, answering

ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:fauna-AbCdEf"
ENVIRON = {"FAUNA_ENDPOINT": "https://fauna.example.com:8443", "FAUNA_SECRET": SECRET}
LOCAL: dict[str, Any] = {"endpoint": "http://127.0.0.1:8443", "secret": SECRET}
NO_EMAIL = "This account has no verified email address, which the sign-in needs."


@pytest.fixture
def server() -> Iterator[FaunaServer]:
    with FaunaServer() as server:
        yield server


@pytest.fixture(params=["http", "driver"])
def plugin(server: FaunaServer, request: pytest.FixtureRequest) -> FaunaTokens:
    return FaunaTokens(
        endpoint=server.endpoint, secret=SECRET, identity="email", client=request.param
    )


def problems_of(**settings: Any) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        FaunaTokens(**LOCAL | settings)
    return [str(problem) for problem in raised.value.problems]


def test_a_sign_in_finds_or_creates_the_document_and_mints(
    plugin: FaunaTokens, server: FaunaServer
) -> None:
    first = plugin(a_user_event(email="Jane.DOE@Example.com"))
    second = plugin(a_user_event(trigger_source="TokenGeneration_RefreshTokens"))

    document = server.documents[0]
    assert [dict(d.data) for d in server.documents] == [{"email": "jane.doe@example.com"}]
    assert [(token.document, token.data) for token in server.tokens] == [(document.id, None)] * 2
    assert [first, second] == [
        Claims(
            id_token=TokenClaims(
                add={"fauna_token_secret": token.secret, "userId": document.id},
                suppress=frozenset(("email",)),
            )
        )
        for token in server.tokens
    ]


def test_a_refresh_life_gives_the_pair_and_stores_no_secret(server: FaunaServer) -> None:
    plugin = FaunaTokens(
        endpoint=server.endpoint,
        secret=SECRET,
        identity="email",
        ttl_seconds=600,
        refresh_ttl_seconds=86400,
    )

    claims = plugin(a_user_event())

    refresh, access = server.tokens
    assert claims.id_token.add == {
        "fauna_access_token": access.secret,
        "fauna_refresh_token": refresh.secret,
        "userId": server.documents[0].id,
    }
    assert (refresh.data, access.data) == (
        {"type": "refresh"},
        {"type": "access", "refresh": refresh.id},
    )
    assert round((refresh.ttl - access.ttl).total_seconds()) == 86400 - 600


def test_a_token_lives_as_long_as_the_settings_say(server: FaunaServer) -> None:
    FaunaTokens(endpoint=server.endpoint, secret=SECRET, identity="email", ttl_seconds=60)(
        a_user_event()
    )
    now = server.now()

    assert 58 < (server.tokens[0].ttl - now).total_seconds() <= 60


def test_the_identity_is_the_sub() -> None:
    with FaunaServer(index="bySub", field="sub") as server:
        plugin = FaunaTokens(endpoint=server.endpoint, secret=SECRET)
        plugin(a_user_event(sub="A1-b2", email=None))

    assert [dict(document.data) for document in server.documents] == [{"sub": "A1-b2"}]


def test_other_names_of_collection_and_index_are_asked_for() -> None:
    with FaunaServer(collection="Person", index="byMail2") as server:
        plugin = FaunaTokens(
            endpoint=server.endpoint,
            secret=SECRET,
            identity="email",
            collection="Person",
            index="byMail2",
        )
        plugin(a_user_event())

    assert len(server.tokens) == 1


@pytest.mark.parametrize(
    "attributes",
    [
        {"email_verified": "false"},
        {"email_verified": ""},
        {"email_verified": "True"},
        {"email": ""},
    ],
)
def test_an_email_that_is_not_verified_is_no_identity(
    plugin: FaunaTokens, server: FaunaServer, attributes: dict[str, str]
) -> None:
    with pytest.raises(TokenDenied) as refused:
        plugin(a_user_event(attributes=attributes))

    assert refused.value.reason == NO_EMAIL
    assert (server.connections, server.requests) == (0, [])


def test_a_user_without_an_email_is_refused_before_any_request(
    plugin: FaunaTokens, server: FaunaServer
) -> None:
    with pytest.raises(TokenDenied) as refused:
        plugin(a_user_event(email=None, attributes={"email_verified": "true"}))

    assert (refused.value.reason, server.connections) == (NO_EMAIL, 0)


def test_letters_are_folded_only_where_every_mail_server_folds_them(
    plugin: FaunaTokens, server: FaunaServer
) -> None:
    plugin(a_user_event(email="\u212aATE.\u0130@Example.COM"))  # Kelvin's K, a dotted capital I

    assert [dict(document.data) for document in server.documents] == [
        {"email": "\u212aate.\u0130@example.com"}
    ]


def test_what_a_user_can_write_never_becomes_query_text(
    plugin: FaunaTokens, server: FaunaServer
) -> None:
    email = '"}).first() ?? Key.create({role: "admin"}) ${x} \u2028@example.com'
    plugin(a_user_event(email=email, name=email, client_metadata={"email": "eve@example.com"}))

    assert [dict(document.data) for document in server.documents] == [{"email": email.lower()}]


def test_a_machine_token_gets_none(plugin: FaunaTokens, server: FaunaServer) -> None:
    assert plugin(a_machine_event()) == plugin.sample(a_machine_event()) == Claims()
    assert server.connections == 0


@pytest.mark.parametrize("fault", [wrong_shape, null_secret])
def test_an_answer_without_a_token_is_no_token(
    plugin: FaunaTokens, server: FaunaServer, fault: Any
) -> None:
    server.faults.append(fault)

    with pytest.raises(FaunaError) as refused:
        plugin(a_user_event())

    assert refused.value.status == 200


def test_what_is_suppressed_is_configured(server: FaunaServer) -> None:
    plugin = FaunaTokens(
        endpoint=server.endpoint, secret=SECRET, identity="email", suppress=("email", "address")
    )
    kept = FaunaTokens(endpoint=server.endpoint, secret=SECRET, identity="email", suppress=())

    assert plugin(a_user_event()).id_token.suppress == {"email", "address"}
    assert kept(a_user_event()).id_token.suppress == frozenset()


def test_beside_surrealdb_the_email_must_be_kept() -> None:
    surrealdb = SurrealDBClaims(namespace="a", database="b", access="c")(a_user_event())

    def both(**settings: Any) -> Claims:
        sample = FaunaTokens(**LOCAL, **settings).sample(a_user_event())
        return merge({"fauna": sample, "surrealdb": surrealdb})

    with pytest.raises(ClaimConflictError) as conflict:
        both()

    assert conflict.value.plugins == ("fauna", "surrealdb")
    assert set(both(suppress=()).id_token.add) == {"ns", "db", "ac", "userId", "fauna_token_secret"}


USERS = [name for name in recorded_names("pretoken_") if "ClientCredentials" not in name]


@pytest.mark.parametrize("name", USERS)
def test_cognito_takes_the_response_to_every_recorded_event(name: str) -> None:
    event = recorded(name)
    with FaunaServer(index="bySub", field="sub") as server:
        plugin = FaunaTokens(endpoint=server.endpoint, secret=SECRET)
        returned = pre_token_generation(fauna=plugin)(event, None)

    token = issue_tokens(event, returned).id_token
    assert token is not None
    assert "email" not in token
    assert token["fauna_token_secret"] == server.tokens[0].secret
    assert token["userId"] == server.documents[0].id


def test_a_sample_has_the_shape_and_the_size_of_the_real_claims(
    plugin: FaunaTokens, server: FaunaServer
) -> None:
    sample = plugin.sample(a_user_event())

    assert server.connections == 0
    real = plugin(a_user_event())
    assert sample.id_token.suppress == real.id_token.suppress
    sizes = [{n: len(str(v)) for n, v in c.id_token.add.items()} for c in (sample, real)]
    assert sizes[0] == sizes[1] == {"fauna_token_secret": 51, "userId": 18}
    with pytest.raises(TokenDenied):
        plugin.sample(a_user_event(email_verified=False))


def test_a_sample_of_the_pair_has_three_claims() -> None:
    plugin = FaunaTokens(**LOCAL, refresh_ttl_seconds=7200)

    names = {"fauna_access_token", "fauna_refresh_token", "userId"}
    assert set(plugin.sample(a_user_event()).id_token.add) == names


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"collection": "a b"}, "collection: expected an identifier: letters, digits and _"),
        ({"collection": "Ü"}, "collection: expected an identifier: letters, digits and _"),
        ({"collection": "Key"}, "collection: is a reserved name of Fauna"),
        ({"index": "byEmail()"}, "index: expected an identifier: letters, digits and _"),
        ({"identity": "name"}, "identity: expected one of sub, email"),
        ({"client": "grpc"}, "client: expected one of http, driver"),
        ({"ttl_seconds": 0}, "ttl_seconds: expected 1 second to 10 years"),
        ({"ttl_seconds": 316224001}, "ttl_seconds: expected 1 second to 10 years"),
        (
            {"refresh_ttl_seconds": 1800},
            "refresh_ttl_seconds: expected more than the ttl, and 10 years at most",
        ),
        (
            {"refresh_ttl_seconds": 316224001},
            "refresh_ttl_seconds: expected more than the ttl, and 10 years at most",
        ),
        ({"email_providers": ("",)}, "email_providers: expected names of identity providers"),
        ({"suppress": ("email", "")}, "suppress: expected names of claims"),
        ({"suppress": ("userId",)}, "suppress: cannot hold the claims that the plugin adds"),
        ({"secret": " "}, "secret: expected printable ASCII characters"),
        ({"secret": "fnA\nb"}, "secret: expected printable ASCII characters"),
        (
            {"secret": ARN},
            "secret: a reference needs an environment: Secret(reference, os.environ)",
        ),
        (
            {"endpoint": "http://fauna.example.com"},
            "endpoint: must start with https://; plain http:// is for a loopback address",
        ),
        ({"endpoint": "fauna:8443"}, "endpoint: expected a URL, as in https://host:port"),
    ],
)
def test_a_wrong_setting_is_told_by_name(settings: dict[str, Any], problem: str) -> None:
    assert problems_of(**settings) == [problem]


def test_every_wrong_setting_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        FaunaTokens.from_env(
            {"FAUNA_SECRET": "ssm:x", "FAUNA_TTL": "5", "FAUNA_IDENTITY": "e", "FAUNA_INDEX": "1"}
        )

    assert sorted(problem.setting for problem in raised.value.problems) == [
        "FAUNA_ENDPOINT",
        "FAUNA_IDENTITY",
        "FAUNA_INDEX",
        "FAUNA_SECRET",
        "FAUNA_TTL",
    ]


def test_there_is_no_endpoint_but_the_one_that_is_given() -> None:
    with pytest.raises(SettingsError) as raised:
        FaunaTokens.from_env({"FAUNA_SECRET": SECRET})

    assert str(raised.value) == "FAUNA_ENDPOINT: required"


def test_the_environment_says_the_rest() -> None:
    plugin = FaunaTokens.from_env(
        ENVIRON
        | {
            "FAUNA_SECRET": f" {SECRET}\n",
            "FAUNA_COLLECTION": "Person",
            "FAUNA_IDENTITY": "sub",
            "FAUNA_TTL_SECONDS": "60",
            "FAUNA_REFRESH_TTL_SECONDS": "120",
            "FAUNA_SUPPRESS": "none",
        }
    )

    settings = ("collection", "index", "identity", "ttl_seconds", "refresh_ttl_seconds", "suppress")
    assert [getattr(plugin, setting) for setting in settings] == [
        "Person", "bySub", "sub", 60, 120, frozenset(),
    ]  # fmt: skip


def test_a_secret_may_be_a_reference_of_the_environment() -> None:
    FaunaTokens.from_env(ENVIRON | {"FAUNA_SECRET": f"{ARN}#key"})
    FaunaTokens(endpoint=ENVIRON["FAUNA_ENDPOINT"], secret=Secret(ARN, {}))


def test_the_driver_is_asked_for_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "cognito_claims.clients.fauna_driver", raising=False)
    monkeypatch.setitem(sys.modules, "fauna.client", None)

    told = "client: driver needs the extra: pip install 'cognito-claims[fauna]'"
    assert problems_of(client="driver") == [told]


class Rotating:
    """Secrets Manager with one secret, of which each value is given once; the last one stays."""

    def __init__(self, *values: str) -> None:
        self.values = list(values)
        self.requests = 0

    def __call__(self, _request: Request) -> Answer:
        self.requests += 1
        return Answer.of(
            {"SecretString": self.values.pop(0) if self.values[1:] else self.values[0]}
        )


@contextmanager
def kept_in(secrets: Rotating, server: FaunaServer) -> Iterator[FaunaTokens]:
    with answering(secrets) as url:
        environ = {
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": url,
        }
        yield FaunaTokens(endpoint=server.endpoint, secret=Secret(ARN, environ), identity="email")


def test_a_rotated_key_is_fetched_again_and_mints(server: FaunaServer) -> None:
    secrets = Rotating("fnAold", SECRET)
    with kept_in(secrets, server) as plugin:
        plugin(a_user_event())
        plugin(a_user_event(email="joe@example.com"))

    assert (secrets.requests, len(server.tokens)) == (2, 2)
    assert [request.headers["Authorization"][-6:] for request in server.requests] == [
        "fnAold", SECRET[-6:], SECRET[-6:],
    ]  # fmt: skip


@pytest.mark.parametrize("values", [("fnAold",), ("fnAold", "fnAolder")])
def test_a_key_that_is_refused_again_is_not_fetched_a_third_time(
    server: FaunaServer, values: tuple[str, ...]
) -> None:
    secrets = Rotating(*values)
    with kept_in(secrets, server) as plugin, pytest.raises(FaunaError) as refused:
        plugin(a_user_event())

    assert (refused.value.status, refused.value.fauna_code) == (401, "unauthorized")
    assert (secrets.requests, len(server.requests)) == (2, len(values))


def test_only_an_unknown_key_is_fetched_again(server: FaunaServer) -> None:
    server.faults.append(status(400, "permission_denied"))
    secrets = Rotating(SECRET)

    with kept_in(secrets, server) as plugin, pytest.raises(FaunaError):
        plugin(a_user_event())

    assert secrets.requests == 1


def test_the_key_is_fetched_ahead_of_the_first_event(server: FaunaServer) -> None:
    secrets = Rotating(SECRET)
    with kept_in(secrets, server) as plugin:
        plugin.prepare()
        assert secrets.requests == 1
        plugin(a_user_event())

    assert (secrets.requests, len(server.tokens)) == (1, 1)


def test_the_same_event_within_15_seconds_is_cognitos_retry(
    plugin: FaunaTokens, server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    age = [0.0]
    monkeypatch.setattr(Stopwatch, "elapsed", lambda _: age[0])
    event, again = a_user_event(), a_user_event()
    claims = plugin(event)

    age[0] = 14.9
    assert plugin(again) == claims
    assert len(server.tokens) == 1
    age[0] = 15.0
    assert plugin(again) != claims
    assert len(server.tokens) == 2


def test_no_token_is_given_again_once_it_has_expired(
    server: FaunaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stopwatch, "elapsed", lambda _: 5.0)
    plugin = FaunaTokens(endpoint=server.endpoint, secret=SECRET, identity="email", ttl_seconds=5)

    assert plugin(a_user_event()) != plugin(a_user_event())


def test_an_email_that_cannot_be_encoded_raises_nothing_that_holds_it(
    plugin: FaunaTokens, server: FaunaServer
) -> None:
    plugin(a_user_event(email="ADA@example.com\ud800"))

    assert [dict(document.data) for document in server.documents] == [
        {"email": "ada@example.com\ud800"}
    ]


@pytest.mark.parametrize(
    "other",
    [
        {"trigger_source": "TokenGeneration_RefreshTokens"},
        {"name": "joe"},
        {"groups": ("admin",)},
        {"client_id": "another"},
        {"client_metadata": {"a": "b"}},
        {"attributes": {"custom:a": "b"}},
    ],
)
def test_any_other_event_mints_anew(
    plugin: FaunaTokens, server: FaunaServer, other: dict[str, Any]
) -> None:
    first, second = plugin(a_user_event()), plugin(a_user_event(**other))

    assert first != second
    assert len(server.tokens) == 2


FROM_GOOGLE = {"identities": '[{"userId":"1","providerName":"Google","primary":true}]'}
BY_EMAIL: dict[str, Any] = {**LOCAL, "identity": "email"}


@pytest.mark.parametrize(
    ("providers", "attributes", "setting"),
    [
        ((), {"email": ""}, "FAUNA_IDENTITY"),
        ((), {"email_verified": "false"}, "FAUNA_IDENTITY"),
        ((), FROM_GOOGLE, "FAUNA_EMAIL_PROVIDERS"),
        (("google", "Okta"), FROM_GOOGLE, "FAUNA_EMAIL_PROVIDERS"),
        (("Google",), {"identities": "[]"}, "FAUNA_EMAIL_PROVIDERS"),
    ],
)
def test_an_email_that_nobody_trusted_has_verified_is_refused_with_one_sentence(
    providers: tuple[str, ...], attributes: dict[str, str], setting: str
) -> None:
    plugin = FaunaTokens(**BY_EMAIL, email_providers=providers)

    with pytest.raises(TokenDenied) as refused:
        plugin.sample(a_user_event(attributes=attributes))

    assert (refused.value.reason, refused.value.setting) == (NO_EMAIL, setting)


def test_the_email_of_a_named_provider_is_an_identity(server: FaunaServer) -> None:
    plugin = FaunaTokens(
        endpoint=server.endpoint, secret=SECRET, identity="email", email_providers=("Google",)
    )

    plugin(a_user_event(attributes=FROM_GOOGLE))

    assert [dict(d.data) for d in server.documents] == [{"email": "jane.doe@example.com"}]


def test_somebody_of_a_provider_does_not_get_the_document_of_the_emails_owner(
    server: FaunaServer,
) -> None:
    plugin = FaunaTokens(endpoint=server.endpoint, secret=SECRET, identity="email")
    plugin(a_user_event())

    with pytest.raises(TokenDenied):
        plugin(a_user_event(sub="eve", attributes=FROM_GOOGLE))

    assert len(server.tokens) == 1


@pytest.mark.parametrize("client", ["http", "driver"])
@pytest.mark.parametrize("host", ["fauna.com", "db.fauna.com", "DB.EU.Fauna.COM", "db.fauna.com."])
def test_an_endpoint_of_the_closed_service_is_refused(host: str, client: str) -> None:
    assert problems_of(endpoint=f"https://{host}:443/", client=client) == [
        "endpoint: fauna.com is closed, and others may own its addresses; "
        "set the endpoint of your own Fauna"
    ]


@pytest.mark.parametrize("host", ["notfauna.com", "fauna.com.example.org", "fauna.example.com"])
def test_an_endpoint_that_only_looks_like_the_closed_service_is_taken(host: str) -> None:
    FaunaTokens(endpoint=f"https://{host}", secret=SECRET)
