"""Fauna's tokens and the user sync over TLS, as the template deploys them (secret in Secrets Manager, a queue), and without AWS.

The peers load the AWS SDK of their language where there is something to fetch, which Lambda's image has for them. "Bundled" is the
guide's handler, bundled and minified by esbuild; with a "private authority", Python trusts one of its own instead of all public ones.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cognito_claims.testing import recorded
from tests.benchmarks import builds, claims
from tests.benchmarks.cache import NotRun
from tests.benchmarks.claims import BARE, BARE_NODE, HANDLER
from tests.benchmarks.compared import Check, Subject, table
from tests.benchmarks.emulator import first_invocation
from tests.benchmarks.functions import Answer, Function, Kit
from tests.benchmarks.report import Section, Table, Target
from tests.benchmarks.services import Services, services

_TITLE = "Fauna and the user sync, over TLS: the first invocation under Lambda's emulator, init included."
SYNC = "cognito_claims.functions.user_sync.handler"
WORKER = "cognito_claims.functions.user_sync_worker.handler"
SIGNED_IN = recorded("postauth_Authentication")
_SUB = SIGNED_IN["request"]["userAttributes"]["sub"]
_TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
_REQUESTS = "requests>=2.32,<3"
_RECORDS = {
    "Records": [
        {
            "messageId": "1",
            "receiptHandle": "1",
            "body": f'{{"at":"2026-01-01T12:00:00.000000Z","values":{{"id":"{_SUB}","username":"jane.doe"}}}}',
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:user-sync",
            "awsRegion": "eu-west-1",
        }
    ]
}


class Job(NamedTuple):
    """What ours and the peers do alike, with these settings; `ours` is for ours alone."""

    name: str
    environ: Mapping[str, str]
    ours: Mapping[str, str]
    handler: str
    event: Mapping[str, Any]
    check: Check
    guide: tuple[str, str]
    by_hand: tuple[str, ...]


def deployed(kit: Kit, rounds: int) -> Section:
    """Run all of them under the emulator; each one's work is looked for where it was to be done."""

    def start(function: Function) -> Answer:
        return first_invocation(kit.emulator, function, kit.log)

    with services(kit.cache.directory / "services") as running:
        found = table("functions", _TITLE, subjects(kit, running), rounds, start)
    return Section("deployed", (found,), tuple(_targets(found)), kit.notes)


def _targets(found: Table) -> Iterator[Target]:
    for name, bound in (
        ("Fauna", 0.8),
        ("sync", 0.6),
        ("Fauna deployed", 0.5),
        ("sync deployed", 0.5),
    ):
        ours = f"{name}: ours"
        yield Target(f"{ours}: wall to guide", bound, found.figure(ours, "wall_to_guide"))


def subjects(kit: Kit, running: Services) -> Iterator[Subject]:
    """Give the bare functions, ours and the peers."""
    yield from (each for each in claims.subjects(kit) if each.name in (BARE, BARE_NODE))
    for job in jobs(running):
        yield from _ours(kit, running, job)
        yield from _by_hand(kit, running, job)
        yield from _guides(kit, running, job)
    yield worker(kit, running)


def jobs(running: Services) -> Iterator[Job]:
    for is_deployed, name in ((False, ""), (True, " deployed")):
        fauna = running.configured("FAUNA_ENDPOINT", "FAUNA_SECRET", is_deployed=is_deployed)
        plugin = {"COGNITO_CLAIMS_PLUGINS": "fauna"}
        yield Job(f"Fauna{name}", fauna, plugin, HANDLER, claims.EVENT, _minted_in(running), ("fauna", "handler"), ("fauna_by_hand", _REQUESTS))  # fmt: skip
        names = (
            "HASURA_SYNC_URL",
            "HASURA_SYNC_ADMIN_SECRET",
            *(["USER_SYNC_QUEUE_URL"] * is_deployed),
        )
        hasura = running.configured(*names, is_deployed=is_deployed)
        sink = {"USER_SYNC_SINKS": "hasura"}
        yield Job(f"sync{name}", hasura, sink, SYNC, SIGNED_IN, _written_in(running), ("sync", "handler"), ("sync_by_hand", _REQUESTS))  # fmt: skip
    queue = running.configured("USER_SYNC_QUEUE_URL", is_deployed=True)
    sink = {"USER_SYNC_SINKS": "queue"}
    yield Job("queue deployed", queue, sink, SYNC, SIGNED_IN, _queued_in(running), ("sync", "queue"), ("queue_by_hand",))  # fmt: skip


