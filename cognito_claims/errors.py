"""What the trigger side raises: a stable `code`, typed attributes, a message made of them, and never a value."""

from typing import ClassVar, NamedTuple


class CognitoClaimsError(Exception):
    """The base of all that this library raises on the trigger side."""

    code: ClassVar[str] = "failed"


class EventError(CognitoClaimsError):
    """The JSON is not an event of the kind asked for; `path` is the place, as in `request.scopes[0]`."""

    code = "event"

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class ClaimConflictError(CognitoClaimsError):
    """Two plugins decide on one claim, scope or on the groups; `plugins` names both, sorted."""

    code = "claim-conflict"

    def __init__(self, subject: str, plugins: tuple[str, ...], problem: str) -> None:
        self.subject = subject
        self.plugins = plugins
        super().__init__(f"{shown(subject)}: {problem} (plugins: {', '.join(plugins)})")


class ProtectedClaimError(CognitoClaimsError):
    """Cognito keeps this claim to itself in this token ("id" or "access")."""

    code = "protected-claim"

    def __init__(self, claim: str, token: str, plugin: str, problem: str) -> None:
        self.claim = claim
        self.token = token
        self.plugin = plugin
        super().__init__(f"{shown(claim)}: {problem} in the {token} token (plugin: {plugin})")


class UnsupportedClaimError(CognitoClaimsError):
    """The event's version cannot carry this; rendering it anyway would drop it silently."""

    code = "unsupported-claim"

    def __init__(self, subject: str, token: str, version: str, problem: str) -> None:
        self.subject = subject
        self.token = token
        self.version = version
        super().__init__(f"{shown(subject)}: {problem} ({token} token, {version})")


class Problem(NamedTuple):
    """One wrong setting: its name (a variable's, or a constructor argument's) and what to change."""

    setting: str
    message: str

    def __str__(self) -> str:
        """Read as one line."""
        return f"{self.setting}: {self.message}"


class SettingsError(CognitoClaimsError):
    """Some settings are wrong; `problems` lists all of them, by name and never by value."""

    code = "settings"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))


class PluginFailedError(CognitoClaimsError):
    """A plugin raised; its exception's text may hold a secret, so only the class and the place are told."""

    code = "plugin-failed"

    def __init__(self, plugin: str, raised: str, place: str) -> None:
        self.plugin = plugin
        self.raised = raised
        self.place = place
        super().__init__(f"plugin {plugin}: {raised} at {place}")


class PluginResultError(CognitoClaimsError):
    """A plugin returned something that is not `Claims`; `returned` is the name of its type."""

    code = "plugin-result"

    def __init__(self, plugin: str, returned: str) -> None:
        self.plugin = plugin
        self.returned = returned
        super().__init__(f"plugin {plugin}: expected Claims, got {returned}")


class PluginTimeoutError(CognitoClaimsError):
    """A plugin had not answered at the deadline; `stage` is what it was waiting for, where it can tell."""

    code = "deadline"

    def __init__(self, plugin: str, stage: str | None = None) -> None:
        self.plugin = plugin
        self.stage = stage
        told = f" ({stage})" if stage else ""
        super().__init__(f"plugin {plugin}: no answer before the deadline{told}")


class DeadlineError(CognitoClaimsError):
    """A request had no whole answer at its deadline; `stage` is what it was waiting for."""

    code = "deadline"

    def __init__(self, stage: str) -> None:
        self.stage = stage
        super().__init__(f"no answer before the deadline ({stage})")


class TransportError(CognitoClaimsError):
    """A connection failed, or what came over it is not HTTP; `stage` is as in `DeadlineError`."""

    code = "transport"

    def __init__(self, stage: str, problem: str, *, is_transient: bool = True) -> None:
        self.stage = stage
        self.problem = problem
        self.is_transient = is_transient
        super().__init__(f"{problem} ({stage})")


