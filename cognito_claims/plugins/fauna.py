"""Fauna tokens at sign-in: one query finds or creates the user's document and mints a token.

docs/fauna.md has the schema that the query needs. Whoever holds an ID token holds the Fauna token
in it.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from string import ascii_lowercase, ascii_uppercase
from time import monotonic
from typing import Literal, NamedTuple, Self

from cognito_claims.claims import Claims, TokenClaims
from cognito_claims.clients.fauna import FaunaClient, Query, QueryClient, Value
from cognito_claims.clients.secrets import SecretReader
from cognito_claims.deadline import Stopwatch, seconds_left
from cognito_claims.errors import FaunaError, Problem, SettingsError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent, User
from cognito_claims.secret import Secret
from cognito_claims.settings import choice_problems, read_settings

_CHOICES = {"identity": ("sub", "email"), "client": ("http", "driver")}
_DRIVER = "cognito_claims.clients.fauna_driver"
_OWN = frozenset(  # Fauna's own collections and modules, and the keywords of FQL
    (
        *("AccessProvider", "Collection", "Credential", "Database"),
        *("Function", "Key", "Role", "Token"),
        *("Date", "FQL", "Math", "Query", "Set", "Time", "Transaction"),
        *("at", "else", "false", "if", "isa", "let", "null", "true"),
    )
)
_RETRY_S = 15.0  # Cognito may send an event again within this time
_LONGEST_TTL = 10 * 366 * 24 * 3600
_TOKEN = {"userId": "userId", "token": "fauna_token_secret"}
_PAIR = {"userId": "userId", "access": "fauna_access_token", "refresh": "fauna_refresh_token"}
_SAMPLE_SECRET = f"fnE{'x' * 48}"
_NO_EMAIL = "This account has no verified email address, which the sign-in needs."
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_SAMPLE_ID = "0" * 18


class _Minted(NamedTuple):
    event: PreTokenGenerationEvent
    when: Stopwatch
    claims: Claims


class FaunaTokens:
    """Mint a Fauna token for every user and add it to the ID token; skip machine tokens.

    `identity` is the field that names a user's document: Cognito's `sub`, or the verified email in
    lower case. `index` is the index over that field (`bySub`, or `byEmail`). An email counts if the
    user is a native user, or if all identity providers of the user are in `email_providers`. The
    lives of tokens are in seconds. `refresh_ttl_seconds` turns on the pair of an access and a
    refresh token. `secret` may be a reference to AWS, as a `Secret` with an environment.

    Raises `TokenDenied` for a user whose email does not count. If there is no token, raises what
    its clients raise.
    """

    def __init__(
        self,
        *,
        endpoint: str,
        secret: str | Secret,
        client: Literal["http", "driver"] = "http",
        collection: str = "Customer",
        index: str | None = None,
        identity: Literal["sub", "email"] = "sub",
        email_providers: tuple[str, ...] = (),
        ttl_seconds: int = 1800,
        refresh_ttl_seconds: int | None = None,
        suppress: tuple[str, ...] = ("email",),
    ) -> None:
        self.endpoint: str = endpoint
        self.client: str = client
        self.collection: str = collection
        self.index: str = index or ("byEmail" if identity == "email" else "bySub")
        self.identity: str = identity
        self.email_providers: frozenset[str] = frozenset(email_providers)
        self.ttl_seconds: int = ttl_seconds
        self.refresh_ttl_seconds: int | None = refresh_ttl_seconds
        self.suppress: frozenset[str] = frozenset(suppress)
        self._claim_of = _TOKEN if refresh_ttl_seconds is None else _PAIR
        problems = [*self._problems()]
        try:
            self._secret = SecretReader(secret if isinstance(secret, Secret) else Secret(secret))
        except ValueError as error:
            problems.append(Problem("secret", str(error)))
        try:
            self._fauna: QueryClient = _client(client, endpoint)
        except ImportError:
            problems.append(
                Problem("client", "driver needs the extra: pip install 'cognito-claims[fauna]'")
            )
        except ValueError as error:
            problems.append(Problem("endpoint", str(error)))
        if problems:
            raise SettingsError(tuple(problems))
        self._latest: _Minted | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str], /) -> Self:
        """Read the `FAUNA_*` variables, or raise `SettingsError` with every problem."""
        return read_settings(cls, "FAUNA", environ)

    @property
    def owns(self) -> dict[str, frozenset[str]]:
        """The claims that the plugin adds or suppresses, by token."""
        return {"id": self.suppress.union(self._claim_of.values())}

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        """Return claims with a new token for this user.

        The same event within 15 seconds is a retry of Cognito, and gets the same token.
        """
        if event.user is None:
            return Claims()
        identity = self._identity_of(event.user)
        latest = self._latest
        if (
            latest is not None
            and latest.event == event
            and latest.when.elapsed() < min(_RETRY_S, self.ttl_seconds)
        ):
            return latest.claims
        claims = self._claims(self._minted(self._query(identity)))
        self._latest = _Minted(event, Stopwatch(), claims)
        return claims

    def prepare(self) -> None:
        """Fetch the secret ahead of the first event."""
        self._secret.read(monotonic() + seconds_left())

    def sample(self, event: PreTokenGenerationEvent, /) -> Claims:
        """Return made-up claims of the right shape and size, without a call to Fauna."""
        if event.user is None:
            return Claims()
        self._identity_of(event.user)
        return self._claims(dict.fromkeys(self._claim_of, _SAMPLE_SECRET) | {"userId": _SAMPLE_ID})

    def _identity_of(self, user: User) -> str:
        if self.identity == "sub":
            return user.sub
        problem = user.distrust("email", self.email_providers)
        if problem is not None:
            setting = "FAUNA_IDENTITY"
            if user.verified("email"):
                setting = "FAUNA_EMAIL_PROVIDERS"
            raise TokenDenied(_NO_EMAIL, setting=setting, problem=problem)
        # ASCII letters only: mail servers distinguish other letters that lower case would unite.
        return user.attributes["email"].translate(_LOWER)

    def _query(self, identity: str) -> Query:
        name = Value(identity)
        collection, field = self.collection, self.identity
        find = (f"let user = {collection}.{self.index}(", name, ").first() ?? ")
        create = (f"{collection}.create({{ {field}: ", name, " })\n")
        ttl = Value(self.ttl_seconds)
        if self.refresh_ttl_seconds is None:
            return (*find, *create, *_mint(ttl))
        return (*find, *create, *_mint_pair(ttl, Value(self.refresh_ttl_seconds)))

    def _minted(self, query: Query) -> Mapping[str, str]:
        deadline = monotonic() + seconds_left()
        return self._secret.use(
            lambda secret: self._fauna.query(query, secret, deadline=deadline), deadline
        )

    def _claims(self, minted: Mapping[str, str]) -> Claims:
        if not all(minted.get(name) for name in self._claim_of):
            raise FaunaError(200, "an answer without a token")
        add = {claim: minted[name] for name, claim in self._claim_of.items()}
        return Claims(id_token=TokenClaims(add=add, suppress=self.suppress))

    def _problems(self) -> Iterator[Problem]:
        yield from choice_problems(self, _CHOICES)
        for setting, name in (("collection", self.collection), ("index", self.index)):
            if not (name.isascii() and name.isidentifier()):
                yield Problem(setting, "expected an identifier: letters, digits and _")
            elif name in _OWN:
                yield Problem(setting, "is a reserved name of Fauna")
        for setting, what in (("email_providers", "identity providers"), ("suppress", "claims")):
            if "" in getattr(self, setting):
                yield Problem(setting, f"expected names of {what}")
        if not self.suppress.isdisjoint(self._claim_of.values()):
            yield Problem("suppress", "cannot hold the claims that the plugin adds")
        yield from _life_problems(self.ttl_seconds, self.refresh_ttl_seconds)


def _life_problems(ttl: int, refresh_ttl: int | None) -> Iterator[Problem]:
    if not 1 <= ttl <= _LONGEST_TTL:
        yield Problem("ttl_seconds", "expected 1 second to 10 years")
    if refresh_ttl is not None and not ttl < refresh_ttl <= _LONGEST_TTL:
        yield Problem("refresh_ttl_seconds", "expected more than the ttl, and 10 years at most")


def _client(client: str, endpoint: str) -> QueryClient:
    made: QueryClient
    if client == "driver":
        made = import_module(_DRIVER).FaunaDriver(endpoint)
    else:
        made = FaunaClient(endpoint)
    return made


def _mint(ttl: Value) -> Query:
    return (
        "let token = Token.create({ document: user, ttl: Time.now().add(",
        ttl,
        ', "seconds") })\n{ userId: user.id, token: token.secret!, expires: token.ttl! }',
    )


def _mint_pair(ttl: Value, refresh_ttl: Value) -> Query:
    # The id is no secret: whoever holds the access token can read its data.
    return (
        "let now = Time.now()\nlet refresh = Token.create({ document: user, ttl: now.add(",
        refresh_ttl,
        ', "seconds"), data: { type: "refresh" } })\n'
        "let access = Token.create({ document: user, ttl: now.add(",
        ttl,
        ', "seconds"), data: { type: "access", refresh: refresh.id.toString() } })\n'
        "{ userId: user.id, access: access.secret!, refresh: refresh.secret! }",
    )
