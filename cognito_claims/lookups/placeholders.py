"""The placeholders of a key's template: their values for an event, and the text that they make."""

from collections.abc import Collection, Mapping
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from typing import NamedTuple

from cognito_claims.claims import Json
from cognito_claims.events import PreTokenGenerationEvent
from cognito_claims.settings import suggestion

PLACEHOLDERS: tuple[str, ...] = ("sub", "cognito:username", "client_id", "tenant", "email")
"""What a template may hold, in braces."""

_SAFE = frozenset(f"{ascii_letters}{digits}._@+-")
_LONGEST = 256
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_IN_NUMBERS = frozenset(f"{digits}.-")
_MOST_DIGITS = 38  # of a number of DynamoDB's


class Template(NamedTuple):
    """A text with placeholders: `texts` stand around the `names`, and there is one more of them."""

    texts: tuple[str, ...]
    names: tuple[str, ...]
    is_number: bool = False

    def filled(self, values: Mapping[str, Json]) -> str | None:
        """Return the text for these values, or None where a value must not stand in a key.

        A value may stand there that is 1 to 256 ASCII letters, digits and `._@+-`. A number must be
        written in the one way that DynamoDB itself writes it, so that no two values make one key.
        """
        text = self.texts[0]
        for name, behind in zip(self.names, self.texts[1:], strict=True):
            value = values.get(name)
            if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST:
                return None
            if not _SAFE.issuperset(value):
                return None
            text += (value.translate(_LOWER) if name == "email" else value) + behind
        return text if not self.is_number or _is_canonical_number(text) else None


def parse(text: str, *, is_number: bool = False) -> Template:
    """Read a template; raise `ValueError` for a text that is none."""
    texts: list[str] = []
    names: list[str] = []
    rest = text
    while True:
        before, brace, rest = rest.partition("{")
        texts.append(before)
        if "}" in before:
            raise ValueError("expected { before }")
        if not brace:
            break
        name, brace, rest = rest.partition("}")
        if not brace:
            raise ValueError("expected } after {")
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            near = suggestion(name, PLACEHOLDERS)
            raise ValueError(f"unknown placeholder; expected one of {known}{near}")
        names.append(name)
    _refuse_ambiguous(texts, is_number=is_number)
    return Template(tuple(texts), tuple(names), is_number)


def values_of(
    event: PreTokenGenerationEvent,
    *,
    tenant: str | None = None,
    email_providers: Collection[str] = (),
) -> dict[str, Json]:
    """Return what a look-up is asked by: the placeholders' values, `groups` and `trigger_source`.

    `email` is the user's email if it is verified, and if the user is a native one or all of their
    providers are in `email_providers`. What an event does not give is None: of a machine token, all
    that is a user's.
    """
    user = event.user
    return {
        "sub": None if user is None else user.sub,
        "cognito:username": None if user is None else user.name,
        "client_id": event.client_id,
        "tenant": None if user is None else tenant,
        "email": None if user is None else user.trusted("email", email_providers),
        "groups": list(event.groups),
        "trigger_source": event.trigger_source,
    }


def _refuse_ambiguous(texts: list[str], *, is_number: bool) -> None:
    if "".join(texts) == "" and len(texts) == 1:
        raise ValueError("expected a text that is not empty")
    if any(_SAFE.issuperset(text) for text in texts[1:-1]):
        raise ValueError(
            "between two placeholders a character must stand that no value may hold, as in "
            "{tenant}#{sub}; else two users could make one key"
        )
    if is_number and not (len(texts) <= 2 and _IN_NUMBERS.issuperset("".join(texts))):
        raise ValueError("can never be a number")


def _is_canonical_number(text: str) -> bool:
    whole, point, fraction = text.removeprefix("-").partition(".")
    if not whole.isdigit() or (whole != "0" and whole[0] == "0"):
        return False
    if point and (not fraction.isdigit() or fraction[-1] == "0"):
        return False
    return text != "-0" and len(whole) + len(fraction) <= _MOST_DIGITS
