"""An official account's access token and ticket, kept for all processes.

Whoever finds one missing or nearly over claims it by a guarded write, and only he asks WeChat,
outside of any transaction. The others take the old one while it is good, else none: a page is
shown without its card rather than late. A claim that came to nothing keeps everybody from asking
for CLAIM.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from littleshop import db
from littleshop.crypto import Keyring, WrongKey
from littleshop.errors import GatewayError
from littleshop.social import wechat_official
from littleshop.social.wechat_official import Lent, Official, StaleToken

CLAIM = timedelta(seconds=35)  # longer than the longest call of a wire
EARLY = timedelta(minutes=10)  # before its end a new one is fetched, while the old one is good
_log = logging.getLogger(__name__)


class _Row(msgspec.Struct, frozen=True):
    sealed: bytes | None
    good_until: datetime | None


class Tickets:
    """The token and the ticket of one account."""

    def __init__(self, database: db.Database, keyring: Keyring, official: Official) -> None:
        self._database = database
        self._keyring = keyring
        self.official = official

    async def ticket(self, at: datetime) -> str | None:
        """The current ticket; None when there is none for now."""
        return await self._current("ticket", self._ask_ticket, at)

    async def access_token(self, at: datetime, *, refused: str = "") -> str | None:
        """The current access token; None when there is none for now. One that WeChat has `refused`
        is forgotten, unless another process has a newer one already."""
        kept = await self._kept("access_token") if refused else None
        if kept is not None and self._open(kept) == refused:
            await self._forget("access_token", at)
        return await self._current("access_token", lambda _: self.official.access_token(), at)

    async def _ask_ticket(self, at: datetime) -> Lent:
        for _ in range(2):
            token = await self.access_token(at)
            if token is None:
                break
            try:
                return await self.official.ticket(token)
            except StaleToken:  # somebody had WeChat make another one
                await self._forget("access_token", at)
        raise GatewayError("no access token for now", retryable=True)

    async def _current(
        self, kind: str, ask: Callable[[datetime], Awaitable[Lent]], at: datetime
    ) -> str | None:
        kept = await self._kept(kind)
        good = kept is not None and kept.good_until is not None and kept.good_until > at
        value = self._open(kept) if kept is not None and good else None
        if value is not None and kept and kept.good_until and kept.good_until > at + EARLY:
            return value
        if not await self._claim(kind, at):
            return value
        try:
            lent = await ask(at)
        except GatewayError as fault:
            _log.warning("no %s of the official account: %s", kind, fault)
            return value
        await self._keep(kind, lent, at)
        return lent.value

    def _open(self, row: _Row) -> str | None:
        try:
            return self._keyring.open(row.sealed) if row.sealed else None
        except WrongKey:
            return None

    async def _kept(self, kind: str) -> _Row | None:
        async with self._database.connection() as conn:
            return await db.one(
                conn,
                _Row,
                "select sealed, good_until from official_tickets where app_id = $1 and kind = $2",
                self.official.app_id,
                kind,
            )

    async def _claim(self, kind: str, at: datetime) -> bool:
        """Whether it is ours to ask: it is missing or nearly over, and nobody else does."""

        async def work(conn: db.Connection) -> int:
            return await db.run(
                conn,
                "insert into official_tickets as t (app_id, kind, claimed_until)"
                " values ($1, $2, $3) on conflict on constraint official_tickets_pkey do update"
                " set claimed_until = excluded.claimed_until"
                " where t.claimed_until <= $4"
                " and (t.good_until is null or t.good_until <= $5)",
                self.official.app_id,
                kind,
                at + CLAIM,
                at,
                at + EARLY,
            )

        return bool(await self._database.transaction(work))

    async def _keep(self, kind: str, lent: Lent, at: datetime) -> None:
        """Write what came, if the claim of `at` is still ours; it may be claimed again at once."""
        sealed = self._keyring.seal(lent.value)

        async def work(conn: db.Connection) -> int:
            return await db.run(
                conn,
                "update official_tickets set sealed = $3, good_until = $4, claimed_until = $5"
                " where app_id = $1 and kind = $2 and claimed_until = $6",
                self.official.app_id,
                kind,
                sealed,
                at + timedelta(seconds=lent.seconds),
                at,
                at + CLAIM,
            )

        await self._database.transaction(work)

    async def _forget(self, kind: str, at: datetime) -> None:
        async def work(conn: db.Connection) -> int:
            return await db.run(
                conn,
                "update official_tickets set sealed = null, good_until = null, claimed_until = $3"
                " where app_id = $1 and kind = $2",
                self.official.app_id,
                kind,
                at,
            )

        await self._database.transaction(work)


def open_tickets(
    rails: Mapping[str, Mapping[str, Any]], database: db.Database, keyring: Keyring
) -> Tickets | None:
    """Those of the account in the settings ("wechat_official"), or None. Raises Misconfigured."""
    rail = rails.get("wechat_official")
    return Tickets(database, keyring, wechat_official.open_account(rail)) if rail else None
