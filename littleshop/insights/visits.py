"""Visits: counted in the process, written once a second in one statement, exact per day.

While a day is open there is a row per (shop, day, kind, subject, visitor) in `visits`; when it is
over in the shop's zone its rows are folded into `visit_days` and dropped. The kinds: shop (any of
its pages), look (any product), product, basket (put something in), share. What a kill takes away
is what was seen since the last flush; what a lost connection repeats may count views twice but
never a visitor.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache, partial
from hashlib import blake2b
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from littleshop import db, ids

MOST_WAITING = 200_000  # visitors since the last flush; more are not counted
MOST_FRESH = 100_000
MOST_KNOWN = 20_000  # cookies that need not be checked again
# Whoever throws his cookie away is somebody new, as often as he likes: so an address brings a shop
# at most this many visitors a day, in each process. Phones share an address behind a carrier's NAT
# by the hundred, a campus by the thousand, but few of them look into the same shop on one day.
MOST_OF_ADDRESS = 500
STAFF_LIFE = 60.0  # seconds for which a session's shops are believed
VIEWER = timedelta(minutes=5)
_QUARTER = 900

_SQL = """
insert into visits as v
  (shop_id, day, kind, subject, visitor, first_at, last_at, views)
select shop_id, day, kind, subject, visitor, first_at, last_at, views
  from unnest($1::bigint[], $2::date[], $3::text[], $4::text[], $5::bytea[], $6::timestamptz[],
              $7::timestamptz[], $8::integer[])
       as w(shop_id, day, kind, subject, visitor, first_at, last_at, views)
on conflict on constraint visits_pkey do update
   set views = v.views + excluded.views, last_at = excluded.last_at"""
_FOLD = """
with gone as (
  delete from visits where shop_id = $1 and day = $2
  returning kind, subject, first_at, views),
quarters as (
  select kind, subject, quarter, count(*)::integer as visitors
    from (select kind, subject,
                 (extract(hour from first_at at time zone $3) * 4
                  + floor(extract(minute from first_at at time zone $3) / 15))::integer as quarter
            from gone where kind = 'shop') as each
   group by kind, subject, quarter)
insert into visit_days as d (shop_id, day, kind, subject, views, visitors, quarters)
select $1, $2, g.kind, g.subject, sum(g.views), count(*),
       case when g.kind = 'shop'
            then (select array_agg(coalesce(q.visitors, 0) order by n)
                    from generate_series(0, 95) as n
                    left join quarters q on q.quarter = n)
            else '{}' end
  from gone g group by g.kind, g.subject
