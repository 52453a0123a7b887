"""Sample users for `check`: they have every attribute and all client metadata, made up where need be.

What plugins ask for is noted: claims that are made of it belong to whoever can write it.
"""

import json
import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cognito_claims.errors import PluginFailedError, TokenDenied
from cognito_claims.events import PreTokenGenerationEvent, User
from cognito_claims.invocation.decision import Decision, decide_typed
from cognito_claims.registry import Configuration
from cognito_claims.tools.configuration import offline
from cognito_claims.tools.evaluation.decision_findings import decision_findings
from cognito_claims.tools.evaluation.rules_findings import mappers_of
from cognito_claims.tools.findings import Finding

_KEY = "made-up-key"  # for a plugin that goes through all client metadata
_NUMBER = "73400331"  # no claim holds this by chance
_PLAUSIBLE = {
    "birthdate": "1984-02-29",
    "cognito:user_status": "CONFIRMED",
    "email": "made-up@example.com",
    "email_verified": "true",
    "locale": "en-US",
    "phone_number": "+12065550100",
    "phone_number_verified": "true",
    "picture": "https://made-up.example.com/picture",
    "profile": "https://made-up.example.com/profile",
    "updated_at": _NUMBER,
    "website": "https://made-up.example.com/",
    "zoneinfo": "Europe/Madrid",
}
_PROVIDER = "made-up-provider"
_IDENTITY = {"userId": "made-up-user", "providerName": _PROVIDER, "providerType": "SAML"}
_FEDERATED = {
    "cognito:user_status": "EXTERNAL_PROVIDER",
    "identities": json.dumps(
        [{**_IDENTITY, "issuer": None, "primary": True, "dateCreated": 1700000000000}]
    ),
}
_NATIVE = "on a made-up native user (user name, identities); a federated one is no failure"
# Forms of a made-up text, in the order in which they are tried; with None there is none.
_FORMS = ("made-up-{name}", _NUMBER, '["made-up-{name}"]', '{{"made-up": "{name}"}}', None)


class Traced(Mapping[str, str]):
    """Texts by name that know which were asked for; `made_up` is the form of those that are not there.

    With None, nothing is made up. A missing name that was asked for by index is in `missed`.
    """

    def __init__(self, texts: Mapping[str, str], made_up: str | None = "made-up-{name}") -> None:
        self._texts = texts
        self._made_up = made_up
        self.asked: set[str] = set()
        self.missed: set[str] = set()

    def __getitem__(self, name: str) -> str:
        """Return a text, made up where there is none."""
        text = self._find(name)
        if text is None:
            self.missed.add(name)
            raise KeyError(name)
        return text

    def get(self, name: str, default: Any = None) -> Any:
        """Return a text, made up where there is none, or the default."""
        text = self._find(name)
        return default if text is None else text

    def __contains__(self, name: object) -> bool:
        """Say whether there is a text of this name, made up or not."""
        return self._find(str(name)) is not None

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names that are there without being asked for."""
        return iter(self._texts)

    def __len__(self) -> int:
        """Count the names that are there without being asked for."""
        return len(self._texts)

    def is_in(self, name: str, value: object) -> bool:
        """Say whether a claim's value holds this text."""
        text = self._find(name)
        return text is not None and text in str(value)

    @property
    def invented(self) -> list[str]:
        """The names that were asked for and whose text is made up."""
        is_there = {"identities", *(name for name, text in self._texts.items() if text)}
        return sorted((self.asked - is_there) | ({_KEY} & self.asked))

    def _find(self, name: str) -> str | None:
        self.asked.add(name)
        if name == "identities":  # no native user has any
            return self._texts.get(name)
        return self._texts.get(name) or self._sample(name)

    def _sample(self, name: str) -> str | None:
        if self._made_up is None:
            return None
        return _PLAUSIBLE.get(name) or self._made_up.format(name=name)


