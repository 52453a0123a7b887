"""Which plugins can be combined: checks when a handler is made, and for each event."""

from collections.abc import Iterator, Mapping, Set
from typing import Any

from cognito_claims.claims import GROUP_CLAIMS, Claims
from cognito_claims.errors import ClaimConflictError, Problem, SettingsError
from cognito_claims.events import are_texts
from cognito_claims.plugin import PluginEntry, mark

_TOKENS = frozenset(("id", "access"))
NEVER_OPTIONAL = "decides on groups, so its failure must refuse the sign-in"
NOT_FOR_SOME_CLIENTS = "decides on groups, so it is asked for events of every app client"
_HOW_TO_MARK = "wrap the plugin in deciding_groups(...), or set decides_groups = True"


def composed(plugins: Mapping[str, Any]) -> dict[str, PluginEntry]:
    """Return the plugins with their marks, or raise `SettingsError` with every problem."""
    problems: list[Problem] = []
    entries: dict[str, PluginEntry] = {}
    for name, plugin in plugins.items():
        problem = plugin_problem(plugin)
        if problem is None:
            entries[name] = entry = mark(plugin)
            problems += [Problem(name, problem) for problem in entry_problems(entry)]
        else:
            problems.append(Problem(name, problem))
    problems += decider_problems(entries)
    if problems:
        raise SettingsError(tuple(problems))
    return entries


def plugin_problem(plugin: object) -> str | None:
    """Return why this object is not a plugin, or None if it is one."""
    inner: Any = plugin.plugin if isinstance(plugin, PluginEntry) else plugin
    if isinstance(inner, type):
        return f"expected a plugin, got the class {inner.__name__}: make an instance of it"
    if not callable(inner):
        what = "nothing" if inner is None else type(inner).__name__
        return f"expected a plugin, which can be called with an event, got {what}"
    return None


def never_optional(entry: PluginEntry) -> str | None:
    """Return why a failure of the plugin must always refuse the sign-in, or None."""
    if entry.decides_groups:
        return NEVER_OPTIONAL
    reason: str | None = getattr(entry.plugin, "never_optional", None)
    return reason


def entry_problems(entry: PluginEntry) -> Iterator[str]:
    """Yield the marks of a plugin that contradict each other, and malformed declarations."""
    reason = never_optional(entry) if entry.on_error == "omit" else None
    if reason is not None:
        yield reason
    if entry.decides_groups:
        if entry.clients is not None:
            yield NOT_FOR_SOME_CLIENTS
        decide: Any = entry.decide_groups
        if decide is not None and not callable(decide):
            yield "decide_groups: expected a method"
    if entry.clients is not None and not entry.clients:
        yield "no app client is left: its lists of app clients share no id"
    if entry.owns is not None and not _is_declaration(entry.owns):
        yield "owns: expected a mapping from id, access or both to sets of claim names"


def decider_problems(entries: Mapping[str, PluginEntry]) -> Iterator[Problem]:
    """Yield a problem if more than one plugin decides on groups."""
    deciding = [name for name, entry in entries.items() if entry.decides_groups]
    if len(deciding) > 1:
        yield Problem(", ".join(deciding), "only one plugin may decide on groups")


def declared_conflict(entries: Mapping[str, PluginEntry]) -> ClaimConflictError | None:
    """Return the conflict of two plugins that declare the same claim, if there is one.

    Plugins that share no app client cannot conflict.
    """
    declared = [(name, entry, entry.owns) for name, entry in sorted(entries.items()) if entry.owns]
    for index, (name, entry, owns) in enumerate(declared):
        for other_name, other, other_owns in declared[index + 1 :]:
            if entry.clients and other.clients and entry.clients.isdisjoint(other.clients):
                continue
            for token, claims in owns.items():
                both = claims & other_owns.get(token, frozenset())
                if both:
                    problem = f"declared by two plugins for the {token} token"
                    return ClaimConflictError(min(both), (name, other_name), problem)
    return None


def refuse_unmarked(answers: Mapping[str, tuple[PluginEntry, Claims | None]]) -> None:
    """Raise `ClaimConflictError` if an unmarked plugin changes the groups and is not alone.

    The other plugins have seen the original groups, and may have granted rights by them.
    """
    for name, (entry, claims) in answers.items():
        if claims is None or entry.decides_groups:
            continue
        changed = claims.id_token.suppress or claims.access_token.suppress
        if claims.groups is not None or changed:
            _refuse_changed_groups(name, claims, sorted(answers))


def _refuse_changed_groups(name: str, claims: Claims, names: list[str]) -> None:
    suppressed = {*claims.id_token.suppress, *claims.access_token.suppress} & GROUP_CLAIMS
    if claims.groups is None and not suppressed:
        return
    subject = "cognito:groups" if claims.groups is not None else min(suppressed)
    did = "suppressed" if claims.groups is None else "overridden"
    problem = f"{did} by {name}, which is not marked as deciding on groups: {_HOW_TO_MARK}"
    raise ClaimConflictError(subject, tuple(names), problem)


def _is_declaration(owns: Any) -> bool:
    return (
        isinstance(owns, Mapping)
        and _TOKENS.issuperset(owns)
        and all(isinstance(claims, Set) and are_texts(claims) for claims in owns.values())
    )
