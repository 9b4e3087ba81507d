"""Knocking at an address that a stranger named: only the open internet is connected to, the very
address that was looked at, never one that its name may mean the next time it is asked."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable

import httpx

_MAPPED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16")))

Resolve = Callable[[str, int], Awaitable[list[str]]]


async def resolve(host: str, port: int) -> list[str]:
    """The addresses behind a name. Raises OSError."""
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3: nobody is asked
        return ["127.0.0.1"]
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return sorted({str(each[4][0]) for each in found})


def is_open(address: str) -> bool:
    """Whether an address is of the open internet: not of this machine, a network at home, a cloud's
    own services, nor one of those in another writing."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in _MAPPED):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


class Checked(httpx.AsyncBaseTransport):
    """Connects to an address that was looked at, never to a name that may mean another the next
    time it is asked; the certificate is still the name's."""

    def __init__(
        self,
        *,
        near: bool,
        resolve: Resolve = resolve,
        inner: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`near`: only this machine may be reached; else only the open internet."""
        self._near = near
        self._resolve = resolve
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        port = url.port or (443 if url.scheme == "https" else 80)
        try:
            found = await self._resolve(url.host, port)
        except OSError as fault:
            raise httpx.ConnectError(f"no address for {url.host}") from fault
        if not found or not all(map(self._allows, found)):
            raise httpx.ConnectError(f"{url.host} leads where we do not knock")
        request.url = url.copy_with(host=found[0])
        request.extensions = {**request.extensions, "sni_hostname": url.host}
        return await self._inner.handle_async_request(request)

    def _allows(self, address: str) -> bool:
        if self._near:
            return ipaddress.ip_address(address.partition("%")[0]).is_loopback
        return is_open(address)

    async def aclose(self) -> None:
        await self._inner.aclose()
