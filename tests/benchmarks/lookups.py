"""One look-up in DynamoDB over TLS, as deployed: ours beside the same by hand with boto3."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from tests.benchmarks import builds, claims
from tests.benchmarks.claims import BARE, EVENT, HANDLER
from tests.benchmarks.compared import Subject, table
from tests.benchmarks.emulator import first_invocation
from tests.benchmarks.functions import Answer, Function, Kit
from tests.benchmarks.report import Section, Target
from tests.benchmarks.services import front
from tests.stand_ins.certificates import Authority
from tests.stand_ins.moto import moto_server
from tests.stand_ins.sqs import CREDENTIALS, REGION

_TITLE = (
    "A role from DynamoDB, over TLS: the first invocation under Lambda's emulator, init included."
)
_OURS, _BY_HAND = "look-up: ours", "look-up: Python by hand"
_RULES = {
    "lookups": {"member": {"dynamodb": {"table": "members", "key": {"pk": "USER#{sub}"}}}},
    "claims": {"role": {"from": "member.role", "absent": "deny"}},
}
_SETTINGS = {"COGNITO_CLAIMS_PLUGINS": "mapper", "MAPPER_RULES": json.dumps(_RULES)}
_SUB = EVENT["request"]["userAttributes"]["sub"]


def lookups(kit: Kit, rounds: int) -> Section:
    """Run both under the emulator; each answer must have the item's role."""

    def start(function: Function) -> Answer:
        return first_invocation(kit.emulator, function, kit.log)

    with _members(kit.cache.directory / "lookups") as environ:
        found = table("functions", _TITLE, _subjects(kit, environ), rounds, start)
    ratio = Target(f"{_OURS}: wall to by hand", 0.35, found.figure(_OURS, "wall_to_guide"))
    return Section("lookups", (found,), (ratio,), ("The guide is the same by hand, with boto3.",))


def _subjects(kit: Kit, environ: Mapping[str, str]) -> Iterator[Subject]:
    yield from (each for each in claims.subjects(kit) if each.name == BARE)
    built, by_hand = kit.functions["ClaimsFunction"], builds.peer(kit.cache, "lookup_by_hand")
    ours = Function(kit.python, built.directory, HANDLER, {**environ, **_SETTINGS}, EVENT)
    yield Subject(_OURS, ours, _check, built.zipped, BARE, _BY_HAND)
    theirs = Function(kit.python, by_hand.directory, "peer.handler", environ, EVENT)
    yield Subject(_BY_HAND, theirs, _check, by_hand.zipped, BARE)


def _check(answer: Any) -> None:
    added = answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"]
    assert added == {"role": "owner"}


@contextmanager
def _members(directory: Path) -> Iterator[dict[str, str]]:
    """Start a table with the event's user behind TLS, and give the environment that finds it."""
    directory.mkdir(exist_ok=True)
    authority = Authority(directory)
    public = directory / "public.pem"
    public.write_text(Path(DEFAULT_CA_BUNDLE_PATH).read_text() + authority.path.read_text())
    with moto_server() as moto, front(authority.good().path, moto) as url:
        keys: dict[str, Any] = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        client = boto3.client("dynamodb", region_name=REGION, endpoint_url=moto, **keys)
        client.create_table(
            TableName="members",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        item = {"pk": {"S": f"USER#{_SUB}"}, "role": {"S": "owner"}}
        client.put_item(TableName="members", Item=item)
        trust = dict.fromkeys(("SSL_CERT_FILE", "AWS_CA_BUNDLE"), os.fspath(public))
        yield {**CREDENTIALS, "AWS_SESSION_TOKEN": "testing", "AWS_ENDPOINT_URL": url, **trust}
