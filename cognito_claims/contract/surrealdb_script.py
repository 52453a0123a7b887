"""The set-up script that makes a SurrealDB database accept one user pool's tokens.

Each generation has its own script. The rules are SurrealDB's ("DEFINE ACCESS", "DEFINE TOKEN",
"PERMISSIONS"), run on 1.0.0, 2.3.10 and 3.0.2. A record's id is the user's `sub`.

The engines run a caller's expressions before they look at the table's permissions, and an
expression can throw what it sees. 2.x and 3.x look at the permissions of fields first, so every
field has its own, `id` too. 1.x looks at no permission first. So its rows hold nothing but their
id, and email and name are computed from the caller's own token.

1.x has no AUTHENTICATE clause that could make the record. There the application makes it, at the
first sign-in, and the permissions let it make no other.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from cognito_claims.contract.errors import BackendRefusal

_FRESH = "$token.exp > time::unix()"  # a session may outlive its token
_OWN_ID = 'id = type::thing("user", $token.sub)'
_NO_INDEX = "REMOVE INDEX IF EXISTS email ON user;"  # an earlier script made one
_FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NEVER_EDITABLE = ("id", "email", "cognito_username")
_DEFINE = re.compile(r"^DEFINE (ACCESS|FIELD|TABLE)")
Generation = Literal["1.x", "2.x", "3.x"]
GENERATIONS: tuple[Generation, ...] = ("1.x", "2.x", "3.x")


class Setup(NamedTuple):
    """What one database expects: a pool, an app client, one of its tokens, and names."""

    namespace: str
    database: str
    issuer: str
    client_id: str
    access: str | None = None
    token_name: str | None = None
    scope: str | None = None
    token_use: Literal["id", "access"] = "id"
    other_client_ids: tuple[str, ...] = ()

    @property
    def client_ids(self) -> tuple[str, ...]:
        """Return all app clients whose tokens are accepted."""
        return (self.client_id, *self.other_client_ids)

    def generations(self) -> tuple[Generation, ...]:
        """Return the generations that a token can address: 1.x by tk and sc, later ones by ac."""
        first: tuple[Generation, ...] = ("1.x",) if self.token_name and self.scope else ()
        later: tuple[Generation, ...] = ("2.x", "3.x") if self.access else ()
        return first + later


class Check(NamedTuple):
    """One condition on `$token`: as 1.x permissions state it, and as AUTHENTICATE denies it."""

    holds: str
    fails: str
    code: str
    reason: str


def identifier(value: str) -> str:
    """Quote an identifier with backticks, which all three engines read in the same way.

    Angle brackets do not work: `\\⟩` is a parse error on 1.0.0 and 3.0.2.
    """
    return f"`{_escaped(value, '`', line_break='')}`"


def string(value: str) -> str:
    """Quote a string literal, which may hold line breaks, as a PEM key does."""
    return f'"{_escaped(value, chr(34), line_break=chr(10))}"'


def checks(setup: Setup) -> tuple[Check, ...]:
    """Return the conditions on a token's claims; SurrealDB checks none of them by itself."""
    issuer = _equal("$token.iss", string(setup.issuer), "wrong-issuer", "Wrong issuer")
    subject = _present("$token.sub", "missing-subject", "No subject")
    if setup.token_use == "access":
        return (
            issuer,
            _equal("$token.token_use", '"access"', "wrong-token-use", "Not an access token"),
            _client(setup, "$token.client_id", "wrong-client", "Wrong client"),
            subject,
            _present("$token.username", "missing-username", "Not a user's token"),
        )
    return (
        issuer,
        _equal("$token.token_use", '"id"', "wrong-token-use", "Not an ID token"),
        _client(setup, "$token.aud", "wrong-audience", "Wrong audience"),
        subject,
        _equal("$token.email_verified", "true", "email-not-verified", "Email not verified"),
    )


def check_editable(editable: Sequence[str]) -> None:
    """Raise `BackendRefusal` for a name that cannot be a field that users may change."""
    for name in editable:
        if name in _NEVER_EDITABLE or not _FIELD_NAME.fullmatch(name):
            expected = "expected the name of a field: letters, digits and _; not"
            raise BackendRefusal("setup-value", f"{expected} {' or '.join(_NEVER_EDITABLE)}")


def setup_script(
    setup: Setup,
    generation: Generation = "2.x",
    *,
    public_key: str | None = None,
    overwrite: bool = False,
    editable: Sequence[str] = (),
) -> str:
    """Return the script for one generation, as one transaction.

    Without a PEM key it names the pool's JWKS URL. A real server reads the URL (1.x: from 1.2 on).
    No embedded engine does, so tests pass the key. If a part is already defined, 2.x and 3.x refuse
    the whole script unless `overwrite`; 1.x has no such word, and overwrites. Users may change the
    `editable` fields of their own row, and nothing else. Raises `BackendRefusal` for a value that cannot
    be quoted, and for a field that cannot be editable.
    """
    check_editable(editable)
    if generation == "1.x":
        entrance = _scope(setup, public_key)
    else:
        entrance = _access(setup, generation, public_key)
    use = f"USE NS {identifier(setup.namespace)} DB {identifier(setup.database)};"
    lines = [*entrance, *_table(setup, generation, tuple(dict.fromkeys(editable)))]
    if overwrite and generation != "1.x":
        lines = [*(_DEFINE.sub(r"\g<0> OVERWRITE", line) for line in lines), _NO_INDEX]
    return "\n".join((use, "BEGIN TRANSACTION;", *lines, "COMMIT TRANSACTION;", ""))


