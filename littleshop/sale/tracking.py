"""Tracking: a parcel that left is followed by a tracking service, and asked about if nothing comes.

ask:  `follow` writes the row with the parcel, and a clock that looks after it.
send: a job has its news pushed (`tracking.subscribe`), or asks for them (`tracking.query`).
hear: what is pushed is verified and kept by the callback, and acted on by a job (`tracking.hear`).
A kill in between repeats: asking twice is asking once, and what was told twice is kept once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from littleshop import db, ids, jobs
from littleshop.crypto import Keyring
from littleshop.errors import GatewayError, NotFound
from littleshop.jobs import Context, Task
from littleshop.sale import delivering
from littleshop.trade import carriers, deliveries, orders, timers, trackings
from littleshop.trade.deliveries import Parcel
from littleshop.trade.timers import Timer
from littleshop.trade.trackers import Asked, Told, Tracker, Unfollowed
from littleshop.trade.trackings import Tracking

SUBSCRIBE, QUERY, HEAR = "tracking.subscribe", "tracking.query", "tracking.hear"
LOOK = "parcel_look"  # the clock of a parcel
LOOK_EVERY = timedelta(hours=12)  # without news of it
LOOK_FOR = timedelta(days=30)  # after it left: couriers forget numbers
NOTICES_KEPT = timedelta(days=90)
ROAD = "/callbacks/courier"
_PATIENCE = timedelta(minutes=30)


async def follow(
    conn: db.Connection,
    shop_id: int,
    order_id: UUID,
    parcel_id: UUID,
    at: datetime,
    *,
    after: timedelta = timedelta(),
) -> None:
    """Have a parcel followed, `after` a while in which its shipping may still be undone."""
    await trackings.begin(conn, shop_id, parcel_id, order_id, at)
    await timers.start(conn, shop_id, parcel_id, LOOK, at + LOOK_EVERY)
    await jobs.defer(conn, SUBSCRIBE, at=at + after, shop_id=shop_id, parcel_id=str(parcel_id))


async def look(conn: db.Connection, timer: Timer, at: datetime) -> bool:
    """A parcel's clock struck: nothing was heard of it for long, so it is asked about."""
    if not await timers.claim(conn, timer, at):
        return False
    tracking = await trackings.get(conn, timer.shop_id, timer.subject)
    parcel = await deliveries.get(conn, timer.shop_id, timer.subject)
    if tracking is None or parcel is None:
        return True
    if not await _waits(conn, tracking, parcel, at):
        if tracking.status in ("asked", "followed"):
            await trackings.settle(conn, timer.shop_id, timer.subject, "over")
        return True
    heard = tracking.told_at or tracking.asked_at
    if heard + LOOK_EVERY <= at:
        told = {"shop_id": timer.shop_id, "parcel_id": str(timer.subject)}
        await jobs.defer(conn, QUERY, at=at, key=str(timer.subject), **told)
        heard = at
    await timers.start(conn, timer.shop_id, timer.subject, LOOK, heard + LOOK_EVERY)
    return True


async def _waits(conn: db.Connection, tracking: Tracking, parcel: Parcel, at: datetime) -> bool:
    """Whether anybody still wants to know where a parcel is."""
    if tracking.status in ("unfollowed", "over") or at > parcel.handed_over_at + LOOK_FOR:
        return False
    if tracking.state == "returned":
        return False
    order = await orders.get(conn, tracking.shop_id, tracking.order_id)
    return order is not None and order.status in ("to_ship", "shipped", "delivered")


async def took_in(
    conn: db.Connection, keyring: Keyring, shop_id: int, told: Told, token: str, at: datetime
) -> bool:
    """Keep what was pushed to a parcel's address and have it acted on; False for no parcel."""
    tracking = await trackings.of_token(conn, shop_id, token)
    if tracking is None:
        return False
    notice_id = await trackings.record(conn, keyring, tracking, told, at)
    if notice_id is not None:
        await jobs.defer(conn, HEAR, at=at, shop_id=shop_id, notice_id=str(notice_id))
    return True


