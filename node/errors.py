"""Errors that end in one clear message for the operator."""


class StartupError(Exception):
    """The node cannot run as configured: what is wrong, and what to do about it. Exit code 2."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n  {remedy}")
        self.what = what
        self.remedy = remedy
