"""What the functions call, each over TLS on loopback: Fauna, Hasura over a real PostgreSQL, Secrets Manager and SQS.

As in production, Python reads a file of all public authorities (and the test's), and Node those that it has built in (and the
test's). Fauna's stand-in lies behind `front.mjs`: npm's driver wants HTTP/2, ours speaks HTTP/1.1.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from cognito_claims.tools.local.postgresql import postgresql
from tests.benchmarks import guides
from tests.benchmarks.cache import NotRun
from tests.benchmarks.functions import CLEAN
from tests.stand_ins.certificates import Authority
from tests.stand_ins.fauna import SECRET as FAUNA_SECRET
from tests.stand_ins.fauna import FaunaServer
from tests.stand_ins.hasura import SECRET as HASURA_SECRET
from tests.stand_ins.hasura import HasuraServer
from tests.stand_ins.moto import moto_server
from tests.stand_ins.sqs import CREDENTIALS, REGION, Queues

_SECRETS = {"FAUNA_SECRET": FAUNA_SECRET, "HASURA_SYNC_ADMIN_SECRET": HASURA_SECRET}


class Services(NamedTuple):
    """The servers, and what a function's environment says of them."""

    fauna: FaunaServer
    hasura: HasuraServer
    queues: Queues
    environ: Mapping[str, str]
    arns: Mapping[str, str]
    aws: Mapping[str, str]
    authority: Mapping[str, str]

    def clear(self) -> None:
        """Undo whatever a function did."""
        self.fauna.tokens.clear()
        self.hasura.truncate()
        self.queues.bodies()

    def configured(self, *names: str, is_deployed: bool = False) -> dict[str, str]:
        """Give these settings, the secrets among them as they are or, deployed, where AWS keeps them."""
        if is_deployed:
            return {**{name: {**self.environ, **self.arns}[name] for name in names}, **self.aws}
        return {name: self.environ[name] for name in names}


@contextmanager
def services(directory: Path) -> Iterator[Services]:
    """Start all of them; raises `NotRun` where PostgreSQL or Node is missing."""
    directory.mkdir(exist_ok=True)
    authority = Authority(directory)
    certificate = authority.good()
    public = directory / "public.pem"
    public.write_text(Path(DEFAULT_CA_BUNDLE_PATH).read_text() + authority.path.read_text())
    with ExitStack() as life:
        try:
            dsn = life.enter_context(postgresql())
        except FileNotFoundError as error:
            raise NotRun(str(error)) from None
        fauna = life.enter_context(FaunaServer())
        hasura = life.enter_context(HasuraServer(dsn, certificate=certificate))
        moto = life.enter_context(moto_server())
        behind_tls = [
            life.enter_context(front(certificate.path, url)) for url in (fauna.endpoint, moto)
        ]
        queues = Queues(moto)
        yield Services(
            fauna,
            hasura,
            queues,
            {
                "FAUNA_ENDPOINT": behind_tls[0],
                "FAUNA_IDENTITY": "email",  # as the peers
                "HASURA_SYNC_URL": hasura.url,
                "USER_SYNC_QUEUE_URL": behind_tls[1] + urlsplit(queues.url).path,
                **_SECRETS,
            },
            {name: _kept(moto, name, text) for name, text in _SECRETS.items()},
            {**CREDENTIALS, "AWS_SESSION_TOKEN": "testing", "AWS_ENDPOINT_URL": behind_tls[1]},
            {"public": os.fspath(public), "private": os.fspath(authority.path)},
        )


def _kept(moto: str, name: str, text: str) -> str:
    keys: dict[str, Any] = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("secretsmanager", region_name=REGION, endpoint_url=moto, **keys)
    return str(client.create_secret(Name=name, SecretString=text)["ARN"])


@contextmanager
def front(pem: Path, upstream: str) -> Iterator[str]:
    """Put TLS before a plain server, and give its URL."""
    script = os.fspath(Path(__file__).with_name("front.mjs"))
    command = [guides.node(), script, os.fspath(pem), upstream]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=CLEAN, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"https://localhost:{int(process.stdout.readline())}"
        finally:
            process.terminate()
