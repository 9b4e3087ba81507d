"""Mail over SMTP (RFC 5321), handed to the operator's own mail server; the text is plain.

A server that says 4xx is asked again, 5xx for the address means that nobody is there.
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
from collections.abc import Mapping
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from littleshop import db
from littleshop.config import is_loopback
from littleshop.errors import GatewayError, Refused
from littleshop.notify.sms import Unwanted

SECONDS = 20.0
LONGEST = 200
# One address as people type them; what a server makes of it is its own affair.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Mail:
    """One mail server. `rail`: host, port, sender and, where it asks for them, username, password;
    tls: "starttls" (usual), "tls" (from the first byte) or "none", on this machine only."""

    def __init__(self, rail: Mapping[str, Any]) -> None:
        """Raises ValueError."""
        self._host, self._port = str(rail["host"]), int(rail["port"])
        self._sender = str(rail["sender"])
        self._username, self._password = rail.get("username"), str(rail.get("password", ""))
        self._tls = str(rail.get("tls", "starttls"))
        if self._tls not in ("starttls", "tls", "none"):
            raise ValueError(f"mail: tls is starttls, tls or none, not {self._tls!r}")
        if self._tls == "none" and not is_loopback(f"http://{self._host}"):
            raise ValueError("mail: without TLS only to this machine")

    async def close(self) -> None:
        """Nothing is kept open between two letters."""

    async def send(self, to: str, subject: str, text: str, *, message_id: str, at: datetime) -> str:
        """Hand one letter over under our id; what the server should call it.

        Raises Unwanted when the server knows no such address, else GatewayError.
        """
        assert not db.in_transaction(), "no wire call inside a transaction"
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = self._sender, to, subject
        letter["Date"] = format_datetime(at)
        letter["Message-ID"] = f"<{message_id}@littleshop.invalid>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(text)
        try:
            await asyncio.to_thread(self._hand_over, to, letter)
        except smtplib.SMTPRecipientsRefused as no:
            code, said = next(iter(no.recipients.values()))
            if code >= 500:
                raise Unwanted(f"mail: {code}") from None
            raise GatewayError(f"mail: {code} {said[:100]!r}", retryable=True) from None
        except smtplib.SMTPResponseException as no:
            again = no.smtp_code < 500
            raise GatewayError(f"mail: {no.smtp_code}", retryable=again) from None
        except (smtplib.SMTPException, OSError) as fault:
            raise GatewayError(f"mail: {type(fault).__name__}", retryable=True) from None
        return message_id

    def _hand_over(self, to: str, letter: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self._tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=SECONDS, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=SECONDS)
        with server:
            if self._tls == "starttls":
                server.starttls(context=context)
            if self._username:
                server.login(str(self._username), self._password)
            server.send_message(letter, to_addrs=[to])


def address(text: str) -> str:
    """A mail address as typed. Raises Refused: mail_address."""
    typed = text.strip()
    if len(typed) > LONGEST or not _ADDRESS.fullmatch(typed):
        raise Refused("mail_address")
    local, _, host = typed.rpartition("@")
    return f"{local}@{host.lower()}"


def masked(known: str) -> str:
    """An address as pages show it."""
    local, _, host = known.rpartition("@")
    return f"{local[:1]}***@{host}"
