"""A statement of a function's policy is judged, and what is not understood is never passed over."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from cognito_claims.tools.doctor.invokers import invoker_findings
from cognito_claims.tools.doctor.pool_rules import diagnoses
from cognito_claims.tools.pool.description import Facts, Function
from cognito_claims.tools.pool.function_policy import grants
from cognito_claims.tools.pool.policy import Verdict, judge

ACCOUNT = "123456789012"
POOL = f"arn:aws:cognito-idp:eu-west-1:{ACCOUNT}:userpool/eu-west-1_Ours1"
FUNCTION = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:claims"
COGNITO = {"Service": "cognito-idp.amazonaws.com"}
INVOKE = "lambda:InvokeFunction"
SOURCE = {"ArnLike": {"AWS:SourceArn": POOL}}
OURS: dict[str, Any] = {
    "Sid": "pool",
    "Effect": "Allow",
    "Principal": COGNITO,
    "Action": INVOKE,
    "Resource": FUNCTION,
    "Condition": {**SOURCE, "StringEquals": {"AWS:SourceAccount": ACCOUNT}},
}


def with_(without: str = "", **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**OURS, **changes}.items() if name != without}


def sourced(*arns: str, operator: str = "ArnLike") -> dict[str, Any]:
    return with_(Condition={operator: {"aws:SourceArn": [*arns] if len(arns) > 1 else arns[0]}})


@pytest.mark.parametrize(
    "statement",
    [
        OURS,
        with_("Sid"),
        with_(Principal={"Service": ["cognito-idp.amazonaws.com"]}, Action=[INVOKE]),
        with_(Action="lambda:invokefunction"),
        *(sourced(POOL, operator=o) for o in ("ArnEquals", "ArnLike", "StringEquals")),
        with_(Condition={"StringLike": {"AWS:SOURCEARN": [POOL], "aws:sourceaccount": ACCOUNT}}),
    ],
)
def test_cognitos_permission_for_the_pool_is_known(statement: Mapping[str, Any]) -> None:
    assert judge(statement, POOL) is Verdict.POOL
    assert grants(statement, POOL, FUNCTION)


@pytest.mark.parametrize("resource", [f"{FUNCTION}:live", f"{FUNCTION}:*", "*", None, [FUNCTION]])
def test_a_permission_on_something_else_is_no_grant(resource: object) -> None:
    assert not grants(with_(Resource=resource), POOL, FUNCTION)


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        (with_("Condition"), Verdict.WIDE),
        (with_(Condition={}), Verdict.WIDE),
        (with_(Condition=[SOURCE]), Verdict.WIDE),
        (with_(Condition={"ArnLike": POOL}), Verdict.WIDE),
        (with_(Condition={"StringEquals": {"AWS:SourceAccount": ACCOUNT}}), Verdict.WIDE),
        *(
            (with_(Condition={operator: {"aws:SourceArn": POOL}}), Verdict.WIDE)
            for operator in (
                "ArnNotLike",
                "ArnLikeIfExists",
                "ForAllValues:ArnLike",
                "ForAnyValue:StringEquals",
                "StringEqualsIgnoreCase",
                "StringNotEquals",
                "Null",
            )
        ),
        *(
            (sourced(arn), Verdict.WIDE)
            for arn in ("*", f"{POOL[:-1]}*", f"{POOL[:-1]}?", f"arn:aws:cognito-idp:*:{ACCOUNT}:*")
        ),
        (sourced(POOL, POOL[:-1] + "2"), Verdict.WIDE),
        (sourced(POOL[:-1] + "2"), Verdict.OTHER),
        (sourced(POOL.replace(ACCOUNT, "999999999999")), Verdict.OTHER),
        (with_(Principal="*"), Verdict.OTHER),
        (with_(Principal={"AWS": "*"}), Verdict.OTHER),
        (with_(Principal={"AWS": "arn:aws:iam::999999999999:root"}), Verdict.OTHER),
        (with_(Principal={"Service": "s3.amazonaws.com"}), Verdict.OTHER),
        (with_(Principal={"Service": "*"}), Verdict.OTHER),
        (with_(Principal={**COGNITO, "AWS": "999999999999"}), Verdict.OTHER),
        (
            with_(Principal={"Service": ["cognito-idp.amazonaws.com", "s3.amazonaws.com"]}),
            Verdict.OTHER,
        ),
        (with_("Principal"), Verdict.OTHER),
        (with_("Principal", NotPrincipal={"AWS": "999999999999"}), Verdict.OTHER),
        (with_(NotPrincipal={"AWS": "999999999999"}), Verdict.OTHER),
        (with_("Action", NotAction="lambda:DeleteFunction"), Verdict.OTHER),
        (with_(Action="lambda:*"), Verdict.OTHER),
        (with_(Action="*"), Verdict.OTHER),
        (with_(Action="lambda:Invoke*"), Verdict.OTHER),
        (with_(Action="lambda:UpdateFunctionCode"), Verdict.OTHER),
        (with_(Action=[INVOKE, "lambda:GetFunction"]), Verdict.OTHER),
        (with_("Resource", NotResource="x"), Verdict.OTHER),
        (
            with_(Condition={**SOURCE, "IpAddress": {"aws:SourceIp": "1.2.3.4"}}),
            Verdict.UNCLEAR_ALLOW,
        ),
        (
            with_(Condition={**SOURCE, "StringEquals": {"aws:SourceAccount": "999999999999"}}),
            Verdict.UNCLEAR_ALLOW,
        ),
        (
            with_(Condition={**SOURCE, "StringEquals": {"aws:SourceArn": POOL[:-1] + "2"}}),
            Verdict.UNCLEAR_ALLOW,
        ),
        (with_("Effect"), Verdict.UNCLEAR_ALLOW),
        (with_(Effect="allow"), Verdict.UNCLEAR_ALLOW),
        ("Allow", Verdict.UNCLEAR_ALLOW),
    ],
)
def test_whatever_else_a_statement_allows_is_an_error(statement: Any, verdict: Verdict) -> None:
    function = Function(FUNCTION, None, [OURS, statement], keeps_logs_for_ever=None)

    found = [f.level for f in invoker_findings(function, "x", POOL)]

    assert (judge(statement, POOL), found) == (verdict, ["error"])
    assert not grants(statement, POOL, FUNCTION)


def denying(without: str = "", **changes: Any) -> dict[str, Any]:
    denial = {"Effect": "Deny", "Principal": "*", "Action": INVOKE, "Resource": FUNCTION, **changes}
    return {name: value for name, value in denial.items() if name != without}


def unless(operator: str, key: str, value: object) -> dict[str, Any]:
    return denying(Condition={operator: {key: value}})


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        (denying(), Verdict.DENIES),
        (denying(Principal={"AWS": "*"}), Verdict.DENIES),
        (denying(Principal=COGNITO), Verdict.DENIES),
        (denying(Principal={"Service": ["s3.amazonaws.com", "*"]}), Verdict.DENIES),
        (denying(Action="lambda:Invoke*"), Verdict.DENIES),
        (denying(Action=["lambda:GetFunction", "*"]), Verdict.DENIES),
        (denying("Action", NotAction="lambda:GetFunction"), Verdict.DENIES),
        (unless("StringEquals", "aws:SourceAccount", ACCOUNT), Verdict.DENIES),
        (unless("ArnNotEquals", "aws:SourceArn", POOL[:-1] + "2"), Verdict.DENIES),
        (unless("StringNotLikeIfExists", "aws:SourceArn", "arn:aws:s3:*"), Verdict.DENIES),
        (denying(Principal={"AWS": "arn:aws:iam::999999999999:root"}), Verdict.HARMLESS),
        (denying(Principal={"Service": "s3.amazonaws.com"}), Verdict.HARMLESS),
        (denying(Action="lambda:UpdateFunction*"), Verdict.HARMLESS),
        (denying("Action", NotAction="lambda:*"), Verdict.HARMLESS),
        (unless("StringNotEquals", "aws:SourceAccount", ACCOUNT), Verdict.HARMLESS),
        (unless("ArnNotEquals", "AWS:SourceArn", [POOL]), Verdict.HARMLESS),
        (unless("StringLike", "aws:SourceArn", "arn:aws:s3:*"), Verdict.HARMLESS),
        (unless("Bool", "aws:SecureTransport", "false"), Verdict.UNCLEAR_DENY),
        (unless("ArnNotLike", "aws:SourceArn", "arn:aws:cognito-idp:*"), Verdict.UNCLEAR_DENY),
        (unless("StringNotEquals", "aws:SourceAccount", "${aws:x}"), Verdict.UNCLEAR_DENY),
        (unless("StringEqualsIgnoreCase", "aws:SourceArn", "x"), Verdict.UNCLEAR_DENY),
        (unless("StringEquals", "aws:SourceArn", 1), Verdict.UNCLEAR_DENY),
        (denying(Condition={"Bool": "x"}), Verdict.UNCLEAR_DENY),
        (denying(Condition="x"), Verdict.UNCLEAR_DENY),
        (denying(Action=1), Verdict.UNCLEAR_DENY),
        (denying("Principal", NotPrincipal={"AWS": "999999999999"}), Verdict.DENIES),
        (denying("Principal", NotPrincipal=COGNITO), Verdict.UNCLEAR_DENY),
        (denying(Principal={"New": "x"}), Verdict.UNCLEAR_DENY),
        (denying(Principal=["*"]), Verdict.UNCLEAR_DENY),
        (denying("Resource", NotResource="x"), Verdict.UNCLEAR_DENY),
    ],
)
def test_a_denial_that_may_stop_cognito_is_told(statement: Any, verdict: Verdict) -> None:
    level = {Verdict.DENIES: ["error"], Verdict.UNCLEAR_DENY: ["warning"]}.get(verdict, [])
    function = Function(FUNCTION, None, [OURS, statement], keeps_logs_for_ever=None)

    found = [f.level for f in invoker_findings(function, "x", POOL)]

    assert (judge(statement, POOL), found) == (verdict, level)


def test_a_permission_on_the_function_does_not_let_cognito_invoke_an_alias() -> None:
    alias = f"{FUNCTION}:live"
    lax = with_("Condition", Sid="lax")
    elsewhere: dict[str, Sequence[Any]] = {
        "the function itself": [OURS, lax, denying()],
        "its version 3": [{}],
    }
    function = Function(alias, None, [], keeps_logs_for_ever=None, elsewhere=elsewhere)

    found = [(f.code, f.message) for f in invoker_findings(function, "T", POOL)]

    limit = "limit the statement by its source's ARN, to this pool alone"
    assert found == [
        (
            "no-permission",
            "T: the pool may not invoke it; cognito-claims attach adds the permission",
        ),
        (
            "permission-too-wide",
            f"T: the function itself: statement lax: {Verdict.WIDE.value}; {limit}",
        ),
        (
            "policy-not-understood",
            f"T: its version 3: statement 1: {Verdict.UNCLEAR_ALLOW.value}; remove the statement",
        ),
    ]


# Functions with few settings


def told(
    handler: str | None, environ: Mapping[str, str], trigger: str = "PreTokenGeneration"
) -> Any:
    found: dict[str, Any] = {"Environment": {"Variables": environ}}
    if handler is not None:
        found |= {"Handler": f"{handler}.handler"}
    function = Function(FUNCTION, found, [OURS], keeps_logs_for_ever=None)
    pool = {"Id": "eu-west-1_Ours1", "Arn": POOL, "LambdaConfig": {"PreTokenGeneration": FUNCTION}}
    other = Function(f"{FUNCTION}-2", None, None, keeps_logs_for_ever=None)
    functions = {trigger: function} | (
        {} if trigger == "PreTokenGeneration" else {"PreTokenGeneration": other}
    )
    facts = Facts(pool, (), (), (), functions, ())
    return [(f.code, f.level, f.message) for f in diagnoses(facts)]


CLAIMS, SYNC = (f"cognito_claims.functions.{n}" for n in ("pre_token_generation", "user_sync"))
FOREIGN = "its handler is not this library's ready-made one: what it does is not checked"
EMPTY = "COGNITO_CLAIMS_PLUGINS: empty, so that every sign-in fails; name the plugins, or none"


@pytest.mark.parametrize(
    ("handler", "environ", "found"),
    [
        (CLAIMS, {}, [("settings", "error", EMPTY)]),
        (CLAIMS, {"COGNITO_CLAIMS_PLUGINS": " "}, [("settings", "error", EMPTY)]),
        (
            CLAIMS,
            {"COGNITO_CLAIMS_PLUGINS": "none", "HASURA_TOKENS": "x"},
            [
                (
                    "no-plugins",
                    "warning",
                    "COGNITO_CLAIMS_PLUGINS: none: the function adds no claims",
                )
            ],
        ),
        ("acme", {"STAGE": "prod"}, [("not-checked", "warning", FOREIGN)]),
        (None, {}, [("not-checked", "warning", FOREIGN)]),
    ],
)
def test_of_settings_that_are_not_there_nothing_is_said(
    handler: str, environ: Mapping[str, str], found: list[tuple[str, str, str]]
) -> None:
    assert told(handler, environ) == [
        (code, level, f"PreTokenGeneration: {message}") for code, level, message in found
    ]


def test_a_handler_that_is_not_ours_and_has_our_settings_is_examined_by_them() -> None:
    environ = {"COGNITO_CLAIMS_PLUGINS": "hasura", "HASURA_DEFAULT_ROLE": "admin"}

    codes = [code for code, _, _ in told("acme", environ)]

    assert codes == ["not-checked", "admin-for-everyone"]


@pytest.mark.parametrize("environ", [{"COGNITO_CLAIMS_USER_POOLS": "x"}, {"COGNITO_CLAIMS_X": "1"}])
def test_settings_of_the_function_are_examined_beside_foreign_plugins(
    environ: Mapping[str, str],
) -> None:
    found = told(CLAIMS, {"COGNITO_CLAIMS_PLUGINS": "a=acme:a", **environ})

    assert [(code, level) for code, level, _ in found] == [
        ("settings", "error"),
        ("not-checked", "warning"),
    ]


def test_a_sync_without_settings_is_told() -> None:
    found = told(SYNC, {}, "PostConfirmation")

    required = "PostConfirmation: USER_SYNC_SINKS: required, so that every sync fails"
    assert ("settings", "error", required) in found
