"""Values for every setting of a user pool that botocore's model of UpdateUserPool knows."""

from typing import Any

import botocore.session

_LEFT_OUT = {"UserPoolId", "PoolName", "LambdaConfig"}
_TEXTS = {
    "SourceArn": "arn:aws:ses:eu-west-1:123456789012:identity/example.com",
    "SnsCallerArn": "arn:aws:iam::123456789012:role/sms",
    "SnsRegion": "eu-west-1",
    "ExternalId": "an-external-id",
    "ReplyToEmailAddress": "support@example.com",
    "From": "Example <no-reply@example.com>",
    "SmsMessage": "Your code is {####}",
    "EmailMessage": "Your code is {####}",
    "EmailMessageByLink": "{##Click here##}",
    "SmsVerificationMessage": "Your code is {####}",
    "SmsAuthenticationMessage": "Your code is {####}",
    "EmailVerificationMessage": "Your code is {####}",
    "KmsKeyArn": "arn:aws:kms:eu-west-1:123456789012:key/1",
    "MfaConfiguration": "OPTIONAL",
}


def every_setting() -> dict[str, Any]:
    """Give one value for each setting that UpdateUserPool takes, the triggers aside."""
    service = botocore.session.get_session().get_service_model("cognito-idp")
    members = service.operation_model("UpdateUserPool").input_shape.members
    return {name: _value(name, shape) for name, shape in members.items() if name not in _LEFT_OUT}


def _value(name: str, shape: Any) -> Any:
    if shape.type_name == "structure":
        return {inner: _value(inner, member) for inner, member in shape.members.items()}
    if shape.type_name == "list":
        return [_value(name, shape.member)]
    if shape.type_name == "map":
        return {"team": _value("team", shape.value)}
    if shape.type_name in ("integer", "long"):
        return int(shape.metadata.get("min", 1)) + 3
    if shape.type_name == "boolean":
        return True
    return (
        shape.enum[-1]
        if shape.enum
        else _TEXTS.get(name, f"some text for the setting {name}"[: shape.metadata.get("max", 99)])
    )
