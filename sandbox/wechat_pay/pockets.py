"""Where money lies at WeChat: every move of every pocket, and nothing else.

A merchant has `basic` (takings, sent to his bank each night) and `operation` (for transfers); a
sub-merchant has `frozen` (paid, not yet released) and `available` (may be withdrawn).
"""

from datetime import datetime

from sandbox.clock import stamp
from sandbox.world import World


def move(
    world: World,
    owner: str,
    pocket: str,
    minor: int,
    kind: str,
    reference: str,
    at: datetime | None = None,
) -> None:
    """Put `minor` fen into a pocket (negative: take them out)."""
    if minor:
        world.store.run(
            "insert into wechat_moves (owner, pocket, amount_minor, kind, reference, at)"
            " values (?, ?, ?, ?, ?, ?)",
            owner,
            pocket,
            minor,
            kind,
            reference,
            stamp(at or world.clock.now()),
        )


def balance(world: World, owner: str, pocket: str) -> int:
    """What is in a pocket, in fen."""
    return world.store.number(
        "select sum(amount_minor) from wechat_moves where owner = ? and pocket = ?", owner, pocket
    )


def frozen(world: World, sub_mchid: str, transaction_id: str) -> int:
    """What of one held payment is still frozen, in fen."""
    return world.store.number(
        "select sum(amount_minor) from wechat_moves where owner = ? and pocket = 'frozen'"
        " and reference = ?",
        sub_mchid,
        transaction_id,
    )


def takings(world: World, mchid: str, start: str, end: str) -> int:
    """The net of a merchant's basic pocket between two stamps, settlements left out."""
    return world.store.number(
        "select sum(amount_minor) from wechat_moves where owner = ? and pocket = 'basic'"
        " and kind <> 'settled' and at >= ? and at < ?",
        mchid,
        start,
        end,
    )
