"""Telling the two sides of an order what happened: who they are, and the facts of the sentence."""

from __future__ import annotations

from datetime import datetime

from littleshop import db
from littleshop.customers import customers
from littleshop.identity import people
from littleshop.notify import live, messages, subscriptions
from littleshop.notify.live import Event
from littleshop.notify.messages import Fact, Recipient
from littleshop.shop import shops, staff
from littleshop.trade import carriers
from littleshop.trade.orders import Order


async def seller(
    conn: db.Connection,
    order: Order,
    about: str,
    at: datetime,
    *,
    occasion: str = "",
    **facts: Fact,
) -> None:
    """Tell the shop's staff, each in his language, and every console that is open now.

    The same is told once per order and `occasion` (a day, the number of a case)."""
    shop = await shops.get(conn, order.shop_id)
    ids = [member.person_id for member in await staff.of_shop(conn, order.shop_id)]
    browsers = await subscriptions.of(conn, order.shop_id, ids)
    for person_id in ids:
        person = await people.get(conn, person_id)
        if person is None:
            continue
        push = tuple(browsers.get(person_id, ()))
        to = Recipient(person.person_id, person.phone_sealed, person.locale, push)
        await messages.send(
            conn,
            order.shop_id,
            [to],
            about=about,
            subject=order.order_id,
            at=at,
            occasion=occasion,
            shop=shop.name,
            number=order.number,
            amount=order.total,
            url=f"/console/{order.shop_id}/orders/{order.number}",
            **facts,
        )
    event = Event(about, str(order.number))
    await live.publish(conn, order.shop_id, event, at=at)


async def buyer(
    conn: db.Connection,
    order: Order,
    about: str,
    at: datetime,
    *,
    carrier: str = "",
    occasion: str = "",
    **facts: Fact,
) -> None:
    """Tell the phone that ordered; the courier is named in the buyer's language."""
    customer = await customers.get(conn, order.shop_id, order.phone_index)
    if customer is None:
        return
    shop = await shops.get(conn, order.shop_id)
    courier = carriers.CARRIERS.get(carrier)
    if courier is not None:
        facts["carrier"] = courier.name(order.locale)
    known: dict[str, Fact] = {"shop": shop.name, "number": order.number, "amount": order.total}
    await messages.send(
        conn,
        order.shop_id,
        [Recipient(None, customer.phone_sealed, order.locale)],
        about=about,
        subject=order.order_id,
        at=at,
        occasion=occasion,
        **(known | facts),
    )
