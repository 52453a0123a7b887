"""What `check` says of the user sync: of its trigger, its queue and its worker."""

from collections.abc import Iterable, Iterator, Mapping

from cognito_claims.errors import SettingsError
from cognito_claims.sync import from_env as sinks
from cognito_claims.sync.hasura import HasuraUsers
from cognito_claims.tools.findings import Finding, settings_findings

_ATTRIBUTES = (
    frozenset(  # the standard ones, those that Cognito adds to an event, and the user's name
        """address birthdate cognito:email_alias cognito:phone_number_alias cognito:user_status email
    email_verified family_name gender given_name identities locale middle_name name nickname
    phone_number phone_number_verified picture preferred_username profile sub updated_at userName
    website zoneinfo""".split()  # noqa: SIM905  (a list takes a line for each)
    )
)
_OF_BOTH = ("COGNITO_CLAIMS_USER_POOLS", "COGNITO_CLAIMS_LOG_SUB")

_VERIFIED = ("email", "phone_number")  # null in a row unless verified
_NOT_WRITABLE = frozenset(
    ("sub", "userName", "identities", *_VERIFIED, *(f"{name}_verified" for name in _VERIFIED))
)


def is_for_sync_alone(environ: Mapping[str, str]) -> bool:
    """Say whether these are the settings of a sync function, or of its worker, which make no tokens."""
    of_claims = {n: text for n, text in environ.items() if n not in _OF_BOTH}
    return _names(environ, "USER_SYNC_", "HASURA_SYNC_") and not _names(
        of_claims, "COGNITO_CLAIMS_"
    )


def of_trigger(name: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings, each with the name of the trigger that it is about."""
    return (finding._replace(message=f"{name}: {finding.message}") for finding in findings)


def sync_findings(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Check what is there of a sync; the worker's environment has no `USER_SYNC_SINKS`."""
    if _names(environ, "USER_SYNC_"):
        try:
            sinks.load(environ)
        except SettingsError as error:
            yield from settings_findings(error)
    is_queue_alone = sinks.sink_names(environ) == {"queue"}
    if _names(environ, "HASURA_SYNC_URL" if is_queue_alone else "HASURA_SYNC_"):
        try:
            users = HasuraUsers.from_env(environ)
        except SettingsError as error:
            yield from settings_findings(error)
        else:
            yield from hasura_findings(users)


def hasura_findings(users: HasuraUsers) -> Iterator[Finding]:
    """Warn of what is dangerous in what goes through Hasura."""
    if users.update_columns and users.version_column is None:
        columns = ", ".join(users.update_columns)
        danger = f"an older sync that comes late overwrites what a newer one wrote to {columns}"
        yield Finding(
            "no-version-column", "warning", f"HASURA_SYNC_VERSION_COLUMN: unset, {danger}"
        )
    if users.role in (None, "admin"):
        danger = "the sync acts as Hasura's admin, who sees and changes everything"
        yield Finding("sync-as-admin", "warning", f"HASURA_SYNC_ROLE: {danger}")
    for column, source in users.columns.items():
        yield from _column_findings(column, source, is_updated=column in users.update_columns)


def _column_findings(column: str, source: str, *, is_updated: bool) -> Iterator[Finding]:
    if source == "sub" and is_updated:
        danger = f"{column} is a user's identity: to update it gives one user's row to another"
        yield Finding("updated-identity", "warning", f"HASURA_SYNC_UPDATE_COLUMNS: {danger}")
    if source in _VERIFIED:
        told = f"{column} is null for a user whose {source} is not verified"
        yield Finding("null-unless-verified", "warning", f"HASURA_SYNC_COLUMNS: {told}")
    if _is_writable(source):
        danger = f"{column} is taken from {source}, which app clients may write unless their WriteAttributes leave it out: let no permission rest on it"
        yield Finding("writable-attribute", "warning", f"HASURA_SYNC_COLUMNS: {danger}")
    elif source not in _ATTRIBUTES:
        advice = f"{source} is no attribute of Cognito's, so that {column} is always null; userName is the user's name"
        yield Finding("unknown-attribute", "warning", f"HASURA_SYNC_COLUMNS: {advice}")


def _is_writable(source: str) -> bool:
    if source.startswith("custom:"):
        return True
    is_cognitos = source.startswith("cognito:")
    return source in _ATTRIBUTES and source not in _NOT_WRITABLE and not is_cognitos


def _names(environ: Mapping[str, str], *prefixes: str) -> bool:
    return any(name.startswith(prefixes) for name, text in environ.items() if text.strip())
