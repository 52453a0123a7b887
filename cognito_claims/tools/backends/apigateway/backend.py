"""What the tools know of API Gateway: its verdict, and the authorizers for the rules' scopes."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from cognito_claims.claims import Token
from cognito_claims.contract import apigateway
from cognito_claims.contract.issuer import Issuer
from cognito_claims.rules.document import Document
from cognito_claims.tools.backends.named import judged, rules_of, scopes_of, to_json
from cognito_claims.tools.backends.part import Part, partition, pool_of
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.inputs import region_of_pool

_NOTE = "a REST API takes tokens of every app client of the pool: there the scope alone decides"
_HEADER = "Authorization"
_RESPONSES = {"default": {"description": "what the integration answers"}}


class ApiGateway(NamedTuple):
    """API Gateway with scopes on its methods or routes."""

    @property
    def summary(self) -> str:
        """What `setup` prints for it."""
        return "Print authorizers, and a method or route for each scope of the rules."

    def rules(self) -> str:
        """Return the rules document that comes with the package."""
        return rules_of("apigateway")

    def tokens(self, document: Document) -> tuple[Token, ...]:  # noqa: ARG002  (as `Room` has it)
        """Return the access token: no other has scopes."""
        return ("access",)

    def verdict(
        self,
        document: Document,
        token: Token,  # noqa: ARG002  (as `Room` has it)
        issuer: Issuer,
        claims: dict[str, Any],
    ) -> Mapping[str, Any]:
        """Apply the rules to a token."""
        given = judged(
            lambda: apigateway.authorize(
                claims,
                issuer=issuer.url,
                client_ids=issuer.client_ids,
                scopes=scopes_of(document),
            ),
            apigateway.SOURCES,
        )
        return {**given, "notes": [_NOTE]}

    def parts(self, document: Document, issuer: Issuer) -> list[Part]:
        """Write the authorizers, and what asks for each scope."""
        scopes = sorted(scopes_of(document))
        if not scopes:
            raise UnusableInput(
                "scopes: the rules add none, and without scopes no trigger is needed"
            )
        rest, http = to_json(_rest(scopes, issuer)), to_json(_http(scopes, issuer))
        stack = to_json(_stack(scopes, issuer))
        return [
            Part("openapi-rest", "a REST API: the body to import", "json", rest),
            Part("openapi-http", "an HTTP API: the body to import", "json", http),
            Part("cloudformation", "authorizers and routes", "json", stack),
        ]


def _rest(scopes: list[str], issuer: Issuer) -> dict[str, Any]:
    arn = _arn(issuer).replace("${AWS::Partition}", partition(issuer))
    arn = arn.replace("${AWS::AccountId}", "FILL_IN: the account's id")
    authorizer = {"type": "cognito_user_pools", "providerARNs": [arn]}
    scheme = {
        "type": "apiKey",
        "name": _HEADER,
        "in": "header",
        "x-amazon-apigateway-authtype": "cognito_user_pools",
        "x-amazon-apigateway-authorizer": authorizer,
    }
    integration = {"x-amazon-apigateway-integration": {"type": "mock"}}
    return _api(scopes, "cognito", scheme, integration)


def _http(scopes: list[str], issuer: Issuer) -> dict[str, Any]:
    authorizer = {
        "type": "jwt",
        "jwtConfiguration": {"issuer": issuer.url, "audience": [*issuer.client_ids]},
        "identitySource": f"$request.header.{_HEADER}",
    }
    return _api(scopes, "jwt", {"type": "oauth2", "x-amazon-apigateway-authorizer": authorizer}, {})


def _api(
    scopes: list[str], name: str, scheme: Mapping[str, Any], integration: Mapping[str, Any]
) -> dict[str, Any]:
    def operation(scope: str) -> dict[str, Any]:
        return {"security": [{name: [scope]}], "responses": _RESPONSES, **integration}

    return {
        "openapi": "3.0.1",
        "info": {"title": "an API with scopes", "version": "1"},
        "paths": {
            _path(scope): {"x-amazon-apigateway-any-method": operation(scope)} for scope in scopes
        },
        "components": {"securitySchemes": {name: scheme}},
    }


def _stack(scopes: list[str], issuer: Issuer) -> dict[str, Any]:
    audience = {"Issuer": issuer.url, "Audience": [*issuer.client_ids]}
    http = {
        "ApiId": {"Ref": "HttpApi"},
        "Name": "cognito",
        "AuthorizerType": "JWT",
        "IdentitySource": [f"$request.header.{_HEADER}"],
        "JwtConfiguration": audience,
    }
    rest = {
        "RestApiId": {"Ref": "RestApi"},
        "Name": "cognito",
        "Type": "COGNITO_USER_POOLS",
        "IdentitySource": f"method.request.header.{_HEADER}",
        "ProviderARNs": [{"Fn::Sub": _arn(issuer)}],
    }
    routes = {
        f"Route{number}": {"Type": "AWS::ApiGatewayV2::Route", "Properties": _route(scope)}
        for number, scope in enumerate(scopes, 1)
    }
    texts = {"Type": "String"}
    return {
        "Parameters": {"HttpApi": texts, "RestApi": texts, "Integration": texts},
        "Resources": {
            "HttpAuthorizer": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": http},
            **routes,
            "RestAuthorizer": {"Type": "AWS::ApiGateway::Authorizer", "Properties": rest},
        },
    }


def _route(scope: str) -> dict[str, Any]:
    return {
        "ApiId": {"Ref": "HttpApi"},
        "RouteKey": f"ANY {_path(scope)}",
        "AuthorizationType": "JWT",
        "AuthorizerId": {"Ref": "HttpAuthorizer"},
        "AuthorizationScopes": [scope],
        "Target": {"Fn::Sub": "integrations/${Integration}"},
    }


def _arn(issuer: Issuer) -> str:
    pool = pool_of(issuer)
    region = region_of_pool(pool)
    return f"arn:${{AWS::Partition}}:cognito-idp:{region}:${{AWS::AccountId}}:userpool/{pool}"


def _path(scope: str) -> str:
    return f"/{quote(scope, safe='/')}"
