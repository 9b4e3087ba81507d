"""What the clock does at Stripe by itself: pages end, slow refunds are decided."""

from sandbox.stripe import refunds, sessions
from sandbox.world import World


def settle_due(world: World) -> None:
    """Bring the books up to the present moment."""
    with world.store.transaction():
        sessions.expire_old(world)
        refunds.settle_due(world)
