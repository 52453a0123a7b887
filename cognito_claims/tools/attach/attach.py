"""`attach` and `detach`: a pool's triggers, with everything else that the pool has carried over.

Described, compared, updated, described again: a pool that somebody changes meanwhile is not overwritten. What an interrupted
update has done is told by the next run, from the description that the first one saved.
"""

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from cognito_claims.tools.attach import kept as description
from cognito_claims.tools.attach.change import AttachOptions, Change, Confirm, unasked
from cognito_claims.tools.attach.function_errors import function_errors
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.inputs import region_of_pool
from cognito_claims.tools.json_diff import Difference
from cognito_claims.tools.pool.aws import Aws, asking_aws
from cognito_claims.tools.pool.function_policy import FunctionArn, Permission
from cognito_claims.tools.pool.update import (
    MANAGED,
    attached,
    carried_over,
    changes,
    detached,
    functions_of,
    is_attached,
    managed,
    others,
    restored,
    version_of,
)

_TRIGGERS = "LambdaConfig"
_CLAIMS = "PreTokenGeneration"  # its two keys begin with it
_MFA = "MfaConfig"  # what SetUserPoolMfaConfig sets, which UpdateUserPool may reset


class Attachment:
    """A pool and the functions that are to be its triggers, or no more."""

    def __init__(
        self, options: AttachOptions, environ: Mapping[str, str], confirm: Confirm = unasked
    ) -> None:
        self._options = options
        self._confirm = confirm
        self._environ = environ
        self._pool_id = options.user_pool_id
        region = region_of_pool(self._pool_id)
        self._saved = Path(f"attach-{self._pool_id}.json")
        self._kept = Path(f"attach-{self._pool_id}.before.json")
        triggers = options.triggers
        self._functions = [
            FunctionArn.parse(option, arn)
            for option, arn in (
                ("--function-arn", triggers.function_arn),
                ("--sync-function-arn", triggers.sync_function_arn),
            )
            if arn is not None
        ]
        if any(function.region != region for function in self._functions):
            raise UnusableInput(f"the functions must lie in the pool's region, {region}")
        with asking_aws(self._pool_id):
            aws = Aws(environ)
            self._cognito = aws.client("cognito-idp", region)
            self._once = aws.client("cognito-idp", region, is_retried=False)
            self._lambda = aws.client("lambda", region)

    def attach(self) -> Change:
        """Attach the functions; raises `UnusableInput` where that would change what it must not."""
        self._require_a_function()
        with asking_aws(self._pool_id):
            before = self._described()
            triggers = before.get(_TRIGGERS, {})
            found = [*others(triggers, self._options.triggers)]
            if found and not self._options.is_replacing:
                lines = (f"{name}: {arn} is attached; --replace replaces it" for name, arn in found)
                raise UnusableInput(*lines)
            self._refuse_what_cannot_work(before)
            wanted = attached(triggers, self._options.triggers)
            remarks = (*self._kept_version(triggers), *self._checked(before, wanted))
            change = self._planned(before, wanted)
            change = change._replace(remarks=(*remarks, *change.remarks))
            change = self._confirmed(change._replace(notes=[*self._granted(before, is_dry=True)]))
            if self._options.is_dry or change.unwanted:
                return change
            granted = [*self._granted(before, is_dry=False)]
            change = self._change(before, wanted)
        return change._replace(notes=[*granted, *change.notes], remarks=remarks)

    def rollback(self) -> Change:
        """Give the pool the triggers from before it was attached to, with their event versions."""
        if self._functions or self._options.triggers.event_version is not None:
            raise UnusableInput("--rollback: takes no function and no event version")
        kept = description.read_kept(self._kept, self._pool_id)
        with asking_aws(self._pool_id):
            before = self._described()
            now, was = before.get(_TRIGGERS, {}), kept.pool.get(_TRIGGERS, {})
            is_as_attached = managed(now) in (managed(kept.triggers), managed(was))
            if not is_as_attached and not self._options.is_replacing:
                told = (
                    "the triggers were changed since attach; --replace restores them all the same"
                )
                raise UnusableInput(f"{self._pool_id}: {told}")
            wanted = restored(now, was)
            self._functions = _parsed(self._kept, functions_of(wanted) - functions_of(now))
            were = functions_of(now) | functions_of(kept.triggers)
            gone = _parsed(self._kept, were - functions_of(wanted))
            self._require_functions()
            notes = [*self._granted(before, is_dry=True)]
            notes += self._revoked(before, wanted, gone, is_dry=True)
            change = self._confirmed(self._planned(before, wanted)._replace(notes=notes))
            if self._options.is_dry or change.unwanted:
                return change
            granted = [*self._granted(before, is_dry=False)]
            change = self._change(before, wanted, is_kept=False)
            if change.unwanted:
                return change._replace(notes=[*granted, *change.notes])
            revoked = [*self._revoked(before, wanted, gone, is_dry=False)]
            self._kept.unlink()
        return change._replace(notes=[*granted, *change.notes, *revoked])

    def _require_a_function(self) -> None:
        if not self._functions:
            raise UnusableInput("name a function: --function-arn, --sync-function-arn or both")

    def _kept_version(self, triggers: Mapping[str, Any]) -> Iterator[str]:
        """Say which event version a function takes over from the one that it replaces."""
        asked = self._options.triggers
        is_replaced = any(name.startswith(_CLAIMS) for name, _ in others(triggers, asked))
        if is_replaced and asked.event_version is None:
            told = f"{version_of(triggers)} stays, as the function that is replaced has it"
            yield f"event version: {told}; --event-version sets another"

    def _checked(self, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
        """Refuse functions that doctor finds an error in; give what is attached in spite of it."""
        arns = {function.arn for function in self._functions}
        asked = {
            name: value
            for name, value in managed(wanted).items()
            if (value["LambdaArn"] if isinstance(value, Mapping) else value) in arns
        }
        pool = {**before, _TRIGGERS: asked}
        errors, unread = function_errors(pool, self._environ)
        told = [f"{e.message} [{e.code}]" for e in errors]
        if told and not self._options.is_forced:
            raise UnusableInput(*told, "mend it first; --force attaches it all the same")
        yield from (f"attached in spite of this: {line}" for line in told)
        yield from (f"{action} is not allowed: what it tells is not checked" for action in unread)

    def _confirmed(self, change: Change) -> Change:
        """Ask about a change, unless there is none or it is not to be made."""
        is_change = change.wanted or change.notes
        if is_change and not change.is_dry and not change.unwanted and not self._confirm(change):
            raise UnusableInput(f"{self._pool_id}: not confirmed, so that nothing is changed")
        return change

    def detach(self) -> Change:
        """Take the functions off the pool; what is attached instead of them stays."""
        self._require_a_function()
        with asking_aws(self._pool_id):
            before = self._described()
            wanted = detached(before.get(_TRIGGERS, {}), self._options.triggers)
            change = self._change(before, wanted, is_kept=False)
            if change.unwanted:
                return change
            is_dry = self._options.is_dry
            revoked = self._revoked(before, wanted, self._functions, is_dry=is_dry)
            return change._replace(notes=[*change.notes, *revoked])

    def _planned(self, before: Mapping[str, Any], triggers: Mapping[str, Any]) -> Change:
        """Say what would change, or what an interrupted run has left that is to be mended first."""
        unwanted = [*self._left_by_an_interrupted_run(before)]
        if unwanted:
            told = f"{self._saved} holds the pool as an interrupted run found it"
            note = f"{told}: mend what differs, or remove that file"
            return Change([], unwanted, [], is_dry=self._options.is_dry, remarks=(note,))
        wanted = [*changes(before, {**before, _TRIGGERS: dict(triggers)})]
        return Change(wanted, [], [], is_dry=self._options.is_dry)

    def _change(
        self, before: Mapping[str, Any], triggers: Mapping[str, Any], *, is_kept: bool = True
    ) -> Change:
        """Change the triggers; `is_kept` keeps the pool's description from before for a rollback."""
        planned = {**before, _TRIGGERS: dict(triggers)}
        change = self._planned(before, triggers)
        if change.unwanted or change.is_dry:
            return change
        if change.wanted:
            self._save(before)
            self._refuse_if_changed(before)
            self._update(planned)
            change = change._replace(unwanted=[*changes(planned, self._described())])
        if not change.unwanted:
            if is_kept:
                self._keep(triggers)
            self._saved.unlink(missing_ok=True)
        return change

    def _keep(self, triggers: Mapping[str, Any]) -> None:
        """Keep what this run, or an interrupted one before it, found, if it was anything else."""
        found = description.read(self._saved)
        if found is not None and managed(found.get(_TRIGGERS, {})) != managed(triggers):
            description.keep(self._kept, description.Kept(found, managed(triggers)))

    def _left_by_an_interrupted_run(self, now: Mapping[str, Any]) -> Iterator[Difference]:
        """Compare with what a run saved that did not end; its triggers are this run's to settle."""
        saved = description.read(self._saved)
        ours = tuple(f"{_TRIGGERS}.{name}" for name in MANAGED)
        for difference in () if saved is None else changes(saved, now):
            if not difference.path.startswith(ours):
                yield difference

    def _save(self, before: Mapping[str, Any]) -> None:
        if description.read(self._saved) is None:
            description.create(self._saved, before)

    def _refuse_if_changed(self, before: Mapping[str, Any]) -> None:
        paths = [difference.path for difference in changes(before, self._described())]
        if paths:
            if description.read(self._saved) == before:
                self._saved.unlink()  # this run's own, and not an interrupted one's
            told = f"somebody else is changing it ({', '.join(paths)}); run again"
            raise UnusableInput(f"{self._pool_id}: {told}")

    def _described(self) -> dict[str, Any]:
        pool = self._cognito.describe_user_pool(UserPoolId=self._pool_id)["UserPool"]
        mfa = self._cognito.get_user_pool_mfa_config(UserPoolId=self._pool_id)
        mfa.pop("ResponseMetadata")
        described: dict[str, Any] = json.loads(json.dumps({**pool, _MFA: mfa}, default=str))
        return described

    def _update(self, planned: Mapping[str, Any]) -> None:
        pool = {name: value for name, value in planned.items() if name != _MFA}
        self._once.update_user_pool(**carried_over(pool))  # what has grown old is not sent again
        if self._described()[_MFA] != planned[_MFA]:
            self._cognito.set_user_pool_mfa_config(UserPoolId=self._pool_id, **planned[_MFA])

    def _refuse_what_cannot_work(self, pool: Mapping[str, Any]) -> None:
        self._require_functions()
        config = attached(pool.get(_TRIGGERS, {}), self._options.triggers)
        version = config.get("PreTokenGenerationConfig", {}).get("LambdaVersion", "V1_0")
        if version != "V1_0" and pool.get("UserPoolTier") == "LITE":
            remedy = "set its UserPoolTier to ESSENTIALS or PLUS, or choose --event-version V1_0"
            raise UnusableInput(f"{self._pool_id}: LITE has no {version}; {remedy}")

    def _require_functions(self) -> None:
        for function in self._functions:
            try:
                self._lambda.get_function_configuration(**function.target)
            except self._lambda.exceptions.ResourceNotFoundException:
                told = "there is no such function; deploy it first"
                raise UnusableInput(f"{function.arn}: {told}") from None

    def _granted(self, pool: Mapping[str, Any], *, is_dry: bool) -> Iterator[str]:
        """Let the pool invoke the functions, ahead of attaching them."""
        for function in self._functions:
            permission = Permission(function, pool["Arn"])
            if not permission.is_granted(self._lambda):
                if not is_dry:
                    permission.revoke(self._lambda)  # one of the same name, for something else
                    permission.grant(self._lambda)
                yield f"{function.arn}: Cognito may invoke it, for this pool"

    def _revoked(
        self,
        pool: Mapping[str, Any],
        triggers: Mapping[str, Any],
        functions: Sequence[FunctionArn],
        *,
        is_dry: bool,
    ) -> Iterator[str]:
        """Take back what attaching granted, where the pool does not need it for another trigger."""
        for function in functions:
            permission = Permission(function, pool["Arn"])
            if not is_attached(function.arn, triggers) and permission.is_ours(self._lambda):
                if not is_dry:
                    permission.revoke(self._lambda)
                yield f"{function.arn}: the permission that attach gave is taken back"


def _parsed(path: Path, arns: Set[str]) -> list[FunctionArn]:
    return [FunctionArn.parse(str(path), arn) for arn in sorted(arns)]
