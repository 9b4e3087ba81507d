"""Where money lies at Alipay: every move of every pocket, and nothing else.

A merchant has `funds`, from which he pays transfers; it is no part of his takings, which go to
his bank each night.
"""

from datetime import datetime

from sandbox.clock import stamp
from sandbox.world import World

OPENING_MINOR = 500_000_000  # what lies ready for transfers: five million yuan


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
            "insert into alipay_moves (owner, pocket, amount_minor, kind, reference, at)"
            " values (?, ?, ?, ?, ?, ?)",
            owner,
            pocket,
            minor,
            kind,
            reference,
            stamp(at or world.clock.now()),
        )


def balance(world: World, owner: str, pocket: str) -> int:
    """What is in a pocket, in fen; `funds` begins with five million yuan."""
    moved = world.store.number(
        "select sum(amount_minor) from alipay_moves where owner = ? and pocket = ?", owner, pocket
    )
    return moved + (OPENING_MINOR if pocket == "funds" else 0)
