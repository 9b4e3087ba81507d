"""What the clock does at Alipay: every reader calls `settle_due` first."""

from sandbox.alipay import holding, sellers, transfers
from sandbox.world import World


def settle_due(world: World) -> None:
    """Bring the books up to the present moment."""
    with world.store.transaction():
        sellers.settle_due(world)
        holding.settle_due(world)
        transfers.settle_due(world)
