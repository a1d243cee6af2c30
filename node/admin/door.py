"""Who may come in over TCP, and how far. In this order:

1. The host asked for is ours: else a foreign name that somebody points here would make a browser take us for it.
2. Not too often.
3. Not on behalf of a page of another origin.
4. What the route wants is what the caller may. He proves himself by `Authorization: Bearer TOKEN`, which no browser
   sends by itself, or by the page's cookie, which a browser does send by itself; so with the cookie a change also
   needs the origin told, and a header that no foreign page could add.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from ipaddress import AddressValueError, IPv4Address

from aiohttp import web

from node.admin.answers import refused
from node.admin.buckets import Buckets
from node.admin.logins import RENEWED_AFTER_S, Logins
from node.admin.routes import Access, Handler
from node.config import Admin
from node.tokens import Token

PAGE_HEADER = "X-Tandem"
"""One beyond those few that a browser lets a foreign page set without asking us first."""
OWN_FETCHES = (None, "same-origin", "none")
"""Sec-Fetch-Site of what is no browser, of our own page, and of an address that somebody typed in."""
RENEW = "renew"
"""Set on a request whose login has aged: the response carries a new one."""
WRONG_TOKEN_S = 1.0
WRONG_TOKENS_AT_ONCE_MAX = 8
RATE_PER_S = 20.0
BURST = 80

OnRefusal = Callable[[str, str], None]
"""Is told the reason, as a code, and the address."""


class RefusedError(Exception):
    """The request goes no further: the status, a code for the count, and words for the caller."""

    def __init__(self, status: HTTPStatus, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code


class Door:
    """Decides on each request of one listener."""

    def __init__(
        self, admin: Admin, token: Token, logins: Logins, clock_s: Callable[[], float], on_refusal: OnRefusal
    ) -> None:
        self._admin = admin
        self._scheme = "http" if admin.tls is None else "https"
        self._token = token
        self._logins = logins
        self._buckets = Buckets(RATE_PER_S, BURST, clock_s)
        self._on_refusal = on_refusal
        self._wrong_now = 0

    def enter(self, handler: Handler, access: Access) -> Handler:
        """The handler as callers reach it."""

        async def entered(request: web.Request) -> web.StreamResponse:
            try:
                self._screen(request, access)
                if access is not Access.OPEN:
                    await self._admit(request, access)
                return await handler(request)
            except RefusedError as error:
                self._on_refusal(error.code, request.remote or "")
                return refused(str(error), error.status)

        return entered

    # --- whoever asks

    def _screen(self, request: web.Request, access: Access) -> None:
        if not self._is_ours(request.headers.get("Host", "")):
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, "host", "this node is not called so: see admin.names")
        if not self._buckets.take(request.remote or ""):
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "rate", "too many requests")
        if not self._is_from_us(request) and not (access is Access.OPEN and _is_followed_link(request)):
            raise RefusedError(HTTPStatus.FORBIDDEN, "origin", "not for pages of another origin")

    def _is_ours(self, host: str) -> bool:
        """By any port: a tunnel may have another one, and no name's owner can choose it."""
        name = host.rpartition(":")[0] if ":" in host else host
        listening = self._admin.listen.host
        if name.lower() in self._admin.names or (name == "localhost" and listening.is_loopback):
            return True
        try:
            return IPv4Address(name) == listening
        except AddressValueError:
            return False

    def _is_from_us(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin")
        told = origin is None or origin.lower() == f"{self._scheme}://{request.headers['Host']}".lower()
        return told and request.headers.get("Sec-Fetch-Site") in OWN_FETCHES

    # --- who may

    async def _admit(self, request: web.Request, access: Access) -> None:
        if "Authorization" in request.headers:
            await self.prove(request.headers["Authorization"].removeprefix("Bearer "))
        elif (age_s := self._logins.age_s(request)) is None:
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "no_token", "show the token: Authorization: Bearer TOKEN")
        elif access is Access.CHANGE and not _is_meant(request):
            raise RefusedError(
                HTTPStatus.FORBIDDEN, "not_meant", f"the page's own orders carry Origin and {PAGE_HEADER}"
            )
        elif age_s > RENEWED_AFTER_S:
            request[RENEW] = True

    async def prove(self, shown: str) -> None:
        """That a token is the right one; who shows a wrong one waits, and raises RefusedError."""
        if self._token.is_right(shown):
            return
        if self._wrong_now >= WRONG_TOKENS_AT_ONCE_MAX:
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "wrong_token", "too many wrong tokens")
        self._wrong_now += 1
        try:
            await asyncio.sleep(WRONG_TOKEN_S)
        finally:
            self._wrong_now -= 1
        raise RefusedError(HTTPStatus.UNAUTHORIZED, "wrong_token", "this is not the token")


def _is_followed_link(request: web.Request) -> bool:
    """Somebody went from another page to ours, on purpose: nothing of ours is shown to that page."""
    headers = request.headers
    wanted = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    return request.method == "GET" and all(headers.get(name) == value for name, value in wanted.items())


def _is_meant(request: web.Request) -> bool:
    """With the origin checked before: that it was told, and that the page itself speaks."""
    told = "Origin" in request.headers or request.headers.get("Sec-Fetch-Site") == "same-origin"
    return told and PAGE_HEADER in request.headers
