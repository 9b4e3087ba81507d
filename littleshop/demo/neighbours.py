"""What the town says: reviews of who received, followers, a note, a coupon, a talk in each shop.

Written through the same functions as the pages do, after the orders that it is about were played.
The words are in said.json; who says them are the buyers of the plan.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from littleshop import db, demo, ids
from littleshop.crypto import mask_name
from littleshop.customers import coupons, customers, privileges
from littleshop.demo import Store
from littleshop.demo.past import Past, done, mark
from littleshop.demo.planning import Plan, Wish
from littleshop.demo.playing import Stage
from littleshop.sale import talking
from littleshop.shop import staff
from littleshop.social import follows
from littleshop.trade import conversations, orders, reviews
from littleshop.trade.conversations import Begun
from littleshop.trade.reviews import Photo

_SPACE = UUID("6f1d4a52-1f0e-4b7e-9a53-2b8b6c0d9e31")
_SAID = Path(__file__).with_name("said.json")


class Opinion(msgspec.Struct, frozen=True):
    """What is said of a thing, and what its seller answers, "" for not yet."""

    goods: str
    stars: int
    words: str
    photo: bool
    answer: str


class Coupon(msgspec.Struct, frozen=True):
    """So much off, in minor units, from so much on."""

    code: str
    label: str
    off_minor: int
    least_minor: int


class Privilege(msgspec.Struct, frozen=True):
    """A part off for one customer, in basis points."""

    label: str
    off_bps: int


class Words(msgspec.Struct, frozen=True):
    """What is said in one shop; a talk begins with its buyer, and they take turns."""

    reviews: tuple[Opinion, ...]
    followers: int
    tags: tuple[str, ...]
    notes: str
    coupon: Coupon
    privilege: Privilege
    talk: tuple[str, ...]


def as_written() -> dict[str, Words]:
    """The words by shop; raises msgspec.ValidationError when the file is not what it should be."""
    return msgspec.json.decode(_SAID.read_bytes(), type=dict[str, Words])


async def speak(past: Past, stage: Stage, plan: Plan) -> None:
    """All that is said in a shop, once."""
    words, name = as_written().get(plan.store.slug), f"said {plan.store.slug}"

    async def whole(conn: db.Connection) -> None:
        if words is None or await done(conn, name):
            return
        owner = (await staff.of_shop(conn, stage.shop_id))[0].person_id
        for opinion in words.reviews:
            await _review(conn, stage, plan, opinion, owner)
        await _follow(conn, stage, plan, words.followers)
        await _favour(conn, stage, plan, words, owner)
        await _talk(conn, stage, plan, words.talk, owner)
        await mark(conn, name, plan.until)

    await past.transaction(whole)


async def _review(
    conn: db.Connection, stage: Stage, plan: Plan, opinion: Opinion, owner: UUID
) -> None:
    """Whoever received the thing last and said nothing yet; nobody when nobody did."""
    line = await conn.fetchrow(
        "select i.order_id, i.position from order_items i"
        " join orders o on o.shop_id = $1 and o.order_id = i.order_id"
        " where i.shop_id = $1 and i.product_id = $2 and o.status in ('received', 'closed')"
        "   and o.received_at < $3 and not exists (select from reviews r"
        "     where r.shop_id = $1 and r.order_id = i.order_id)"
        " order by o.received_at desc, i.position limit 1",
        stage.shop_id,
        stage.product_ids[opinion.goods],
        plan.until - timedelta(days=2),
    )
    order = await orders.get(conn, stage.shop_id, line["order_id"]) if line else None
    if line is None or order is None or order.received_at is None:
        return
    to = order.delivery(stage.keyring)
    at = order.received_at + timedelta(days=1, hours=2)
    said = reviews.Said(opinion.stars, opinion.words, _photos(plan.store, opinion))
    written = await reviews.write(
        conn, order, line["position"], said,
        name=mask_name(to.name), device=_device(stage, to.phone), at=at,
    )  # fmt: skip
    if opinion.answer:
        at += timedelta(hours=5)
        review_id = written.review_id
        await reviews.answer(conn, stage.shop_id, review_id, opinion.answer, by=owner, at=at)


def _photos(store: Store, opinion: Opinion) -> tuple[Photo, ...]:
    if not opinion.photo:
        return ()
    keys = next(goods.pictures for goods in store.products if goods.key == opinion.goods)
    shown = demo.picture(keys[1 if opinion.stars == 5 and len(keys) > 1 else 0])
    return (Photo(shown.hash, shown.width, shown.height, shown.colour),)


def _device(stage: Stage, phone: str) -> bytes:
    return ids.hashed(stage.keyring.sign(f"demo device {phone}"))


def _buyers(plan: Plan) -> list[Wish]:
    """The last order of everybody who paid and received, the latest first."""
    last: dict[str, Wish] = {}
    for wish in plan.wishes:
        if wish.fate in ("received", "silent") and wish.ends_at <= plan.until:
            last[wish.buyer.delivery.phone] = wish
    return sorted(last.values(), key=lambda wish: wish.placed_at, reverse=True)


async def _follow(conn: db.Connection, stage: Stage, plan: Plan, most: int) -> None:
    keyring = stage.keyring
    for wish in _buyers(plan)[:most]:
        phone = wish.buyer.delivery.phone
        await follows.follow(
            conn, stage.shop_id, keyring.index(phone), keyring.seal(phone),
            device=_device(stage, phone), key=keyring.link_key, locale=wish.buyer.locale,
            at=wish.ends_at, proven=True,
        )  # fmt: skip


async def _favour(conn: db.Connection, stage: Stage, plan: Plan, words: Words, owner: UUID) -> None:
    """What the seller wrote down of the last buyers, and gave: a coupon to all, a part to one."""
    at, shop_id = plan.until - timedelta(days=2), stage.shop_id
    known = [stage.keyring.index(wish.buyer.delivery.phone) for wish in _buyers(plan)[:3]]
    for place, index in enumerate(known):
        notes = "" if place else words.notes
        await customers.describe(conn, shop_id, index, notes, words.tags[: 2 - place % 2])
    coupon, off = words.coupon, words.privilege
    draft = coupons.Draft(
        coupon.code, coupon.label, at, off_minor=coupon.off_minor, least_minor=coupon.least_minor
    )
    await coupons.make(conn, shop_id, _id(plan, "coupon"), draft, person_id=owner, at=at)
    if known:
        given = privileges.Draft("percent", off.label, at, known[0], off_bps=off.off_bps)
        await privileges.give(conn, shop_id, _id(plan, "privilege"), given, person_id=owner, at=at)


async def _talk(
    conn: db.Connection, stage: Stage, plan: Plan, talk: tuple[str, ...], owner: UUID
) -> None:
    """About the first thing on the shelf; the last word is not read yet when it is a buyer's."""
    if not (people := _buyers(plan)):
        return
    buyer, shop_id = people[0].buyer, stage.shop_id
    device = _device(stage, buyer.delivery.phone)
    thing = stage.product_ids[plan.store.products[0].key]
    own = conversations.identity(shop_id, "product", thing, device.hex())
    at = plan.until - timedelta(hours=3)
    begun = Begun("product", thing, buyer.locale, name=buyer.delivery.name)
    await talking.begin(conn, stage.keyring, shop_id, own, begun, device, at)
    for place, words in enumerate(talk):
        await _say(conn, stage, plan, own, place, words, owner, at + timedelta(minutes=7 * place))


async def _say(
    conn: db.Connection,
    stage: Stage,
    plan: Plan,
    own: UUID,
    place: int,
    words: str,
    owner: UUID,
    at: datetime,
) -> None:
    await conversations.say(
        conn, stage.shop_id, own, _id(plan, f"remark {place}"), words=words, at=at,
        by_whom="seller" if place % 2 else "buyer", person_id=owner if place % 2 else None,
    )  # fmt: skip


def _id(plan: Plan, name: str) -> UUID:
    return ids.derived(_SPACE, f"{plan.store.slug} {name}")
