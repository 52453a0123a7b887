"""The sections of a document other than values and groups: refusals, scopes and suppression."""

from typing import Any

from cognito_claims.claims import Token, addition_problem, suppression_problem
from cognito_claims.errors import TokenDenied
from cognito_claims.response import is_scope
from cognito_claims.rules.conditions import read_conditions
from cognito_claims.rules.context import Context, refusal
from cognito_claims.rules.guard import ALWAYS, Guard, read_guard
from cognito_claims.rules.reader import Reader, within
from cognito_claims.rules.reading import CLAIM, SCOPES, RuleReader
from cognito_claims.rules.rule import Rule
from cognito_claims.rules.sources import Sources

_TOKENS: tuple[Token, ...] = ("id", "access")
_ID: tuple[Token, ...] = ("id",)
_NEVER_ADDED = ("openid", "aws.cognito.signin.user.admin")


class Claim:
    """A rule for a claim of one token or both."""

    __slots__ = ("name", "of_machines", "rule", "tokens")

    def __init__(self, name: str, rule: Rule, tokens: tuple[Token, ...]) -> None:
        self.name: str = name
        self.rule: Rule = rule
        self.tokens: tuple[Token, ...] = tokens
        self.of_machines: bool = "access" in tokens and is_of_machines(rule)


class Denial:
    """Refuses the sign-in if its conditions hold."""

    __slots__ = ("guard", "of_machines", "place", "reason")

    def __init__(self, place: str, guard: Guard, reason: str) -> None:
        self.place: str = place
        self.guard: Guard = guard
        self.reason: str = reason
        is_of_clients = all(conditions.are_of_machines for conditions in guard.conditions)
        self.of_machines: bool = is_of_clients or (guard.names_clients and not guard.needs_user)

    @property
    def is_early(self) -> bool:
        """Whether it needs neither look-ups nor the tenant."""
        return not self.guard.lookups and not self.guard.uses_tenant

    def refuse(self, context: Context) -> None:
        """Raise `TokenDenied` if the conditions hold."""
        if (self.of_machines or not context.is_machine) and self.guard.applies(context):
            raise refusal(self.place, "its conditions hold", self.reason)


class GroupsRule:
    """One entry: the groups that its rule gives if its conditions hold."""

    __slots__ = ("guard", "is_added", "rule")

    def __init__(self, guard: Guard, rule: Rule, *, is_added: bool) -> None:
        self.guard: Guard = guard
        self.rule: Rule = rule
        self.is_added: bool = is_added


class Scope:
    """A scope, and the conditions to add or suppress it."""

    __slots__ = ("guard", "name", "of_machines")

    def __init__(self, name: str, guard: Guard) -> None:
        self.name: str = name
        self.guard: Guard = guard
        self.of_machines: bool = guard.names_clients and not guard.needs_user

    def applies(self, context: Context) -> bool:
        """Return whether the scope applies to this event's token."""
        return (self.of_machines or not context.is_machine) and self.guard.applies(context)


def is_of_machines(rule: Rule) -> bool:
    """Return whether a rule applies to a machine token."""
    if rule.needs_user:
        return False
    is_by_source = rule.source is not None and rule.source.is_of_machines
    return is_by_source or rule.guard.names_clients


def read_claims(rules: RuleReader, value: Any) -> list[Claim]:
    """Read the section `claims`."""
    claims = []
    for name, members in rules.reader.table(value, "claims").items():
        place = within("claims", name)
        rule = rules.rule(members, place, CLAIM)
        tokens = _ID
        if isinstance(members, dict) and "to" in members:
            tokens = _tokens(rules.reader, members["to"], f"{place}.to")
        for token in tokens:
            problem = addition_problem(name, token)
            if problem is not None:
                rules.reader.wrong(place, f"{problem} in the {token} token")
        claims.append(Claim(name, rule, tokens))
    return claims


def _tokens(reader: Reader, value: Any, place: str) -> tuple[Token, ...]:
    found: list[Token] = [t for t in _TOKENS if isinstance(value, list) and t in value]
    if not found or len(found) != len(value):
        reader.wrong(place, "expected a list of id, access or both")
    return tuple(found)


def read_denials(sources: Sources, value: Any) -> list[Denial]:
    """Read the section `deny`."""
    reader = sources.reader
    denials = []
    for place, entry in reader.entries(value, "deny"):
        members = reader.members(entry, place, ("when", "unless", "reason"), elsewhere=CLAIM)
        if "when" not in members and "unless" not in members:
            reader.wrong(place, "expected when, unless or both: it would refuse everybody")
        reason = TokenDenied.reason
        if "reason" in members:
            reason = reader.text(members["reason"], f"{place}.reason")
            if not reason.isprintable():
                reader.wrong(f"{place}.reason", "expected one line of text")
        denials.append(Denial(place, read_guard(sources, members, place), reason))
    return denials


def read_scopes(sources: Sources, value: Any, section: str, *, added: bool) -> list[Scope]:
    """Read the section `scopes` or `suppress_scopes`."""
    scopes = []
    for name, conditions in sources.reader.table(value, section).items():
        place = within(section, name)
        if added or name not in _NEVER_ADDED:
            check_scope(sources.reader, name, place)
        guard = ALWAYS
        if conditions is not True:
            guard = Guard(read_conditions(sources, conditions, place))
        scopes.append(Scope(name, guard))
    return scopes


def check_scope(reader: Reader, name: str, place: str) -> None:
    """Report a scope that cannot be added."""
    if name in _NEVER_ADDED:
        reader.wrong(place, "cannot be added")
    elif name and not is_scope(name):
        reader.wrong(place, "is not a scope: a scope has no blanks, quotes or backslashes")


def read_scopes_from(rules: RuleReader, value: Any) -> Rule:
    """Read the section `scopes_from`: a source whose values give scopes."""
    place = "scopes_from"
    rule = rules.rule(value, place, SCOPES)
    if isinstance(value, dict) and "values" not in value:
        rules.reader.wrong(place, "needs values: which scopes there may be")
    for scope in texts_of_table(rule):
        check_scope(rules.reader, scope, f"{place}.values")
    return rule


def texts_of_table(rule: Rule) -> dict[str, None]:
    """Return all texts that the table of a rule may give."""
    found = (rule.table or {}).values()
    lists = ([each] if isinstance(each, str) else each for each in found)
    return {text: None for texts in lists for text in texts}


def read_suppressed(reader: Reader, value: Any) -> dict[Token, frozenset[str]]:
    """Read the section `suppress`."""
    members = reader.members(value, "suppress", _TOKENS)
    suppressed = {}
    for token in _TOKENS:
        place = f"suppress.{token}"
        names = reader.texts(members.get(token, []), place)
        suppressed[token] = frozenset(names)
        for name in names:
            problem = suppression_problem(name, token)
            if problem is not None:
                reader.wrong(within(place, name), f"{problem} in the {token} token")
    return suppressed
