"""What `check` says of the user sync: of its trigger, its queue and its worker."""

from collections.abc import Iterator, Mapping

from cognito_claims import sinks
from cognito_claims.cli.preview import Finding
from cognito_claims.errors import SettingsError
from cognito_claims.sync.hasura import HasuraUsers


def is_for_sync_alone(environ: Mapping[str, str]) -> bool:
    """Say whether these are the settings of a sync function, or of its worker, which make no tokens."""
    return _names(environ, "USER_SYNC_", "HASURA_SYNC_") and not _names(environ, "COGNITO_CLAIMS_")


def sync_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check what is there of a sync; the worker's environment has no `USER_SYNC_SINKS`."""
    if _names(environ, "USER_SYNC_"):
        try:
            sinks.load(environ)
        except SettingsError as error:
            yield from settings_findings(error)
    if environ.get("HASURA_SYNC_URL", "").strip():
        try:
            users = HasuraUsers.from_env(environ)
        except SettingsError as error:
            yield from settings_findings(error)
        else:
            yield from _hasura_findings(users)


def settings_findings(error: SettingsError) -> Iterator[Finding]:
    """Give a finding for each wrong setting."""
    for problem in error.problems:
        yield Finding("settings", "error", str(problem))


def _hasura_findings(users: HasuraUsers) -> Iterator[Finding]:
    if users.update_columns and users.version_column is None:
        columns = ", ".join(users.update_columns)
        danger = f"an older sync that comes late overwrites what a newer one wrote to {columns}"
        yield Finding(
            "no-version-column", "warning", f"HASURA_SYNC_VERSION_COLUMN: unset, {danger}"
        )
    if users.role in (None, "admin"):
        danger = "the sync acts as Hasura's admin, who sees and changes everything"
        yield Finding("sync-as-admin", "warning", f"HASURA_SYNC_ROLE: {danger}")


def _names(environ: Mapping[str, str], *prefixes: str) -> bool:
    return any(name.startswith(prefixes) for name, text in environ.items() if text.strip())
