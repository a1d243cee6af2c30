"""The witness: one key in etcd (v3, through its JSON gateway). What it is for is said in protocol/witness.py.

Reads are linearizable: a member without its quorum does not answer them. Writes are transactions that compare the
key's mod_revision. Endpoints are members of one cluster: one that fails is left for the next, and the node stays
with the one that answered. Everything has a time limit below the lease, and nothing here holds up the event loop.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections import Counter
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import aiohttp

from node import clock, log
from node.config import Witness as Settings
from node.errors import StartupError
from protocol.events import AskWitness, WitnessAnswered, WitnessFailed

ANSWER_BYTES_MAX = 65_536

Tell = Callable[[WitnessAnswered | WitnessFailed], None]
Json = dict[str, Any]

logger = log.get("witness")


class WitnessError(Exception):
    """An endpoint did not answer, or not with what was asked for."""


class Etcd:
    """One etcd cluster, asked over HTTP."""

    def __init__(self, settings: Settings, group: str) -> None:
        """Raises StartupError when a file of the configuration cannot be used."""
        self.endpoint = settings.endpoints[0]
        """The one that answered last."""
        self._settings = settings
        self._key = _text(f"/iccp-tandem/{group}/active")
        self._tls = _tls(settings)
        self._password = _password(settings)
        self._token: str | None = None
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Let go of the connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, question: AskWitness) -> WitnessAnswered:
        """Put a question to one endpoint after the other; raises WitnessError when none answers in time."""
        failures = []
        for endpoint in self._endpoints():
            self.endpoint = endpoint
            try:
                async with asyncio.timeout(self._settings.try_s):
                    return await self._ask(question)
            except TimeoutError:
                failures.append(f"{endpoint}: no answer within {self._settings.try_s * 1000:.0f} ms")
            except (aiohttp.ClientError, OSError, WitnessError) as error:
                failures.append(f"{endpoint}: {_words(error)}")
            except (KeyError, TypeError, ValueError) as error:
                failures.append(f"{endpoint}: not etcd's answer: {error!r:.80}")
        raise WitnessError("; ".join(failures))

    def _endpoints(self) -> list[str]:
        known = list(self._settings.endpoints)
        first = known.index(self.endpoint)
        return known[first:] + known[:first]

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        return self._session

    async def _ask(self, question: AskWitness) -> WitnessAnswered:
        look = {"key": self._key}
        if question.write is None:
            answer = await self._call("kv/range", look)
            return self._shown(question.number, answer)
        compare = {"key": self._key, "target": "MOD", "result": "EQUAL", "mod_revision": str(question.revision)}
        put = {"key": self._key, "value": base64.b64encode(question.write).decode()}
        answer = await self._call(
            "kv/txn",
            {"compare": [compare], "success": [{"request_put": put}], "failure": [{"request_range": look}]},
        )
        if answer.get("succeeded"):
            return WitnessAnswered(question.number, question.write, int(answer["header"]["revision"]))
        return self._shown(question.number, answer["responses"][0]["response_range"])

    def _shown(self, number: int, answer: Json) -> WitnessAnswered:
        entries = answer.get("kvs", [])
        if not entries:
            return WitnessAnswered(number, None, 0)
        value = base64.b64decode(entries[0].get("value", ""), validate=True)
        return WitnessAnswered(number, value, int(entries[0]["mod_revision"]))

    async def _call(self, method: str, body: Json) -> Json:
        if self._settings.user is not None and self._token is None:
            self._token = await self._authenticate(self._settings.user)
        status, answer = await self._post(method, body)
        if status == HTTPStatus.UNAUTHORIZED:
            self._token = None  # it has run out: the next question brings another
        return _sound(status, answer)

    async def _authenticate(self, user: str) -> str:
        answer = _sound(*await self._post("auth/authenticate", {"name": user, "password": self._password}))
        return str(answer["token"])

    async def _post(self, method: str, body: Json) -> tuple[int, Json]:
        headers = {} if self._token is None else {"Authorization": self._token}
        url = f"{self.endpoint}/v3/{method}"
        async with self._client().post(url, json=body, headers=headers, ssl=self._tls) as answer:
            return answer.status, await _json(answer)


def look(settings: Settings, group: str) -> list[tuple[str, bool, str]]:
    """Ask every endpoint, once: which it is, whether it answered, and what. Raises StartupError as Etcd does."""
    return asyncio.run(_look(settings, group))


async def _look(settings: Settings, group: str) -> list[tuple[str, bool, str]]:
    found = []
    for endpoint in settings.endpoints:
        etcd = Etcd(settings.model_copy(update={"endpoints": (endpoint,)}), group)
        begun_s = clock.boottime_s()
        try:
            await etcd.ask(AskWitness(0, None, 0))
            took_ms = (clock.boottime_s() - begun_s) * 1000
            found.append((endpoint, True, f"answered in {took_ms:.1f} ms, the lease is {settings.lease_ms} ms"))
        except WitnessError as error:
            found.append((endpoint, False, str(error).removeprefix(f"{endpoint}: ")))
        finally:
            await etcd.close()
    return found


class EtcdWitness:
    """Puts the role machine's questions, one at a time, and tells it the answers."""

    def __init__(self, group: str, settings: Settings, tell: Tell, counters: Counter[str]) -> None:
        """Raises StartupError when a file of the configuration cannot be used."""
        self.etcd = Etcd(settings, group)
        self.took_ms: float | None = None
        """How long the latest answer took."""
        self._limit_s = settings.ask_s
        self._tell = tell
        self._counters = counters
        self._task: asyncio.Task[None] | None = None
        self._complaint = ""

    def ask(self, question: AskWitness) -> None:
        """Put a question; the answer, or that there is none, is told once."""
        self._task = asyncio.get_running_loop().create_task(self._ask(question))

    async def close(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
        await self.etcd.close()

    async def _ask(self, question: AskWitness) -> None:
        begun_s = clock.boottime_s()
        outcome: WitnessAnswered | WitnessFailed
        try:
            async with asyncio.timeout(self._limit_s):
                outcome = await self.etcd.ask(question)
            self.took_ms = (clock.boottime_s() - begun_s) * 1000
            self._complain("")
        except (TimeoutError, WitnessError) as error:
            outcome = WitnessFailed(question.number, str(error) or f"no answer within {self._limit_s * 1000:.0f} ms")
            self._counters["witness_failures"] += 1
            self._complain(outcome.why)
        self._tell(outcome)

    def _complain(self, why: str) -> None:
        """Log it when it changes."""
        if why and why != self._complaint:
            logger.warning("the witness does not answer", why=why)
        self._complaint = why


async def _json(answer: aiohttp.ClientResponse) -> Json:
    data = await answer.content.read(ANSWER_BYTES_MAX)
    found = json.loads(data)
    if not isinstance(found, dict):
        raise WitnessError(f"status {answer.status}, not an object")
    return found


def _sound(status: int, answer: Json) -> Json:
    if status != HTTPStatus.OK:
        raise WitnessError(f"refused ({status}): {str(answer.get('error'))[:120]}")
    return answer


def _words(error: Exception) -> str:
    """Without what aiohttp tells of itself."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is refused: {error.certificate_error}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error.strerror or str(error.os_error)
    return str(error) or type(error).__name__


def _text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _tls(settings: Settings) -> ssl.SSLContext | bool:
    try:
        context = ssl.create_default_context(cafile=None if settings.ca_file is None else str(settings.ca_file))
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(each) for each in (settings.ca_file, settings.cert_file) if each is not None)
        raise StartupError(
            f"witness: {files or 'the system certificates'}: {error}",
            "ca_file and cert_file hold certificates in PEM, key_file the key of the latter",
        ) from error
    return context


def _password(settings: Settings) -> str:
    if settings.password_file is None:
        return ""
    try:
        return settings.password_file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartupError(
            f"witness.password_file: {settings.password_file} cannot be read: {error}",
            "put the password of witness.user into it, readable for the node's user alone (mode 600)",
        ) from error
