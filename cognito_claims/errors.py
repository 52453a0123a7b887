"""The exceptions of the trigger side. Each has a stable `code` and typed attributes.

A message is built from the attributes and never holds a value.
"""

from typing import ClassVar, NamedTuple


class CognitoClaimsError(Exception):
    """The base class of every exception on the trigger side."""

    code: ClassVar[str] = "failed"


class EventError(CognitoClaimsError):
    """The JSON is not an event of the expected kind.

    `path` is the place in the event, as in `request.scopes[0]`.
    """

    code = "event"

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}")


class ClaimConflictError(CognitoClaimsError):
    """Two plugins decide on the same claim, the same scope, or the groups.

    `plugins` has the names of both, sorted.
    """

    code = "claim-conflict"

    def __init__(self, subject: str, plugins: tuple[str, ...], problem: str) -> None:
        self.subject = subject
        self.plugins = plugins
        super().__init__(f"{shown(subject)}: {problem} (plugins: {', '.join(plugins)})")


class ProtectedClaimError(CognitoClaimsError):
    """Cognito does not let a trigger change this claim in this token ("id" or "access")."""

    code = "protected-claim"

    def __init__(self, claim: str, token: str, plugin: str, problem: str) -> None:
        self.claim = claim
        self.token = token
        self.plugin = plugin
        super().__init__(f"{shown(claim)}: {problem} in the {token} token (plugin: {plugin})")


class UnsupportedClaimError(CognitoClaimsError):
    """The event's version cannot carry this claim, so Cognito would drop it silently.

    `plugins` has the names of the plugins that want the claim, if they are known.
    """

    code = "unsupported-claim"

    def __init__(
        self, subject: str, token: str, version: str, problem: str, plugins: tuple[str, ...] = ()
    ) -> None:
        self.subject = subject
        self.token = token
        self.version = version
        self.problem = problem
        self.plugins = plugins
        places = [f"{token} token", version]
        if plugins:
            places.append(f"plugin: {', '.join(plugins)}")
        super().__init__(f"{shown(subject)}: {problem} ({', '.join(places)})")


class Problem(NamedTuple):
    """One wrong setting: the name of the variable or argument, and what to change."""

    setting: str
    message: str

    def __str__(self) -> str:
        """Return the problem as one line."""
        return f"{self.setting}: {self.message}"


class SettingsError(CognitoClaimsError):
    """Some settings are wrong; `problems` has all of them, with their names and no value."""

    code = "settings"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(map(str, problems)))


class PluginFailedError(CognitoClaimsError):
    """A plugin raised an exception.

    The text of the exception may hold a secret, so this error has only its class and its place.
    """

    code = "plugin-failed"

    def __init__(self, plugin: str, raised: str, place: str) -> None:
        self.plugin = plugin
        self.raised = raised
        self.place = place
        super().__init__(f"plugin {plugin}: {raised} at {place}")


class PluginResultError(CognitoClaimsError):
    """A plugin returned something that is not `Claims`, or a malformed `Claims`.

    `returned` is the name of the returned type.
    """

    code = "plugin-result"

    def __init__(self, plugin: str, returned: str, problem: str = "") -> None:
        self.plugin = plugin
        self.returned = returned
        super().__init__(f"plugin {plugin}: {problem or f'expected Claims, got {returned}'}")


class PluginTimeoutError(CognitoClaimsError):
    """A plugin did not answer before the deadline.

    `stage` is what the plugin was waiting for, if it is known.
    """

    code = "deadline"

    def __init__(self, plugin: str, stage: str | None = None) -> None:
        self.plugin = plugin
        self.stage = stage
        told = f" ({stage})" if stage else ""
        super().__init__(f"plugin {plugin}: no answer before the deadline{told}")


class DeadlineError(CognitoClaimsError):
    """A request was not answered before its deadline; `stage` is what it was waiting for."""

    code = "deadline"

    def __init__(self, stage: str) -> None:
        self.stage = stage
        super().__init__(f"no answer before the deadline ({stage})")


