"""What is wrong with the plugins that a pool's function is set up with."""

from collections.abc import Iterator, Mapping

from cognito_claims.composition import declared_conflict
from cognito_claims.errors import SettingsError
from cognito_claims.registry import (
    BUILT_IN,
    LONGEST_DEADLINE_MS,
    Configuration,
    PluginEntry,
    load,
    plugin_entries,
)
from cognito_claims.tools.backends.backend import Identity
from cognito_claims.tools.backends.other_clients import client_findings
from cognito_claims.tools.backends.table import backends_of
from cognito_claims.tools.doctor.document_rules import document_pool_findings
from cognito_claims.tools.doctor.handler_rules import PLUGINS, readable
from cognito_claims.tools.evaluation.attributes import asked_attributes, written_by_clients
from cognito_claims.tools.evaluation.sync_check import of_trigger, sync_findings
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.description import CLAIMS, Facts


def claims_findings(facts: Facts) -> Iterator[Finding]:
    """Apply the rules about the plugins of the pre token generation function."""
    claims = facts.functions.get(CLAIMS)
    environ = None if claims is None else readable(claims)
    if environ is not None and plugin_entries(environ) not in ((), ("",)):
        plugins: dict[str, PluginEntry] = {}
        yield from _loaded(environ, plugins)
        configuration = Configuration(plugins, deadline_ms=LONGEST_DEADLINE_MS)
        yield from _version(facts, configuration)
        yield from _attributes(facts, configuration)
        yield from _provided(facts, configuration)
        yield from _identity(facts, configuration)
        yield from _composition(facts, configuration)
        yield from document_pool_findings(facts, configuration)
        yield from client_findings(plugins)
        if "user_sync" in plugins:
            yield from of_trigger(CLAIMS, sync_findings(environ))
        conflict = declared_conflict(plugins)
        if conflict is not None:
            yield Finding.error(conflict.code, f"{CLAIMS}: {conflict}")


def _loaded(environ: Mapping[str, str], plugins: dict[str, PluginEntry]) -> Iterator[Finding]:
    """Make the plugins that are this library's own, and tell what is wrong with them, or not to be looked at.

    Any other one is whatever the function's variables name: it is not run here, with the rights of whoever examines it.
    """
    for position, entry in enumerate(plugin_entries(environ), 1):
        if entry not in BUILT_IN:
            told = "a plugin that is not this library's own is not examined"
            yield Finding.warning("not-checked", f"{PLUGINS}: entry {position}: {told}")
            continue
        if entry == "mapper" and not environ.get("MAPPER_RULES", "{").lstrip().startswith("{"):
            told = "MAPPER_RULES names a file of the function, which cannot be read from here"
            advice = "run cognito-claims rules check on it"
            yield Finding.warning("not-checked", f"{CLAIMS}: {told}; {advice}")
            continue
        try:
            plugins |= load({**environ, PLUGINS: entry}).plugins
        except SettingsError as error:
            yield from (
                Finding.error("settings", f"{CLAIMS}: {problem}") for problem in error.problems
            )


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
        yield Finding.error("event-version", f"{CLAIMS}: {told}; attach with --event-version V2_0")
    machines = [
        c["ClientName"]
        for c in facts.clients
        if "client_credentials" in c.get("AllowedOAuthFlows", ())
    ]
    if version != "V3_0" and machines:
        told = f"the machine tokens of {', '.join(machines)} come without it"
        yield Finding.warning("machine-tokens", f"{CLAIMS}: {told}; V3_0 reaches them")
    if version != "V1_0" and facts.pool.get("UserPoolTier") == "LITE":
        remedy = "set UserPoolTier to ESSENTIALS or PLUS, or attach with --event-version V1_0"
        yield Finding.error("feature-plan", f"UserPoolTier: LITE has no {version}; {remedy}")


def _attributes(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    asked = written_by_clients(asked_attributes(configuration))
    for client in facts.clients:
        writable = client.get("WriteAttributes")  # none named: all of them
        found = [a for a in asked if writable is None or a in writable]
        if found:
            told = f"the client {client['ClientName']} may write {', '.join(found)}, which claims are made of"
            remedy = "leave it out of WriteAttributes"
            kind = Finding.warning if client.get("ClientSecret") else Finding.error
            yield kind("writable-attribute", f"{told}; {remedy}")


def _identity(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    backends = backends_of(configuration.plugins).values()
    identities = [backend.identity for backend in backends if backend.identity is not None]
    for identity in identities:
        yield from _untrusted(facts, identity)
    is_identity = any(identity.attribute == "email" for identity in identities)
    is_read = any(backend.needs_verified_email for backend in backends)
    pool = facts.pool
    names = (*pool.get("UsernameAttributes", ()), *pool.get("AliasAttributes", ()))
    if is_identity and "email" not in names:
        told = "two users may have one email, and it is taken for an identity"
        yield Finding.warning("email-not-unique", f"UsernameAttributes, AliasAttributes: {told}")
    if (is_identity or is_read) and "email" not in pool.get("AutoVerifiedAttributes", ()):
        told = "Cognito verifies no email, and users without a verified one are refused"
        yield Finding.warning("email-not-verified", f"AutoVerifiedAttributes: {told}; add email")


def _untrusted(facts: Facts, identity: Identity) -> Iterator[Finding]:
    """Tell of providers whose users a plugin would refuse: their emails are not an identity."""
    names = [str(provider["ProviderName"]) for provider in facts.providers]
    unnamed = [name for name in names if name not in identity.providers]
    if identity.attribute in ("email", "phone_number") and unnamed:
        told = (
            f"{identity.attribute} is the identity, and {', '.join(unnamed)} can assert anybody's"
        )
        remedy = "their users are refused; use sub, or name a provider that you trust"
        yield Finding.error("untrusted-provider", f"{identity.setting}: {told}; {remedy}")


def _provided(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    """Tell of attributes that an identity provider sets, and that permissions rest on."""
    asked = written_by_clients(asked_attributes(configuration))
    for provider in facts.providers:
        found = [name for name in asked if name in provider.get("AttributeMapping", {})]
        if found:
            told = f"{provider['ProviderName']} sets {', '.join(found)}, which claims are made of"
            remedy = "whoever runs the provider gives these rights"
            yield Finding.warning("provided-attribute", f"AttributeMapping: {told}; {remedy}")


def _composition(facts: Facts, configuration: Configuration) -> Iterator[Finding]:
    backends = backends_of(configuration.plugins)
    for backend in backends.values():
        yield from backend.pool_findings({*facts.groups})
    minting = [name for name, backend in backends.items() if backend.adds_secret]
    others = [name for name, backend in backends.items() if backend.verifies_tokens]
    if minting and others:
        told = f"the ID token holds Fauna's secret, and goes to {', '.join(others)} as well"
        yield Finding.warning(
            "shared-secret", f"{', '.join(minting)}: {told}; who reads it there can use it"
        )