class Sampled(NamedTuple):
    """What plugins decided on a sample user, and what they asked for."""

    decision: Decision
    attributes: Traced
    metadata: Traced

    @property
    def failures(self) -> dict[str, PluginFailedError]:
        """The plugins that raised, and what."""
        return {
            name: outcome.error
            for name, outcome in self.decision.outcomes.items()
            if isinstance(outcome.error, PluginFailedError)
        }

    @property
    def invented(self) -> list[str]:
        """The made-up values that were asked for."""
        metadata = [f"client_metadata {name}" for name in self.metadata.invented]
        return [*self.attributes.invented, *metadata]


def sampled(event: PreTokenGenerationEvent, configuration: Configuration) -> Sampled:
    """Decide on an event with made-up values, in the first form with which the fewest plugins fail.

    What rules do not allow is not asked for: they refuse whoever asks for a made-up tenant.
    """
    tried: list[Sampled] = []
    for form in _FORMS:
        tried.append(_decided(event, configuration, form))
        if _is_refused_by_rules(tried[-1], configuration):
            tried[-1] = _decided(event, configuration, form, has_metadata=False)
        if not tried[-1].failures:
            break
    return min(tried, key=lambda each: len(each.failures))


def _is_refused_by_rules(sample: Sampled, configuration: Configuration) -> bool:
    error = sample.decision.error
    if not isinstance(error, TokenDenied) or not sample.metadata.asked:
        return False
    return error.plugin in mappers_of(configuration.plugins)


def sampled_findings(
    event: PreTokenGenerationEvent, configuration: Configuration, decision: Decision
) -> Iterator[Finding]:
    """Tell what is wrong with a decision; a failure on a made-up value is a warning that names it."""
    excused: dict[str, str] = {}
    for name, outcome in decision.outcomes.items():
        if isinstance(outcome.error, PluginFailedError):
            plugins = {name: configuration.plugins[name]}
            alone = Configuration(plugins, deadline_ms=configuration.deadline_ms)
            invented = _blamed(event, alone, outcome.error)
            if invented:
                excused[str(outcome.error)] = f"on made-up values ({', '.join(invented)})"
            elif event.user is not None and not _fails_for_a_federated_user(event, alone):
                excused[str(outcome.error)] = _NATIVE
    for finding in decision_findings(decision):
        text = finding.message.removeprefix("claims omitted: ")
        if text in excused:
            yield Finding(finding.code, "warning", f"{text}, {excused[text]}")
        else:
            yield finding


def _blamed(
    event: PreTokenGenerationEvent, configuration: Configuration, error: PluginFailedError
) -> list[str]:
    """Return the made-up values that one plugin may have failed on; none if it fails without any."""
    plain = _decided(event, configuration, None)
    same = [failed for failed in plain.failures.values() if str(failed) == str(error)]
    missed = [*plain.attributes.missed, *plain.metadata.missed]
    if same and not missed:
        return []
    return _decided(event, configuration, _FORMS[0]).invented


def _fails_for_a_federated_user(
    event: PreTokenGenerationEvent, configuration: Configuration
) -> bool:
    """Say whether a plugin fails too where the user signs in through a provider."""
    native = event.user or User("", {})
    attributes = {**native.attributes, **_FEDERATED}
    federated = event._replace(user=User(f"{_PROVIDER}_made-up-user", attributes))
    return all(_decided(federated, configuration, form).failures for form in _FORMS)


def _decided(
    event: PreTokenGenerationEvent,
    configuration: Configuration,
    form: str | None,
    *,
    has_metadata: bool = True,
) -> Sampled:
    attributes = Traced(event.user.attributes if event.user else {}, form)
    made_up = form if has_metadata else None
    metadata = Traced({} if made_up is None else {_KEY: made_up.format(name=_KEY)}, made_up)
    event = event._replace(client_metadata=metadata)
    if event.user is not None:
        event = event._replace(user=event.user._replace(attributes=attributes))
    deadline = time.monotonic() + configuration.deadline_ms / 1000
    return Sampled(decide_typed(event, offline(configuration), deadline), attributes, metadata)
