"""What happens at Stripe by itself: webhooks fall due, pages end, slow refunds are decided."""

import asyncio
import contextlib

from sandbox.clock import unstamp
from sandbox.stripe import refunds, sessions, webhooks
from sandbox.world import World


async def keep_sending(world: World) -> None:
    """Send what falls due until cancelled; wakes for news and for clock jumps."""
    running: set[asyncio.Task[None]] = set()
    while True:
        await world.rest()
        world.wake.clear()
        with world.store.transaction():
            sessions.expire_old(world)
            refunds.settle_due(world)
        for sending in webhooks.claim(world):
            task = asyncio.create_task(webhooks.deliver(world, sending))
            running.add(task)
            task.add_done_callback(running.discard)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_until_next(world)):
                await world.wake.wait()


def _until_next(world: World) -> float:
    row = world.store.one(
        "select min(at) from (select min(next_at) as at from stripe_events"
        " union all select min(due_at) from stripe_refunds"
        " union all select min(expires_at) from stripe_sessions where status = 'open')"
    )
    if row is None or row[0] is None:
        return 30.0
    wait = (unstamp(row[0]) - world.clock.now()).total_seconds()
    return min(30.0, max(0.01, wait))
