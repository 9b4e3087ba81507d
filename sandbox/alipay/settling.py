"""What the clock does at Alipay: every reader calls `settle_due` first."""

from sandbox.alipay import transfers
from sandbox.world import World


def settle_due(world: World) -> None:
    """Bring the books up to the present moment."""
    with world.store.transaction():
        transfers.settle_due(world)
