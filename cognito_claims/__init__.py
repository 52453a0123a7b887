"""Amazon Cognito triggers that put typed claims into tokens."""

from cognito_claims.claims import Claims, Groups, Json, Token, TokenClaims, merge
from cognito_claims.errors import (
    ClaimConflictError,
    CognitoClaimsError,
    EventError,
    PluginFailedError,
    PluginResultError,
    PluginTimeoutError,
    Problem,
    ProtectedClaimError,
    SettingsError,
    SignInError,
    TokenDenied,
    UnexpectedError,
    UnsupportedClaimError,
)
from cognito_claims.events import PreTokenGenerationEvent, TriggerVersion, User, UserEvent
from cognito_claims.handlers import Handler, pre_token_generation
from cognito_claims.registry import Plugin, PluginFactory, optional, pure
from cognito_claims.response import render
from cognito_claims.settings import read

__all__ = [
    "ClaimConflictError",
    "Claims",
    "CognitoClaimsError",
    "EventError",
    "Groups",
    "Handler",
    "Json",
    "Plugin",
    "PluginFactory",
    "PluginFailedError",
    "PluginResultError",
    "PluginTimeoutError",
    "PreTokenGenerationEvent",
    "Problem",
    "ProtectedClaimError",
    "SettingsError",
    "SignInError",
    "Token",
    "TokenClaims",
    "TokenDenied",
    "TriggerVersion",
    "UnexpectedError",
    "UnsupportedClaimError",
    "User",
    "UserEvent",
    "merge",
    "optional",
    "pre_token_generation",
    "pure",
    "read",
    "render",
]