on conflict on constraint visit_days_pkey do update
   set views = d.views + excluded.views, visitors = d.visitors + excluded.visitors"""


class Place(msgspec.Struct, eq=False):
    """What a page shows: its shop, the shop's zone, a product, the share it was reached by.
    Two are never equal: a page makes one and counts by it, which costs no comparing."""

    shop_id: int
    zone: str
    product_id: str | None = None
    share_code: str | None = None
    basket: bool = False


# A place, a visitor, a session, and the quarter of an hour since 1970: what is seen around midnight
# stays apart.
_Who = tuple[Place, bytes, bytes | None, int]


class _Row(NamedTuple):
    shop_id: int
    day: date
    kind: str
    subject: str
    visitor: bytes


class Visits:
    """The visits of this process that are not written yet, and who of them is staff."""

    def __init__(self, database: db.Database) -> None:
        self._database = database
        self._seen: dict[_Who, list[float]] = {}  # views, first and last moment
        self._unwritten: dict[_Row, list[float]] = {}
        self._staff: dict[bytes, tuple[float, frozenset[int]]] = {}
        self._flushing = asyncio.Lock()
        self.lost = 0

    def note(self, place: Place, visitor: bytes, at: float, session: bytes | None = None) -> None:
        """A page went out at `at` (seconds since 1970); `session` is the cookie of somebody who
        may be staff."""
        who = (place, visitor, session, int(at) // _QUARTER)
        known = self._seen.get(who)
        if known is not None:
            known[0] += 1
            known[2] = at
        elif len(self._seen) < MOST_WAITING:
            self._seen[who] = [1, at, at]
        else:
            self.lost += 1

    async def flush(self) -> set[int]:
        """Write what was seen; the shops it was about. What cannot be written now waits."""
        async with self._flushing:
            seen, self._seen = self._seen, {}
            if seen:
                await self._meet_staff(seen)
                self._gather(seen)
            if not self._unwritten:
                return set()
            rows = sorted(self._unwritten.items())
            await self._database.transaction(lambda conn: _write(conn, rows))
            self._unwritten = {}
            return {row.shop_id for row, _ in rows}

    def _gather(self, seen: dict[_Who, list[float]]) -> None:
        for (place, visitor, session, _), (views, first, last) in seen.items():
            if session is not None and place.shop_id in self._works(session):
                continue
            for row in _rows(place, visitor, first):
                known = self._unwritten.get(row)
                if known is not None:
                    known[0] += views
                    known[2] = last
                elif len(self._unwritten) < 4 * MOST_WAITING:
                    self._unwritten[row] = [views, first, last]

    def _works(self, session: bytes) -> frozenset[int]:
        return self._staff.get(session, (0.0, frozenset[int]()))[1]

    async def _meet_staff(self, seen: dict[_Who, list[float]]) -> None:
        """Learn in which shops the signed-in visitors work."""
        newest = max(last for _, _, last in seen.values())
        asked = {
            session
            for _, _, session, _ in seen
            if session is not None
            and self._staff.get(session, (0.0, None))[0] < newest - STAFF_LIFE
        }
        if not asked:
            return
        hashes = {ids.hashed(session.decode("latin-1")): session for session in asked}
        try:
            async with self._database.connection() as conn:
                found = await _workplaces(conn, list(hashes), datetime.fromtimestamp(newest, _UTC))
        except db.Unavailable:
            self._give_back(seen)
            raise
        if len(self._staff) > 10_000:
            self._staff.clear()
        for digest, session in hashes.items():
            self._staff[session] = (newest, frozenset(found.get(digest, ())))

    def _give_back(self, seen: dict[_Who, list[float]]) -> None:
        for who, (views, first, last) in seen.items():
            known = self._seen.get(who)
            if known is None:
                self._seen[who] = [views, first, last]
            else:
                known[0] += views
                known[1] = first


_UTC = ZoneInfo("UTC")


@lru_cache(maxsize=4096)
def _day(zone: str, quarter: int) -> date:
    """The local day of a quarter of an hour since 1970; zones differ by whole quarters."""
    return datetime.fromtimestamp(quarter * _QUARTER, ZoneInfo(zone)).date()


def day_at(zone: str, at: float) -> date:
    """The shop's day of a moment in seconds since 1970."""
    return _day(zone, int(at) // _QUARTER)


@lru_cache(maxsize=4096)
def _midnight(zone: str, quarter: int) -> int:
    """The end of the local day of a quarter of an hour, in seconds since 1970."""
    tomorrow = _day(zone, quarter) + timedelta(days=1)
    return int(datetime.combine(tomorrow, time(), ZoneInfo(zone)).timestamp())


def seconds_left(zone: str, at: float) -> int:
    """Whole seconds until the shop's midnight, at least one."""
    return max(1, int(_midnight(zone, int(at) // _QUARTER) - at))


def _rows(place: Place, visitor: bytes, at: float) -> Iterable[_Row]:
    shop_id, day = place.shop_id, day_at(place.zone, at)
    if place.basket:
        yield _Row(shop_id, day, "basket", "", visitor)
        return
    yield _Row(shop_id, day, "shop", "", visitor)
    if place.product_id is not None:
        yield _Row(shop_id, day, "look", "", visitor)
        yield _Row(shop_id, day, "product", place.product_id, visitor)
    if place.share_code is not None:
        yield _Row(shop_id, day, "share", place.share_code, visitor)


async def _write(conn: db.Connection, rows: list[tuple[_Row, list[float]]]) -> None:
    await db.run(
        conn,
        _SQL,
        [row.shop_id for row, _ in rows],
        [row.day for row, _ in rows],
        [row.kind for row, _ in rows],
        [row.subject for row, _ in rows],
        [row.visitor for row, _ in rows],
        [datetime.fromtimestamp(seen[1], _UTC) for _, seen in rows],
        [datetime.fromtimestamp(seen[2], _UTC) for _, seen in rows],
        [int(seen[0]) for _, seen in rows],
    )


async def _workplaces(
    conn: db.Connection, hashes: list[bytes], at: datetime
) -> dict[bytes, set[int]]:
    rows = await conn.fetch(
        "select s.token_hash, p.shop_id from sessions s"
        " join person_shops p on p.person_id = s.person_id"
        " where s.token_hash = any ($1) and s.ended_at is null and s.expires_at > $2",
        hashes,
        at,
    )
    found: dict[bytes, set[int]] = {}
    for row in rows:
        found.setdefault(row["token_hash"], set()).add(row["shop_id"])
    return found


class Strangers:
    """Who comes without our cookie: gets a random one; whoever never keeps it stays one visitor.

    A cookie handed out and not seen again yet is handed out once more to the same address and
    agent: two tabs opened at once, or a browser that refuses cookies. Address and agent are
    remembered only as a hash under a key of the day that never leaves this process.

    Half of a cookie says under `key` that it is ours, of this shop and this day: what somebody
    invents or kept from yesterday is no cookie. It says so in 32 bits: guessing one takes more
    requests than asking for new ones, and those are bounded by MOST_OF_ADDRESS.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[tuple[int, bytes], float] = {}  # came back; until when it is a cookie
        self._keys: dict[date, bytes] = {}
        self._fresh: dict[bytes, bytes] = {}  # hash of address and agent -> cookie handed out
        self._handed: dict[bytes, bytes] = {}  # and back
        self._came: dict[bytes, int] = {}  # hash of an address -> how many were handed to it

    def knows(self, shop_id: int, zone: str, token: bytes, at: float) -> bool:
        """Whether this is a cookie of ours, of this shop and of its day; then the next one who
        comes without a cookie from there is somebody else."""
        until = self._known.get((shop_id, token))
        if until is not None and at < until:
            return True
        if len(token) != 16 or token != self._sealed(shop_id, day_at(zone, at), token[:8]):
            return False
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[(shop_id, token)] = at + seconds_left(zone, at)
        self.returned(token)
        return True

    def meet(self, shop_id: int, zone: str, address: str, agent: str, at: float) -> bytes:
        """The cookie for a visitor without one, 16 signs. Behind one address there are at most
        MOST_OF_ADDRESS visitors of a shop and day; all further ones are one together."""
        day = day_at(zone, at)
        place = f"{shop_id}|{day}|{address}"
        digest = self._hash(day, f"{place}|{agent}")
        token = self._fresh.get(digest)
        if token is not None:
            return token
        home = self._hash(day, place)
        came = self._came.get(home, 0)
        if came >= MOST_OF_ADDRESS:
            return self._sealed(shop_id, day, home.hex()[:8].encode())
        self._came[home] = came + 1
        token = self.make(shop_id, day)
        self._fresh[digest] = token
        self._handed[token] = digest
        self._forget_some()
        return token

    def make(self, shop_id: int, day: date) -> bytes:
        """A new cookie."""
        return self._sealed(shop_id, day, secrets.token_urlsafe(6).encode())

    def returned(self, token: bytes) -> None:
        """The cookie came back: the next one without a cookie there is somebody else."""
        digest = self._handed.pop(token, None)
        if digest is not None:
            self._fresh.pop(digest, None)

    def _sealed(self, shop_id: int, day: date, name: bytes) -> bytes:
        text = b"%d|%d|%b" % (shop_id, day.toordinal(), name)
        return name + blake2b(text, key=self._key, digest_size=4).hexdigest().encode()

    def _hash(self, day: date, text: str) -> bytes:
        key = self._keys.get(day)
        if key is None:
            key = self._keys[day] = secrets.token_bytes(32)
            for old in sorted(self._keys)[:-3]:  # there are never more than three days at once
                del self._keys[old]
        return blake2b(text.encode(), key=key, digest_size=16).digest()

    def _forget_some(self) -> None:
        while len(self._fresh) > MOST_FRESH:
            oldest = next(iter(self._fresh))
            self._handed.pop(self._fresh.pop(oldest), None)
        while len(self._came) > MOST_FRESH:
            del self._came[next(iter(self._came))]


class _Open(msgspec.Struct, frozen=True):
    shop_id: int
    zone: str
    day: date


async def fold(database: db.Database, at: datetime) -> int:
    """Fold every day that is over where its shop is, a transaction each; how many days."""
    folded = 0
    while True:
        async with database.connection() as conn:
            over = [each for each in await _open_days(conn, at) if _is_over(each, at)]
        if not over:
            return folded
        for each in over:
            await database.transaction(partial(_fold, each))
        folded += len(over)


def _is_over(each: _Open, at: datetime) -> bool:
    """A minute's grace for what is still on its way to be written."""
    return (at - timedelta(minutes=1)).astimezone(ZoneInfo(each.zone)).date() > each.day


async def _fold(each: _Open, conn: db.Connection) -> None:
    await db.run(conn, _FOLD, each.shop_id, each.day, each.zone)


async def _open_days(conn: db.Connection, at: datetime) -> list[_Open]:
    """The oldest open day of every shop that has one before tomorrow."""
    return await db.all(
        conn,
        _Open,
        """/* all shops: the fold */
        select s.shop_id, s.zone, v.day
          from shops s
          join lateral (select v.day from visits v where v.shop_id = s.shop_id and v.day < $1
                         order by v.day limit 1) v on true
         where s.opened_at is not null""",
        at.date() + timedelta(days=1),
    )


async def viewers(conn: db.Connection, shop_id: int, day: date, at: datetime) -> int:
    """How many people looked at a shop's pages in the last five minutes."""
    return int(
        await db.value(
            conn,
            "select count(*) from visits where shop_id = $1 and day = $2 and kind = 'shop'"
            " and last_at > $3",
            shop_id,
            day,
            at - VIEWER,
        )
    )
