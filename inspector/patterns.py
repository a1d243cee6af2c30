"""Name patterns as the operator writes them: `*`, `?` and `[...]`, compiled once. Case counts, as it does in MMS."""

import re
from collections.abc import Iterable
from fnmatch import translate

WILDCARDS = frozenset("*?[")
PATTERN_LENGTH_MAX = 129
"""Of those that people write."""


class Patterns:
    """Whether a name is one of several, or fits one of several patterns."""

    __slots__ = ("_fits", "_names", "texts")

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = tuple(texts)
        self._names = frozenset(text for text in self.texts if not WILDCARDS & set(text))
        wild = [translate(text) for text in self.texts if text not in self._names]
        self._fits = re.compile("|".join(wild)).match if wild else None

    def match(self, name: str) -> bool:
        """Whether one of them fits the whole of `name`."""
        return name in self._names or (self._fits is not None and self._fits(name) is not None)

    def lists(self, text: str) -> bool:
        """Whether `text` itself stands among them, letter by letter."""
        return text in self.texts

    def __bool__(self) -> bool:
        return bool(self.texts)


NO_PATTERNS = Patterns(())