@dataclass(frozen=True)
class Following:
    """The jobs that speak with the service; without one nobody follows anything."""

    tracker: Tracker | None
    keyring: Keyring
    public_url: str

    async def subscribe(self, context: Context, *, shop_id: int, parcel_id: str) -> None:
        """Have a parcel's news pushed. Raises GatewayError for the worker."""
        await self._ask(context, shop_id, UUID(parcel_id), first=True)

    async def query(self, context: Context, *, shop_id: int, parcel_id: str) -> None:
        """Ask where a parcel is, or once more to have its news pushed."""
        async with context.database.connection() as conn:
            tracking = await trackings.get(conn, shop_id, UUID(parcel_id))
        if tracking is not None and tracking.status in ("asked", "followed"):
            await self._ask(context, shop_id, UUID(parcel_id), first=tracking.status == "asked")

    async def _ask(self, context: Context, shop_id: int, parcel_id: UUID, *, first: bool) -> None:
        asked = await context.database.transaction(
            partial(self._prepare, shop_id=shop_id, parcel_id=parcel_id, first=first)
        )
        if asked is None or self.tracker is None:
            return
        status, why, told = "followed", "", None
        try:
            if first:
                await self.tracker.subscribe(asked)
            else:
                told = await self.tracker.query(asked)
        except Unfollowed as no:
            status, why = "unfollowed", str(no)
        except GatewayError as fault:
            if not first and fault.retryable:
                return  # the parcel's clock asks again
            raise
        end = partial(
            self._end, shop_id=shop_id, parcel_id=parcel_id, number=asked.number, at=context.at
        )
        await context.database.transaction(
            lambda conn: end(conn, status=status, why=why, told=told, first=first)
        )

    async def _prepare(
        self, conn: db.Connection, *, shop_id: int, parcel_id: UUID, first: bool
    ) -> Asked | None:
        """What the service is told of a parcel; None when it is not to be followed any more."""
        tracking = await trackings.get(conn, shop_id, parcel_id)
        parcel = await deliveries.get(conn, shop_id, parcel_id)
        if tracking is None or parcel is None:
            return None
        carrier = carriers.CARRIERS[parcel.carrier]
        if self.tracker is None or not self.tracker.follows(carrier):
            why = "no service" if self.tracker is None else "unknown courier"
            await trackings.settle(conn, shop_id, parcel_id, "unfollowed", why)
            return None
        token = ids.tracking_token(self.keyring.link_key, shop_id, parcel_id)
        if first and not await trackings.ask(conn, shop_id, parcel_id, token):
            return None
        order = await orders.get(conn, shop_id, tracking.order_id)
        assert order is not None, parcel_id
        tail = order.delivery(self.keyring).phone[-4:]
        url = f"{self.public_url}{ROAD}/{token}"
        return Asked(carrier, parcel.tracking_number, tail, url, token)

    async def _end(
        self,
        conn: db.Connection,
        *,
        shop_id: int,
        parcel_id: UUID,
        number: str,
        status: str,
        why: str,
        told: Told | None,
        first: bool,
        at: datetime,
    ) -> None:
        tracking = await trackings.get(conn, shop_id, parcel_id)
        parcel = await deliveries.get(conn, shop_id, parcel_id)
        if tracking is None or parcel is None or parcel.tracking_number != number:
            return  # it has another number since, which is asked for by a job of its own
        if first and tracking.status == "asked":
            await trackings.settle(conn, shop_id, parcel_id, status, why)
        if told is not None:
            await delivering.hear(conn, self.keyring, tracking, told, at)

    async def hear(self, context: Context, *, shop_id: int, notice_id: str) -> None:
        """Act on what was pushed."""

        async def act(conn: db.Connection) -> None:
            notice = await trackings.waiting(conn, shop_id, UUID(notice_id))
            if notice is None:
                return
            tracking = await trackings.get(conn, shop_id, notice.parcel_id)
            if tracking is None:
                raise NotFound("tracking")
            told = notice.told(self.keyring)
            await delivering.hear(conn, self.keyring, tracking, told, context.at)
            await trackings.handled(conn, shop_id, UUID(notice_id), context.at)

        await context.database.transaction(act)


def tasks(tracker: Tracker | None, keyring: Keyring, public_url: str) -> dict[str, Task]:
    """The jobs of this flow: a service that is away for hours is waited for."""
    following = Following(tracker, keyring, public_url)
    return {
        SUBSCRIBE: Task(following.subscribe, attempts=40, longest_wait=_PATIENCE),
        QUERY: Task(following.query, attempts=3),
        HEAR: Task(following.hear, attempts=40, longest_wait=_PATIENCE),
    }
