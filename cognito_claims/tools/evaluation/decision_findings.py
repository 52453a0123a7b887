"""What a decision on an event means, as findings."""

from collections.abc import Iterator

from cognito_claims.claims import Claims
from cognito_claims.errors import CognitoClaimsError, TokenDenied
from cognito_claims.invocation.decision import Decision
from cognito_claims.plugins.mapper import Mapper
from cognito_claims.registry import Configuration, Plugin, PluginEntry
from cognito_claims.tools.findings import Finding


def sample_findings(configuration: Configuration, decision: Decision) -> Iterator[Finding]:
    """Tell which plugins' claims are made up; of look-ups `missing_items` tells."""
    for name, outcome in decision.outcomes.items():
        marked = configuration.plugins[name]
        if isinstance(marked.plugin, Mapper):
            continue
        is_sampled = _sampled(marked) is not marked.plugin and not marked.is_pure
        if is_sampled and outcome.claims not in (None, Claims()):
            message = f"{name}: its values here are made up; a sign-in asks its backend for them"
            yield Finding("sample", "warning", message)


def _sampled(marked: PluginEntry) -> Plugin:
    sample: Plugin | None = getattr(marked.plugin, "sample", None)
    return marked.plugin if sample is None else sample


def decision_findings(decision: Decision) -> Iterator[Finding]:
    """Tell why the sign-in is refused, and what an optional plugin left out."""
    for outcome in decision.outcomes.values():
        if outcome.error is not None and outcome.error is not decision.error:
            yield Finding(outcome.error.code, "warning", f"claims omitted: {outcome.error}")
    if decision.error is not None:
        yield Finding(decision.error.code, "error", told_of(decision.error))


def told_of(error: CognitoClaimsError) -> str:
    """Return an error's text; of a refusal also what the developer needs, which the user does not read."""
    if not isinstance(error, TokenDenied):
        return str(error)
    why = "".join(f"{part}: " for part in (error.plugin, error.setting, error.problem) if part)
    return f"{why}{error}".removesuffix(f" [{error.code}]")  # which the finding has by itself
