"""What a tracking service can do, whichever it is: follow a parcel, push its news, be asked.

A tracker translates and nothing more: no database, no orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol

import msgspec

from littleshop.trade.carriers import Carrier

BEIJING = timezone(timedelta(hours=8))  # both services write times of the courier's wall, no zone
MOST_SCANS = 200
LONGEST_WORDS = 500

# A parcel's states, in the order in which it mostly goes through them: what was scanned in the
# same second counts as the later one.
STATES = (
    "unknown",
    "picked_up",
    "in_transit",
    "out_for_delivery",
    "at_station",  # in a locker or a shop that keeps parcels: nobody has it yet
    "problem",
    "delivered",
    "returning",
    "returned",
)


class Scan(msgspec.Struct, frozen=True):
    """What happened to a parcel: the courier's own time and words, and the state it was in then."""

    at: datetime
    state: str
    words: str


class Told(msgspec.Struct, frozen=True):
    """All that a service knows of one parcel. `token` is ours, where the service gives it back;
    `over`: it will not tell any more. `number` as the service writes it."""

    number: str
    scans: tuple[Scan, ...]
    token: str = ""
    over: bool = False


class Asked(msgspec.Struct, frozen=True):
    """A parcel to be followed. `phone_tail` are the last four digits of its recipient's phone,
    empty where the courier does not want them; news go to `callback_url`, which ends in `token`."""

    carrier: Carrier
    number: str
    phone_tail: str
    callback_url: str
    token: str


class Unfollowed(Exception):
    """The service will never follow this parcel: a courier or a number that it does not know."""


class PushRefused(Exception):
    """What was pushed cannot be believed: unsigned, signed by a stranger, or not understood."""


class Tracker(Protocol):
    """A tracking service."""

    name: str
    answer_type: str

    def follows(self, carrier: Carrier) -> bool:
        """Whether it knows this courier at all."""
        ...

    async def subscribe(self, asked: Asked) -> None:
        """Have a parcel's news pushed; asking twice is asking once.

        Raises Unfollowed, GatewayError."""
        ...

    async def query(self, asked: Asked) -> Told | None:
        """Where a parcel is now; None when nobody knows yet. Raises GatewayError, Unfollowed."""
        ...

    def parse_push(self, body: bytes) -> tuple[Told, ...]:
        """What was pushed, of one or several parcels. Raises PushRefused."""
        ...

    def answer(self, at: datetime, *, heard: bool) -> bytes:
        """What the service takes for heard, or for not."""
        ...

    async def disconnect(self) -> None:
        """Let the connections go."""
        ...


def moment(text: object) -> datetime | None:
    """A time as the services write it, 2026-11-23 10:00:00 in Beijing; None when it is none."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S"):
        try:
            return datetime.strptime(str(text), form).replace(tzinfo=BEIJING)
        except ValueError:
            continue
    return None


def words(text: object) -> str:
    """The courier's words as they can be kept: no control signs, not endless."""
    said = "".join(sign if sign.isprintable() else " " for sign in str(text or ""))
    return " ".join(said.split())[:LONGEST_WORDS]


def fields(answer: object) -> Mapping[str, Any]:
    """A JSON object, or one without anything in it."""
    return answer if isinstance(answer, dict) else {}


def rows(answer: object) -> Sequence[Mapping[str, Any]]:
    """The objects of a JSON list, so many as a parcel can have."""
    found = answer if isinstance(answer, list) else []
    return [each for each in found if isinstance(each, dict)][:MOST_SCANS]


def in_time(scans: list[Scan]) -> tuple[Scan, ...]:
    """Scans, the first one first; of those in one second the later state last."""
    return tuple(sorted(scans, key=lambda scan: (scan.at, STATES.index(scan.state))))
