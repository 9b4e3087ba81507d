"""The one door to the outside: every call to a rail goes through a Wire.

A wire keeps four promises, so that no rail has to: it never waits long, it never speaks
plain http to another machine, it never carries a call while a database transaction is open
(a slow gateway would hold our locks), and no secret it knows of is ever in an error.
"""

import asyncio
import functools
import logging
import ssl
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
import msgspec

from littleshop import db
from littleshop.config import is_loopback
from littleshop.errors import GatewayError

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
WHOLE_CALL_SECONDS = 30.0  # read time-outs count per chunk: a dripping answer needs a limit too
ANSWER_LIMIT_BYTES = 4 * 1024 * 1024
SHORTEST_SECRET = 6  # blanking shorter texts would eat ordinary words

# httpx logs every URL at INFO, and ours hold signatures and push addresses; httpcore logs headers.
for _noisy in ("httpx", "httpcore"):
    logging.getLogger(_noisy).setLevel(logging.WARNING)


@functools.cache
def _trusted(trust_env: bool) -> ssl.SSLContext:
    """Whom wires believe, read once: a wire is opened for each rail and each side of it."""
    return httpx.create_ssl_context(trust_env=trust_env)


class Answer(msgspec.Struct, frozen=True):
    """What a rail answered: HTTP status, headers (names in lower case) and the raw body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def text(self) -> str:
        """Return the body as UTF-8; GatewayError(retryable) when it is not."""
        try:
            return self.body.decode("utf-8")
        except UnicodeDecodeError:
            raise GatewayError("the answer is not UTF-8", retryable=True) from None


class Wire:
    """An HTTP client for one rail. Make it once per process, close it at shutdown."""

    def __init__(
        self,
        rail: str,
        base_url: str = "",
        *,
        secrets: Collection[str] = (),
        transport: httpx.AsyncBaseTransport | None = None,
        limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> None:
        """`base_url` is prefixed to the path of each call; leave it out to pass whole URLs.

        Raises GatewayError when `base_url` is plain http to another machine.
        """
        if base_url:
            refuse_plain_http(base_url)
        self.rail = rail
        self.base_url = base_url
        self._secrets = tuple(s for s in secrets if len(s) >= SHORTEST_SECRET)
        self._limit_bytes = limit_bytes
        trust_env = bool(base_url) and not is_loopback(base_url)
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            follow_redirects=False,
            verify=_trusted(trust_env),
            # A proxy from the environment may carry calls to the world, never to this machine.
            trust_env=trust_env,
        )

    def __repr__(self) -> str:
        return f"Wire({self.rail!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.aclose()

    def scrub(self, text: str) -> str:
        """Return `text` without the secrets of this rail."""
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text

    def refuse(self, answer: Answer, accepted: Collection[int] = (200,)) -> None:
        """Raise GatewayError unless the status is an accepted one (429 and 5xx: retryable)."""
        if answer.status in accepted:
            return
        # Scrubbed before it is cut: half a secret would not be recognised.
        told = self.scrub(answer.body.decode("utf-8", "replace"))[:300]
        again = answer.status == 429 or answer.status >= 500
        raise GatewayError(f"{self.rail} answered {answer.status}: {told}", retryable=again)

    async def get(
        self,
        path: str = "",
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET `base_url + path`. Errors as in `send`."""
        return await self.send("GET", path, params=params, headers=headers)

    async def post(
        self,
        path: str = "",
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """POST a form or raw bytes to `base_url + path`. Errors as in `send`."""
        return await self.send(
            "POST", path, params=params, headers=headers, form=form, content=content
        )

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Make one call and return whatever status came back.

        Raises GatewayError(retryable=True) when the network failed: the other side may or may
        not have acted, so the caller repeats the same id or asks.
        """
        assert not db.in_transaction(), f"a call to {self.rail} inside a database transaction"
        url = self.base_url + path
        refuse_plain_http(url)
        try:
            async with asyncio.timeout(WHOLE_CALL_SECONDS):
                async with self._client.stream(
                    method, url, params=params, headers=headers, data=form, content=content
                ) as response:
                    return await self._read(response)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as failure:
            # `from None`: httpx keeps the whole request, signature and all, in its errors.
            told = self.scrub(f"{type(failure).__name__}: {failure}")
        raise GatewayError(f"{self.rail} cannot be reached ({told})", retryable=True) from None

    async def _read(self, response: httpx.Response) -> Answer:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._limit_bytes:
                raise GatewayError(f"{self.rail} answered too much", retryable=True)
        return Answer(status=response.status_code, headers=dict(response.headers), body=bytes(body))


def refuse_plain_http(url: str) -> None:
    """Raise GatewayError unless `url` is https, or http to this machine."""
    try:
        parts = urlsplit(url)
        allowed = bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url))
        )
    except ValueError:
        allowed = False
    if not allowed:
        raise GatewayError("a rail is reached by https only", retryable=False)
