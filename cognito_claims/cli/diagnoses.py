"""What facts about a pool mean: each rule gives what is wrong and its remedy, and never a setting's value."""

from collections.abc import Iterable, Iterator, Mapping

from cognito_claims.cli.attached import PLUGINS, handler_findings, readable
from cognito_claims.cli.check import asked_attributes, written_by_clients
from cognito_claims.cli.facts import CLAIMS, SYNC, Facts, Function
from cognito_claims.cli.invokers import invoker_findings
from cognito_claims.cli.other_clients import client_findings
from cognito_claims.cli.preview import Finding
from cognito_claims.cli.sync_check import sync_findings
from cognito_claims.composition import declared_conflict
from cognito_claims.errors import SettingsError
from cognito_claims.plugins.fauna import FaunaTokens
from cognito_claims.plugins.hasura import HasuraClaims
from cognito_claims.plugins.surrealdb import SurrealDBClaims
from cognito_claims.references import parse
from cognito_claims.registry import BUILT_IN, LONGEST_DEADLINE_MS, Configuration, Marked, load

_LEAST_MEMORY_MIB = 512
_TIMEOUT_S = 5
_SECRETS = ("FAUNA_SECRET", "HASURA_SYNC_ADMIN_SECRET")


def diagnoses(facts: Facts) -> Iterator[Finding]:
    """Apply every rule."""
    for action in facts.unread:
        yield _warning("not-checked", f"{action} is not allowed: what it tells is not checked")
    yield from _attachment(facts)
    for function, triggers in _attached(facts):
        yield from _state(function, triggers)
        yield from _configuration(function, triggers)
        yield from invoker_findings(function, triggers, facts.pool["Arn"])
        yield from _secrets(function, triggers)
        yield from handler_findings(function, triggers, facts.pool["Id"])
    claims = facts.functions.get(CLAIMS)
    environ = None if claims is None else readable(claims)
    if environ is not None and environ.get(PLUGINS, "").strip() not in ("", "none"):
        plugins: dict[str, Marked] = {}
        yield from _loaded(environ, plugins)
        configuration = Configuration(plugins, deadline_ms=LONGEST_DEADLINE_MS)
        yield from _version(facts, configuration)
        yield from _attributes(facts, configuration)
        yield from _provided(facts, configuration)
        yield from _identity(facts, configuration)
        yield from _composition(facts, configuration)
        yield from client_findings(plugins)
        if "user_sync" in plugins:
            yield from _of_trigger(CLAIMS, sync_findings(environ))
        conflict = declared_conflict(plugins)
        if conflict is not None:
            yield _error(conflict.code, f"{CLAIMS}: {conflict}")


def _loaded(environ: Mapping[str, str], plugins: dict[str, Marked]) -> Iterator[Finding]:
    """Make the plugins that are this library's own, and tell what is wrong with them, or not to be looked at.

    Any other one is whatever the function's variables name: it is not run here, with the rights of whoever examines it.
    """
    entries = [entry.strip() for entry in environ[PLUGINS].split(",")]
    for position, entry in enumerate(entries, 1):
        if entry not in BUILT_IN:
            told = "a plugin that is not this library's own is not examined"
            yield _warning("not-checked", f"{PLUGINS}: entry {position}: {told}")
            continue
        try:
            plugins |= load({**environ, PLUGINS: entry}).plugins
        except SettingsError as error:
            yield from (_error("settings", f"{CLAIMS}: {problem}") for problem in error.problems)


def _attachment(facts: Facts) -> Iterator[Finding]:
    config = facts.pool.get("LambdaConfig", {})
    newer = config.get(f"{CLAIMS}Config", {}).get("LambdaArn")
    if CLAIMS not in facts.functions:
        remedy = "attach one with cognito-claims attach --function-arn"
        yield _warning("no-claims-function", f"{CLAIMS}: no function is attached; {remedy}")
    elif newer and config.get(CLAIMS) not in (None, newer):
        remedy = "attach the right one with --replace"
        yield _error("two-functions", f"{CLAIMS}, {CLAIMS}Config: name two functions; {remedy}")
    syncs = [name for name in SYNC if name in facts.functions and facts.functions[name].is_a_sync]
    for name in syncs:
        yield from _of_trigger(name, sync_findings(facts.functions[name].environ))
    if len(syncs) == 1:
        why = "one of them alone misses users"
        remedy = "attach the function to both with --sync-function-arn"
        yield _error("half-a-sync", f"{', '.join(SYNC)}: {why}; {remedy}")


