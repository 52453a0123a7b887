"""The SAM template says what the code reads, and grants no more than the functions need; `tests/sam` builds and runs it."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import yaml
from packaging.requirements import Requirement

from cognito_claims.testing import recorded
from tests import runtime_api
from tests.metric_filter import matches
from tests.settings_table import CLIENTS, MEANINGS, SOURCES

SAM = Path(__file__).parents[1] / "sam"
# What a template cannot say better than the settings of the code do, or says in another way:
ELSEWHERE = {
    "COGNITO_CLAIMS_USER_POOLS",
    "FAUNA_SECRET",
    "HASURA_SYNC_ADMIN_SECRET",
    "USER_SYNC_SINKS",
    "USER_SYNC_QUEUE_URL",
}


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # it carries no types
    """Reads CloudFormation's short forms as its long ones."""


def _long_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {name: text.split(".") if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _long_form)
TEMPLATE: dict[str, Any] = yaml.load((SAM / "template.yaml").read_text(), _Loader)  # noqa: S506  (a safe one)
PARAMETERS: dict[str, Any] = TEMPLATE["Parameters"]
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in RESOURCES.items()
    if resource["Type"] == "AWS::Serverless::Function"
}
CONFIG: dict[str, Any] = tomllib.loads((SAM / "samconfig.toml").read_text())
VARIABLES = {
    name: value
    for function in FUNCTIONS.values()
    for name, value in function["Environment"]["Variables"].items()
}


def of_type(kind: str) -> dict[str, Any]:
    return {n: r["Properties"] for n, r in RESOURCES.items() if r["Type"] == kind}


def within(value: object) -> Iterator[object]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inner:
        yield from within(each)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_handler_is_a_function_of_the_package(name: str) -> None:
    module, _, handler = FUNCTIONS[name]["Handler"].rpartition(".")
    source = SAM / FUNCTIONS[name]["CodeUri"] / (module.replace(".", "/") + ".py")

    assert handler == "handler"
    assert re.search(r"^handler: \w+ = ", source.read_text(), re.M)


def test_every_variable_is_a_setting_and_every_setting_a_variable() -> None:
    assert set(VARIABLES) == {*MEANINGS, *CLIENTS}


@pytest.mark.parametrize("name", CLIENTS)
def test_the_app_clients_of_a_plugin_are_a_parameter(name: str) -> None:
    parameter = PARAMETERS[VARIABLES[name]["Ref"]]
    given = ("", "1example23456789abcdefghij", "a,b_c,d+", "a, b", "a,,b", "a-b", "none,")

    assert parameter["Default"] == ""
    assert [bool(re.fullmatch(parameter["AllowedPattern"], text)) for text in given] == [
        *(True, True, True),
        *(False, False, False, False),
    ]


@pytest.mark.parametrize("name", sorted(set(MEANINGS) - ELSEWHERE))
def test_a_settings_parameter_has_the_codes_default_and_choices(name: str) -> None:
    parameter = PARAMETERS[VARIABLES[name]["Ref"]]
    prefix = max((p for p in SOURCES if name.startswith(f"{p}_")), key=len)
    source: Any = SOURCES[prefix]
    signature = vars(source)["__init__"] if isinstance(source, type) else source
    field = name.removeprefix(f"{prefix}_").lower()
    kind, default = signature.__annotations__[field], signature.__kwdefaults__ or {}

    assert str(parameter["Default"]) in (as_text(default[field]) if field in default else "", "")
    if get_origin(kind) is Literal:
        assert set(parameter["AllowedValues"]) == set(get_args(kind))


def as_text(default: object) -> str:
    if isinstance(default, Mapping):
        return ",".join(f"{name}={value}" for name, value in default.items())
    if isinstance(default, frozenset | tuple):
        return ",".join(sorted(default))
    return "" if default is None else str(default).lower() if default is False else str(default)


def test_every_parameter_is_described_and_in_one_group() -> None:
    groups = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]

    assert sorted(grouped) == sorted(PARAMETERS)
    assert [name for name, parameter in PARAMETERS.items() if not parameter["Description"]] == []


