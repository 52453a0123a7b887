"""A user pool with many users on moto's Cognito, put there without an API call for each."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

REGION = "eu-west-1"
_SERVER = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
logging.disable()
from moto.cognitoidp.models import CognitoIdpUser, cognitoidp_backends
from moto.core import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer

region, users = json.loads(sys.stdin.readline())
backend = cognitoidp_backends[DEFAULT_ACCOUNT_ID][region]
pool = backend.create_user_pool("users", {})
for name, attributes in users:
    pairs = [{"Name": key, "Value": value} for key, value in attributes.items()]
    user = CognitoIdpUser(pool.id, name, None, "CONFIRMED", pairs)
    user.update_attributes(pairs)  # its own sub, too
    pool.users[name] = user
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(pool.id, "http://%s:%s" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


class Pool(NamedTuple):
    """A pool's id, and where its Cognito, SQS and other services answer."""

    id: str
    endpoint: str

    @property
    def environ(self) -> dict[str, str]:
        """Give what a command needs to find it."""
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            **dict.fromkeys(keys, "testing"),
        }


@contextmanager
def user_pool(users: Sequence[tuple[str, Mapping[str, str]]]) -> Iterator[Pool]:
    """Serve a pool with these users, by name and attributes, while it is entered."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")}
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps([REGION, users]) + "\n")
            process.stdin.flush()
            pool_id, endpoint = process.stdout.readline().split()
            yield Pool(pool_id, endpoint)
        finally:
            process.kill()


def people(count: int) -> list[tuple[str, dict[str, str]]]:
    """Make up users with a verified email of their own."""
    return [
        (
            f"user-{n}",
            {
                "sub": f"{n:08x}-0000-4000-8000-{n:012x}",
                "email": f"user-{n}@example.com",
                "email_verified": "true",
            },
        )
        for n in range(count)
    ]
