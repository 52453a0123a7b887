"""Hasura's session variables in one claim, for v2 or v3.

In both versions (Hasura: "Authentication using JWT") names are in lower case, each allowed role
occurs once, and the default role is one of them. In v2 every other value is a string. In v3 (DDN,
since the compatibility date 2024-10-16) a value has its JSON type, since permissions compare types.
"""

import json
from collections.abc import Iterator, Mapping, Set
from types import MappingProxyType
from typing import Literal, Self

from cognito_claims.claims import Claims, Json, Token
from cognito_claims.errors import Problem, SettingsError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent, User
from cognito_claims.settings import choice_problems, read_settings

_PREFIX = "x-hasura-"
_RESERVED = frozenset(
    f"{_PREFIX}{name}" for name in ("allowed-roles", "default-role", "role", "user-id")
)
_SECRETS = frozenset((f"{_PREFIX}admin-secret", f"{_PREFIX}access-key"))
_GROUPS = "cognito:groups"
_CHOICES = {"engine": ("v2", "v3"), "claims_format": ("stringified_json", "json")}
_BOOLEANS = {"false": False, "true": True}
_UNSAFE = 2**53  # from here on, JSON readers may lose digits
_LONGEST_NUMBER = 17  # characters: every JSON reader reads such a number exactly
_NO_USER_ID = "This account lacks an attribute that the sign-in needs verified."
_to_json = json.JSONEncoder(separators=(",", ":")).encode
_NO_PAIRS: Mapping[str, str] = MappingProxyType({})


class HasuraClaims:
    """Add Hasura's claims namespace for every user; skip machine tokens.

    Every user has `default_role` and `allowed_roles` (by default, the default role alone). The
    first group of `default_roles` that a user is in sets another default role, which must be an
    allowed role of the user. `group_roles` maps groups to roles; a group that it does not name
    gives no role. A session variable takes a user attribute, or, with `cognito:groups`, the groups
    as a Postgres array literal. A user without the attribute gets no such variable, and Hasura's
    permissions then refuse what needs it. An email or phone number counts if it is verified, and if
    the user is a native user or all identity providers of the user are in `email_providers`.

    Raises `TokenDenied` for a user without the attribute of `x-hasura-user-id`.
    """

    pure = True

    def __init__(
        self,
        *,
        claims_namespace: str = "https://hasura.io/jwt/claims",
        engine: Literal["v2", "v3"] = "v2",
        claims_format: Literal["stringified_json", "json"] = "stringified_json",
        default_role: str = "user",
        default_roles: Mapping[str, str] = _NO_PAIRS,
        allowed_roles: tuple[str, ...] | None = None,
        group_roles: Mapping[str, str] = _NO_PAIRS,
        session_variables: Mapping[str, str] = _NO_PAIRS,
        user_id_attribute: str = "sub",
        email_providers: tuple[str, ...] = (),
        tokens: Set[Token] = frozenset(("id",)),
    ) -> None:
        self.claims_namespace = claims_namespace
        self.engine: str = engine
        self.claims_format: str = claims_format
        self.default_role = default_role
        self.default_roles: Mapping[str, str] = dict(default_roles)
        self.allowed_roles: tuple[str, ...] = (
            (default_role,) if allowed_roles is None else allowed_roles
        )
        self.group_roles: Mapping[str, str] = dict(group_roles)
        self.session_variables: Mapping[str, str] = {
            name.casefold(): path for name, path in session_variables.items()
        }
        self.user_id_attribute = user_id_attribute
        self.email_providers: frozenset[str] = frozenset(email_providers)
        self.tokens: frozenset[Token] = frozenset(tokens)
        problems = (
            *self._problems(),
            *_variable_problems(session_variables),
            *_provider_problems(self.email_providers),
        )
        if problems:
            raise SettingsError(problems)

    @classmethod
    def from_env(cls, environ: Mapping[str, str], /) -> Self:
        """Read the `HASURA_*` variables, or raise `SettingsError` with every problem."""
        return read_settings(cls, "HASURA", environ, foreign=("HASURA_SYNC_",))

    @property
    def owns(self) -> dict[Token, frozenset[str]]:
        """The claim that the plugin adds, by token."""
        return dict.fromkeys(self.tokens, frozenset((self.claims_namespace,)))

    def __call__(self, event: PreTokenGenerationEvent, /) -> Claims:
        """Return claims with this user's session variables."""
        if event.user is None:
            return Claims()
        variables = self._variables(event.user, event.groups)
        value = _to_json(variables) if self.claims_format == "stringified_json" else variables
        return Claims.adding({self.claims_namespace: value}, to=self.tokens)

    def _variables(self, user: User, groups: tuple[str, ...]) -> dict[str, Json]:
        problem = user.distrust(self.user_id_attribute, self.email_providers)
        if problem is not None:
            raise self._denied(user, problem)
        given = (self.group_roles[group] for group in groups if group in self.group_roles)
        variables: dict[str, Json] = {
            "x-hasura-allowed-roles": list(dict.fromkeys((*self.allowed_roles, *given))),
            "x-hasura-default-role": self._default_role(groups),
            "x-hasura-user-id": self._value(user.attributes[self.user_id_attribute]),
        }
        for name, attribute in self.session_variables.items():
            if attribute == _GROUPS:
                variables[name] = list(groups) if self.engine == "v3" else _array(groups)
                continue
            text = self._attribute(user, attribute)
            if text is not None:
                variables[name] = self._value(text)
        return variables

    def _default_role(self, groups: tuple[str, ...]) -> str:
        if self.default_roles:
            for group, role in self.default_roles.items():
                if group in groups:
                    return role
        return self.default_role

    def _value(self, text: str) -> Json:
        return _native(text) if self.engine == "v3" else text

    def _attribute(self, user: User, attribute: str) -> str | None:
        if attribute in ("email", "phone_number"):
            return user.trusted(attribute, self.email_providers)
        return user.verified(attribute)

    def _denied(self, user: User, problem: str) -> TokenDenied:
        setting = "HASURA_USER_ID_ATTRIBUTE"
        if user.verified(self.user_id_attribute):
            setting = "HASURA_EMAIL_PROVIDERS"
        return TokenDenied(_NO_USER_ID, setting=setting, problem=problem)

    def _problems(self) -> Iterator[Problem]:
        for setting in ("claims_namespace", "default_role", "user_id_attribute"):
            if not getattr(self, setting):
                yield Problem(setting, "cannot be empty")
        yield from choice_problems(self, _CHOICES)
        if self.default_role not in self.allowed_roles:
            yield Problem("allowed_roles", "must include the default role")
        if "" in self.allowed_roles:
            yield Problem("allowed_roles", "a role cannot be empty")
        if not all((*self.group_roles, *self.group_roles.values())):
            yield Problem("group_roles", "a group or role cannot be empty")
        yield from self._default_role_problems()
        if not self.tokens or not self.tokens <= {"id", "access"}:
            yield Problem("tokens", "expected one or both of id, access")

    def _default_role_problems(self) -> Iterator[Problem]:
        for position, (group, role) in enumerate(self.default_roles.items(), 1):
            if not group or role not in (*self.allowed_roles, self.group_roles.get(group)):
                told = "expected an allowed role, or the one that group_roles gives to this group"
                yield Problem("default_roles", f"entry {position}: {told}")