class FaunaError(CognitoClaimsError):
    """Fauna refused a query; `fauna_code` is one of its own codes, "unknown", or what is wrong with an answer of 200."""

    code = "fauna"

    def __init__(self, status: int, fauna_code: str, advice: str = "") -> None:
        self.status = status
        self.fauna_code = fauna_code
        self.is_transient: bool = status in (409, 429) or status >= 500
        super().__init__(f"Fauna: {fauna_code} (HTTP {status}){advice}")


class HasuraError(CognitoClaimsError):
    """Hasura refused a mutation; `hasura_code` is one of its own codes, or "unknown".

    It may pass (`is_transient`), or one user's data are refused (`is_refusal`). Anything else is to be set right: for all users, or for a
    single one where it `may_be_one_row` that is at fault (a null, what a check excludes, or what is too long).
    """

    code = "hasura"

    def __init__(self, status: int, hasura_code: str) -> None:
        self.status = status
        self.hasura_code = hasura_code
        self.is_transient: bool = status in (429, 502, 503, 504) or hasura_code in _PASSING
        self.is_refusal: bool = hasura_code in ("constraint-violation", "data-exception")
        self.may_be_one_row: bool = status == 413 or self.is_refusal or hasura_code in _OF_A_ROW
        super().__init__(f"Hasura: {hasura_code} (HTTP {status})")


_PASSING = (
    "concurrent-update",
    "postgres-error",
    "postgres-max-connections-error",
    "timeout",
    "unexpected",
)
_OF_A_ROW = (
    "invalid-json",
    "parse-failed",
    "permission-denied",
    "permission-error",
    "postgres-error",
    "timeout",
    "unexpected",
    "validation-failed",
)
_THROTTLING = (
    "KmsThrottled",
    "RequestThrottled",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)


class AwsError(CognitoClaimsError):
    """An AWS service refused a call; `aws_code` is one of AWS's own codes, or "unknown"."""

    code = "aws"

    def __init__(self, service: str, status: int, aws_code: str) -> None:
        self.service = service
        self.status = status
        self.aws_code = aws_code
        self.is_transient: bool = status in (408, 429) or status >= 500 or aws_code in _THROTTLING
        super().__init__(f"{service}: {aws_code} (HTTP {status})")


class SecretError(CognitoClaimsError):
    """A secret cannot be had where its reference points; the text says what to change."""

    code = "secret"

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class UnexpectedError(CognitoClaimsError):
    """Something else went wrong, a malformed `Claims` most likely; told by class and place only."""

    code = "unexpected"

    def __init__(self, raised: str, place: str) -> None:
        self.raised = raised
        self.place = place
        super().__init__(f"{raised} at {place}")


class TokenDenied(CognitoClaimsError):  # noqa: N818  (a decision, not a fault)
    """A plugin refuses the sign-in, whatever its policy; Cognito shows `reason` to the person signing in."""

    code = "denied"
    reason: str = "Sign-in could not be completed [denied]"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class SignInError(CognitoClaimsError):
    """All that Cognito, and so the person signing in, learns of a failure: its code."""

    code = "sign-in"

    def __init__(self, reason_code: str) -> None:
        self.reason_code = reason_code
        super().__init__(f"Sign-in could not be completed [{reason_code}]")


def place_of(error: BaseException) -> str:
    """Say where it was raised; an exception's text is never logged, for it may hold a secret."""
    place = "an unknown place"
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith("<frozen importlib"):
            place = f"{code.co_filename}:{trace.tb_lineno} in {code.co_name}"
        trace = trace.tb_next
    return place


def told(error: BaseException) -> str:
    """Say what was raised: its class, and its text where that is made in this file, of no value."""
    texts = (AwsError, DeadlineError, FaunaError, HasuraError, SecretError, TransportError)
    return f"{type(error).__name__}: {error}" if isinstance(error, texts) else type(error).__name__


def shown(name: str) -> str:
    """Give a name as it may stand in a message of one line."""
    return name if name and name.isprintable() else ascii(name)
