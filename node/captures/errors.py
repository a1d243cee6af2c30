"""What makes a capture unreadable as a whole; damage further in is told as a note instead."""

from __future__ import annotations


class CaptureError(Exception):
    """What is wrong with the file, and what to do about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
