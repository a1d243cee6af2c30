"""SKELETON: helper CHECKS replaces this file."""


class Watch:
    """What is remembered of peers beyond one session."""

    def select(self, device: str, peer: str, now_ms: int) -> None: ...

    def quarantine(self, peer: str, until_ms: int) -> None: ...
