"""What `setup` prints: the parts of one backend's set-up, and what they are made from besides the settings."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeVar

from cognito_claims.contract.issuer import Issuer, IssuerType
from cognito_claims.tools.configuration import configured
from cognito_claims.tools.errors import UnusableInput
from cognito_claims.tools.inputs import region_of_pool

Language = Literal["fsl", "graphql", "json", "sql", "surrealql", "text"]
_PARTITIONS = {
    "cn-": "aws-cn",
    "us-gov-": "aws-us-gov",
    "eusc-": "aws-eusc",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "eu-isoe-": "aws-iso-e",
    "us-isof-": "aws-iso-f",
}
_Plugin = TypeVar("_Plugin")
_CLIENT_ID = re.compile(r"[A-Za-z0-9_+]{1,128}")


class Part(NamedTuple):
    """One text for one place: a script, a server's configuration, a request."""

    name: str
    purpose: str
    language: Language
    text: str


def issuer_of(
    user_pool_id: str, client_ids: Sequence[str], issuer_type: IssuerType = "original"
) -> Issuer:
    """Give whose tokens are to be taken; raises `UnusableInput` for what is no pool's or app client's id."""
    region = region_of_pool(user_pool_id)
    if not all(map(_CLIENT_ID.fullmatch, client_ids)):
        raise UnusableInput("--client-id: expected an app client's id: letters and digits")
    ids = dict.fromkeys(client_ids)
    return Issuer.of_pool(user_pool_id, region, *ids, issuer_type=issuer_type)


def find_plugin(kind: type[_Plugin], name: str, environ: Mapping[str, str]) -> _Plugin:
    """Give the one plugin of this kind that the settings describe; its variables are `NAME_...`."""
    prefix = f"{name.upper()}_"
    own = {setting: text for setting, text in environ.items() if setting.startswith(prefix)}
    # Bytes that are no UTF-8 reach Python as lone surrogates, which other programs' JSON does not have.
    odd = [
        setting for setting, text in own.items() if text.encode(errors="ignore").decode() != text
    ]
    if odd:
        raise UnusableInput(*(f"{setting}: not a text in UTF-8" for setting in odd))
    found = [
        marked.plugin
        for marked in configured(environ).plugins.values()
        if isinstance(marked.plugin, kind)
    ]
    if len(found) != 1:
        problem = "stands there twice" if found else "is not among them"
        raise UnusableInput(f"COGNITO_CLAIMS_PLUGINS: {name} {problem}")
    return found[0]


def find_part(parts: Sequence[Part], name: str) -> Part:
    """Give the part of this name; raises `UnusableInput` where the settings make none."""
    for part in parts:
        if part.name == name:
            return part
    names = ", ".join(part.name for part in parts)
    raise UnusableInput(f"{name}: the settings make no such part, but {names}")


def pool_of(issuer: Issuer) -> str:
    """Return the id of an issuer's pool."""
    return issuer.url.rpartition("/")[2]


def partition(issuer: Issuer) -> str:
    """Return the AWS partition that an issuer's pool is in, as ARNs name it."""
    region = region_of_pool(pool_of(issuer))
    found = (name for prefix, name in _PARTITIONS.items() if region.startswith(prefix))
    return next(found, "aws")