def test_every_parameter_is_used() -> None:
    used = re.findall(r"!Ref (\w+)|\$\{(\w+)\}", (SAM / "template.yaml").read_text())

    assert set(PARAMETERS) - {name for pair in used for name in pair} == set()


def test_a_secret_is_never_a_parameter() -> None:
    for name in ("FAUNA_SECRET", "HASURA_SYNC_ADMIN_SECRET"):
        referred = [v["Ref"] for v in within(VARIABLES[name]) if isinstance(v, dict) and "Ref" in v]
        assert all(name.endswith("Arn") for name in referred)
    for name, parameter in PARAMETERS.items():
        if name.endswith(("SecretArn", "SecretParameter")):
            assert re.fullmatch(parameter["AllowedPattern"], "hunter2") is None


def statements() -> list[tuple[str, Any]]:
    return [
        (name, statement)
        for name, role in of_type("AWS::IAM::Role").items()
        for value in within(role["Policies"])
        if isinstance(value, dict) and "PolicyDocument" in value
        for statement in value["PolicyDocument"]["Statement"]
    ]


def test_no_role_may_do_everything_or_to_everything() -> None:
    assert len(statements()) == 15
    for _, statement in statements():
        actions = statement["Action"]
        named = [actions] if isinstance(actions, str) else actions
        assert [action for action in named if "*" in action] == []
        assert statement["Resource"] != "*"
        assert "*" not in str(statement["Resource"])


def test_only_the_pool_may_invoke_a_trigger() -> None:
    permissions = of_type("AWS::Lambda::Permission")

    assert sorted(permissions) == ["ClaimsPermission", "UserSyncPermission"]
    for permission in permissions.values():
        assert permission["Principal"] == "cognito-idp.amazonaws.com"
        assert permission["SourceAccount"] == {"Ref": "AWS::AccountId"}
        pools = [{"Fn::GetAtt": ["UserPool", "Arn"]}, {"Ref": "UserPoolArn"}]
        assert permission["SourceArn"] == {"Fn::If": ["CreatesPool", *pools]}


@pytest.mark.parametrize(("name", "snaps"), [("Claims", "SnapsClaims"), ("UserSync", "SnapsSync")])
def test_cognito_invokes_the_function_itself_which_every_parameter_reaches(
    name: str, snaps: str
) -> None:
    function = {"Fn::GetAtt": [f"{name}Function", "Arn"]}
    invoked = {"Fn::If": [snaps, {"Ref": f"{name}Alias"}, function]}

    assert "AutoPublishAlias" not in FUNCTIONS[f"{name}Function"]
    assert of_type("AWS::Lambda::Permission")[f"{name}Permission"]["FunctionName"] == invoked
    assert TEMPLATE["Outputs"][f"{name}FunctionArn"]["Value"] == invoked
    pool = of_type("AWS::Cognito::UserPool")["UserPool"]["LambdaConfig"]
    arns = [value for value in within(pool) if value == invoked]
    assert len(arns) == (1 if name == "Claims" else 2)
    # A version never changes: another one is made for another revision.
    assert of_type("AWS::Lambda::Version")[f"{name}Version"] == {
        "FunctionName": {"Ref": f"{name}Function"},
        "Description": {"Ref": "Revision"},
    }


def test_what_cognito_waits_for_has_its_time_and_memory() -> None:
    timeout = TEMPLATE["Globals"]["Function"]["Timeout"]

    assert (timeout, PARAMETERS["MemorySize"]["Default"]) == (5, 512)
    assert [name for name, function in FUNCTIONS.items() if "Timeout" in function] == [
        "WorkerFunction"
    ]


def test_the_workers_lock_holds_what_its_extra_allows_and_a_hash_of_each_package() -> None:
    text = (SAM / "worker" / "requirements.txt").read_text()
    entries = [entry.split() for entry in re.split(r"\n(?=\w)", text.replace("\\\n", " "))[1:]]
    assert all(len(entry) > 1 and "--hash=sha256:" in entry[1] for entry in entries)
    locked = dict(entry[0].split("==") for entry in entries)
    extra = tomllib.loads((SAM.parent / "pyproject.toml").read_text())
    wanted = [Requirement(each) for each in extra["project"]["optional-dependencies"]["worker"]]
    for need in wanted:
        if need.name != "boto3":  # Lambda's runtime has it
            assert need.specifier.contains(locked[need.name], prereleases=True), need
    # What those packages need is there as well.
    needs = {
        Requirement(line).name.lower().replace("_", "-")
        for package in locked
        for line in metadata.requires(package) or []
        if "extra" not in line
    }
    assert needs <= set(locked)


