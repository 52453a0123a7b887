"""What facts about a pool mean: each rule gives what is wrong and its remedy, and never a setting's value."""

from collections.abc import Iterator

from cognito_claims.secret import parse
from cognito_claims.tools.doctor.claims_rules import claims_findings
from cognito_claims.tools.doctor.handler_rules import handler_findings
from cognito_claims.tools.doctor.invokers import invoker_findings
from cognito_claims.tools.evaluation.sync_check import of_trigger, sync_findings
from cognito_claims.tools.findings import Finding
from cognito_claims.tools.pool.description import CLAIMS, SYNC, Facts, Function

_LEAST_MEMORY_MIB = 512
_TIMEOUT_S = 5
_SECRETS = ("FAUNA_SECRET", "HASURA_SYNC_ADMIN_SECRET")


def diagnoses(facts: Facts) -> Iterator[Finding]:
    """Apply every rule."""
    for action in facts.unread:
        yield Finding.warning(
            "not-checked", f"{action} is not allowed: what it tells is not checked"
        )
    yield from _attachment(facts)
    for function, triggers in _attached(facts):
        yield from _state(function, triggers)
        yield from _configuration(function, triggers)
        yield from invoker_findings(function, triggers, facts.pool["Arn"])
        yield from _secrets(function, triggers)
        yield from handler_findings(function, triggers, facts.pool["Id"])
    yield from claims_findings(facts)


def _attachment(facts: Facts) -> Iterator[Finding]:
    config = facts.pool.get("LambdaConfig", {})
    newer = config.get(f"{CLAIMS}Config", {}).get("LambdaArn")
    if CLAIMS not in facts.functions:
        remedy = "attach one with cognito-claims attach --function-arn"
        yield Finding.warning("no-claims-function", f"{CLAIMS}: no function is attached; {remedy}")
    elif newer and config.get(CLAIMS) not in (None, newer):
        remedy = "attach the right one with --replace"
        yield Finding.error(
            "two-functions", f"{CLAIMS}, {CLAIMS}Config: name two functions; {remedy}"
        )
    syncs = [name for name in SYNC if name in facts.functions and facts.functions[name].is_a_sync]
    for name in syncs:
        yield from of_trigger(name, sync_findings(facts.functions[name].environ))
    if len(syncs) == 1:
        why = "one of them alone misses users"
        remedy = "attach the function to both with --sync-function-arn"
        yield Finding.error("half-a-sync", f"{', '.join(SYNC)}: {why}; {remedy}")


def _state(function: Function, triggers: str) -> Iterator[Finding]:
    found = function.configuration or {}
    if function.is_missing:
        remedy = "every such sign-in fails; detach it, or deploy it again"
        yield Finding.error(
            "no-function", f"{triggers}: the attached function is not there: {remedy}"
        )
    if "Error" in found.get("Environment", {}):
        told = "its variables cannot be decrypted, so that they are not checked"
        yield Finding.warning("not-checked", f"{triggers}: {told}")
    if found.get("State", "Active") not in ("Active", "Inactive"):
        yield Finding.error(
            "function-state", f"{triggers}: the function's state is {found['State']}"
        )
    if found.get("LastUpdateStatus") == "Failed":
        yield Finding.error("function-update", f"{triggers}: the function's last update failed")


def _configuration(function: Function, triggers: str) -> Iterator[Finding]:
    found = function.configuration or {}
    timeout, memory = found.get("Timeout", _TIMEOUT_S), found.get("MemorySize", _LEAST_MEMORY_MIB)
    if timeout != _TIMEOUT_S:
        remedy = f"set it to {_TIMEOUT_S} s, which is what Cognito waits"
        yield Finding.warning(
            "function-timeout", f"{triggers}: the timeout is {timeout} s; {remedy}"
        )
    if memory < _LEAST_MEMORY_MIB:
        remedy = f"set it to {_LEAST_MEMORY_MIB} MB or more, since CPU comes with memory"
        yield Finding.warning("function-memory", f"{triggers}: the memory is {memory} MB; {remedy}")
    if found.get("Architectures", ["arm64"]) != ["arm64"]:
        told = "x86_64 costs more than arm64, which every function here runs on"
        yield Finding.warning("function-architecture", f"{triggers}: {told}")
    if function.keeps_logs_for_ever:
        yield Finding.warning(
            "log-retention", f"{triggers}: the log is kept for ever; set a retention"
        )


def _secrets(function: Function, triggers: str) -> Iterator[Finding]:
    for name in _SECRETS:
        text = function.environ.get(name, "").strip()
        if text and not _is_reference(text):
            remedy = "keep it in Secrets Manager or Parameter Store, and set its ARN or ssm:/path"
            yield Finding.error(
                "plain-secret", f"{triggers}: {name} is the secret itself; {remedy}"
            )


def _is_reference(text: str) -> bool:
    try:
        return parse(text) is not None
    except ValueError:
        return False


def _attached(facts: Facts) -> Iterator[tuple[Function, str]]:
    """Give the functions, each with the triggers that it is attached to."""
    triggers: dict[str, list[str]] = {}
    for trigger, function in facts.functions.items():
        triggers.setdefault(function.arn, []).append(trigger)
    for names in triggers.values():
        yield facts.functions[names[0]], ", ".join(names)
