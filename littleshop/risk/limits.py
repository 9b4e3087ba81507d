"""Limits: how often somebody may do a thing, counted in the process, shared once a second.

Exact within a process; several processes see each other's counts a second late, which costs a
hostile person a few extra tries and an honest one nothing. Where a few extra tries are worth
something (EXACT), every act is counted in the table before it is done: one limit for all processes
that no restart forgets. What needs a lock besides (the tries of a code) has a row of its own.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from littleshop import db


class Limit(msgspec.Struct, frozen=True):
    """At most `most` in `window` for one subject; `of` says whose: phone, device, address."""

    of: str
    most: int
    window: timedelta


class Spent(msgspec.Struct, frozen=True):
    """A limit that is used up, and in how many minutes it is not any longer."""

    of: str
    minutes: int

    @property
    def wait(self) -> timedelta:
        """That long, as people say it: full hours from an hour and a half on, days from two on."""
        span = timedelta(minutes=self.minutes)
        for least, unit in ((timedelta(days=2), timedelta(days=1)), (_LONG, timedelta(hours=1))):
            if span >= least:
                return -(-span // unit) * unit
        return span


_LONG = timedelta(minutes=90)
# Each rule lists its limits in the order in which `spend` is given the subjects.
#
# Whole neighbourhoods share one IPv4 address behind a carrier's NAT, so a limit per address only
# stops floods; a device says by its cookie that it was here before. Whoever has no cookie shares
# the tighter budget of FRESH with all others at his address: a script that throws its cookies
# away ends there, a neighbour on his second press does not.
RULES: dict[str, tuple[Limit, ...]] = {
    "code": (  # asking for a code by SMS
        Limit("device", 10, timedelta(hours=1)),
        Limit("address", 100, timedelta(hours=1)),
    ),
    "try_code": (
        Limit("device", 30, timedelta(hours=1)),
        Limit("address", 400, timedelta(hours=1)),  # four tries for each code
    ),
    "checkout": (
        Limit("phone", 20, timedelta(hours=1)),
        Limit("device", 30, timedelta(hours=1)),
        Limit("address", 2000, timedelta(hours=1)),
    ),
    # What a typed coupon takes off for a typed phone, told without an order: who bought before.
    "coupon": (Limit("address", 60, timedelta(hours=1)),),
    "pay": (
        Limit("order", 30, timedelta(hours=1)),
        Limit("device", 60, timedelta(hours=1)),
        Limit("address", 4000, timedelta(hours=1)),  # twice for each checkout
    ),
    "give": (Limit("device", 60, timedelta(hours=1)), Limit("address", 2000, timedelta(hours=1))),
    # SMS pumping: who earns on the far end of a route has codes sent to numbers of his there,
    # from thousands of addresses. Each country has a budget of all devices together. The mainland
    # is where the shops are and an SMS costs 0.05 yuan: 3000 an hour are a busy day's peak and at
    # most 150 yuan. Elsewhere one costs up to a yuan and few buyers live: 200.
    "code_home": (Limit("country", 3000, timedelta(hours=1)),),
    "code_abroad": (Limit("country", 200, timedelta(hours=1)),),
    "change_card": (Limit("shop", 10, timedelta(days=1)),),  # guesses of the identity number
    "pickup_code": (Limit("order", 5, timedelta(hours=1)),),
    "operator_code": (  # the second factor
        Limit("person", 5, timedelta(minutes=15)),
        Limit("day", 20, timedelta(days=1)),
    ),
    "open_shop": (
        Limit("device", 10, timedelta(days=1)),
        Limit("address", 50, timedelta(days=1)),
    ),
    "share": (Limit("device", 60, timedelta(hours=1)), Limit("address", 600, timedelta(hours=1))),
    # Opening a pass-code: one of 24 ** 8. A class that opens the same one shares an address.
    "passcode": (
        Limit("device", 30, timedelta(hours=1)),
        Limit("address", 2000, timedelta(hours=1)),
    ),
    # A poster that was not drawn before: 0.2 s of a processor.
    "poster": (Limit("device", 60, timedelta(hours=1)), Limit("address", 2000, timedelta(hours=1))),
    # What a seller's press sends to a phone by SMS, over all shops: a word for who wished for
    # something, news for a follower. Whose phone was proven by no code may be a stranger's.
    "text": (Limit("phone", 20, timedelta(days=1)), Limit("shop", 300, timedelta(days=1))),
    "text_unproven": (Limit("phone", 3, timedelta(days=30)),),
    # How many such phones a shop has ring, and how many it asks to work in it (risk/strangers.py
    # tells the young ones; docs/decisions/0015 says why so many).
    "strangers": (Limit("shop", 100, timedelta(days=1)),),
    "strangers_young": (Limit("shop", 20, timedelta(days=1)),),
    "ask_to_work": (Limit("shop", 20, timedelta(days=1)), Limit("month", 60, timedelta(days=30))),
    "ask_to_work_young": (
        Limit("shop", 5, timedelta(days=1)),
        Limit("month", 15, timedelta(days=30)),
    ),
    "upload": (Limit("person", 300, timedelta(hours=1)),),
    "search": (Limit("address", 3000, timedelta(hours=1)),),
    "report": (Limit("device", 10, timedelta(days=1)), Limit("address", 1000, timedelta(days=1))),
    # An SMS to a person who has not asked for it: a seller's, of an invitation.
    "remind": (Limit("shop", 30, timedelta(days=1)),),
    # Asking a seller to get something, and each further word of it.
    "wish": (Limit("device", 20, timedelta(hours=1)), Limit("address", 1000, timedelta(hours=1))),
    # A remark of a buyer, and of a seller.
    "talk": (Limit("device", 60, timedelta(hours=1)), Limit("address", 600, timedelta(hours=1))),
    "answer": (Limit("person", 600, timedelta(hours=1)),),
    "review": (Limit("device", 60, timedelta(hours=1)),),
}

# The same acts by devices that bring no cookie, all of an address together.
FRESH: dict[str, Limit] = {
    "code": Limit("address", 20, timedelta(hours=1)),
    "checkout": Limit("address", 100, timedelta(hours=1)),
    "give": Limit("address", 200, timedelta(hours=1)),
    "report": Limit("address", 100, timedelta(days=1)),
    "wish": Limit("address", 100, timedelta(hours=1)),
    "poster": Limit("address", 300, timedelta(hours=1)),
    "passcode": Limit("address", 500, timedelta(hours=1)),
    "talk": Limit("address", 30, timedelta(hours=1)),
}

# Guesses among a million or fewer, and what costs money each.
EXACT = frozenset(
    {
        "change_card", "pickup_code", "operator_code", "code_home", "code_abroad", "text",
        "text_unproven", "strangers", "strangers_young", "ask_to_work", "ask_to_work_young",
    }
)  # fmt: skip

_Key = tuple[bytes, datetime]
_TAKE = """
insert into limit_counts as c (subject, window_at, ends_at, count) values ($1, $2, $3, 1)
on conflict on constraint limit_counts_pkey do update
   set count = c.count + 1 where c.count < $4"""


class _Full(Exception):
    """A limit is used up: nothing of what was counted with it stays."""

    def __init__(self, spent: Spent) -> None:
        super().__init__(spent)
        self.spent = spent


class Meters:
    """The counts of this process and, once a second, of all."""

    def __init__(self, database: db.Database) -> None:
        self._database = database
        self._seen: dict[_Key, int] = {}  # everybody's, as of the last flush
        self._own: dict[_Key, int] = defaultdict(int)  # ours since then
        self._ends: dict[_Key, datetime] = {}

    def spend(
        self,
        rule: str,
        subjects: Sequence[str | bytes],
        at: datetime,
        *,
        fresh: str | None = None,
    ) -> Spent | None:
        """Count one act for every subject, or say which limit is used up (then nothing counts).

        `fresh` is the address of a device that brought no cookie.
        """
        assert rule not in EXACT, rule
        asked = [(rule, *each) for each in zip(RULES[rule], subjects, strict=True)]
        if fresh is not None and rule in FRESH:
            asked.append((f"fresh {rule}", FRESH[rule], fresh))
        keys = []
        for name, limit, subject in asked:
            key, ends = _key(name, limit, subject, at)
            if self._seen.get(key, 0) + self._own.get(key, 0) >= limit.most:
                return Spent(limit.of, _minutes(ends, at))
            keys.append((key, ends))
        for key, ends in keys:
            self._own[key] += 1
            self._ends[key] = ends
        return None

    async def spend_exactly(
        self, rule: str, subjects: Sequence[str | bytes], at: datetime
    ) -> Spent | None:
        """The same for a rule of EXACT, over all processes; called outside of a transaction, so
        that an act that fails has counted. Raises db.Unavailable."""
        assert rule in EXACT, rule
        asked = zip(RULES[rule], subjects, strict=True)
        keys = sorted((*_key(rule, limit, subject, at), limit) for limit, subject in asked)

        async def work(conn: db.Connection) -> None:
            for (subject, window), ends, limit in keys:
                if not await db.run(conn, _TAKE, subject, window, ends, limit.most):
                    raise _Full(Spent(limit.of, _minutes(ends, at)))

        try:
            await self._database.transaction(work)
        except _Full as full:
            return full.spent
        return None

    async def spent_exactly(self, rule: str, subject: str | bytes, at: datetime) -> datetime | None:
        """When the window of the rule's first limit began, if that one is used up by now."""
        limit = RULES[rule][0]
        (digest, window), _ = _key(rule, limit, subject, at)
        async with self._database.connection() as conn:
            count = await db.value(
                conn,
                "select count from limit_counts where subject = $1 and window_at = $2",
                digest,
                window,
            )
        return window if count is not None and count >= limit.most else None

    async def flush(self, at: datetime) -> None:
        """Add our counts to everybody's, learn theirs, forget windows that are over."""
        mine, self._own = self._own, defaultdict(int)
        for key in [key for key, ends in self._ends.items() if ends <= at]:
            self._seen.pop(key, None)
            self._ends.pop(key)
        if not mine:
            return
        for key, count in mine.items():
            self._seen[key] = self._seen.get(key, 0) + count
        keys = sorted(mine)

        async def work(conn: db.Connection) -> list[tuple[_Key, int]]:
            rows = await conn.fetch(
                "insert into limit_counts as c (subject, window_at, ends_at, count)"
                " select * from unnest($1::bytea[], $2::timestamptz[], $3::timestamptz[],"
                " $4::integer[])"
                " on conflict on constraint limit_counts_pkey do update"
                " set count = c.count + excluded.count"
                " returning subject, window_at, count",
                [subject for subject, _ in keys],
                [window for _, window in keys],
                [self._ends.get(key, at) for key in keys],
                [mine[key] for key in keys],
            )
            return [((row["subject"], row["window_at"]), row["count"]) for row in rows]

        for key, count in await self._database.transaction(work):
            self._seen[key] = count


