"""Verifying: what the authority says of a legal person and of a bank card.

The question was written by `opening.identify`, `opening.bind_card` or `changing_card.ask`. The jobs
here read it, make the wire call outside any transaction, and write the answer once. Asking again is
harmless: the authority keeps no state of ours, and only a question still open takes an answer.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime
from functools import partial

from littleshop import jobs
from littleshop.crypto import Keyring
from littleshop.db import Connection, Database
from littleshop.entry import admitting, changing_card, handing_over
from littleshop.errors import GatewayError
from littleshop.identity.verifier import Verdict, Verifier
from littleshop.shop import cards, merchants
from littleshop.shop.cards import BankCard

SEND_IDENTITY = "opening.send_identity"
SEND_CARD = "opening.send_card"


async def send_identity(
    database: Database,
    keyring: Keyring,
    verifier: Verifier | None,
    *,
    shop_id: int,
    check_id: str,
    at: datetime,
) -> None:
    """Ask whether the legal name belongs to the ID number, and hear. Raises GatewayError."""
    asked = uuid.UUID(check_id)
    async with database.connection() as conn:
        merchant = await merchants.find(conn, shop_id)
    if merchant is None or merchant.check_id != asked or merchant.verdict != "asked":
        return
    verdict = await _need(verifier).verify(
        keyring.open(merchant.name_sealed), keyring.open(merchant.id_number_sealed)
    )
    await hear_identity(database, shop_id, asked, verdict, at=at)


async def hear_identity(
    database: Database, shop_id: int, check_id: uuid.UUID, verdict: Verdict, *, at: datetime
) -> bool:
    """Write the answer about the legal person; False when it was answered before."""

    async def hear(conn: Connection) -> bool:
        return await merchants.hear(
            conn, shop_id, check_id, matched=verdict.match, reason=verdict.reason or "", at=at
        )

    return await database.transaction(hear)


async def send_card(
    database: Database,
    keyring: Keyring,
    verifier: Verifier | None,
    *,
    shop_id: int,
    card_id: str,
    at: datetime,
) -> None:
    """Ask whether name, ID number, card and reserved phone belong together, and hear.

    Raises GatewayError.
    """
    asked = uuid.UUID(card_id)
    async with database.connection() as conn:
        card = await cards.get(conn, shop_id, asked)
        merchant = await merchants.find(conn, shop_id)
    if card is None or merchant is None or card.verdict != "asked":
        return
    verdict = await _need(verifier).verify(
        keyring.open(card.holder_sealed),
        keyring.open(merchant.id_number_sealed),
        keyring.open(card.number_sealed),
        keyring.open(card.phone_sealed),
    )
    await hear_card(database, keyring, card, verdict, at=at)


async def hear_card(
    database: Database, keyring: Keyring, card: BankCard, verdict: Verdict, *, at: datetime
) -> bool:
    """Write the answer about the card; False when it was answered before. One that is asked about
    beside the card in use is to take its place."""
    matched, reason = verdict.match, verdict.reason or ""

    async def hear(conn: Connection) -> bool:
        if card.active:
            heard = await cards.hear(
                conn, card.shop_id, card.card_id, matched=matched, reason=reason, at=at
            )
            if heard and matched:
                await handing_over.payee_verified(conn, card, at)
            return heard
        return await changing_card.hear(conn, keyring, card, matched=matched, reason=reason, at=at)

    return await database.transaction(hear)


def _need(verifier: Verifier | None) -> Verifier:
    if verifier is None:  # the job waits and is held, the shop sells meanwhile, nothing is paid
        raise GatewayError("no identity verifier is configured", retryable=True)
    return verifier


def tasks(
    verifier: Verifier | None, keyring: Keyring, admitted_by: Collection[str] = ()
) -> dict[str, jobs.Task]:
    """The jobs of this flow; the authority may be away for a night. `admitted_by` are the
    institutions that are asked to admit the seller once both answers are in."""

    async def identity(context: jobs.Context, *, shop_id: int, check_id: str) -> None:
        await send_identity(
            context.database, keyring, verifier, shop_id=shop_id, check_id=check_id, at=context.at
        )
        await admit(context, shop_id)

    async def card(context: jobs.Context, *, shop_id: int, card_id: str) -> None:
        await send_card(
            context.database, keyring, verifier, shop_id=shop_id, card_id=card_id, at=context.at
        )
        await admit(context, shop_id)

    async def admit(context: jobs.Context, shop_id: int) -> None:
        if admitted_by:
            await context.database.transaction(
                partial(admitting.begin, shop_id=shop_id, gateways=admitted_by, at=context.at)
            )

    return {
        SEND_IDENTITY: jobs.Task(identity, attempts=20),
        SEND_CARD: jobs.Task(card, attempts=20),
        changing_card.SEND: jobs.Task(card, attempts=20),
    }