def worker(kit: Kit, running: Services) -> Subject:
    """Give the queue's worker as deployed, with an event of one message."""
    built = kit.functions["WorkerFunction"]
    names = ("HASURA_SYNC_URL", "HASURA_SYNC_ADMIN_SECRET")
    environ = {**running.configured(*names, is_deployed=True), **_trusting(running, "public")}
    function = Function(kit.python, built.directory, WORKER, environ, _RECORDS)

    def check(answer: Any) -> None:
        assert answer == {"batchItemFailures": []}
        _written_in(running)(SIGNED_IN)

    return Subject("worker deployed: ours", function, check, built.zipped, BARE)


def _ours(kit: Kit, running: Services, job: Job) -> Iterator[Subject]:
    built = kit.functions["ClaimsFunction"]
    source = builds.from_source(kit.cache, built.directory)
    variants = [
        ("", kit.python, built.directory, "public"),
        (", from source", kit.source, source, "public"),
    ]
    if "deployed" in job.name:
        variants.append((", private authority", kit.python, built.directory, "private"))
    for how, runtime, directory, authority in variants:
        environ = {**job.environ, **job.ours, **_trusting(running, authority)}
        function = Function(runtime, directory, job.handler, environ, job.event)
        name = f"{job.name}: ours{how}"
        yield Subject(name, function, job.check, built.zipped, BARE, f"{job.name}: guide, Node")


def _by_hand(kit: Kit, running: Services, job: Job) -> Iterator[Subject]:
    peer = builds.peer(kit.cache, *job.by_hand)
    environ = {**job.environ, **_trusting(running, "public")}
    function = Function(kit.python, peer.directory, "peer.handler", environ, job.event)
    name, guide = f"{job.name}: Python by hand", f"{job.name}: guide, Node"
    yield Subject(name, function, job.check, peer.zipped, BARE, guide)


def _guides(kit: Kit, running: Services, job: Job) -> Iterator[Subject]:
    if isinstance(kit.node, NotRun):
        return
    environ = {**job.environ, "NODE_EXTRA_CA_CERTS": running.authority["private"]}
    directory, module = job.guide
    guide = f"{job.name}: guide, Node"
    for name, place in ((guide, directory), (f"{guide}, bundled", f"{directory}-bundled")):
        found = kit.guides[place]
        if (found.directory / f"{module}.mjs").exists():
            function = Function(kit.node, found.directory, f"{module}.handler", environ, job.event)
            yield Subject(name, function, job.check, found.zipped, BARE_NODE, guide)


def _trusting(running: Services, authority: str) -> dict[str, str]:
    return dict.fromkeys(_TRUST, running.authority[authority])


def _minted_in(running: Services) -> Check:
    """Check that the stand-in minted the token of the answer, and no other."""

    def check(answer: Any) -> None:
        added = answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"]
        assert [token.secret for token in running.fauna.tokens] == [added["fauna_token_secret"]]
        running.fauna.tokens.clear()

    return check


def _written_in(running: Services) -> Check:
    """Check that the event came back as it was, and that its user's row is in the table, alone."""

    def check(answer: Any) -> None:
        rows = [(row["id"], row["username"]) for row in running.hasura.rows()]
        assert (answer, rows) == (SIGNED_IN, [(_SUB, SIGNED_IN["userName"])])
        running.hasura.truncate()

    return check


def _queued_in(running: Services) -> Check:
    """Check that the event came back as it was, and that its user is in the queue, alone."""

    def check(answer: Any) -> None:
        (body,) = running.queues.bodies()
        assert answer == SIGNED_IN
        assert _SUB in body

    return check
