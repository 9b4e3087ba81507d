"""Playing a shop's plan: every order lives its life through the flows, at its own times.

One transaction holds one order's whole life up to the end of the plan, so it is there or not;
its key is derived from our keys and its place in the plan, so a second start knows it.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from littleshop import db, ids
from littleshop.catalog import products, stock
from littleshop.clock import SHANGHAI, BusinessCalendar
from littleshop.crypto import Keyring
from littleshop.demo.past import Held, Past, done, mark
from littleshop.demo.planning import Plan, Wish, moments
from littleshop.insights.visits import Place, Visits
from littleshop.pricing import quotes
from littleshop.pricing.facts import Loader
from littleshop.pricing.quotes import Item
from littleshop.sale import (
    delivering,
    flushing,
    paying,
    placing,
    receiving,
    refunding,
    shipping,
    ticking,
)
from littleshop.sale.flushing import Flusher
from littleshop.sale.paying import Paid
from littleshop.sale.placing import Placed, Placing
from littleshop.trade import deliveries, orders, timers, trackings
from littleshop.trade.trackers import Scan, Told

UNOPENED = timedelta(hours=14)  # between the parcel's arrival and its buyer's word
REMEMBERED = timedelta(days=12)
STEPS = (
    (timedelta(), "picked_up", "【杭州市】快件已揽收"),
    (timedelta(hours=3), "in_transit", "【杭州市】快件已发往下一站"),
    (timedelta(hours=14), "in_transit", "【本地转运中心】快件已到达"),
    (timedelta(hours=22), "out_for_delivery", "快递员正在派送，请保持电话畅通"),
    (timedelta(hours=24), "delivered", "已签收，感谢使用"),
)
CALLED_OFF = {  # what a seller writes to his buyer
    "zh": "打包时发现少了一件，抱歉",
    "en": "One was missing when I packed it. Sorry!",
}
CARRIERS = (("sf", "SF1408", 9), ("zto", "7568", 10), ("yto", "YT88", 11), ("yunda", "4630", 11))


@dataclass(frozen=True)
class Stage:
    """A furnished shop to play in: its number, what its goods are called, its shares' codes."""

    shop_id: int
    keyring: Keyring
    calendar: BusinessCalendar
    variants: Mapping[tuple[str, int], UUID]
    product_ids: Mapping[str, UUID]
    codes: Sequence[str]


async def play(past: Past, stage: Stage, plan: Plan) -> None:
    """All of a shop's plan that is not played yet."""
    await past.transaction(lambda conn: _receive_goods(conn, stage, plan))
    for wish in plan.wishes:

        async def live(conn: db.Connection, wish: Wish = wish) -> None:
            await _live(conn, stage, plan, wish)

        await past.transaction(live)
    await past.transaction(lambda conn: _come_by(conn, stage, plan))


async def _receive_goods(conn: db.Connection, stage: Stage, plan: Plan) -> None:
    """Each Monday's delivery to the shop: what the plan sells, so that today's shelf is right."""
    name = f"goods {plan.store.slug}"
    if await done(conn, name):
        return
    for week, wishes in groupby(plan.wishes, lambda wish: wish.placed_at.isocalendar()[:2]):
        leaving: dict[UUID, int] = defaultdict(int)
        first = None
        for wish in wishes:
            first = first or wish.placed_at
            if wish.fate in ("received", "silent", "waits"):
                for want in wish.items:
                    leaving[stage.variants[want.goods, want.variant]] += want.quantity
        assert first is not None, week
        at = first - timedelta(minutes=40)
        for variant_id, pieces in sorted(leaving.items()):
            await stock.move(conn, stage.shop_id, variant_id, pieces, reason="received", at=at)
    await mark(conn, name, plan.until)


