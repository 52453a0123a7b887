"""Secrets in settings: the value itself, or a reference to where AWS keeps it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_+=.@-!")
_PATH = _NAME - frozenset("+=@!") | {":"}  # a colon precedes a version or a label, as in /path:3
_REGION = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_PARTITIONS = (
    *("aws", "aws-cn", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"),
    "aws-us-gov",
)
_FORM = "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME"


class Secret:
    """A secret: the value itself, the ARN of a Secrets Manager secret, or `ssm:/path`.

    An ARN may end with `#key` to name a field of the secret's JSON. A reference needs the
    environment from which AWS credentials are read, as in `Secret(arn, os.environ)`. Raises
    `ValueError` for a text that is neither a reference nor usable in an HTTP header.
    """

    __slots__ = ("environ", "text")

    def __init__(self, text: str, environ: Mapping[str, str] | None = None) -> None:
        self.text: str = text.strip()
        self.environ: Mapping[str, str] | None = environ
        if not self.text or not self.text.isascii() or not self.text.isprintable():
            raise ValueError("expected printable ASCII characters")
        if parse(self.text) is not None and environ is None:
            raise ValueError("a reference needs an environment: Secret(reference, os.environ)")

    def __repr__(self) -> str:
        """Hide the text."""
        return "Secret(***)"


class Reference(NamedTuple):
    """A secret of Secrets Manager (`key` names a field of its JSON), or an SSM parameter."""

    service: Literal["secretsmanager", "ssm"]
    region: str | None
    name: str
    key: str | None


def parse(text: str) -> Reference | None:
    """Parse a Secrets Manager ARN (with `#key`) or `ssm:/path`; return None for a literal secret.

    Raises `ValueError` for a malformed reference. The message does not repeat the text, which may
    be a secret after all.
    """
    if text.startswith("arn:"):
        return _secret(text)
    if text.startswith("ssm:"):
        return _parameter(text.removeprefix("ssm:"))
    if text[:4].lower() in ("arn:", "ssm:"):
        raise ValueError("a reference starts with arn: or ssm:, in small letters")
    if text.startswith("{{resolve:"):
        raise ValueError("CloudFormation left its reference as it is; expected an ARN or ssm:/path")
    return None


def _secret(text: str) -> Reference:
    arn, hash_sign, key = text.partition("#")
    _, partition, service, region, account, kind, name = (arn.split(":", 6) + [""] * 6)[:7]
    if service != "secretsmanager":
        raise ValueError(f"an ARN of something else; expected {_FORM}, or ssm:/path")
    sound = {
        f"the ARN's partition must be one of {', '.join(_PARTITIONS)}": partition in _PARTITIONS,
        "the ARN's region must be one of AWS's": bool(region) and _REGION.issuperset(region),
        "the ARN's account must have 12 digits": len(account) == 12 and _is_number(account),
        f"the ARN must be a secret's, as in {_FORM}": kind == "secret",
        f"the ARN must end with the secret's name, as in {_FORM}, or with #key behind it": (
            bool(name) and _NAME.issuperset(name)
        ),
        "the key behind the # is empty": bool(key) or not hash_sign,
    }
    for problem, is_sound in sound.items():
        if not is_sound:
            raise ValueError(problem)
    return Reference("secretsmanager", region, name=arn, key=key or None)


def _parameter(path: str) -> Reference:
    if not path.startswith("/"):
        raise ValueError("a parameter's path starts with a slash, as in ssm:/path")
    if "#" in path:
        raise ValueError("a parameter has no #key; Secrets Manager has")
    if path.endswith("/") or not _PATH.issuperset(path):
        raise ValueError(
            "a parameter's path has letters, digits and _.-/ only, and ends with a name"
        )
    return Reference("ssm", region=None, name=path, key=None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
