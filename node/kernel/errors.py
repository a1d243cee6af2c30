"""The one error of this package."""


class KernelError(Exception):
    """The host lacks something, or refused it.

    `what` says what happened; `remedy` says what an operator can do about it.
    """

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} ({remedy})" if remedy else what)
        self.what = what
        self.remedy = remedy
