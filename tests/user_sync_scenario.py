"""Who signs in during the storm, and what is to be in the table and in the dead-letter queue when it is over."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, NamedTuple

from cognito_claims.sync.queue import to_message
from cognito_claims.sync.rows import Row
from cognito_claims.testing import recorded
from tests.stand_ins.sqs import Dead

MARK = "custom:sign_in"  # the attribute that tells the rows of sign-ins apart
_LONG_AGO, _LATER = "2020-01-01T00:00:00.000000Z", "2040-01-01T00:00:00.000000Z"
_RESET = "postconfirmation_ConfirmForgotPassword"
_SIGN_UP = "PostConfirmation_ConfirmSignUp"
_RESETS = 0.05
_MALFORMED = (
    "no JSON %d",
    '{"Records":[%d]}',
    '{"at":"2040-01-01","values":{"id":"%d","email":null}}',
    f'{{"at":"{_LATER}","values":{{"id":"%d","email":true}}}}',
    f'{{"at":"{_LATER}","values":{{"id":null,"email":"%d"}}}}',
)


class SignIn(NamedTuple):
    """A sign-in by one of the two sinks; a password reset is none, and writes nothing."""

    number: int
    sub: str
    email: str
    source: str  # the recorded event's name
    is_first: bool
    is_inline: bool

    @property
    def is_reset(self) -> bool:
        return self.source == _RESET

    @property
    def is_federated(self) -> bool:
        return self.source.endswith("_federated")

    @property
    def is_poison(self) -> bool:
        return self.sub.startswith("poison")

    @property
    def values(self) -> dict[str, str | None]:
        return {"id": self.sub, "email": self.email}

    def attempt(self, number: int) -> tuple[str, dict[str, Any]]:
        """Give the event of the attempt of that number, and its mark."""
        mark, event = f"{self.number}.{number}", recorded(self.source)
        if self.is_first:
            event["triggerSource"] = _SIGN_UP
        own = {"sub": self.sub, "email": self.email, MARK: mark}
        event["request"]["userAttributes"].update(own)
        return mark, event


class Scenario(NamedTuple):
    """Who and what arrives; and the users there already, whose emails the poison users have."""

    arrivals: Sequence[SignIn | Dead]
    owners: Sequence[Row]

    @classmethod
    def of(cls, count: int, chance: Random) -> "Scenario":
        """Let users sign in four times on average, of whom 3 % have another user's email, and put what nobody can write among them."""
        poison = max(1, count // 130)
        subs = [f"poison-{n}" for n in range(poison)] + [f"user-{n}" for n in range(count // 4)]
        owners = [
            Row({"id": f"owner-{n}", "email": f"{n}@taken"}, _LONG_AGO) for n in range(poison)
        ]
        arrivals: list[SignIn | Dead] = [*_sign_ins(count, subs, chance)]
        for strange in _strange(max(10, count // 100)):
            arrivals.insert(chance.randrange(len(arrivals)), strange)
        return cls(arrivals, owners)

    @property
    def sign_ins(self) -> list[SignIn]:
        return [arrival for arrival in self.arrivals if isinstance(arrival, SignIn)]

    @property
    def strange(self) -> set[Dead]:
        return {arrival for arrival in self.arrivals if isinstance(arrival, Dead)}


def _sign_ins(count: int, subs: Sequence[str], chance: Random) -> Iterator[SignIn]:
    seen: set[str] = set()
    for number in range(count):
        sub = chance.choice(subs)
        kind, _, digits = sub.partition("-")
        email = f"{digits}@taken" if kind == "poison" else f"{number}@example.com"
        source = "postauth_Authentication" + ("_federated" if int(digits) % 3 == 0 else "")
        is_first = sub not in seen
        if not is_first and chance.random() < _RESETS:
            source, email = _RESET, f"{number}@reset"
        seen.add(sub)
        is_inline = chance.random() < 0.5
        yield SignIn(number, sub, email, source, is_first=is_first, is_inline=is_inline)


def _strange(count: int) -> Iterator[Dead]:
    for number in range(count):
        yield Dead(_MALFORMED[number % len(_MALFORMED)] % number, "malformed")
    for number in range(count // 5):
        row = Row({"id": f"nul-{number}", "email": "\0"}, _LONG_AGO)
        yield Dead(to_message(row), "data-exception")
    yield Dead(to_message(Row({"id": "future", "email": None}, _LATER)), "future")


class Came(NamedTuple):
    """What came of a scenario: attempts to sign in by their marks, the rows made of them, and what is where in the end."""

    kept: Mapping[str, SignIn]
    refused: Mapping[str, SignIn]
    rows: Mapping[str, Row]
    table: Sequence[Row]
    dead: Counter[Dead]

    def wrong(self, scenario: Scenario) -> Counter[str]:
        """Count what is not as it should be."""
        wanted = _newest([*scenario.owners, *self._rows(self.kept, is_poison=False)])
        found = Counter(row.values["id"] for row in self.table)
        buried = scenario.strange | {*map(_taken, self._rows(self.kept, is_poison=True))}
        may_be = buried | {*map(_taken, self._rows(self.refused, is_poison=True))}
        return +Counter(
            {
                "sign-ins not kept": len({*scenario.sign_ins} - {*self.kept.values()}),
                "sign-ins of which another row was made": self._misread(),
                "users missing": len(wanted.keys() - found.keys()),
                "users there twice": sum(count > 1 for count in found.values()),
                "users who should not be there": len(found.keys() - wanted.keys()),
                "users not in their newest state": sum(
                    wanted.get(row.values["id"], row) != row for row in self.table
                ),
                "poison not dead-lettered": len(buried - self.dead.keys()),
                "dead-lettered, but no poison": len(self.dead.keys() - may_be),
            }
        )

    def _misread(self) -> int:
        made = {mark: row.values for mark, row in self.rows.items()}
        every = {**self.kept, **self.refused}.items()
        wanted = {mark: sign_in.values for mark, sign_in in every if not sign_in.is_reset}
        return sum(made.get(mark) != wanted.get(mark) for mark in {*made, *wanted})

    def _rows(self, sign_ins: Mapping[str, SignIn], *, is_poison: bool) -> list[Row]:
        marks = (mark for mark, sign_in in sign_ins.items() if sign_in.is_poison == is_poison)
        return [self.rows[mark] for mark in marks if mark in self.rows]


def _newest(rows: Iterable[Row]) -> dict[str | None, Row]:
    return {row.values["id"]: row for row in sorted(rows, key=lambda row: row.at)}


def _taken(row: Row) -> Dead:
    return Dead(to_message(row), "constraint-violation")
