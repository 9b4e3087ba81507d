"""TELLING NEWS: what a seller pressed "tell followers" for reaches them, gathered and politely.

The seller's press writes a row. A sweep gathers what was pressed and tells each follower once a
day at most, by day, in one message that names everything new: by his browser's notification where
he asked for that, else by SMS as long as the shop's month has some left. One transaction per shop
and handful of followers; a kill tells nobody twice, because a message's id is his and the day's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from littleshop import db, i18n, jobs
from littleshop.notify import messages, subscriptions
from littleshop.notify.messages import Recipient
from littleshop.notify.subscriptions import Subscription
from littleshop.sale import texting
from littleshop.shop import shops
from littleshop.shop.shops import Shop
from littleshop.social import follows
from littleshop.social.follows import Follow, Item

SWEEP = "news.tell"
EARLIEST, LATEST = time(9, 0), time(20, 30)  # where the shop is; nobody's phone rings at night
HANDFUL = 100
_TITLE = 16  # characters; a vendor's variable has 35 with what stands around it


async def sweep(context: jobs.Context) -> None:
    """Tell the followers of every shop that has news and day outside."""
    async with context.database.connection() as conn:
        found = await follows.shops_with_news(conn, context.at)
    for shop_id in found:
        while await _handful(context.database, shop_id, context.at):
            pass


async def _handful(database: db.Database, shop_id: int, at: datetime) -> int:
    return await database.transaction(lambda conn: tell(conn, shop_id, at))


def by_day(zone: str, at: datetime) -> bool:
    """Whether a shop may have phones ring now."""
    return EARLIEST <= at.astimezone(ZoneInfo(zone)).time() < LATEST


async def tell(conn: db.Connection, shop_id: int, at: datetime) -> int:
    """Tell some followers of all that they have not heard of; how many were looked at. Nothing by
    night, nor from a shop that is on a break."""
    shop = await shops.get(conn, shop_id)
    if shop.status != "open" or not by_day(shop.zone, at):
        return 0
    fresh = await follows.lately(conn, shop_id, at - follows.GATHERED)
    if not fresh:
        return 0
    newest, local = max(item.asked_at for item in fresh), at.astimezone(ZoneInfo(shop.zone))
    midnight = datetime.combine(local.date(), time(), local.tzinfo)
    found = await follows.to_tell(conn, shop_id, newest, midnight, HANDFUL)
    browsers = await subscriptions.of(conn, shop_id, [each.follow_id for each in found])
    by_sms = [each for each in found if each.follow_id not in browsers]
    given = await follows.spend(conn, shop_id, local.date().replace(day=1), len(by_sms))
    left_out = {each.follow_id for each in by_sms[given:]}
    told = [each for each in found if each.follow_id not in left_out]
    for each in told:
        new = [item for item in fresh if item.asked_at > each.heard_to]
        push = tuple(browsers.get(each.follow_id, ()))
        if push or await texting.take(conn, shop_id, each.phone_index, each.device, at):
            await _send(conn, shop, each, push, new or fresh, at)
    await follows.heard(conn, shop_id, [each.follow_id for each in told], newest, at)
    await follows.heard(conn, shop_id, list(left_out), newest, None)
    return len(found)


async def _send(
    conn: db.Connection,
    shop: Shop,
    to: Follow,
    push: tuple[Subscription, ...],
    new: Sequence[Item],
    at: datetime,
) -> None:
    await messages.send(
        conn,
        shop.shop_id,
        [Recipient(to.follow_id, None if push else to.phone_sealed, to.locale, push)],
        about="news",
        subject=to.follow_id,
        at=at,
        occasion=at.astimezone(ZoneInfo(shop.zone)).date().isoformat(),
        shop=shop.name,
        what=what(to.locale, new),
        url="/n/{news}",
    )


def what(locale: str, new: Sequence[Item]) -> str:
    """What is new in a few words: the first thing by its name, and how many more."""
    title = new[0].title
    short = title if len(title) <= _TITLE else title[: _TITLE - 1].rstrip("，, ") + "…"
    if len(new) == 1:
        return i18n.t(locale, "life.news.single", title=short)
    return i18n.t(locale, "life.news.more", title=short, count=len(new) - 1)


def tasks() -> dict[str, jobs.Task]:
    """The sweep; what it missed, the next one finds."""
    return {SWEEP: jobs.Task(sweep, attempts=3, longest_wait=timedelta(minutes=10))}
