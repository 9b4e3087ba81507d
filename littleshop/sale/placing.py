"""Placing an order: quoted, compared with what the person saw, and placed."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import provinces
from littleshop.crypto import Keyring
from littleshop.errors import Conflict, Refused
from littleshop.money import Money
from littleshop.pricing import facts as pricing_facts
from littleshop.pricing import quotes
from littleshop.pricing.facts import Loader, VariantFacts
from littleshop.pricing.offers import Asker
from littleshop.pricing.quotes import Agreed, Item, Quote
from littleshop.sale import discounting, flushing
from littleshop.sale.flushing import Answer, Flusher
from littleshop.trade import claims
from littleshop.trade.orders import Delivery

HOLD = timedelta(minutes=30)
HOLD_LAST = timedelta(minutes=10)  # the last of what can be had so many times keeps others out


class Said(msgspec.Struct, frozen=True):
    """What a page said beside its price: whether the shop is settled directly, which products
    can't come back without a reason, and why, and whether no rail has admitted the shop yet."""

    direct: bool
    no_return: dict[UUID, str]
    waits: bool = False


class Placing(msgspec.Struct, frozen=True):
    """What a buyer asks. `total_seen` is the sum on the page; `key` is the page's own, random;
    `device` the hash of the device's cookie; `address` where he asks from, as far as anybody
    knows. A new attempt with the same cart and phone replaces the buyer's own unpaid order."""

    shop_id: int
    items: tuple[Item, ...]
    way: str
    delivery: Delivery
    total_seen: Money
    key: str
    device: bytes
    locale: str
    note: str = ""
    cart_id: UUID | None = None
    share_code: str | None = None
    address: str | None = None
    said: Said | None = None  # None: nobody asked on a page
    waits: bool = False  # it holds nothing and is paid later: no rail has admitted the shop, or
    # (of another kind than checkout) somebody else is to pay
    kind: str = "checkout"
    spot: str = ""  # of a local delivery
    asker: Asker | None = None  # by what he has privileges and coupons here


class Placed(msgspec.Struct, frozen=True):
    """The order and the token of its link; a second press finds the same."""

    order_id: UUID
    number: int
    token: str


async def place(
    flusher: Flusher, loader: Loader, keyring: Keyring, placing: Placing, at: datetime
) -> Placed:
    """Quote, compare with what the person saw, and place.

    Raises Refused: what quotes.quote raises, price_changed(now=, seen=), terms_changed,
    stock_short(left=, title=), variant_gone, shop_closed; claim_held; hold_share(left=, title=),
    hold_person, hold_address, hold_lines(left=), hold_orders(left=) when too much of what is
    scarce would be held unpaid; Conflict when the page's key was used for another order; Busy;
    db.Unavailable.
    """
    try:
        answer = await _answer(flusher, loader, keyring, placing, at)
    except Refused:  # a second press may come too late for what its first one got
        known = await find(flusher.database, keyring, placing)
        if known is None:
            raise
        return known
    return _placed(keyring, placing, answer)


async def find(database: db.Database, keyring: Keyring, placing: Placing) -> Placed | None:
    """What this page's button placed before, whatever holds now. Raises Conflict as `place`."""
    async with database.connection() as conn:
        known = await flushing.known(
            conn, placing.shop_id, placing.key, _request_hash(placing, keyring)
        )
    return None if known is None else _placed(keyring, placing, known)


def _placed(keyring: Keyring, placing: Placing, answer: Answer) -> Placed:
    if answer.code == "conflict":
        raise Conflict("this page's key was used for another order")
    assert answer.order_id is not None and answer.number is not None
    return Placed(answer.order_id, answer.number, link(keyring, placing.shop_id, answer.order_id))


async def place_within(
    conn: db.Connection,
    keyring: Keyring,
    placing: Placing,
    *,
    pay_within: timedelta,
    agreed: Agreed | None = None,
    at: datetime,
) -> tuple[Placed, bool]:
    """Place one order of another kind than checkout, in the transaction of its flow, which locks
    what it claims before; and whether it is new: a second press finds the first one's.

    Raises what `place` raises, but Busy.
    """
    wanted = [item.variant_id for item in placing.items]
    facts = await pricing_facts.load(conn, placing.shop_id, wanted, placing.asker)
    quote = quotes.quote(
        facts, placing.items, placing.way, agreed, _code(placing), goes_to(placing)
    )
    if quote.total != placing.total_seen:
        raise Refused("price_changed", now=quote.total, seen=placing.total_seen)
    order = _order(placing, quote, keyring, at)
    items = [(1, *item) for item in _items(quote)]
    (answer,) = await flushing.place_orders(conn, [order], items, at + pay_within, at)
    if answer.code == "again":  # its cart was placed elsewhere meanwhile: that is locked now
        (answer,) = await flushing.place_orders(conn, [order], items, at + pay_within, at)
    if answer.code in ("again", "price_changed"):
        raise Refused("terms_changed")  # the shop changed between two statements: drawn anew
    _need_placed(answer, facts)
    return _placed(keyring, placing, answer), answer.order_id == order[1]


