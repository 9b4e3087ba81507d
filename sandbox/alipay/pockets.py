"""Where money lies at Alipay: every move of every pocket, and nothing else.

A merchant has `funds`, from which he pays transfers; it is no part of his takings, which go to
his bank each night. A platform's shares are `royalty` and go there with them. Of a sub-merchant
`unsettled`, `frozen`, `batch` and `account` are kept per trade (holding.py); `card` is what was
paid out to his card.
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


def balance(world: World, owner: str, pocket: str, start: str = "", end: str = "9") -> int:
    """What is in a pocket, in fen, or what came into it between two stamps; `funds` begins with
    five million yuan."""
    moved = world.store.number(
        "select sum(amount_minor) from alipay_moves where owner = ? and pocket = ?"
        " and at >= ? and at < ?",
        owner,
        pocket,
        start,
        end,
    )
    return moved + (OPENING_MINOR if pocket == "funds" else 0)
