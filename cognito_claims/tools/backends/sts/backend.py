"""What the tools know of AWS STS: its verdict, and the policies for the rules' tags."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from cognito_claims.claims import Token
from cognito_claims.contract import sts
from cognito_claims.contract.issuer import Issuer
from cognito_claims.rules.document import Document
from cognito_claims.tools.backends.named import claim_rules, judged, rules_of, to_json
from cognito_claims.tools.backends.part import Part, partition
from cognito_claims.tools.errors import UnusableInput

_VERSION = "2012-10-17"


class Sts(NamedTuple):
    """AssumeRoleWithWebIdentity with session tags."""

    @property
    def summary(self) -> str:
        """What `setup` prints for it."""
        return "Print the IAM provider, the role's trust policy, and a policy that uses the tags."

    def rules(self) -> str:
        """Return the rules document that comes with the package."""
        return rules_of("sts")

    def tokens(self, document: Document) -> tuple[Token, ...]:  # noqa: ARG002  (as `Room` has it)
        """Return the ID token: STS compares its `aud`, which no access token has."""
        return ("id",)

    def verdict(
        self,
        document: Document,
        token: Token,  # noqa: ARG002  (as `Room` has it)
        issuer: Issuer,
        claims: dict[str, Any],
    ) -> Mapping[str, Any]:
        """Apply the rules to a token."""
        return judged(
            lambda: sts.session_tags(
                claims,
                issuer=issuer.url,
                client_ids=issuer.client_ids,
                required=frozenset(_keys(document)),
            ),
            sts.SOURCES,
        )

    def parts(self, document: Document, issuer: Issuer) -> list[Part]:
        """Write the policies for the tags that the rules make."""
        keys = _keys(document)
        if not keys:
            raise UnusableInput(f"claims: the rules make no tags: expected {sts.TAGS}")
        provider = {"Url": issuer.url, "ClientIdList": [*issuer.client_ids]}
        stack = {"Type": "AWS::IAM::OIDCProvider", "Properties": provider}
        return [
            Part("provider", "CloudFormation: the IAM provider", "json", to_json(stack)),
            Part("trust-policy", "the role's", "json", to_json(_trust(keys, issuer))),
            Part(
                "policy", "one for the role, as an example", "json", to_json(_policy(keys, issuer))
            ),
        ]


def _keys(document: Document) -> list[str]:
    nested = [
        key
        for rule in claim_rules(document, sts.TAGS)
        for key in (
            rule.members["principal_tags"].members if "principal_tags" in rule.members else ()
        )
    ]
    names = (claim.name for claim in document.claims)
    return [*nested, *(n.removeprefix(sts.FLAT) for n in names if n.startswith(sts.FLAT))]


def _trust(keys: list[str], issuer: Issuer) -> dict[str, Any]:
    host = issuer.url.removeprefix("https://")
    provider = f"arn:{partition(issuer)}:iam::FILL_IN: the account's id:oidc-provider/{host}"
    allowed = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Condition": {
            "StringEquals": {f"{host}:aud": [*issuer.client_ids]},
            "StringLike": {f"aws:RequestTag/{key}": "?*" for key in keys},
            "ForAllValues:StringEquals": {"aws:TagKeys": keys},
        },
    }
    return {"Version": _VERSION, "Statement": [allowed]}


def _policy(keys: list[str], issuer: Issuer) -> dict[str, Any]:
    place = "/".join(f"${{aws:PrincipalTag/{key}}}" for key in keys)
    bucket = f"arn:{partition(issuer)}:s3:::FILL_IN: a bucket's name"
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": f"{bucket}/{place}/*",
    }
    return {"Version": _VERSION, "Statement": [allowed]}
