"""Where money lies at WeChat.

A merchant has `basic` (takings, sent to his bank each night) and `operation` (for transfers); a
sub-merchant has `frozen` (paid, not yet released) and `available` (may be withdrawn).
"""

from sandbox.pockets import Pockets
from sandbox.world import World

_POCKETS = Pockets("wechat_moves")

move = _POCKETS.move
balance = _POCKETS.balance


def frozen(world: World, sub_mchid: str, transaction_id: str) -> int:
    """What of one held payment is still frozen, in fen."""
    return _POCKETS.left_of(world, sub_mchid, "frozen", transaction_id)


def takings(world: World, mchid: str, start: str, end: str) -> int:
    """The net of a merchant's basic pocket between two stamps, settlements left out."""
    return _POCKETS.came(world, mchid, "basic", start, end)
