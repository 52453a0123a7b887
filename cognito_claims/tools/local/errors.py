"""What went wrong in a step, told in one line."""


class Failed(Exception):  # noqa: N818  (a finding of the demo, not a fault of the program)
    """A step that did not come out as it should; its text is one line and holds no secret."""