class TransportError(CognitoClaimsError):
    """A connection failed, or the answer is not HTTP; `stage` is as in `DeadlineError`."""

    code = "transport"

    def __init__(self, stage: str, problem: str, *, is_transient: bool = True) -> None:
        self.stage = stage
        self.problem = problem
        self.is_transient = is_transient
        super().__init__(f"{problem} ({stage})")


class FaunaError(CognitoClaimsError):
    """Fauna refused a query, or its answer is malformed.

    `fauna_code` is a code of Fauna, "unknown", or the problem of an answer with the status 200.
    """

    code = "fauna"

    def __init__(self, status: int, fauna_code: str, advice: str = "") -> None:
        self.status = status
        self.fauna_code = fauna_code
        self.is_transient: bool = status in (409, 429) or status >= 500
        super().__init__(f"Fauna: {fauna_code} (HTTP {status}){advice}")


HASURA_BUSY = (429, 502, 503, 504)
"""The statuses of a Hasura, or of what stands before it, that may pass."""


class HasuraError(CognitoClaimsError):
    """Hasura refused a mutation; `hasura_code` is a code of Hasura, or "unknown".

    `is_transient`: the same request may succeed later. `is_refusal`: Hasura refuses the data of one
    user. Every other error needs a correction, for all users, or, with `may_be_one_row`, perhaps
    for one row: a null, a value that a check excludes, or a value that is too long.
    """

    code = "hasura"

    def __init__(self, status: int, hasura_code: str) -> None:
        self.status = status
        self.hasura_code = hasura_code
        self.is_transient: bool = status in HASURA_BUSY or hasura_code in _PASSING
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
_THROTTLING = ("Throttling", "ThrottlingException", "TooManyRequestsException")  # of any service
AWS_TRANSIENT: dict[str, tuple[str, ...]] = {
    "dynamodb": (
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
    ),
    "secretsmanager": ("InternalServiceError",),
    "sqs": ("KmsThrottled", "RequestThrottled"),
    "ssm": ("InternalServerError",),
}
"""Codes of failures that may pass, by service, beside those of any service."""


class AwsError(CognitoClaimsError):
    """An AWS service refused a call; `aws_code` is a code of AWS, or "unknown"."""

    code = "aws"

    def __init__(self, service: str, status: int, aws_code: str) -> None:
        self.service = service
        self.status = status
        self.aws_code = aws_code
        self.is_transient: bool = (
            status in (408, 429)
            or status >= 500
            or aws_code in _THROTTLING
            or aws_code in AWS_TRANSIENT.get(service, ())
        )
        super().__init__(f"{service}: {aws_code} (HTTP {status})")


class LookUpFailedError(CognitoClaimsError):
    """A look-up got an answer that is neither an item nor says that there is none.

    `status` is the HTTP status of the answer; `problem` says what is wrong, and holds no value.
    """

    code = "look-up"

    def __init__(self, look_up: str, status: int, problem: str) -> None:
        self.look_up = look_up
        self.status = status
        self.problem = problem
        self.is_transient: bool = status in (408, 429) or status >= 500
        super().__init__(f"look-up {shown(look_up)}: {problem} (HTTP {status})")


class SecretError(CognitoClaimsError):
    """A reference does not lead to a usable secret; the text says what to change."""

    code = "secret"

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(problem)


class RuleError(CognitoClaimsError):
    """A value does not have the type that a rule requires.

    `place` is the place of the rule in its document, and `source` is what the rule reads.
    """

    code = "rule"

    def __init__(self, place: str, source: str, problem: str) -> None:
        self.place = place
        self.source = source
        self.problem = problem
        told = f"{source} {problem}" if source else problem
        super().__init__(f"{place}: {told}")


