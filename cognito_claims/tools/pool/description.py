"""What AWS knows of a pool and its functions, read for a diagnosis; nothing here changes anything."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from botocore.exceptions import ClientError

from cognito_claims.tools.inputs import region_of_pool
from cognito_claims.tools.pool.aws import Aws
from cognito_claims.tools.pool.function_policy import FunctionArn, statements
from cognito_claims.tools.pool.issuer import is_known

CLAIMS = "PreTokenGeneration"
SYNC = ("PostAuthentication", "PostConfirmation")
_T = TypeVar("_T")
_DENIED = ("AccessDenied", "AccessDeniedException", "NotAuthorizedException")


class Function(NamedTuple):
    """An attached function; None for what may not be read."""

    arn: str
    configuration: Mapping[str, Any] | None
    statements: Sequence[Any] | None
    keeps_logs_for_ever: bool | None
    is_missing: bool = False
    elsewhere: Mapping[str, Sequence[Any]] | None = None  # of the function's other qualifiers

    @property
    def is_a_sync(self) -> bool:
        """Say whether it is this library's user sync, as far as its handler and its variables tell."""
        handler = str((self.configuration or {}).get("Handler", ""))
        names = [name for name in self.environ if name.startswith("USER_SYNC_")]
        return ".user_sync." in handler or bool(names)

    @property
    def environ(self) -> Mapping[str, str]:
        """Give its settings, secrets among them."""
        found: Mapping[str, Any] = (self.configuration or {}).get("Environment", {})
        variables: Mapping[str, str] = found.get("Variables", {})
        return variables

    def __repr__(self) -> str:
        """Hide the settings."""
        return f"Function({self.arn!r})"


class Facts(NamedTuple):
    """What is known of a pool; `functions` by trigger, `unread` by the action that is not allowed."""

    pool: Mapping[str, Any]
    clients: Sequence[Mapping[str, Any]]
    providers: Sequence[Mapping[str, Any]]
    groups: Sequence[str]
    functions: Mapping[str, Function]
    unread: Sequence[str]


class PoolReader:
    """Reads a pool and what it refers to; raises what boto3 raises, but for what may not be read beside the pool."""

    def __init__(
        self, user_pool_id: str, client_ids: Sequence[str], environ: Mapping[str, str]
    ) -> None:
        self._pool = {"UserPoolId": user_pool_id}
        self._client_ids = client_ids
        self._aws = Aws(environ)
        self._cognito = self._aws.client("cognito-idp", region_of_pool(user_pool_id))
        self._account = ""  # the pool's
        self._unread: dict[str, None] = {}
        self.knows_issuers: bool = is_known(self._cognito)

    def client(self, service: str, region: str | None = None) -> Any:
        """Return a client of boto3's, with the credentials that the pool is read with."""
        return self._aws.client(service, region)

    def facts(self) -> Facts:
        """Read everything."""
        pool = self._cognito.describe_user_pool(**self._pool)["UserPool"]
        return Facts(
            pool=pool,
            functions=self._functions(pool),
            clients=self._read("cognito-idp:DescribeUserPoolClient", self._clients) or (),
            providers=self._read("cognito-idp:DescribeIdentityProvider", self._providers) or (),
            groups=self._read("cognito-idp:ListGroups", self._groups) or (),
            unread=tuple(self._unread),
        )

    def facts_of_functions(self, pool: Mapping[str, Any]) -> Facts:
        """Read the functions that this description of a pool names, and nothing else."""
        functions = self._functions(pool)
        return Facts(pool, (), (), (), functions, tuple(self._unread))

    def _functions(self, pool: Mapping[str, Any]) -> dict[str, Function]:
        self._account = pool["Arn"].split(":")[4]
        config = pool.get("LambdaConfig", {})
        arns = {name: config.get(name) for name in (CLAIMS, *SYNC)}
        arns[CLAIMS] = config.get(f"{CLAIMS}Config", {}).get("LambdaArn") or arns[CLAIMS]
        known = {arn: self._function(arn) for arn in {*arns.values()} if arn}
        return {name: known[arn] for name, arn in arns.items() if arn}

    def _clients(self) -> list[Mapping[str, Any]]:
        ids = dict.fromkeys(self._client_ids or self._listed("list_user_pool_clients", "ClientId"))
        return [
            self._cognito.describe_user_pool_client(**self._pool, ClientId=client_id)[
                "UserPoolClient"
            ]
            for client_id in ids
        ]

    def _providers(self) -> list[Mapping[str, Any]]:
        return [
            self._cognito.describe_identity_provider(**self._pool, ProviderName=name)[
                "IdentityProvider"
            ]
            for name in self._listed("list_identity_providers", "ProviderName")
        ]

    def _groups(self) -> list[str]:
        return [*self._listed("list_groups", "GroupName")]

    def _listed(self, operation: str, field: str) -> Iterator[str]:
        for page in self._cognito.get_paginator(operation).paginate(**self._pool):
            for entries in page.values():
                if isinstance(entries, list):
                    yield from (entry[field] for entry in entries)

    def _function(self, arn: str) -> Function:
        function = FunctionArn.parse("LambdaConfig", arn)
        client = self._aws.client("lambda", function.region)
        logs = self._aws.client("logs", function.region)

        try:
            configuration = self._read(
                "lambda:GetFunctionConfiguration",
                lambda: client.get_function_configuration(**function.target),
            )
        except client.exceptions.ResourceNotFoundException:
            return Function(arn, None, None, None, is_missing=True)

        def keeps_logs_for_ever() -> bool:
            default = f"/aws/lambda/{function.name}"
            name = (configuration or {}).get("LoggingConfig", {}).get("LogGroup", default)
            groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
            return any(g["logGroupName"] == name and "retentionInDays" not in g for g in groups)

        return Function(
            arn,
            configuration=configuration,
            statements=self._read("lambda:GetPolicy", lambda: statements(client, function.target)),
            keeps_logs_for_ever=self._read("logs:DescribeLogGroups", keeps_logs_for_ever),
            elsewhere=self._elsewhere(client, function),
        )

    def _elsewhere(self, client: Any, function: FunctionArn) -> Mapping[str, Sequence[Any]]:
        """Read the policies of the function itself, and of its other aliases and versions."""
        found: dict[str, Sequence[Any]] = {}
        is_own = self._account == function.account
        listed = function.name if is_own else function.itself  # moto knows no ARN here

        def look(name: str, **qualifier: str) -> None:
            target = {"FunctionName": function.itself, **qualifier}
            found[name] = self._read("lambda:GetPolicy", lambda: statements(client, target)) or []

        def names(operation: str, field: str, key: str) -> list[str]:
            pages = client.get_paginator(operation).paginate(FunctionName=listed)
            return [each[key] for page in pages for each in page[field]]

        if function.qualifier is not None:
            look("the function itself")
        aliases = self._read("lambda:ListAliases", lambda: names("list_aliases", "Aliases", "Name"))
        versions = self._read(
            "lambda:ListVersionsByFunction",
            lambda: names("list_versions_by_function", "Versions", "Version"),
        )
        for kind, found_names in (("alias", aliases), ("version", versions)):
            for name in found_names or ():
                if name not in (function.qualifier, "$LATEST"):
                    look(f"its {kind} {name}", Qualifier=name)
        return found

    def _read(self, action: str, read: Callable[[], _T]) -> _T | None:
        """Read what is not the pool itself; None where that is not allowed."""
        try:
            return read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise
            self._unread[action] = None
            return None
