"""A small HTTP/1.1 server for one ASGI application, on asyncio and h11.

Written for memory: no worker process, no thread. An application that returns without
answering has its connection cut, which is how a lost answer looks to the caller.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any  # ASGI messages are untyped by their specification
from urllib.parse import unquote

import h11

log = logging.getLogger("sandbox.serving")
LARGEST_BODY = 8 * 1024 * 1024
IDLE_SECONDS = 75.0
Application = Callable[..., Any]


class Connection:
    """One client's connection: requests one after another until either side closes."""

    def __init__(
        self, app: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.app = app
        self.reader = reader
        self.writer = writer
        self.wire = h11.Connection(h11.SERVER)

    async def run(self) -> None:
        """Serve until the client leaves, falls silent or breaks the protocol."""
        try:
            while True:
                request = await self._next_request()
                if request is None:
                    return
                body = await self._body()
                if body is None:
                    await self._plain(413, b"too large\n")
                    return
                if not await self._answer(request, body):
                    return
                if self.wire.our_state is h11.MUST_CLOSE:
                    return
                self.wire.start_next_cycle()
        except h11.RemoteProtocolError as broken:
            if self.wire.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
                await self._plain(broken.error_status_hint, b"bad request\n")
        except (ConnectionError, TimeoutError):
            return
        finally:
            self.writer.close()

    async def _event(self) -> Any:
        while True:
            event = self.wire.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self.wire.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            async with asyncio.timeout(IDLE_SECONDS):
                self.wire.receive_data(await self.reader.read(65536))

    async def _next_request(self) -> h11.Request | None:
        event = await self._event()
        return event if isinstance(event, h11.Request) else None

    async def _body(self) -> bytes | None:
        parts: list[bytes] = []
        size = 0
        while True:
            event = await self._event()
            if isinstance(event, h11.Data):
                size += len(event.data)
                if size > LARGEST_BODY:
                    return None
                parts.append(bytes(event.data))
            else:
                return b"".join(parts)

    async def _send(self, *events: Any) -> None:
        for event in events:
            sent = self.wire.send(event)
            if sent:
                self.writer.write(sent)
        await self.writer.drain()

    async def _plain(self, status: int, body: bytes) -> None:
        headers = [("content-length", str(len(body))), ("connection", "close")]
        with contextlib.suppress(h11.LocalProtocolError, ConnectionError):
            await self._send(
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            )

    async def _answer(self, request: h11.Request, body: bytes) -> bool:
        """Run the application; False when it left without an answer."""
        started = False
        waiting = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                response = h11.Response(
                    status_code=message["status"], headers=message.get("headers", [])
                )
                await self._send(response)
                return
            events: list[Any] = []
            if message.get("body") and request.method != b"HEAD":
                events.append(h11.Data(data=message["body"]))
            if not message.get("more_body"):
                events.append(h11.EndOfMessage())
            await self._send(*events)

        try:
            await self.app(self._scope(request), receive, send)
        except ConnectionError:
            return False
        except Exception:
            log.exception("the application failed")
            if not started:
                await self._plain(500, b"error\n")
            return False
        return started

    def _scope(self, request: h11.Request) -> dict[str, Any]:
        path, _, query = bytes(request.target).partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": request.http_version.decode(),
            "method": request.method.decode(),
            "scheme": "http",
            "path": unquote(path.decode("ascii", "replace")),
            "raw_path": path,
            "root_path": "",
            "query_string": query,
            "headers": [(bytes(name), bytes(value)) for name, value in request.headers],
            "client": self.writer.get_extra_info("peername"),
            "server": self.writer.get_extra_info("sockname"),
        }


class Server:
    """Listens on one address and hands each request to the application."""

    def __init__(self, app: Application) -> None:
        self.app = app
        self.connections: set[asyncio.Task[None]] = set()
        self.listener: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Begin to listen; port 0 takes a free one. Returns the port."""
        self.listener = await asyncio.start_server(self._connected, host, port)
        return int(self.listener.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop listening and cut what is open."""
        if self.listener:
            self.listener.close()
        for task in list(self.connections):
            task.cancel()
        await asyncio.gather(*self.connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections.add(task)
        try:
            await Connection(self.app, reader, writer).run()
        except asyncio.CancelledError:
            writer.close()
        finally:
            self.connections.discard(task)