def link(keyring: Keyring, shop_id: int, order_id: UUID, role: str = "chooser") -> str:
    """A role's link token: derived, so that a message can carry it and a repeat finds it."""
    seed = str(order_id) if role == "chooser" else f"{order_id}:{role}"
    return ids.order_token(keyring.link_key, shop_id, seed)


async def _answer(
    flusher: Flusher,
    loader: Loader,
    keyring: Keyring,
    placing: Placing,
    at: datetime,
) -> Answer:
    wanted = [item.variant_id for item in placing.items]
    facts = await loader.facts(placing.shop_id, wanted, placing.asker)
    quote = quotes.quote(
        facts, placing.items, placing.way, code=_code(placing), to=goes_to(placing)
    )
    if quote.total != placing.total_seen:
        raise Refused("price_changed", now=quote.total, seen=placing.total_seen)
    if placing.said is not None and placing.said != said(quote, waits=placing.waits):
        raise Refused("terms_changed")
    order = _order(placing, quote, keyring, at)
    await _need_share(flusher.database, placing, quote, _origin(keyring, placing.address, at))
    answer = await flusher.place(order, _items(quote), at, at + HOLD)
    _need_placed(answer, facts)
    return answer


async def _need_share(
    database: db.Database, placing: Placing, quote: Quote, origin: bytes | None
) -> None:
    """Raises Refused as claims.need_share; nothing is read for who uses no scarce coupon."""
    coupons = [take.claim for take in quote.takes if take.kind == "coupon"]
    if coupons:
        async with database.connection() as conn:
            await claims.need_share(
                conn, placing.shop_id, coupons, placing.device, origin, placing.cart_id
            )


def where(delivery: Delivery) -> str:
    """The province's code that an order is charged for; a gift's is not known yet."""
    return provinces.code_of(delivery.province) or provinces.ELSEWHERE


def goes_to(placing: Placing) -> str:
    """The same of what is asked; of a local delivery its spot. Raises Refused local_where."""
    if placing.way == "local" and not placing.spot:
        raise Refused("local_where")
    return placing.spot if placing.way == "local" else where(placing.delivery)


def _code(placing: Placing) -> str:
    return placing.asker.code if placing.asker is not None else ""


def _need_placed(answer: Answer, facts: Mapping[UUID, VariantFacts]) -> None:
    if answer.code not in ("placed", "conflict"):
        known = facts.get(answer.variant_id) if answer.variant_id else None
        raise Refused(answer.code, left=answer.remaining, title=known.title if known else "")


def said(quote: Quote, *, waits: bool) -> Said:
    """What a page with this quote has to say."""
    facts = [line.facts for line in quote.lines if line.facts is not None]
    no_return = {each.product_id: each.no_return_why for each in facts if each.no_return_why}
    return Said(any(each.direct for each in facts), no_return, waits)


def _order(placing: Placing, quote: Quote, keyring: Keyring, at: datetime) -> tuple[object, ...]:
    delivery, order_id = placing.delivery, ids.uuid7(at)
    return (
        placing.shop_id,
        order_id,
        ids.hashed(placing.key),
        _request_hash(placing, keyring),
        keyring.index(delivery.phone),
        keyring.seal(delivery.phone),
        delivery.seal(keyring),
        "pickup" if quote.way == "local" else quote.way,  # given by hand, against a code
        quote.total.currency,
        placing.locale,
        quote.pricing_version,
        quote.goods.minor,
        quote.shipping.minor,
        quote.total.minor,
        placing.note,
        placing.cart_id,
        placing.share_code,
        ids.hashed(link(keyring, placing.shop_id, order_id)),
        placing.device,
        _origin(keyring, placing.address, at),
        placing.waits,
        placing.kind,
        *discounting.of_order(quote),
    )


def _origin(keyring: Keyring, address: str | None, at: datetime) -> bytes | None:
    """Three bytes by which orders of one address find each other within a day: enough to count
    them in one shop, and 256 addresses share each of them, another 256 tomorrow."""
    if address is None:
        return None
    return hmac.digest(keyring.link_key, f"origin:{at.date()}:{address}".encode(), "sha256")[:3]


def _request_hash(placing: Placing, keyring: Keyring) -> bytes:
    """What the page's key stands for: the same key with another hash is a Conflict."""
    asked = (
        placing.items,
        placing.way,
        placing.delivery,
        placing.total_seen,
        placing.note,
        *((placing.kind,) if placing.kind != "checkout" else ()),
        *(("waits",) if placing.kind == "invitation" and placing.waits else ()),
    )
    return hmac.digest(keyring.link_key, msgspec.json.encode(asked), "sha256")


def _items(quote: Quote) -> list[tuple[object, ...]]:
    return [
        (
            line.facts.product_id,
            line.facts.variant_id,
            line.facts.title,
            line.facts.choice,
            line.facts.photo,
            line.facts.price_minor,
            line.quantity,
            line.off,
            line.opened,
        )
        for line in quote.lines
        if line.facts is not None
    ]
