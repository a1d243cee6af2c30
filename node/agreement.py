"""Whether both nodes judge alike: the tables of policies, signatures and tags here and there, compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from node.policy import Tables


class Agreement:
    """Hears of both nodes' tables, and tells when they begin or cease to differ."""

    def __init__(self, mine: Tables, tell: Callable[[list[str]], None]) -> None:
        self.mine = mine
        self.theirs: Tables = {}
        """Empty while the other node has not told, or is of a release that does not."""
        self._tell = tell
        self._told: list[str] = []

    def here(self, tables: Tables) -> None:
        """This node goes by these tables now."""
        self.mine = tables
        self._compare()

    def there(self, tables: Tables) -> None:
        """The other node goes by these."""
        if tables != self.theirs:
            self.theirs = tables
            self._compare()

    @property
    def differing(self) -> list[str]:
        """The tables in which both nodes differ."""
        both = self.mine.keys() & self.theirs.keys()
        return [name for name in self.mine if name in both and self.mine[name] != self.theirs[name]]

    def view(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {"here": _shown(self.mine), "there": _shown(self.theirs), "differing": self.differing}

    def _compare(self) -> None:
        if self.theirs and self.differing != self._told:
            self._told = self.differing
            self._tell(self._told)


def _shown(tables: Tables) -> dict[str, Any]:
    return {name: {"nr": number, "hash": digest} for name, (number, digest) in tables.items()}
