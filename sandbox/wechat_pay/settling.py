"""What the clock does at WeChat: every reader calls `settle_due` first."""

from sandbox.wechat_pay import holding, notices, transfers, withdrawals
from sandbox.world import World


def settle_due(world: World) -> None:
    """Bring the books up to the present moment."""
    with world.store.transaction():
        notices.settle_refunds(world)
        holding.expire(world)
        withdrawals.settle_due(world)
        transfers.settle_due(world)
