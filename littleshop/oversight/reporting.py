"""Reporting: an operator looks at what people reported: leaves it, takes it down, answers appeals.

A product that is taken down is hidden with a reason that its seller reads; he may appeal once, in
words, and the answer is the last word. A review that is taken down is gone from the pages; nobody
else can do that. Whatever was done stands in the log of acts.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import products, takedowns
from littleshop.catalog.takedowns import Takedown
from littleshop.errors import NotFound, Refused
from littleshop.oversight import acts
from littleshop.risk import reports, telling
from littleshop.risk.reports import Outcome, Reported
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.trade import reviews
from littleshop.trade.reviews import Shown

_SPACE = UUID("7f1b3a0c-9d2e-4f6a-8b11-5c0d2e9a4f33")  # of takedown ids


class Seen(msgspec.Struct, frozen=True):
    """What was reported with the shop it belongs to, and the thing itself: a product's title, or
    a review; `down` when a product is off the shelf already."""

    reported: Reported
    shop: Shop
    title: str = ""
    review: Shown | None = None
    down: bool = False


class Appealed(msgspec.Struct, frozen=True):
    """A seller's appeal that waits for an answer."""

    takedown: Takedown
    shop: Shop
    title: str


async def waiting(conn: db.Connection) -> list[Seen]:
    """Everything reported of which nobody decided yet, what waits longest first."""
    return [await _seen(conn, each) for each in await reports.waiting(conn)]


async def _seen(conn: db.Connection, reported: Reported) -> Seen:
    shop = await shops.get(conn, reported.shop_id)
    if reported.about == "review":
        found = await reviews.find(conn, reported.shop_id, UUID(reported.subject))
        return Seen(reported, shop, found.title if found else "", found)
    if reported.about == "product":
        product_id = UUID(reported.subject)
        product = await products.get(conn, reported.shop_id, product_id)
        down = await takedowns.of_product(conn, reported.shop_id, product_id)
        return Seen(reported, shop, product.title, down=down is not None)
    return Seen(reported, shop)


async def appeals(conn: db.Connection) -> list[Appealed]:
    """Appeals that nobody answered, the oldest first."""
    found = []
    for each in await takedowns.appealed(conn):
        product = await products.get(conn, each.shop_id, each.product_id)
        found.append(Appealed(each, await shops.get(conn, each.shop_id), product.title))
    return found


def subject(shop_id: int, about: str, thing: str) -> str:
    """What the log calls a reported thing."""
    return f"{about}/{shop_id}/{thing}" if thing else f"{about}/{shop_id}"


async def dismiss(
    conn: db.Connection,
    operator: UUID,
    shop_id: int,
    about: str,
    thing: str,
    *,
    reason: str,
    at: datetime,
) -> None:
    """Nothing is wrong with it. Raises Refused report_decided, reason_short; NotFound."""
    await _close(conn, operator, shop_id, about, thing, "dismissed", reason, at)


async def settle(
    conn: db.Connection,
    operator: UUID,
    shop_id: int,
    about: str,
    thing: str,
    *,
    reason: str,
    at: datetime,
) -> None:
    """It was dealt with elsewhere (a word with the seller, a hold). Raises as `dismiss`."""
    await _close(conn, operator, shop_id, about, thing, "settled", reason, at)


async def _close(
    conn: db.Connection,
    operator: UUID,
    shop_id: int,
    about: str,
    thing: str,
    outcome: Outcome,
    reason: str,
    at: datetime,
) -> None:
    shop = await shops.get(conn, shop_id)
    closed = await reports.decide(conn, shop_id, about, thing, outcome, by=operator, at=at)
    kind = "report_dismissed" if outcome == "dismissed" else "report_settled"
    await acts.record(
        conn, operator, kind, subject(shop_id, about, thing),
        reason=reason, at=at, shop_id=shop_id, shop=shop.name, reports=closed,
    )  # fmt: skip


async def take_down(
    conn: db.Connection,
    operator: UUID,
    shop_id: int,
    about: str,
    thing: str,
    *,
    reason: str,
    at: datetime,
) -> None:
    """Off the pages: a product with `reason` for its seller, a review with it for its writer.

    Raises Refused: report_decided, review_down, reason_short; NotFound for what cannot be.
    """
    why = acts.why(reason)
    shop = await shops.get(conn, shop_id)
    if about == "product":
        title = await _take_product(conn, operator, shop_id, _id(thing), why, at)
    elif about == "review":
        await reviews.take_down(conn, shop_id, _id(thing), why=why, by=operator, at=at)
        title = ""
    else:
        raise NotFound("report")
    closed = await reports.decide(conn, shop_id, about, thing, "taken_down", by=operator, at=at)
    await acts.record(
        conn, operator, f"{about}_taken_down", subject(shop_id, about, thing),
        reason=why, at=at, shop_id=shop_id, shop=shop.name, name=title, reports=closed,
    )  # fmt: skip


async def _take_product(
    conn: db.Connection, operator: UUID, shop_id: int, product_id: UUID, why: str, at: datetime
) -> str:
    """Hide a product and tell its seller; its title."""
    product = await products.get(conn, shop_id, product_id)
    takedown_id = ids.derived(_SPACE, f"{shop_id}:{product_id}:{at.isoformat()}")
    if await takedowns.take_down(
        conn, shop_id, product_id, takedown_id, why=why, by=operator, at=at
    ):
        await telling.taken_down(conn, shop_id, takedown_id, product_id, product.title, at)
    return product.title


def _id(thing: str) -> UUID:
    try:
        return UUID(thing)
    except ValueError:
        raise NotFound("report") from None


async def answer(
    conn: db.Connection,
    operator: UUID,
    shop_id: int,
    takedown_id: UUID,
    *,
    put_back: bool,
    reason: str,
    at: datetime,
) -> None:
    """The last word on an appeal: it stays down, or the product is put back as it was.

    Raises Refused takedown_ended, not_appealed, reason_short; NotFound.
    """
    why = acts.why(reason)
    found = await takedowns.get(conn, shop_id, takedown_id)
    if found.appealed_at is None:
        raise Refused("not_appealed")
    shop = await shops.get(conn, shop_id)
    product = await products.get(conn, shop_id, found.product_id)
    await takedowns.answer(conn, shop_id, takedown_id, words=why, put_back=put_back, at=at)
    if put_back:
        await telling.put_back(conn, shop_id, takedown_id, found.product_id, product.title, at)
    await acts.record(
        conn, operator, "product_put_back" if put_back else "appeal_refused",
        subject(shop_id, "product", str(found.product_id)),
        reason=why, at=at, shop_id=shop_id, shop=shop.name, name=product.title,
    )  # fmt: skip