def test_the_queue_waits_six_times_as_long_as_the_worker_and_its_mapping_reports_failures() -> None:
    queue, worker = of_type("AWS::SQS::Queue")["UserSyncQueue"], FUNCTIONS["WorkerFunction"]

    assert queue["VisibilityTimeout"] == 6 * worker["Timeout"]
    mapping = worker["Events"]["Queue"]["Properties"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("name", [name for name in CONFIG if name != "version"])
def test_what_a_section_overrides_are_parameters(name: str) -> None:
    text = CONFIG[name]["deploy"]["parameters"].get("parameter_overrides", "")
    given = dict(pair.split("=", 1) for pair in shlex.split(text))

    assert set(given) <= set(PARAMETERS)
    for parameter, value in given.items():
        allowed = PARAMETERS[parameter].get("AllowedValues", [value])
        assert value in allowed


def test_there_is_a_section_for_each_use() -> None:
    uses = {"surrealdb", "hasura", "fauna", "composed", "sync"}
    assert set(CONFIG) == {"version", "default", *uses}


def resolved(value: Any, pool_arn: str) -> str:
    """Do what CloudFormation does with the few functions of one variable."""
    if isinstance(value, str):
        return value.replace("${UserPoolArn}", pool_arn)
    [(function, arguments)] = value.items()
    if function == "Fn::Sub":
        return resolved(arguments, pool_arn)
    index, split = arguments
    by, text = split["Fn::Split"]
    assert function == "Fn::Select"
    part: str = resolved(text, pool_arn).split(by)[index]
    return part


@pytest.mark.parametrize("pool", ["eu-west-1_AbCdEfGhI", ""])
@pytest.mark.parametrize("function", ["ClaimsFunction", "UserSyncFunction"])
def test_only_the_pool_that_is_named_is_answered(function: str, pool: str) -> None:
    variables = FUNCTIONS[function]["Environment"]["Variables"]
    arn = f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{pool}" if pool else ""

    assert resolved(variables["COGNITO_CLAIMS_USER_POOLS"], arn) == pool


def test_nobody_is_sent_anywhere_by_default() -> None:
    client = of_type("AWS::Cognito::UserPoolClient")["UserPoolClient"]
    defaults = [PARAMETERS[name]["Default"] for name in ("CallbackUrls", "LogoutUrls")]
    nothing = {"Ref": "AWS::NoValue"}
    hosted = {
        name: client[name]
        for name in ("AllowedOAuthFlowsUserPoolClient", "AllowedOAuthFlows", "AllowedOAuthScopes")
    }

    assert defaults == ["", ""]
    assert "localhost" not in (SAM / "template.yaml").read_text()
    assert hosted == {
        "AllowedOAuthFlowsUserPoolClient": {"Fn::If": ["HasCallback", True, False]},
        "AllowedOAuthFlows": {"Fn::If": ["HasCallback", ["code"], nothing]},
        "AllowedOAuthScopes": {"Fn::If": ["HasCallback", ["openid", "email", "profile"], nothing]},
    }
    for urls, condition in (("CallbackUrls", "HasCallback"), ("LogoutUrls", "HasLogout")):
        split = {"Fn::Split": [",", {"Ref": urls}]}
        assert client[urls.replace("Urls", "URLs")] == {"Fn::If": [condition, split, nothing]}
        pattern = PARAMETERS[urls]["AllowedPattern"]
        given = ("", "https://a.example/", "https://a.example/,app://b", "https://a/, https://b/")
        assert [bool(re.fullmatch(pattern, text)) for text in given] == [True, True, True, False]


# Who may raise an alarm

FAILED, OMITTED = (
    of_type("AWS::Logs::MetricFilter")[name]["FilterPattern"]
    for name in ("ClaimsFailedFilter", "ClaimsOmittedFilter")
)
PLUGINS = """
from cognito_claims import TokenDenied, optional
from cognito_claims.sync.users import UserSync

class Sink:
    columns = {"id": "sub", "email": "email"}

    def prepare(self, *, deadline):
        pass

    def write(self, rows, *, deadline):
        assert rows[0].values["email"] is None

def deny(event):
    raise TokenDenied("No.")

def fail(event):
    raise ValueError("no")

def hang(event):
    import time
    time.sleep(9)

denies = lambda environ: deny
denies_too = lambda environ: optional(deny)
fails = lambda environ: fail
omitted = lambda environ: optional(fail)
hangs = lambda environ: hang
syncs = lambda environ: UserSync(Sink())
"""


def alarms(tmp_path: Path, plugins: str) -> tuple[bool, bool]:
    """Say whether an event's log, as the real runtime client writes it, counts as failed or omitted."""
    (tmp_path / "acme.py").write_text(PLUGINS)
    environ = {
        "PYTHONPATH": f"{runtime_api.ROOT}:{tmp_path}",
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_LOG_LEVEL": "INFO",
        "COGNITO_CLAIMS_PLUGINS": plugins,
        "COGNITO_CLAIMS_DEADLINE_MS": "2000",
    }
    event = recorded("pretoken_v2_Authentication")
    event["request"]["userAttributes"]["email_verified"] = "false"
    handler = "cognito_claims.functions.pre_token_generation.handler"
    answers, printed = runtime_api.run(handler, environ, [event])
    lines = printed.splitlines()
    assert [line for line in lines if '"level"' in line], (answers, printed)
    return any(matches(FAILED, line) for line in lines), any(
        matches(OMITTED, line) for line in lines
    )


@pytest.mark.parametrize(
    ("plugins", "failed", "omitted"),
    [
        ("none", False, False),
        ("a=acme:denies", False, False),
        ("a=acme:denies,b=acme:denies_too", False, False),
        ("a=acme:fails", True, False),
        ("a=acme:hangs", True, False),
        ("a=acme:omitted", False, True),
        ("a=acme:syncs", False, False),  # writes null for an email that is not verified
        ("a=acme:missing", True, False),
        ("hasure", True, False),
    ],
)
def test_failures_raise_an_alarm_and_denials_do_not(
    tmp_path: Path, plugins: str, *, failed: bool, omitted: bool
) -> None:
    assert alarms(tmp_path, plugins) == (failed, omitted)


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ({"type": "platform.report", "record": {"status": "timeout"}}, True),
        ({"type": "platform.report", "record": {"status": "failure"}}, True),
        ({"type": "platform.initReport", "record": {"status": "timeout"}}, True),
        (
            {"record": {"status": "error", "errorType": "Runtime.OutOfMemory"}},
            True,
        ),
        ({"errorType": "Runtime.ImportModuleError", "errorMessage": "Unable to import"}, True),
        ({"type": "platform.report", "record": {"status": "success"}}, False),
        # What a handler raised: our own record says what it was.
        ({"record": {"status": "error", "errorType": "TokenDenied"}}, False),
        ({"level": "ERROR", "errorType": "TokenDenied"}, False),
    ],
)
def test_lambdas_own_records_raise_an_alarm_when_the_process_ended(
    line: dict[str, Any], *, counts: bool
) -> None:
    assert matches(FAILED, json.dumps(line)) is counts


@pytest.mark.parametrize("name", ["Claims", "UserSync"])
def test_no_alarm_counts_all_that_a_trigger_raises(name: str) -> None:
    alarm = of_type("AWS::CloudWatch::Alarm")[f"{name}ErrorsAlarm"]
    filters = of_type("AWS::Logs::MetricFilter")[f"{name}FailedFilter"]
    raising = [
        alarm["Dimensions"]
        for alarm in of_type("AWS::CloudWatch::Alarm").values()
        if alarm["MetricName"] == "Errors"
    ]

    assert raising == [[{"Name": "FunctionName", "Value": {"Ref": "WorkerFunction"}}]]
    assert (filters["FilterPattern"], filters["LogGroupName"]) == (
        FAILED,
        {"Ref": f"{name}LogGroup"},
    )
    [metric] = filters["MetricTransformations"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (
        metric["MetricNamespace"],
        metric["MetricName"],
    )
