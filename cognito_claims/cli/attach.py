"""`attach` and `detach`: a pool's triggers, with everything else that the pool has carried over.

Described, compared, updated, described again: a pool that somebody changes meanwhile is not overwritten. What an interrupted
update has done is told by the next run, from the description that the first one saved.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cognito_claims.cli.aws import Aws, asking_aws, region_of_pool
from cognito_claims.cli.inputs import UnusableInput
from cognito_claims.cli.permission import FunctionArn, Permission
from cognito_claims.cli.pool_update import (
    MANAGED,
    Difference,
    Triggers,
    attached,
    carried_over,
    detached,
    differences,
    is_attached,
    others,
)

_TRIGGERS = "LambdaConfig"
_MFA = "MfaConfig"  # what SetUserPoolMfaConfig sets, which UpdateUserPool may reset


class Options(NamedTuple):
    """What the commands are asked to do."""

    user_pool_id: str
    triggers: Triggers
    is_replacing: bool = False
    is_dry: bool = False


class Change(NamedTuple):
    """What came of it, or would come of it: what was asked for, and what should be as it was and is not; `notes` tell what else was done, or is to be done."""

    wanted: list[Difference]
    unwanted: list[Difference]
    notes: list[str]
    is_dry: bool

    @property
    def exit_code(self) -> int:
        """Give 0 only when all else is as it was."""
        return 1 if self.unwanted else 0

    def to_json(self) -> dict[str, Any]:
        """Give what `--format json` prints."""
        return {
            "changed": [difference._asdict() for difference in self.wanted],
            "unexpected": [difference._asdict() for difference in self.unwanted],
            "notes": self.notes,
            "dry_run": self.is_dry,
        }


class Attachment:
    """A pool and the functions that are to be its triggers, or no more."""

    def __init__(self, options: Options, environ: Mapping[str, str]) -> None:
        self._options = options
        self._pool_id = options.user_pool_id
        self._saved = Path(f"attach-{self._pool_id}.json")
        triggers = options.triggers
        self._functions = [
            FunctionArn.parse(option, arn)
            for option, arn in (
                ("--function-arn", triggers.function_arn),
                ("--sync-function-arn", triggers.sync_function_arn),
            )
            if arn is not None
        ]
        if not self._functions:
            raise UnusableInput("name a function: --function-arn, --sync-function-arn or both")
        region = region_of_pool(self._pool_id)
        with asking_aws(self._pool_id):
            aws = Aws(environ)
            self._cognito = aws.client("cognito-idp", region)
            self._once = aws.client("cognito-idp", region, is_retried=False)
            self._lambda = aws.client("lambda", region)
        if any(function.region != region for function in self._functions):
            raise UnusableInput(f"the functions must lie in the pool's region, {region}")

    def attach(self) -> Change:
        """Attach the functions; raises `UnusableInput` where that would change what it must not."""
        with asking_aws(self._pool_id):
            before = self._described()
            triggers = before.get(_TRIGGERS, {})
            found = [*others(triggers, self._options.triggers)]
            if found and not self._options.is_replacing:
                lines = (f"{name}: {arn} is attached; --replace replaces it" for name, arn in found)
                raise UnusableInput(*lines)
            self._refuse_what_cannot_work(before)
            granted = [*self._granted(before)]
            change = self._change(before, attached(triggers, self._options.triggers))
        return change._replace(notes=[*granted, *change.notes])

    def detach(self) -> Change:
        """Take the functions off the pool; what is attached instead of them stays."""
        with asking_aws(self._pool_id):
            before = self._described()
            wanted = detached(before.get(_TRIGGERS, {}), self._options.triggers)
            change = self._change(before, wanted)
            revoked = [] if change.unwanted else [*self._revoked(before, wanted)]
        return change._replace(notes=[*change.notes, *revoked])

    def _change(self, before: Mapping[str, Any], triggers: Mapping[str, Any]) -> Change:
        planned = {**before, _TRIGGERS: dict(triggers)}
        wanted = [*differences(before, planned)]
        unwanted = [*self._left_by_an_interrupted_run(before)]
        if unwanted:
            told = f"{self._saved} holds the pool as an interrupted run found it"
            note = f"{told}: mend what differs, or remove that file"
            return Change([], unwanted, [note], is_dry=self._options.is_dry)
        change = Change(wanted, [], [], is_dry=self._options.is_dry)
        if self._options.is_dry:
            return change
        if wanted:
            self._save(before)
            self._refuse_if_changed(before)
            self._update(planned)
            change = change._replace(unwanted=[*differences(planned, self._described())])
        if not change.unwanted:
            self._saved.unlink(missing_ok=True)
        return change

    def _left_by_an_interrupted_run(self, now: Mapping[str, Any]) -> Iterator[Difference]:
        """Compare with what a run saved that did not end; its triggers are this run's to settle."""
        try:
            saved = json.loads(self._saved.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            raise UnusableInput(f"{self._saved}: not a pool's description; remove it") from None
        managed = tuple(f"{_TRIGGERS}.{name}" for name in MANAGED)
        for difference in differences(saved, now):
            if not difference.path.startswith(managed):
                yield difference

    def _save(self, before: Mapping[str, Any]) -> None:
        if not self._saved.exists():
            try:
                self._saved.touch(0o600)
                self._saved.write_text(json.dumps(before, indent=1), encoding="utf-8")
            except OSError as error:
                raise UnusableInput(f"{self._saved}: {error.strerror}") from None

    def _refuse_if_changed(self, before: Mapping[str, Any]) -> None:
        paths = [difference.path for difference in differences(before, self._described())]
        if paths:
            if json.loads(self._saved.read_text(encoding="utf-8")) == before:
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
        for function in self._functions:
            self._lambda.get_function_configuration(**function.target)  # or it is not there
        config = attached(pool.get(_TRIGGERS, {}), self._options.triggers)
        version = config.get("PreTokenGenerationConfig", {}).get("LambdaVersion", "V1_0")
        if version != "V1_0" and pool.get("UserPoolTier") == "LITE":
            remedy = "set its UserPoolTier to ESSENTIALS or PLUS, or choose --event-version V1_0"
            raise UnusableInput(f"{self._pool_id}: LITE has no {version}; {remedy}")

    def _granted(self, pool: Mapping[str, Any]) -> Iterator[str]:
        """Let the pool invoke the functions, ahead of attaching them."""
        for function in self._functions:
            permission = Permission(function, pool["Arn"])
            if not permission.is_granted(self._lambda):
                if not self._options.is_dry:
                    permission.revoke(self._lambda)  # one of the same name, for something else
                    permission.grant(self._lambda)
                yield f"{function.arn}: Cognito may invoke it, for this pool"

    def _revoked(self, pool: Mapping[str, Any], triggers: Mapping[str, Any]) -> Iterator[str]:
        """Take back what attaching granted, where the pool does not need it for another trigger."""
        for function in self._functions:
            permission = Permission(function, pool["Arn"])
            if not is_attached(function.arn, triggers) and permission.is_ours(self._lambda):
                if not self._options.is_dry:
                    permission.revoke(self._lambda)
                yield f"{function.arn}: the permission that attach gave is taken back"