def _of_trigger(name: str, findings: Iterable[Finding]) -> Iterator[Finding]:
    return (finding._replace(message=f"{name}: {finding.message}") for finding in findings)


def _state(function: Function, triggers: str) -> Iterator[Finding]:
    found = function.configuration or {}
    if function.is_missing:
        remedy = "every such sign-in fails; detach it, or deploy it again"
        yield _error("no-function", f"{triggers}: the attached function is not there: {remedy}")
    if "Error" in found.get("Environment", {}):
        told = "its variables cannot be decrypted, so that they are not checked"
        yield _warning("not-checked", f"{triggers}: {told}")
    if found.get("State", "Active") not in ("Active", "Inactive"):
        yield _error("function-state", f"{triggers}: the function's state is {found['State']}")
    if found.get("LastUpdateStatus") == "Failed":
        yield _error("function-update", f"{triggers}: the function's last update failed")


def _configuration(function: Function, triggers: str) -> Iterator[Finding]:
    found = function.configuration or {}
    timeout, memory = found.get("Timeout", _TIMEOUT_S), found.get("MemorySize", _LEAST_MEMORY_MIB)
    if timeout != _TIMEOUT_S:
        remedy = f"set it to {_TIMEOUT_S} s, which is what Cognito waits"
        yield _warning("function-timeout", f"{triggers}: the timeout is {timeout} s; {remedy}")
    if memory < _LEAST_MEMORY_MIB:
        remedy = f"set it to {_LEAST_MEMORY_MIB} MB or more, since CPU comes with memory"
        yield _warning("function-memory", f"{triggers}: the memory is {memory} MB; {remedy}")
    if found.get("Architectures", ["arm64"]) != ["arm64"]:
        told = "x86_64 costs more than arm64, which every function here runs on"
        yield _warning("function-architecture", f"{triggers}: {told}")
    if function.keeps_logs_for_ever:
        yield _warning("log-retention", f"{triggers}: the log is kept for ever; set a retention")


def _secrets(function: Function, triggers: str) -> Iterator[Finding]:
    for name in _SECRETS:
        text = function.environ.get(name, "").strip()
        if text and not _is_reference(text):
            remedy = "keep it in Secrets Manager or Parameter Store, and set its ARN or ssm:/path"
            yield _error("plain-secret", f"{triggers}: {name} is the secret itself; {remedy}")


def _is_reference(text: str) -> bool:
    try:
        return parse(text) is not None
    except ValueError:
        return False


