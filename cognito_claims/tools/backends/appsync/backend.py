"""What the tools know of AppSync and Amplify Data: its verdict, and rules that read the claims."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cognito_claims.claims import Token
from cognito_claims.contract import appsync
from cognito_claims.contract.issuer import Issuer
from cognito_claims.rules.document import Document
from cognito_claims.tools.backends.named import form_of, judged, possible_texts, rules_of, to_json
from cognito_claims.tools.backends.part import Part, pool_of
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.inputs import region_of_pool

_TOKENS: tuple[Token, ...] = ("access", "id")
_NOTE = "the access token lacks claims that the ID token has, and Amplify sends the access token"
_TYPE = "type Item\n  @model\n  @auth(rules: [\n{rules}\n  ]) {{\n  body: String!\n{fields}}}\n"
_MODEL = """const schema = a.schema({{
  Item: a
    .model({{ body: a.string().required(){fields} }})
    .authorization((allow) => [
{rules}
    ]),
}});
"""


class AppSync(NamedTuple):
    """AppSync or Amplify Data with authorization rules on claims."""

    @property
    def summary(self) -> str:
        """What `setup` prints for it."""
        return "Print the API's user pool configuration, and rules that read the claims."

    def rules(self) -> str:
        """Return the rules document that comes with the package."""
        return rules_of("appsync")

    def tokens(self, document: Document) -> tuple[Token, ...]:
        """Return those that get a claim; without any, the one that Amplify sends."""
        return tuple(token for token in _TOKENS if _names(document, token)) or _TOKENS[:1]

    def verdict(
        self, document: Document, token: Token, issuer: Issuer, claims: dict[str, Any]
    ) -> Mapping[str, Any]:
        """Apply the rules to a token."""
        given = judged(
            lambda: appsync.identity(
                claims,
                issuer=issuer.url,
                client_pattern=_pattern(issuer),
                claims=_names(document, token),
            ),
            appsync.SOURCES,
        )
        lacks = _names(document, "id") - _names(document, "access")
        return {**given, "notes": [_NOTE]} if lacks else given

    def parts(self, document: Document, issuer: Issuer) -> list[Part]:
        """Write the configuration, and one rule for each claim of the access token."""
        names = _names(document, "access")
        claims = [claim for claim in document.claims if claim.name in names]
        if not claims:
            raise UnusableInput("claims: the rules make none for the access token, which is sent")
        owners = [claim.name for claim in claims if form_of(claim.rule) == "text"]
        lists = [claim for claim in claims if form_of(claim.rule) == "list"]
        groups = {claim.name: sorted(possible_texts(claim.rule) or ()) for claim in lists}
        pool = pool_of(issuer)
        api = {
            "userPoolId": pool,
            "awsRegion": region_of_pool(pool),
            "defaultAction": "DENY",
            "appIdClientRegex": _pattern(issuer),
        }
        return [
            Part("api", "the API's userPoolConfig", "json", to_json(api)),
            Part("graphql", "Amplify Gen 1: schema.graphql", "graphql", _graphql(owners, groups)),
            Part("typescript", "Amplify Gen 2: data/resource.ts", "text", _model(owners, groups)),
        ]


def _names(document: Document, token: Token) -> frozenset[str]:
    """Return the claims that rules can read: others, such as objects, are for other backends."""
    return frozenset(
        claim.name
        for claim in document.claims
        if token in claim.tokens and form_of(claim.rule) != "other"
    )


def _pattern(issuer: Issuer) -> str:
    return f"^({'|'.join(map(re.escape, issuer.client_ids))})$"


def _field(claim: str) -> str:
    """Return a name for the field that holds an owner's claim."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in f"owner_{claim}")


def _graphql(owners: list[str], groups: Mapping[str, list[str]]) -> str:
    rules = [
        f'    {{allow: owner, ownerField: "{_field(claim)}", identityClaim: {_text(claim)}}}'
        for claim in owners
    ]
    rules += [
        f"    {{allow: groups, groupClaim: {_text(claim)}, groups: [{_texts(texts)}]}}"
        for claim, texts in groups.items()
    ]
    fields = "".join(f"  {_field(claim)}: String\n" for claim in owners)
    return _TYPE.format(rules="\n".join(rules), fields=fields)


def _model(owners: list[str], groups: Mapping[str, list[str]]) -> str:
    rules = [
        f'      allow.ownerDefinedIn("{_field(claim)}").identityClaim({_text(claim)}),'
        for claim in owners
    ]
    rules += [
        f"      allow.groups([{_texts(texts)}]).withClaimIn({_text(claim)}),"
        for claim, texts in groups.items()
    ]
    fields = "".join(f", {_field(claim)}: a.string()" for claim in owners)
    return _MODEL.format(rules="\n".join(rules), fields=fields)


def _text(text: str) -> str:
    return to_json(text).strip()


def _texts(texts: list[str]) -> str:
    return ", ".join(map(_text, texts))
