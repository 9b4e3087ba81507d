"""A mail server for one machine (RFC 5321, plain): what it takes lies in the inbox page.

It knows no passwords and sends nothing on. An address whose local part is "gone" is unknown to it,
one that is "full" is asked to come again.
"""

import asyncio
import contextlib
import email
import email.policy
import re

from sandbox.clock import stamp
from sandbox.world import World

LARGEST = 256 * 1024
SECONDS = 60.0
PORT = "mail port"
ADDRESS = re.compile(r"(?:FROM|TO):\s*<([^<>\s]{0,254})>", re.I)


class MailServer:
    """Listens beside the web server, on the port it had before if that is free."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._server: asyncio.Server | None = None

    async def start(self, host: str) -> None:
        """Begin to listen and write down where."""
        known = int(self.world.store.setting(PORT) or 0)
        try:
            self._server = await asyncio.start_server(self._talk, host, known, limit=LARGEST)
        except OSError:
            self._server = await asyncio.start_server(self._talk, host, 0, limit=LARGEST)
        port = self._server.sockets[0].getsockname()[1]
        self.world.store.set_setting(PORT, str(port))

    async def stop(self) -> None:
        """Let go of the port."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, ValueError, UnicodeDecodeError):
            async with asyncio.timeout(SECONDS):
                await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())
            await writer.drain()

        to: list[str] = []
        await say("220 sandbox mail")
        while line := (await reader.readline()).decode("ascii").strip():
            word = line.split(" ", 1)[0].upper()
            if word in ("EHLO", "HELO"):
                await say("250 sandbox")
            elif word == "MAIL":
                to = []
                await say("250 ok")
            elif word == "RCPT":
                found = ADDRESS.search(line)
                answer = self._knows(found[1] if found else "")
                if answer.startswith("250") and found:
                    to.append(found[1])
                await say(answer)
            elif word == "DATA" and to:
                await say("354 go on")
                self._keep(to, await self._letter(reader))
                await say("250 kept")
            elif word == "QUIT":
                await say("221 bye")
                return
            else:
                await say("250 ok" if word in ("RSET", "NOOP") else "503 not now")

    def _knows(self, address: str) -> str:
        local, at, _ = address.partition("@")
        if not at or local == "gone":
            return "550 no such address"
        return "452 try again later" if local == "full" else "250 ok"

    async def _letter(self, reader: asyncio.StreamReader) -> bytes:
        lines: list[bytes] = []
        size = 0
        while (line := await reader.readline()) not in (b".\r\n", b".\n", b""):
            size += len(line)
            if size > LARGEST:
                raise ValueError("too large")
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)

    def _keep(self, to: list[str], raw: bytes) -> None:
        letter = email.message_from_bytes(raw, policy=email.policy.default)
        body = letter.get_body(("plain",))
        text = body.get_content().strip().replace("\r\n", "\n") if body is not None else ""
        for address in to:
            self.world.store.run(
                "insert into sms_messages (phone, text, code, at) values (?, ?, null, ?)",
                address,
                f"{letter['Subject']}\n{text}",
                stamp(self.world.clock.now()),
            )
