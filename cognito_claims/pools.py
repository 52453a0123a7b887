"""The user pools whose events a handler answers: `("any",)`, or a tuple of their ids."""

from collections.abc import Collection, Iterator

from cognito_claims.errors import Problem, SettingsError, UserPoolError

ANY: tuple[str, ...] = ("any",)
_SETTING = "user_pools"


def require_pools(user_pools: Collection[str]) -> None:
    """Raise `SettingsError` if there is no pool, or if an entry is not a pool id."""
    problems = tuple(pool_problems(user_pools))
    if problems:
        raise SettingsError(problems)


def pool_problems(user_pools: Collection[str]) -> Iterator[Problem]:
    """Yield a problem for each entry that is not a pool id."""
    if user_pools == ANY:
        return
    if not user_pools:
        yield Problem(_SETTING, "names no pool; leave it out to answer any")
    for position, pool in enumerate(user_pools, 1):
        if not _is_pool_id(pool):
            yield Problem(_SETTING, f"entry {position}: expected a pool's id, as in eu-west-1_AbCd")


def require_answered(user_pool_id: str, user_pools: Collection[str]) -> None:
    """Raise `UserPoolError` if the handler does not answer events of this pool."""
    if user_pools is not ANY and user_pools != ANY and user_pool_id not in user_pools:
        raise UserPoolError(user_pool_id)


def _is_pool_id(text: object) -> bool:
    if not isinstance(text, str) or not text.isascii():
        return False
    region, _, name = text.partition("_")
    parts = region.split("-")
    return (
        name.isalnum()
        and len(parts) > 2
        and region == region.lower()
        and all(part.isalnum() for part in parts)
        and parts[-1].isdigit()
    )
