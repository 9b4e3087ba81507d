"""Alerting: word to a seller climbs from channel to channel until somebody in the shop has seen it.

An alert is a row and, while it climbs, one timer. The rungs: notices in the owner's browsers (and
those of whoever may do it), WeChat, SMS, e-mail, a second person. A rung that is not there or is
switched off costs no time, so who has no browser that listens hears by SMS at once. Quiet hours
hold everything but browsers back; no channel rings more often than its pace, and what came up
meanwhile is said in one sentence ("3 orders wait"). Seen is: somebody of the shop opened what it is
about, or Today.

Locks: an order or a conversation, then the shop's turn, then its alerts, then their timers. Without
the turn an alert touches no other, so where nothing but browsers rings nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from littleshop import db
from littleshop.identity import people
from littleshop.identity.people import Person
from littleshop.notify import alerts, messages, subscriptions, ways
from littleshop.notify.alerts import Alert
from littleshop.notify.messages import Fact, Recipient
from littleshop.notify.ways import Ways
from littleshop.sale import texting
from littleshop.shop import shops, staff
from littleshop.shop.shops import Shop
from littleshop.trade import timers
from littleshop.trade.timers import Timer

CLIMB = "alert"  # the timer's kind
RUNGS = ("push", "wechat", "sms", "email", "second")
# What is worth climbing, and the right of whoever may be told besides the owner.
CLIMBING = {
    "order_paid": "ship",
    "remind_ship": "ship",
    "case_asked": "deals",
    "case_escalated": "deals",
    "talk_asked": "people",
    "wish_asked": "people",
}
# What rings browsers once and climbs no further, and whose.
RINGING = {"goods_in_return": "deals", "goods_in_exchange": "deals"}
FOR_NOTHING = frozenset({"talk_asked", "wish_asked"})
TOGETHER = {"order_paid": "orders_wait", "talk_asked": "talks_wait"}  # several in one sentence
WAITS = {  # so long a rung is given before the next
    "push": timedelta(minutes=3),
    "wechat": timedelta(minutes=5),
    "sms": timedelta(minutes=15),
    "email": timedelta(minutes=15),
}
PACE = {  # a channel rings a shop this often at most
    "wechat": timedelta(minutes=5),
    "sms": timedelta(minutes=10),
    "email": timedelta(minutes=30),
    "second": timedelta(minutes=30),
}


async def tell(
    conn: db.Connection,
    shop_id: int,
    about: str,
    subject: str | UUID,
    at: datetime,
    *,
    occasion: str = "",
    climbs: bool = True,
    **facts: Fact,
) -> None:
    """Somebody should see this; the first rung that is there is told at once. What does not climb
    rings browsers and nothing else. Again is harmless."""
    alert_id = alerts.identity(shop_id, about, str(subject), occasion)
    kept = messages.kept(facts) | {"occasion": occasion}
    made = await alerts.note(conn, shop_id, alert_id, about, str(subject), kept, at)
    if made is not None:
        await _climb(conn, made, at, len(RUNGS) if climbs else 1)


async def climb(conn: db.Connection, timer: Timer, at: datetime) -> bool:
    """The next rung, unless somebody has seen it; False when the timer was gone."""
    await alerts.take_turn(conn, timer.shop_id, at)
    alert = await alerts.lock(conn, timer.shop_id, timer.subject)
    if not await timers.claim(conn, timer, at):
        return False
    if alert is not None and alert.seen_at is None:
        await _climb(conn, alert, at)
    return True


async def _climb(conn: db.Connection, alert: Alert, at: datetime, most: int = len(RUNGS)) -> None:
    shop = await shops.get(conn, alert.shop_id)
    crew = await staff.of_shop(conn, shop.shop_id)
    owner = next((each.person_id for each in crew if each.role == "owner"), None)
    if owner is None:
        return
    his = await ways.of(conn, shop.shop_id, owner)
    for rung in range(alert.rung, most):
        channel = RUNGS[rung]
        due = await _may_ring(conn, shop, channel, his, at)
        if due > at:
            await timers.start(conn, shop.shop_id, alert.alert_id, CLIMB, due)
            return
        to = await _whom(conn, shop, channel, owner, crew, his, alert.about, at)
        if to and await _say(conn, shop, alert, to, rung, at, climbs=rung + 1 < most):
            return
    await timers.cancel(conn, shop.shop_id, alert.alert_id, CLIMB)


async def _may_ring(
    conn: db.Connection, shop: Shop, channel: str, his: Ways, at: datetime
) -> datetime:
    """When this channel may ring next: browsers at once, the others by day and at their pace."""
    if channel == "push":
        return at
    due = await _pace(conn, shop, channel, his, at)
    if due > at:
        return due
    await alerts.take_turn(conn, shop.shop_id, at)  # who had it before us may have rung
    return await _pace(conn, shop, channel, his, at)


async def _pace(conn: db.Connection, shop: Shop, channel: str, his: Ways, at: datetime) -> datetime:
    last = await alerts.last_told(conn, shop.shop_id, channel)
    soonest = at if last is None else max(at, last + PACE[channel])
    return his.rings_at(shop.zone, soonest)


async def _whom(
    conn: db.Connection,
    shop: Shop,
    channel: str,
    owner: UUID,
    crew: Sequence[staff.Member],
    his: Ways,
    about: str,
    at: datetime,
) -> list[Recipient]:
    """Who can be told by this channel; nobody when it is switched off or has no address."""
    if channel == "push":
        return await _browsers(conn, shop.shop_id, crew, about)
    person_id = his.second_person if channel == "second" else owner
    works = {each.person_id for each in crew}
    person = await people.get(conn, person_id) if person_id in works and person_id else None
    if person is None:
        return []
    bare = Recipient(person.person_id, None, person.locale)
    if channel == "wechat":
        return [_with(bare, wechat=his.openid_sealed)] if his.wechat and his.openid_sealed else []
    if channel == "email":
        proven = his.email and his.email_ok_at is not None
        return [_with(bare, email=his.email_sealed)] if proven else []
    if channel == "sms" and (not his.sms or not await _may_text(conn, shop, person, about, at)):
        return []
    return [_with(bare, phone=person.phone_sealed)]


async def _may_text(
    conn: db.Connection, shop: Shop, person: Person, about: str, at: datetime
) -> bool:
    """What costs a stranger nothing rings a phone so often a day and no more."""
    if about not in FOR_NOTHING:
        return True
    return await texting.take_of_staff(conn, shop.shop_id, person.phone_index, at)


def _with(
    bare: Recipient,
    *,
    phone: bytes | None = None,
    wechat: bytes | None = None,
    email: bytes | None = None,
) -> Recipient:
    return Recipient(bare.person_id, phone, bare.locale, wechat=wechat, email=email)


async def _browsers(
    conn: db.Connection, shop_id: int, crew: Sequence[staff.Member], about: str
) -> list[Recipient]:
    """Who listens with a browser: the owner, and of the others who may do what it is about."""
    right = (CLIMBING | RINGING)[about]
    may = [each.person_id for each in crew if staff.may(each.role, right)]
    wanted = await ways.in_browsers(conn, shop_id, may)
    found = await subscriptions.of(conn, shop_id, wanted)
    known = await people.known(conn, found)
    return [
        Recipient(person_id, None, known[person_id].locale, tuple(browsers))
        for person_id, browsers in found.items()
        if person_id in known
    ]


async def _say(
    conn: db.Connection,
    shop: Shop,
    alert: Alert,
    to: Sequence[Recipient],
    rung: int,
    at: datetime,
    *,
    climbs: bool,
) -> bool:
    """Say it by one rung, together with what came up meanwhile, and wait for somebody to look;
    False when there is nobody, or no words for it there."""
    channel, about = RUNGS[rung], alert.about
    others = await alerts.behind(conn, alert, rung) if channel != "push" else []
    together = about in TOGETHER and bool(others)
    climbing = [alert, *(others if together else [])]
    facts: dict[str, Any] = alert.facts | {"shop": shop.name}
    occasion, said, subject = str(facts.pop("occasion", "")), about, alert.subject
    if together:
        said, subject, occasion = TOGETHER[about], str(alert.alert_id), channel
        place = "orders" if about == "order_paid" else "conversations"
        url = f"/console/{shop.shop_id}/{place}"
        facts = {"shop": shop.name, "count": len(climbing), "url": url}
    if not await messages.send(
        conn, shop.shop_id, to, about=said, subject=subject, at=at, occasion=occasion, **facts
    ):
        return False
    for each in climbing:
        await alerts.climb(conn, shop.shop_id, [each.alert_id], channel, rung + 1, at)
        if climbs:
            due = at + WAITS[channel]
            await timers.start(conn, shop.shop_id, each.alert_id, CLIMB, due)
        else:
            await timers.cancel(conn, shop.shop_id, each.alert_id, CLIMB)
    return True


async def seen(
    conn: db.Connection,
    shop_id: int,
    at: datetime,
    *,
    subject: str | UUID | None = None,
    person_id: UUID | None = None,
) -> None:
    """Somebody of the shop looks at what it is about, or at Today (no subject): nothing climbs."""
    of = None if subject is None else str(subject)
    await alerts.take_turn(conn, shop_id, at)
    for alert_id in await alerts.see(conn, shop_id, of, person_id, at):
        await timers.cancel(conn, shop_id, alert_id, CLIMB)


async def look(
    database: db.Database,
    shop_id: int,
    at: datetime,
    *,
    subject: str | UUID | None = None,
    person_id: UUID | None = None,
) -> None:
    """The same from a page, which mostly finds nothing to write."""
    async with database.connection() as conn:
        if not await alerts.unseen(conn, shop_id):
            return
    await database.transaction(
        lambda conn: seen(conn, shop_id, at, subject=subject, person_id=person_id)
    )