def _version(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    config = facts.pool.get("LambdaConfig", {})
    version = config.get(f"{CLAIMS}Config", {}).get("LambdaVersion", "V1_0")
    wants_access = [
        name
        for name, marked in configuration.plugins.items()
        if "access" in getattr(marked.plugin, "tokens", ())
    ]
    if version == "V1_0" and wants_access:
        told = (
            f"V1_0 reaches the ID token alone, and {', '.join(wants_access)} wants the access token"
        )
        yield _error("event-version", f"{CLAIMS}: {told}; attach with --event-version V2_0")
    machines = [
        c["ClientName"]
        for c in facts.clients
        if "client_credentials" in c.get("AllowedOAuthFlows", ())
    ]
    if version != "V3_0" and machines:
        told = f"the machine tokens of {', '.join(machines)} come without it"
        yield _warning("machine-tokens", f"{CLAIMS}: {told}; V3_0 reaches them")
    if version != "V1_0" and facts.pool.get("UserPoolTier") == "LITE":
        remedy = "set UserPoolTier to ESSENTIALS or PLUS, or attach with --event-version V1_0"
        yield _error("feature-plan", f"UserPoolTier: LITE has no {version}; {remedy}")


def _attributes(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    asked = written_by_clients(asked_attributes(configuration))
    for client in facts.clients:
        writable = client.get("WriteAttributes")  # none named: all of them
        found = [a for a in asked if writable is None or a in writable]
        if found:
            told = f"the client {client['ClientName']} may write {', '.join(found)}, which claims are made of"
            remedy = "leave it out of WriteAttributes"
            kind = _warning if client.get("ClientSecret") else _error
            yield kind("writable-attribute", f"{told}; {remedy}")


def _identity(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    plugins = [marked.plugin for marked in configuration.plugins.values()]
    for plugin in plugins:
        yield from _untrusted(facts, plugin)
    is_identity = any(_names_users_by_email(plugin) for plugin in plugins)
    is_read = any(isinstance(p, SurrealDBClaims) and "id" in p.tokens for p in plugins)
    pool = facts.pool
    names = (*pool.get("UsernameAttributes", ()), *pool.get("AliasAttributes", ()))
    if is_identity and "email" not in names:
        told = "two users may have one email, and it is taken for an identity"
        yield _warning("email-not-unique", f"UsernameAttributes, AliasAttributes: {told}")
    if (is_identity or is_read) and "email" not in pool.get("AutoVerifiedAttributes", ()):
        told = "Cognito verifies no email, and users without a verified one are refused"
        yield _warning("email-not-verified", f"AutoVerifiedAttributes: {told}; add email")


def _names_users_by_email(plugin: object) -> bool:
    if isinstance(plugin, FaunaTokens):
        return plugin.identity == "email"
    return isinstance(plugin, HasuraClaims) and plugin.user_id_attribute == "email"


def _untrusted(facts: Facts, plugin: object) -> Iterator[Finding]:
    """Tell of providers whose users a plugin would refuse: their emails are not an identity."""
    if isinstance(plugin, FaunaTokens):
        attribute, setting = plugin.identity, "FAUNA_EMAIL_PROVIDERS"
    elif isinstance(plugin, HasuraClaims):
        attribute, setting = plugin.user_id_attribute, "HASURA_EMAIL_PROVIDERS"
    else:
        return
    names = [str(provider["ProviderName"]) for provider in facts.providers]
    unnamed = [name for name in names if name not in plugin.email_providers]
    if attribute in ("email", "phone_number") and unnamed:
        told = f"{attribute} is the identity, and {', '.join(unnamed)} can assert anybody's"
        remedy = "their users are refused; use sub, or name a provider that you trust"
        yield _error("untrusted-provider", f"{setting}: {told}; {remedy}")


def _provided(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    """Tell of attributes that an identity provider sets, and that permissions rest on."""
    asked = written_by_clients(asked_attributes(configuration))
    for provider in facts.providers:
        found = [name for name in asked if name in provider.get("AttributeMapping", {})]
        if found:
            told = f"{provider['ProviderName']} sets {', '.join(found)}, which claims are made of"
            remedy = "whoever runs the provider gives these rights"
            yield _warning("provided-attribute", f"AttributeMapping: {told}; {remedy}")


def _composition(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    plugins = {name: marked.plugin for name, marked in configuration.plugins.items()}
    hasura = [plugin for plugin in plugins.values() if isinstance(plugin, HasuraClaims)]
    for plugin in hasura:
        if "admin" in plugin.allowed_roles:
            told = "every user may take Hasura's role admin"
            yield _error("admin-for-everyone", f"HASURA_ALLOWED_ROLES, HASURA_DEFAULT_ROLE: {told}")
        for group in sorted(plugin.group_roles):
            if plugin.group_roles[group] == "admin" and group in facts.groups:
                told = f"whoever is in the group {group} may do everything in Hasura"
                yield _warning("admin-group", f"HASURA_GROUP_ROLES: {told}")
    minting = [name for name, plugin in plugins.items() if isinstance(plugin, FaunaTokens)]
    others = [name for name, p in plugins.items() if isinstance(p, HasuraClaims | SurrealDBClaims)]
    if minting and others:
        told = f"the ID token holds Fauna's secret, and goes to {', '.join(others)} as well"
        yield _warning(
            "shared-secret", f"{', '.join(minting)}: {told}; who reads it there can use it"
        )


def _error(code: str, message: str) -> Finding:
    return Finding(code, "error", message)


def _warning(code: str, message: str) -> Finding:
    return Finding(code, "warning", message)


def _attached(facts: Facts) -> Iterator[tuple[Function, str]]:
    """Give the functions, each with the triggers that it is attached to."""
    triggers: dict[str, list[str]] = {}
    for trigger, function in facts.functions.items():
        triggers.setdefault(function.arn, []).append(trigger)
    for names in triggers.values():
        yield facts.functions[names[0]], ", ".join(names)