async def _live(conn: db.Connection, stage: Stage, plan: Plan, wish: Wish) -> None:
    """One order from its placing to wherever it stands at the plan's end."""
    placed = await _place(conn, stage, plan, wish)
    if placed is None:
        return
    if wish.fate != "unpaid" or wish.number % 2:  # half of those who do not pay look at the rail
        await _pay(conn, stage, plan, wish, placed)
    if wish.leaves_at <= plan.until:
        await _strike(conn, stage, placed, wish.leaves_at)
        await _leave(conn, stage, wish, placed)
        await _travel(conn, stage, wish, placed, plan.until)
    if wish.fate == "received" and wish.ends_at <= plan.until:
        await _strike(conn, stage, placed, wish.ends_at)
        if wish.way == "courier":
            await receiving.receive(
                conn,
                stage.shop_id,
                placed.order_id,
                by="buyer",
                at=wish.ends_at,
            )
    await _strike(conn, stage, placed, plan.until)


async def _place(conn: db.Connection, stage: Stage, plan: Plan, wish: Wish) -> Placed | None:
    """Place it as the checkout does; None when that was done before."""
    held = Held(conn)
    flusher, loader = Flusher(held), Loader(held)
    key = stage.keyring.sign(f"demo order {plan.store.slug} {wish.number}")
    if await flushing.known(conn, stage.shop_id, key, b""):
        return None
    items = tuple(
        Item(stage.variants[want.goods, want.variant], want.quantity) for want in wish.items
    )
    facts = await loader.facts(stage.shop_id, [item.variant_id for item in items])
    delivery = wish.buyer.delivery
    if wish.way == "pickup":
        delivery = orders.Delivery(delivery.name, delivery.phone)
    placing_ = Placing(
        shop_id=stage.shop_id,
        items=items,
        way=wish.way,
        delivery=delivery,
        total_seen=quotes.quote(facts, items, wish.way, to=placing.where(delivery)).total,
        key=key,
        device=ids.hashed(stage.keyring.sign(f"demo device {delivery.phone}")),
        locale=wish.buyer.locale,
        share_code=None if wish.share is None else stage.codes[wish.share],
    )
    return await placing.place(flusher, loader, stage.keyring, placing_, wish.placed_at)


async def _pay(conn: db.Connection, stage: Stage, plan: Plan, wish: Wish, placed: Placed) -> None:
    """Press pay, and hear the rail's answer unless the buyer turned away."""
    shop_id, order_id = stage.shop_id, placed.order_id
    asked_at = wish.placed_at + (wish.pays_at - wish.placed_at) / 3
    if wish.fate == "withdrawn":
        await paying.withdraw(conn, shop_id, order_id, wish.pays_at)
        return
    payment = await paying.ask(
        conn, shop_id, order_id, gateway="alipay", method=wish.method, at=asked_at
    )
    if wish.fate != "unpaid":
        number = trade_no(payment.reference, wish.pays_at)
        paid = Paid(payment.reference, payment.amount, number, wish.pays_at)
        said = await paying.hear(conn, shop_id, paid, wish.pays_at)
        assert said == "accepted", said


def trade_no(reference: str, at: datetime) -> str:
    """What the rail called the trade: its day, then digits that follow from our reference."""
    number = int.from_bytes(hashlib.sha256(reference.encode()).digest()[:8], "big")
    return f"{at.astimezone(SHANGHAI):%Y%m%d}22001{number % 10**15:015}"


async def _leave(conn: db.Connection, stage: Stage, wish: Wish, placed: Placed) -> None:
    """The parcel leaves, is fetched, or the sale is called off before."""
    shop_id, order_id, at = stage.shop_id, placed.order_id, wish.leaves_at
    if wish.fate == "called_off":
        # its sellers are never so late that a buyer might
        reason = CALLED_OFF["zh" if wish.buyer.locale.startswith("zh") else "en"]
        await refunding.call_off(conn, shop_id, order_id, by="seller", reason=reason, at=at)
    elif wish.fate not in ("received", "silent"):
        return
    elif wish.way == "pickup":
        await shipping.hand_over(
            conn,
            shop_id,
            order_id,
            code=shipping.pickup_code(stage.keyring, shop_id, order_id),
            keyring=stage.keyring,
            at=at,
        )
    else:
        carrier, head, tail = CARRIERS[wish.number % len(CARRIERS)]
        digits = int.from_bytes(order_id.bytes[8:], "big") % 10**tail
        await shipping.ship(
            conn, shop_id, order_id, carrier=carrier, number=f"{head}{digits:0{tail}}", at=at
        )


