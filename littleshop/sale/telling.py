"""Telling the two sides of an order what happened: who they are, and the facts of the sentence."""

from __future__ import annotations

from datetime import datetime, timedelta

from littleshop import db
from littleshop.customers import customers
from littleshop.identity import people
from littleshop.notify import live, messages, subscriptions
from littleshop.notify.live import Event
from littleshop.notify.messages import Fact, Recipient
from littleshop.sale import alerting
from littleshop.shop import shops, staff
from littleshop.supply import resales
from littleshop.trade import carriers, gifts
from littleshop.trade.orders import Order

# Of a gift that was claimed its recipient hears of the parcel and of what he asked for.
_RECIPIENT_ALONE = frozenset(
    {
        "order_shipped",
        "order_delivered",
        "order_handed_over",
        "order_done",
        "goods_ready",
        "auto_confirm_soon",
        "case_send_back",
        "case_refused",
        "case_replaced",
        "case_decided",
    }
)
# What both hear its giver hears with the amount, and the recipient in other words.
_IN_OTHER_WORDS = {
    "gift_claimed": "gift_is_yours",
    "goods_ready": "gift_ready",
    "case_agreed": "gift_agreed",
    "order_cancelled": "gift_off",
}
_FOR_RECIPIENT = _RECIPIENT_ALONE | set(_IN_OTHER_WORDS)


async def seller(
    conn: db.Connection,
    order: Order,
    about: str,
    at: datetime,
    *,
    occasion: str = "",
    **facts: Fact,
) -> None:
    """Tell the shop's staff, each in his language, and every console that is open now; what must
    be seen climbs (alerting.py).

    The same is told once per order and `occasion` (a day, the number of a case)."""
    url = f"/console/{order.shop_id}/orders/{order.number}"
    known: dict[str, Fact] = {"number": order.number, "amount": order.total, "url": url, **facts}
    if about in alerting.CLIMBING:
        await alerting.tell(
            conn, order.shop_id, about, order.order_id, at, occasion=occasion, climbs=True, **known
        )
    else:
        await _tell_all(conn, order, about, at, occasion, known)
    event = Event(about, str(order.number))
    await live.publish(conn, order.shop_id, event, at=at)


async def _tell_all(
    conn: db.Connection,
    order: Order,
    about: str,
    at: datetime,
    occasion: str,
    facts: dict[str, Fact],
) -> None:
    shop = await shops.get(conn, order.shop_id)
    ids = [member.person_id for member in await staff.of_shop(conn, order.shop_id)]
    browsers = await subscriptions.of(conn, order.shop_id, ids)
    known = await people.known(conn, ids)
    to = [
        Recipient(each, known[each].phone_sealed, known[each].locale, tuple(browsers.get(each, ())))
        for each in ids
        if each in known
    ]
    await messages.send(
        conn, order.shop_id, to, about=about, subject=order.order_id, at=at, occasion=occasion,
        shop=shop.name, **facts,
    )  # fmt: skip


async def buyer(
    conn: db.Connection,
    order: Order,
    about: str,
    at: datetime,
    *,
    carrier: str = "",
    occasion: str = "",
    after: timedelta = timedelta(),
    **facts: Fact,
) -> None:
    """Tell the phone that ordered; of a gift that was claimed its recipient, or both, each only
    what is for him. The courier is named in the reader's language. It is sent `after` a while in
    which it may still be taken back (messages.take_back)."""
    claimed = None
    if order.kind == "gift":
        claimed = await gifts.of_order(conn, order.shop_id, order.order_id)
    if claimed is not None and about in _FOR_RECIPIENT:
        to = Recipient(None, claimed.phone_sealed, claimed.locale, after=after)
        known: dict[str, Fact] = {
            "shop": await shop_known(conn, order), "number": order.number,
        }  # fmt: skip
        known |= _named(facts, carrier, claimed.locale)
        known.pop("amount", None)
        subject = f"{order.order_id}:{gifts.ROLE}"  # its link is the recipient's
        said = _IN_OTHER_WORDS.get(about, about)
        await messages.send(
            conn, order.shop_id, [to], about=said, subject=subject, at=at, occasion=occasion,
            **known,
        )  # fmt: skip
    if claimed is None or about not in _RECIPIENT_ALONE:
        await payer(
            conn, order, about, at, carrier=carrier, occasion=occasion, after=after, **facts
        )


async def payer(
    conn: db.Connection,
    order: Order,
    about: str,
    at: datetime,
    *,
    carrier: str = "",
    occasion: str = "",
    after: timedelta = timedelta(),
    **facts: Fact,
) -> None:
    """Tell the phone that ordered alone, also of a gift: its recipient heard otherwise."""
    customer = await customers.get(conn, order.shop_id, order.phone_index)
    if customer is None:
        return
    known: dict[str, Fact] = {
        "shop": await shop_known(conn, order), "number": order.number, "amount": order.total,
    }  # fmt: skip
    await messages.send(
        conn,
        order.shop_id,
        [Recipient(None, customer.phone_sealed, order.locale, after=after)],
        about=about,
        subject=order.order_id,
        at=at,
        occasion=occasion,
        **(known | _named(facts, carrier, order.locale)),
    )


async def shop_known(conn: db.Connection, order: Order) -> str:
    """The shop as the buyer knows it: where he bought."""
    if order.kind == "resale":
        resale = await resales.of_order(conn, order.shop_id, order.order_id)
        assert resale is not None, order.order_id
        if resale.sold_by_name:
            return resale.sold_by_name
    return (await shops.get(conn, order.shop_id)).name


def _named(facts: dict[str, Fact], carrier: str, locale: str) -> dict[str, Fact]:
    courier = carriers.CARRIERS.get(carrier)
    return facts if courier is None else facts | {"carrier": courier.name(locale)}
