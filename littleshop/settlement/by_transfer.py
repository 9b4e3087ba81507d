"""A payout rail that takes each payout by itself and answers for it (rails.PayoutRail).

The reference stands in the books before the rail hears of it, and every later step asks under the
same one: a kill anywhere, a lost answer or a second pass pays nothing twice. What it answers is
booked by `hearing`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from littleshop import db, recoveries
from littleshop.errors import GatewayError
from littleshop.money import Money
from littleshop.recoveries import Recovery
from littleshop.settlement import forgotten, funding, hearing, payouts
from littleshop.settlement.desks import CURRENCY, Desk
from littleshop.settlement.payouts import Payout
from littleshop.settlement.rails import Claim
from littleshop.settlement.remitters import Goal, Remitter
from littleshop.settlement.runs import Run

LOOK_BACK = timedelta(days=14)  # so long after it arrived a transfer may still come back
LOOK_EVERY = timedelta(hours=20)


class ByTransfer:
    """One rail over its remitter."""

    def __init__(self, remitter: Remitter) -> None:
        self.name = remitter.name
        self.pays_by_itself = remitter.pays_by_itself
        self._remitter = remitter

    def part(self, claim: Claim) -> Money:
        """How much of what is left it can carry to this shop now."""
        return self._remitter.part(claim)

    async def fund(self, desk: Desk, run: Run, halted: Collection[int], at: datetime) -> None:
        """Put apart what the rail can pay now; the rest waits for more."""
        spent = Money(0, CURRENCY)
        for payout in await self._of_run(desk, run, "asked"):
            if payout.shop_id in halted:
                continue
            with desk.apart(f"payout {payout.reference}"):
                if await self._fund(desk, payout, spent, at):
                    spent += payout.amount

    async def _fund(self, desk: Desk, payout: Payout, spent: Money, at: datetime) -> bool:
        goal = await self._goal(desk, payout)
        if goal is None:
            return False
        try:
            held_for = await self._remitter.covers(payout, goal, spent)
        except GatewayError as fault:
            if not fault.retryable:  # our own settings are wrong: a person must see it
                raise
            desk.problems.append(f"{self.name}: {fault}")
            return False
        if held_for is None and payout.heard_at is None:  # else it has paid it already
            return False

        async def put_apart(conn: db.Connection) -> bool:
            if held_for:
                await payouts.decide_place(conn, payout, held_for)
            return await funding.put_apart(conn, payout, self._remitter.source, at)

        return await desk.database.transaction(put_apart)

    async def hand_in(self, desk: Desk, run: Run, halted: Collection[int], at: datetime) -> None:
        """Hand in what is funded; nothing leaves a restored database before it is released."""
        async with desk.database.connection() as conn:
            if await recoveries.current(conn) is not None:
                return
        for payout in await self._of_run(desk, run, "funded"):
            if payout.shop_id not in halted:
                with desk.apart(f"payout {payout.reference}"):
                    await self._remit(desk, payout, at)

    async def _remit(self, desk: Desk, payout: Payout, at: datetime) -> None:
        goal = await self._goal(desk, payout)
        if goal is None:
            return
        try:
            answer = await self._remitter.remit(payout, goal)
        except GatewayError as fault:
            if not fault.retryable:
                raise
            desk.problems.append(f"{self.name}: {fault}")
            return
        await hearing.hear(desk, payout, answer, self._remitter.source, at)

    async def hear(self, desk: Desk, run: Run, at: datetime) -> None:
        """Ask about what is with the rail. One it never heard of was lost on the way there: it is
        handed in again, under the same reference."""
        for payout in await self._of_run(desk, run, "sent"):
            with desk.apart(f"payout {payout.reference}"):
                await self._ask(desk, payout, at)

    async def look_back(self, desk: Desk, at: datetime) -> None:
        """Ask once a day about what arrived lately: it may have come back."""
        if self.pays_by_itself:
            return
        async with desk.database.connection() as conn:
            lately = await payouts.done_since(conn, self.name, at - LOOK_BACK)
        for payout in lately:
            if payout.heard_at is None or payout.heard_at <= at - LOOK_EVERY:
                with desk.apart(f"payout {payout.reference}"):
                    await self._ask(desk, payout, at)

    async def _ask(self, desk: Desk, payout: Payout, at: datetime, *, only: bool = False) -> None:
        """`only` asks, also where the rail never heard of it."""
        goal = await self._goal(desk, payout)
        if goal is None:
            return
        try:
            answer = await self._remitter.ask(payout, goal)
        except GatewayError as fault:
            if only or not fault.retryable:
                raise
            desk.problems.append(f"{self.name}: {fault}")
            return
        if answer.status != "unknown":
            await hearing.hear(desk, payout, answer, self._remitter.source, at)
        elif payout.status == "sent" and not only:
            async with desk.database.connection() as conn:
                on_hold = await recoveries.current(conn) is not None
            if not on_hold:
                await self._remit(desk, payout, at)

    async def recover(self, desk: Desk, recovery: Recovery, at: datetime) -> None:
        """Ask about every payout that may have left since the backup, known to us or forgotten."""
        if self.pays_by_itself:
            return
        await forgotten.adopt(desk, self.name, self._remitter, recovery, at)
        since = recovery.taken_at - LOOK_BACK
        async with desk.database.connection() as conn:
            known = await payouts.of_rail(conn, self.name, "funded", "sent")
            known += await payouts.done_since(conn, self.name, since)
        for payout in known:
            with desk.apart(f"payout {payout.reference}"):
                await self._ask(desk, payout, at, only=True)

    async def _of_run(self, desk: Desk, run: Run, status: str) -> list[Payout]:
        async with desk.database.connection() as conn:
            found = await payouts.of_run(conn, run.run_id)
        return [one for one in found if one.rail == self.name and one.status == status]

    async def _goal(self, desk: Desk, payout: Payout) -> Goal | None:
        """Where it goes; a payout that can go nowhere now stands aside."""
        async with desk.database.connection() as conn:
            goal = await self._remitter.goal(conn, desk.keyring, payout)
        if goal is None:
            day = payout.run_on.isoformat()
            desk.set_aside(f"payout {payout.reference}", f"{self.name} knows no payee ({day})")
        return goal
