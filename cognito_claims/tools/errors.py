"""What the tools raise."""


class UnusableInput(Exception):  # noqa: N818  (not a fault of the program)
    """What was given cannot be used; each of `lines` names one thing to change."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("; ".join(lines))
