"""Claims with which SurrealDB accepts a Cognito token for a record user.

The names are SurrealDB's short ones: `ns`, `db`, `ac` (2.x, 3.x), `tk` and `sc` (1.x). There is no
`id` claim: 3.x cuts an unescaped record id short, which makes one user another. There is no `rl`
claim: roles are for system users.
"""

from collections.abc import Mapping, Set
from typing import Self

from cognito_claims.claims import Claims, Token
from cognito_claims.errors import Problem, SettingsError
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.settings import read_settings


class SurrealDBClaims:
    """Add SurrealDB's claims for every user; skip machine tokens.

    `access` is for 2.x and 3.x, `token` and `scope` are for 1.x; all three together serve every
    version. The backend's set-up script reads `email` and `email_verified` in the ID token, so no
    other plugin may suppress these.
    """

    pure = True

    def __init__(
        self,
        *,
        namespace: str,
        database: str,
        access: str | None = None,
        token: str | None = None,
        scope: str | None = None,
        tokens: Set[Token] = frozenset(("id",)),
    ) -> None:
        problems = [*_missing(access, token, scope)]
        named = {"ns": namespace, "db": database, "ac": access, "tk": token, "sc": scope}
        for claim, setting in _SETTING_OF.items():
            if named[claim] == "":
                problems.append(Problem(setting, "cannot be empty"))
        if not tokens or not tokens <= {"id", "access"}:
            problems.append(Problem("tokens", "expected one or both of id, access"))
        if problems:
            raise SettingsError(tuple(problems))
        self.namespace: str = namespace
        self.database: str = database
        self.access: str | None = access
        self.token: str | None = token
        self.scope: str | None = scope
        self.tokens: frozenset[Token] = frozenset(tokens)
        self._claims = Claims.adding(
            {claim: name for claim, name in named.items() if name is not None},
            to=tokens,
            needs={"email", "email_verified"} if "id" in tokens else frozenset(),
        )

    @classmethod
    def from_env(cls, environ: Mapping[str, str], /) -> Self:
        """Read the `SURREALDB_*` variables, or raise `SettingsError` with every problem."""
        return read_settings(cls, "SURREALDB", environ)

    @property
    def owns(self) -> dict[Token, frozenset[str]]:
        """The claims that the plugin adds, by token."""
        id_token, access_token = self._claims.id_token, self._claims.access_token
        return {"id": frozenset(id_token.add), "access": frozenset(access_token.add)}

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        """Return the same claims for every user."""
        return Claims() if event.user is None else self._claims


_SETTING_OF = {"ns": "namespace", "db": "database", "ac": "access", "tk": "token", "sc": "scope"}


def _missing(access: str | None, token: str | None, scope: str | None) -> list[Problem]:
    if token is None and scope is not None:
        return [Problem("token", "required beside the scope (SurrealDB 1.x)")]
    if scope is None and token is not None:
        # ns, db and tk without sc make a system user, to whom table permissions do not apply.
        return [Problem("scope", "required beside the token (SurrealDB 1.x)")]
    if access is None and token is None:
        return [Problem("access", "required, unless token and scope are set (SurrealDB 1.x)")]
    return []
