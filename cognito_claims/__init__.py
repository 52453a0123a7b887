"""Amazon Cognito triggers that put typed claims into tokens."""

from cognito_claims.claims import Claims, Groups, Json, Token, TokenClaims, merge
from cognito_claims.deadline import seconds_left
from cognito_claims.errors import (
    AwsError,
    ClaimConflictError,
    CognitoClaimsError,
    DeadlineError,
    EventError,
    FaunaError,
    HasuraError,
    LookUpFailedError,
    PluginFailedError,
    PluginResultError,
    PluginTimeoutError,
    Problem,
    ProtectedClaimError,
    RuleError,
    SecretError,
    SettingsError,
    SignInError,
    TokenDenied,
    TransportError,
    UnexpectedError,
    UnsupportedClaimError,
    UserPoolError,
)
from cognito_claims.events import PreTokenGenerationEvent, TriggerVersion, User, UserEvent
from cognito_claims.handlers import Handler, pre_token_generation, user_sync
from cognito_claims.plugin import (
    Plugin,
    PluginFactory,
    UserPlugin,
    deciding_groups,
    for_clients,
    optional,
    pure,
)
from cognito_claims.response import render
from cognito_claims.secret import Secret
from cognito_claims.settings import read_settings

read = read_settings  # its name until 0.2

__all__ = [
    "AwsError",
    "ClaimConflictError",
    "Claims",
    "CognitoClaimsError",
    "DeadlineError",
    "EventError",
    "FaunaError",
    "Groups",
    "Handler",
    "HasuraError",
    "Json",
    "LookUpFailedError",
    "Plugin",
    "PluginFactory",
    "PluginFailedError",
    "PluginResultError",
    "PluginTimeoutError",
    "PreTokenGenerationEvent",
    "Problem",
    "ProtectedClaimError",
    "RuleError",
    "Secret",
    "SecretError",
    "SettingsError",
    "SignInError",
    "Token",
    "TokenClaims",
    "TokenDenied",
    "TransportError",
    "TriggerVersion",
    "UnexpectedError",
    "UnsupportedClaimError",
    "User",
    "UserEvent",
    "UserPlugin",
    "UserPoolError",
    "deciding_groups",
    "for_clients",
    "merge",
    "optional",
    "pre_token_generation",
    "pure",
    "read_settings",
    "render",
    "seconds_left",
    "user_sync",
]