class UnexpectedError(CognitoClaimsError):
    """Another exception occurred; this error has only its class and its place.

    The most likely cause is a malformed `Claims`.
    """

    code = "unexpected"

    def __init__(self, raised: str, place: str) -> None:
        self.raised = raised
        self.place = place
        super().__init__(f"{raised} at {place}")


class UserPoolError(CognitoClaimsError):
    """The event comes from a user pool that the handler does not serve.

    `user_pool_id` is the pool that the event names.
    """

    code = "user-pool"

    def __init__(self, user_pool_id: str) -> None:
        self.user_pool_id = user_pool_id
        told = "the event's pool is not one of COGNITO_CLAIMS_USER_POOLS (user_pools)"
        super().__init__(f"userPoolId: {told}")


class TokenDenied(CognitoClaimsError):  # noqa: N818  (a decision, not a fault)
    """A plugin refuses the sign-in; Cognito shows `reason` to the person who signs in.

    It refuses even if the plugin is optional. Lambda's own log records the reason, since the
    function raises it: put no secret and nothing about a person in it.

    `setting` names the variable that decided, for the log. `problem` tells the developer more, in
    `preview`; it holds no value.
    """

    code = "denied"
    reason: str = "Sign-in could not be completed [denied]"
    plugin: str = ""
    setting: str = ""
    problem: str = ""

    def __init__(self, reason: str, *, setting: str = "", problem: str = "") -> None:
        self.reason = reason
        self.setting = setting
        self.problem = problem
        super().__init__(reason)


class SignInError(CognitoClaimsError):
    """The only error that Cognito shows to the person who signs in; it holds just a code."""

    code = "sign-in"

    def __init__(self, reason_code: str) -> None:
        self.reason_code = reason_code
        super().__init__(f"Sign-in could not be completed [{reason_code}]")


def raised_at(error: BaseException, module: str = "") -> str:
    """Return where an exception was raised: the deepest frame in the package of `module`.

    Without such a frame, return the deepest one. The text of an exception is never logged, since it
    may hold a secret. The place is all that an author gets. So it must be a line of the author's
    own code, and not one of a library.
    """
    package = module.partition(".")[0]
    place, own = "an unknown place", ""
    trace = error.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        code = frame.f_code
        if not code.co_filename.startswith("<frozen importlib"):
            place = f"{code.co_filename}:{trace.tb_lineno} in {code.co_name}"
            if package and str(frame.f_globals.get("__name__")).partition(".")[0] == package:
                own = place
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and str(error.filename).endswith(".py"):  # of a module
        return f"{error.filename}:{error.lineno}"
    return own or place


def describe_error(error: BaseException) -> str:
    """Return the class of an exception, and the part of its text that holds no value.

    That part is the text of errors whose text is built in this file, and the code of botocore's
    `ClientError`.
    """
    texts = (
        *(AwsError, DeadlineError, FaunaError, HasuraError),
        *(LookUpFailedError, RuleError, SecretError, TransportError),
    )
    name = type(error).__name__
    if isinstance(error, texts):
        return f"{name}: {error}"
    code = _aws_code(error)
    return name if code is None else f"{name}: {code}"


def _aws_code(error: BaseException) -> str | None:
    """Return the code of botocore's `ClientError` or of a subclass, if it looks like a code."""
    if not any(
        kind.__name__ == "ClientError" and kind.__module__ == "botocore.exceptions"
        for kind in type(error).__mro__
    ):
        return None
    response = getattr(error, "response", None)
    found = response.get("Error") if isinstance(response, dict) else None
    code = found.get("Code") if isinstance(found, dict) else None
    if not isinstance(code, str) or not code.isascii() or len(code) > 64:
        return None
    return code if code.replace(".", "").replace("-", "").isalnum() else None


def shown(name: str) -> str:
    """Return a name in a form that fits into a message of one line."""
    return name if name and name.isprintable() else ascii(name)
