"""What can go wrong: in the peers' octets (internal) and in a state handed over (public)."""


class DecodeError(Exception):
    """Octets that no decoder here accepts. Never leaves the package: the stack turns it into a finding."""

    def __init__(self, code: str, detail: str, offset: int, kind: str | None = None) -> None:
        super().__init__(code, detail, offset)
        self.code = code
        self.detail = detail
        self.offset = offset
        self.kind = kind
        """The MMS PDU recognised before the error, if that far was come."""


class StateError(Exception):
    """A snapshot, checkpoint or delta that is damaged or of an unknown version."""