def _provider_problems(email_providers: Set[str]) -> Iterator[Problem]:
    if "" in email_providers:
        yield Problem("email_providers", "expected names of identity providers")


def _variable_problems(session_variables: Mapping[str, str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, (name, attribute) in enumerate(session_variables.items(), 1):
        variable = name.casefold()  # Hasura compares names so
        if not variable.startswith(_PREFIX) or variable == _PREFIX:
            problem = "expected a name that starts with x-hasura-"
        elif variable in _RESERVED:
            problem = f"{variable} has its own setting"
        elif variable in _SECRETS:
            problem = "Hasura keeps the names of its secrets out of sessions"
        elif variable in seen:
            problem = "duplicate name"
        elif not attribute:
            problem = "expected a user attribute"
        else:
            seen.add(variable)
            continue
        yield Problem("session_variables", f"entry {position}: {problem}")


def _native(text: str) -> Json:
    """Return a boolean, or a number in the form in which JSON writes it; else the text itself.

    So `007`, `1e3`, `+1` and ` 1` stay strings: a changed id would name another user.
    """
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) > _LONGEST_NUMBER or not text.isascii() or not text[-1:].isdigit():
        return text
    try:
        number = float(text) if "." in text else int(text)
    except ValueError:
        return text
    return number if _to_json(number) == text and abs(number) < _UNSAFE else text


def _array(groups: tuple[str, ...]) -> str:
    quoted = (group.replace("\\", "\\\\").replace('"', '\\"') for group in groups)
    return "{" + ",".join(f'"{group}"' for group in quoted) + "}"