async def _travel(
    conn: db.Connection, stage: Stage, wish: Wish, placed: Placed, until: datetime
) -> None:
    """The parcel's way, told when it is there: a while before its buyer says so, else after a day.
    Of those that left long ago nobody remembers it."""
    sent = await deliveries.of_order(conn, stage.shop_id, placed.order_id)
    if not sent or wish.way != "courier":
        return
    await timers.cancel(conn, stage.shop_id, sent[0].parcel_id)
    arrives = wish.leaves_at + STEPS[-1][0]
    if wish.fate == "received":
        arrives = max(arrives, wish.ends_at - UNOPENED)
    tracking = await trackings.get(conn, stage.shop_id, sent[0].parcel_id)
    if arrives > until or tracking is None:
        return
    if until - arrives > REMEMBERED:
        await trackings.settle(conn, stage.shop_id, sent[0].parcel_id, "over")
        return
    began = arrives - STEPS[-1][0]
    scans = tuple(Scan(began + after, state, words) for after, state, words in STEPS)
    told = Told(sent[0].tracking_number, scans, over=True)
    await _strike(conn, stage, placed, arrives)
    await delivering.hear(conn, stage.keyring, tracking, told, arrives)


async def _strike(conn: db.Connection, stage: Stage, placed: Placed, until: datetime) -> None:
    """The order's clocks that strike by `until`, each at its own time."""
    while clocks := await timers.of(conn, stage.shop_id, placed.order_id):
        if clocks[0].due_at > until:
            return
        await ticking.tick(conn, clocks[0], clocks[0].due_at)


async def _come_by(conn: db.Connection, stage: Stage, plan: Plan) -> None:
    """The visitors of all days, noted as the pages note them."""
    name = f"visits {plan.store.slug}"
    if await done(conn, name):
        return
    counted = Visits(Held(conn))
    rng = random.Random(name)
    for crowd in plan.crowds:
        for share, count in [(None, crowd.alone), *enumerate(crowd.by_share)]:
            for at in moments(rng, crowd.day, count):
                if at < plan.until - timedelta(seconds=30):
                    _walk(rng, counted, stage, plan, share, at.timestamp())
        await counted.flush()
    await mark(conn, name, plan.until)


def _walk(
    rng: random.Random, counted: Visits, stage: Stage, plan: Plan, share: int | None, at: float
) -> None:
    """What one visitor looks at: where the link leads, a few more things, or only the door."""
    code = None if share is None else stage.codes[share]
    shared = None if share is None else plan.store.shares[share].product
    pages: list[str | None] = [shared]
    if rng.random() < 0.62:
        goods = [each for each in plan.store.products if each.status == "on_sale"]
        liked = [each.popularity for each in goods]
        more = rng.choices(goods, liked, k=rng.choices((1, 2, 4), (60, 28, 12))[0])
        pages += [each.key for each in more]
    visitor = rng.randbytes(8).hex().encode()
    for page, key in enumerate(pages):
        place = _place_of(stage, plan, key, None if page else code)
        counted.note(place, visitor, at + 20 * page)
        if rng.random() < 0.15:  # and comes back to it
            counted.note(place, visitor, at + 20 * page + 11)
    if any(pages) and rng.random() < 0.07:
        counted.note(Place(stage.shop_id, plan.store.zone, basket=True), visitor, at + 100)


def _place_of(stage: Stage, plan: Plan, key: str | None, code: str | None) -> Place:
    product = None if key is None else str(stage.product_ids[key])
    return Place(stage.shop_id, plan.store.zone, product, code)


async def variant_ids(
    conn: db.Connection, shop_id: int, product_ids: Mapping[str, UUID]
) -> dict[tuple[str, int], UUID]:
    """A shop's variants by the key of their product and their place in it."""
    return {
        (key, place): variant.variant_id
        for key, product_id in product_ids.items()
        for place, variant in enumerate(await products.variants(conn, shop_id, product_id))
    }
