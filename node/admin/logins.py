"""Logins of the page. One is a signed cookie and nothing else, so it outlives a restart of the node.

It ends by its time, by being thrown away, or for all pages at once when the token is replaced.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable

from aiohttp import web

from node.tokens import Token

LIFE_S = 12 * 3600
RENEWED_AFTER_S = 3600
"""A page in use has its cookie made anew this often: a control room's wall is not asked for the token every night."""
LENGTH_MAX = 256


class Logins:
    """Makes the cookies of one listener, and knows them again."""

    def __init__(self, token: Token, node: str, port: int, clock_s: Callable[[], float], *, secure: bool) -> None:
        self._key = token.signing_key(f"login at {node}")
        self._clock_s = clock_s
        self._manner = f"Path=/; HttpOnly; SameSite=Strict{'; Secure' if secure else ''}"
        # Browsers keep cookies by host and not by port; a name with __Host- is taken only as it is meant.
        self.name = f"{'__Host-' if secure else ''}tandem-{node}-{port}"

    def grant(self, response: web.StreamResponse) -> None:
        """Give whoever gets the response a login."""
        body = f"{int(self._clock_s())}.{secrets.token_hex(8)}"
        response.headers.add("Set-Cookie", f"{self.name}={body}.{self._sign(body)}; Max-Age={LIFE_S}; {self._manner}")

    def end(self, response: web.StreamResponse) -> None:
        """Take it away again."""
        response.headers.add("Set-Cookie", f"{self.name}=; Max-Age=0; {self._manner}")

    def age_s(self, request: web.Request) -> float | None:
        """How old the request's login is; None when it has none that holds."""
        body, _, signature = request.cookies.get(self.name, "")[:LENGTH_MAX].rpartition(".")
        if not hmac.compare_digest(self._sign(body).encode(), signature.encode()):
            return None
        age_s = self._clock_s() - int(body.partition(".")[0])
        return age_s if 0 <= age_s < LIFE_S else None

    def _sign(self, body: str) -> str:
        return hmac.digest(self._key, body.encode(), "sha256").hex()