async def take(
    conn: db.Connection, rule: str, subjects: Sequence[str | bytes], at: datetime
) -> Spent | None:
    """Count an act of a rule of EXACT within the transaction that does it, or say which limit is
    used up; what was counted before that one stays counted."""
    assert rule in EXACT, rule
    asked = zip(RULES[rule], subjects, strict=True)
    keys = sorted((*_key(rule, limit, subject, at), limit) for limit, subject in asked)
    for (subject, window), ends, limit in keys:
        if not await db.run(conn, _TAKE, subject, window, ends, limit.most):
            return Spent(limit.of, _minutes(ends, at))
    return None


def _minutes(ends: datetime, at: datetime) -> int:
    return max(1, -(-int((ends - at).total_seconds()) // 60))


def _key(rule: str, limit: Limit, subject: str | bytes, at: datetime) -> tuple[_Key, datetime]:
    seconds = int(limit.window.total_seconds())
    started = datetime.fromtimestamp(int(at.timestamp()) // seconds * seconds, at.tzinfo)
    raw = subject if isinstance(subject, bytes) else subject.encode()
    digest = hashlib.sha256(f"{rule}:{limit.of}:".encode() + raw).digest()[:16]
    return (digest, started), started + limit.window


async def sweep(conn: db.Connection, at: datetime) -> int:
    """Forget windows that are over; returns how many."""
    return await db.run(conn, "delete from limit_counts where ends_at < $1", at)
