"""The pockets of a rail that holds money for others: every move of every pocket, and nothing else.

A rail says which table is its own and what its merchants begin with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.clock import stamp
from sandbox.store import Value
from sandbox.world import World

OPENING_MINOR = 500_000_000  # what lies ready for transfers: five million yuan


@dataclass(frozen=True)
class Pockets:
    """The pockets in the table `moves`; some have a sum in them before the first move, in fen."""

    moves: str
    opening: Mapping[str, int] = field(default_factory=dict)

    def move(
        self,
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
            moved: dict[str, Value] = {
                "owner": owner,
                "pocket": pocket,
                "amount_minor": minor,
                "kind": kind,
                "reference": reference,
                "at": stamp(at or world.clock.now()),
            }
            world.store.insert(self.moves, moved)

    def balance(self, world: World, owner: str, pocket: str) -> int:
        """What is in a pocket, in fen."""
        return self._sum(world, owner, pocket) + self.opening.get(pocket, 0)

    def left_of(self, world: World, owner: str, pocket: str, reference: str) -> int:
        """What of one payment is in a pocket still, in fen."""
        return self._sum(world, owner, pocket, " and reference = ?", reference)

    def came(self, world: World, owner: str, pocket: str, start: str, end: str) -> int:
        """What came into a pocket between two stamps, less what left; settlements left out."""
        between = " and kind <> 'settled' and at >= ? and at < ?"
        return self._sum(world, owner, pocket, between, start, end)

    def _sum(self, world: World, owner: str, pocket: str, more: str = "", *told: str) -> int:
        return world.store.number(
            f"select sum(amount_minor) from {self.moves} where owner = ? and pocket = ?{more}",
            owner,
            pocket,
            *told,
        )
