"""An environment without some variables; imported only if there is a variable to remove."""

from collections.abc import Iterator, Mapping


class Without(Mapping[str, str]):
    """A view of an environment that leaves out some variables."""

    def __init__(self, environ: Mapping[str, str], left_out: frozenset[str]) -> None:
        self._environ = environ
        self._left_out = left_out

    def __getitem__(self, name: str) -> str:
        """Return a variable's value."""
        if name in self._left_out:
            raise KeyError(name)
        return self._environ[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the variables' names."""
        return (name for name in self._environ if name not in self._left_out)

    def __len__(self) -> int:
        """Count the variables."""
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        """Hide the values."""
        return f"Without({sorted(self._left_out)})"
