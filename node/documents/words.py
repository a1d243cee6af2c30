"""How values and words are named in messages."""

from __future__ import annotations

from collections.abc import Iterable


def shown(value: object) -> str:
    """A value as the operator wrote it, cut short, for a message."""
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text if len(text) <= 60 else text[:57] + "..."
    return f'"{text}"' if isinstance(value, str) else text


def near(word: str, known: Iterable[str]) -> str:
    """A suggestion when one of the known words is close."""
    import difflib  # noqa: PLC0415 - only for whoever is mistaken

    words = list(known)
    guesses = dict.fromkeys((word, word.lower().replace("-", "_"), word.lower()))
    close = next((hit for guess in guesses for hit in difflib.get_close_matches(guess, words, n=1, cutoff=0.6)), None)
    return f'did you mean "{close}"?' if close else ""
