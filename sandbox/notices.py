"""How every rail tells merchants: at once, again after its waits, and what goes wrong on the way.

A rail says what is its own (tables, waits, body and signature, which answer it takes for heard);
its faults are the switches `<rail>.notify.*`.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sandbox import outgoing
from sandbox.clock import stamp, unstamp
from sandbox.store import Row, Value
from sandbox.world import World

JSON = {"Content-Type": "application/json"}
NOT_UNDER_WAY = "id not in (select value from json_each(?))"


@dataclass(frozen=True)
class Copy:
    """One copy of a send: what goes over the wire, and what the row of its attempt says of it.

    Without a body it is a GET. Unless it `counts`, no answer to it ends the notice.
    """

    url: str
    told: Mapping[str, Value]
    headers: Mapping[str, str]
    body: bytes | None
    counts: bool = True


@dataclass(frozen=True)
class Sending:
    """One send that has fallen due: the notice, and its copies by the numbers of their attempts.

    `again` is when it is sent once more unless somebody hears this one.
    """

    notice: Value
    again: str | None
    copies: dict[int, Copy]


@dataclass(frozen=True)
class Sender:
    """What is a rail's own in telling its merchants, and what all rails do with it.

    `owner` are the columns that say whose payment it is. `copies` makes so many copies of a send,
    bent by the rail's own faults; `dropped` is what the row of an attempt says that was never sent.
    `refund` picks the notices after which a payment's held one follows, `due` are other moments of
    the rail's tables to wake up for.
    """

    rail: str
    notices: str
    attempts: str
    owner: tuple[str, str]
    waits: list[timedelta]
    copies: Callable[[World, Row, int], list[Copy]]
    dropped: Mapping[str, Value]
    heard: Callable[[int, str], bool]
    notice_column: str = "notice_id"
    refund: str = "kind = 'refund'"
    due: tuple[str, ...] = ()

    def write(self, world: World, told: Mapping[str, Value], of_payment: bool) -> None:
        """Put a notice down, to be sent; that of a payment may be held until a refund's."""
        now = world.clock.now()
        held = of_payment and self._reorders(world)
        delay = timedelta(seconds=world.faults.number(f"{self.rail}.notify.delay_seconds"))
        when = {
            "state": "held" if held else "waiting",
            "next_at": None if held else stamp(now + delay),
            "made_at": stamp(now),
        }
        world.store.insert(self.notices, {**told, **when})
        world.wake.set()

    def resend(self, world: World, *owner: str) -> int:
        """Send every notice of a payment once more, now; returns how many."""
        first, second = self.owner
        count = self._send_now(world, f"{first} = ? and {second} = ?", *owner)
        world.wake.set()
        return count

    async def keep_sending(
        self, world: World, settle: Callable[[World], None] = lambda _: None
    ) -> None:
        """Settle and send what falls due until cancelled; wakes for news and for clock jumps.

        A notice is not sent again while a send of it has no answer, however far the clock jumps.
        """
        running: dict[asyncio.Task[None], Value] = {}

        def ended(task: asyncio.Task[None]) -> None:
            del running[task]
            world.wake.set()

        while True:
            await world.rest()
            world.wake.clear()
            settle(world)
            for sending in self._claim(world, list(running.values())):
                task = asyncio.create_task(self._deliver(world, sending))
                running[task] = sending.notice
                task.add_done_callback(ended)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._until_next(world, list(running.values()))):
                    await world.wake.wait()

    def _reorders(self, world: World) -> bool:
        return world.faults.get(f"{self.rail}.notify.reorder") is True

    def _send_now(self, world: World, which: str, *values: Value) -> int:
        return world.store.run(
            f"update {self.notices} set state = 'waiting', next_at = ? where {which}",
            stamp(world.clock.now()),
            *values,
        )

    def _claim(self, world: World, under_way: list[Value]) -> list[Sending]:
        """Take what is due, decide its faults, plan the next send; all in one step."""
        with world.store.transaction():
            if not self._reorders(world):
                self._send_now(world, "state = 'held'")
            due = world.store.all(
                f"select * from {self.notices} where next_at <= ? and {NOT_UNDER_WAY}"
                " order by next_at, rowid limit 50",
                stamp(world.clock.now()),
                json.dumps(under_way),
            )
            return [sending for row in due if (sending := self._prepare(world, row))]

    def _prepare(self, world: World, notice: Row) -> Sending | None:
        now, sends, faults = world.clock.now(), notice["sends"] + 1, world.faults
        again = stamp(now + self.waits[sends - 1]) if sends <= len(self.waits) else None
        world.store.run(
            f"update {self.notices} set sends = ?, next_at = ?, state = ? where id = ?",
            sends,
            again,
            "waiting" if again else "given_up",
            notice["id"],
        )
        if faults.strikes(f"{self.rail}.notify.drop"):
            self._log(world, notice, self.dropped)
            return None
        count = max(1, faults.number(f"{self.rail}.notify.copies"))
        copies = self.copies(world, notice, count)
        logged = {self._log(world, notice, one.told): one for one in copies}
        return Sending(notice["id"], again, logged)

    def _log(self, world: World, notice: Row, told: Mapping[str, Value]) -> int:
        row = {self.notice_column: notice["id"], "at": stamp(world.clock.now()), **told}
        return world.store.insert(self.attempts, row)

    async def _deliver(self, world: World, sending: Sending) -> None:
        """Send all copies at once and write down what came back."""
        copies = sending.copies.values()
        answers = await asyncio.gather(
            *(outgoing.call(one.url, one.headers, one.body) for one in copies)
        )
        heard = False
        with world.store.transaction():
            for (attempt, one), (status, text) in zip(sending.copies.items(), answers, strict=True):
                world.store.run(
                    f"update {self.attempts} set status = ?, answer = ? where id = ?",
                    status,
                    text,
                    attempt,
                )
                heard |= one.counts and status is not None and self.heard(status, text)
            if heard:
                world.store.run(
                    f"update {self.notices} set state = 'delivered', next_at = null"
                    " where id = ? and next_at is ?",  # unless it was asked for again meanwhile
                    sending.notice,
                    sending.again,
                )
            self._release(world, sending.notice)

    def _release(self, world: World, notice: Value) -> None:
        """After a refund's notice has been sent, the payment's held one follows."""
        owner = ", ".join(self.owner)
        refunded = f"select {owner} from {self.notices} where id = ? and {self.refund}"
        self._send_now(world, f"state = 'held' and ({owner}) in ({refunded})", notice)

    def _until_next(self, world: World, under_way: list[Value]) -> float:
        own = f"select min(next_at) as at from {self.notices} where {NOT_UNDER_WAY}"
        row = world.store.one(
            f"select min(at) from ({' union all '.join((own, *self.due))})", json.dumps(under_way)
        )
        if row is None or row[0] is None:
            return 30.0
        wait = (unstamp(row[0]) - world.clock.now()).total_seconds()
        return min(30.0, max(0.01, wait))
