"""The admin API as it is reached over TCP: the same routes behind a door, the page, and the way to log in."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterable
from http import HTTPStatus

from aiohttp import web

from node import clock
from node.admin.answers import done, refused
from node.admin.door import PAGE_HEADER, RENEW, Door
from node.admin.files import page_routes
from node.admin.listener import Listener
from node.admin.logins import Logins
from node.admin.routes import Access, Handler, Route
from node.config import Admin, Tls
from node.errors import StartupError
from node.keys import KeyFileError
from node.log import get
from node.tls import TlsError, server_context
from node.tokens import Token, read_token

REQUEST_BYTES_MAX = 4096
REQUEST_S = 10.0
KEEPALIVE_S = 15.0
LINGER_S = 1.0
SHUTDOWN_S = 0.1
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

log = get("admin")


class Outside:
    """The TCP listener and what is behind it."""

    def __init__(
        self, admin: Admin, node: str, routes: Iterable[Route], on_refusal: Callable[[str, str], None]
    ) -> None:
        """`on_refusal` is told the reason and the address. Raises StartupError."""
        self._on_refusal = on_refusal
        token = _token(admin)
        self._logins = Logins(token, node, admin.listen.port, clock.wall_s, secure=admin.tls is not None)
        self._door = Door(admin, token, self._logins, clock.boottime_s, on_refusal)
        app = web.Application(client_max_size=REQUEST_BYTES_MAX)
        app.on_response_prepare.append(self._finish_headers)
        for route in (*self._own_routes(), *page_routes(), *routes):
            app.router.add_route(route.method, route.path, self._behind_the_door(route))
        app.router.add_route("*", "/{anything:.*}", self._behind_the_door(Route("*", "", _unknown, Access.OPEN)))
        self._runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE_S,
            lingering_time=LINGER_S,
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_S,
        )
        self._listener = Listener(admin.listen, _context(admin.tls), self._protocol, on_refusal)

    async def start(self) -> None:
        """Listen; raises StartupError."""
        await self._runner.setup()
        self._listener.start()

    async def stop(self) -> None:
        """Let go of everybody."""
        self._listener.stop()
        await self._runner.cleanup()

    def _protocol(self) -> asyncio.Protocol:
        assert self._runner.server is not None, "set up before anybody is let in"
        return self._runner.server()

    # --- routes

    def _own_routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", "/health", self._health, Access.OPEN),
            Route("GET", "/login", self._whether, Access.OPEN),
            Route("POST", "/login", self._login, Access.OPEN),
            Route("POST", "/logout", self._logout, Access.CHANGE),
        )

    async def _health(self, _request: web.Request) -> web.Response:
        return done()

    async def _whether(self, request: web.Request) -> web.Response:
        """Whether the caller is logged in, so that the page need not be refused to find out."""
        return web.json_response({"in": self._logins.age_s(request) is not None})

    async def _login(self, request: web.Request) -> web.Response:
        """The token against a cookie."""
        if PAGE_HEADER not in request.headers:
            return refused("this is for the page", HTTPStatus.FORBIDDEN)
        try:
            shown = (await request.json())["token"]
        except (ValueError, LookupError, TypeError):
            return refused('the body is JSON: {"token": "..."}', HTTPStatus.BAD_REQUEST)
        await self._door.prove(str(shown))
        log.info("page opened", address=request.remote)
        response = done()
        self._logins.grant(response)
        return response

    async def _logout(self, _request: web.Request) -> web.Response:
        response = done()
        self._logins.end(response)
        return response

    def _behind_the_door(self, route: Route) -> Handler:
        entered = self._door.enter(_told(route), route.access)

        async def handler(request: web.Request) -> web.StreamResponse:
            self._listener.heard(request.transport)
            try:
                async with asyncio.timeout(None if route.lasting else REQUEST_S):
                    return await entered(request)
            except TimeoutError:
                self._on_refusal("slow", request.remote or "")
                if request.transport is not None:
                    request.transport.abort()  # the answer may have begun: there is no other way to end it
                return refused("it took too long", HTTPStatus.SERVICE_UNAVAILABLE)

        return handler

    async def _finish_headers(self, request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.pop("Server", None)
        if request.get(RENEW):
            self._logins.grant(response)


def _told(route: Route) -> Handler:
    """Orders from outside are in the log, with where they came from."""
    if route.access is not Access.CHANGE:
        return route.handler

    async def handler(request: web.Request) -> web.StreamResponse:
        response = await route.handler(request)
        log.info("order", path=route.path, address=request.remote, status=response.status)
        return response

    return handler


async def _unknown(_request: web.Request) -> web.Response:
    return refused("there is nothing here", HTTPStatus.NOT_FOUND)


def _token(admin: Admin) -> Token:
    try:
        return read_token(admin.token_file)
    except KeyFileError as error:
        raise StartupError(f"admin.token_file: {error.what}", error.remedy) from None


def _context(tls: Tls | None) -> ssl.SSLContext | None:
    try:
        return None if tls is None else server_context(tls)
    except TlsError as error:
        raise StartupError(f"admin.tls.{error.key}: {error.what}", error.remedy) from None