def _scope(setup: Setup, public_key: str | None) -> tuple[str, ...]:
    """Define the 1.x scope and its token."""
    scope, token = identifier(setup.scope or ""), identifier(setup.token_name or "")
    kind, value = ("RS256", public_key) if public_key else ("JWKS", _jwks_url(setup))
    return (
        f"DEFINE SCOPE {scope} SESSION 1h;",
        f"DEFINE TOKEN {token} ON SCOPE {scope} TYPE {kind} VALUE {string(value)};",
    )


def _access(setup: Setup, generation: Generation, public_key: str | None) -> tuple[str, ...]:
    """Define the record access; TYPE JWT would make every Cognito user a system user.

    AUTHENTICATE runs for every request. It writes only changes: on 3.3 two writes at the same time
    make one of the requests fail.
    """
    record = "type::thing" if generation == "2.x" else "type::record"
    kind, value = ("ALGORITHM RS256 KEY", public_key) if public_key else ("URL", _jwks_url(setup))
    claims = _fields(setup)
    names, values = ", ".join(claims), ", ".join(claims.values())
    fields = ", ".join(f"{field} = {claim}" for field, claim in claims.items())
    return (
        f"DEFINE ACCESS {identifier(setup.access or '')} ON DATABASE TYPE RECORD",
        f"  WITH JWT {kind} {string(value)}",
        "  AUTHENTICATE {",
        *(f"    IF {check.fails} {{ THROW {string(check.reason)} }};" for check in checks(setup)),
        f'    LET $id = {record}("user", $token.sub);',
        f"    IF (SELECT VALUE [{names}] FROM ONLY $id) != [{values}] {{",  # noqa: S608  (constants)
        f"      UPSERT $id SET {fields};",
        "    };",
        "    RETURN $id;",
        "  } DURATION FOR SESSION 1h;",
    )


def _table(setup: Setup, generation: Generation, editable: tuple[str, ...]) -> tuple[str, ...]:
    """Define the users' table, without an index: an index shows every user which values rows hold."""
    owner = " AND ".join(_owner(setup, generation))
    # 1.x makes no row at a sign-in: the application creates it, with the id of later versions.
    create = f"WHERE {owner}" if generation == "1.x" else "NONE"
    update = f"WHERE {owner}" if editable else "NONE"
    return (
        "DEFINE TABLE user SCHEMAFULL PERMISSIONS",
        f"  FOR select WHERE {owner}",
        f"  FOR create {create}",
        f"  FOR update {update}",
        "  FOR delete NONE;",
        *_own_fields(setup, generation),
        *_editable_fields(generation, editable),
    )


def _own_fields(setup: Setup, generation: Generation) -> Iterator[str]:
    """Define the fields that the token fills, and that no user may write."""
    may = f"  PERMISSIONS FOR select WHERE {_own(generation)} FOR create, update NONE;"
    if generation == "1.x":
        for field, claim in _fields(setup).items():
            yield f"DEFINE FIELD {field} ON user VALUE <future> {{ {claim} }}"
            yield may
        return
    yield "DEFINE FIELD id ON user"
    yield may
    yield "DEFINE FIELD cognito_username ON user TYPE string"
    yield may
    if setup.token_use == "id":
        is_email = "string::is_email" if generation == "3.x" else "string::is::email"
        yield f"DEFINE FIELD email ON user TYPE string ASSERT {is_email}($value)"
        yield may


def _editable_fields(generation: Generation, editable: tuple[str, ...]) -> Iterator[str]:
    for field in editable:
        yield f"DEFINE FIELD {identifier(field)} ON user TYPE option<string>"
        yield f"  PERMISSIONS FOR select, update WHERE {_own(generation)} FOR create NONE;"


def _own(generation: Generation) -> str:
    return _OWN_ID if generation == "1.x" else "id = session::rd()"


def _owner(setup: Setup, generation: Generation) -> tuple[str, ...]:
    """Return the condition on the owner of a row; a session of an earlier email sees no row."""
    if generation != "1.x":
        email = ("email = session::token().email",) if setup.token_use == "id" else ()
        access = f"session::ac() = {string(setup.access or '')}"
        return (access, "session::token().exp > time::unix()", _own(generation), *email)
    return (
        f"$scope = {string(setup.scope or '')}",
        *(check.holds for check in checks(setup)),
        *(("$token.email AND string::is::email($token.email)",) if setup.token_use == "id" else ()),
        _FRESH,
        _OWN_ID,
    )


def _fields(setup: Setup) -> dict[str, str]:
    """Return the record's fields with the claims that fill them at each sign-in."""
    if setup.token_use == "access":
        return {"cognito_username": "$token.username"}
    return {"email": "$token.email", "cognito_username": '$token["cognito:username"]'}


def _jwks_url(setup: Setup) -> str:
    return f"{setup.issuer}/.well-known/jwks.json"


def _equal(claim: str, value: str, code: str, reason: str) -> Check:
    return Check(f"{claim} = {value}", f"{claim} != {value}", code, reason)


def _client(setup: Setup, claim: str, code: str, reason: str) -> Check:
    if not setup.other_client_ids:
        return _equal(claim, string(setup.client_id), code, reason)
    taken = f"[{', '.join(map(string, setup.client_ids))}]"
    return Check(f"{claim} IN {taken}", f"{claim} NOT IN {taken}", code, reason)


def _present(claim: str, code: str, reason: str) -> Check:
    return Check(claim, f"!{claim}", code, reason)


def _escaped(value: str, quote: str, *, line_break: str) -> str:
    if not value or not value.replace(line_break, "").isprintable():
        raise BackendRefusal(
            "setup-value", "the set-up script takes names and values of printable text"
        )
    return value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
