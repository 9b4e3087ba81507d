"""Entrances: ways into a shop that nobody sent on, each with a code and a name of its own.

A super-app's wallet page, an official account's menu, a mini program, an icon on a home screen, a
code on the counter. /in/CODE answers the shop; the platform's own (shop 0) open the buyer's home.
"""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.errors import NotFound, Refused
from littleshop.shop.shops import tidy

KINDS = ("counter", "wallet", "account_menu", "mini_program", "home_screen")
NAME_LENGTH = 30
MOST = 200  # of a shop
_CODE = re.compile(r"[0-9a-v]{1,13}-[2-9a-z]{5}\Z")


class Entrance(msgspec.Struct, frozen=True):
    """A row of entrances."""

    shop_id: int
    code: str
    kind: str
    name: str
    person_id: UUID
    created_at: datetime


_COLUMNS = ", ".join(Entrance.__struct_fields__)


def is_code(code: str) -> bool:
    """Whether this is an entrance's code and not a share's: it is a sign shorter."""
    return _CODE.match(code) is not None


async def make(
    conn: db.Connection, shop_id: int, *, kind: str, name: str, person_id: UUID, at: datetime
) -> Entrance:
    """The entrance of this kind and name: a new one or the one made before.

    Raises Refused: entrance_kind, entrance_name_missing, entrance_name_length(most),
    entrances_too_many(most).
    """
    name = tidy(name)
    if kind not in KINDS:
        raise Refused("entrance_kind")
    if not name:
        raise Refused("entrance_name_missing")
    if len(name) > NAME_LENGTH:
        raise Refused("entrance_name_length", most=NAME_LENGTH)
    for _ in range(8):  # a code may be taken by chance
        await db.run(
            conn,
            "insert into entrances (shop_id, code, kind, name, person_id, created_at)"
            " select $1, $2, $3, $4, $5, $6"
            "  where (select count(*) from entrances where shop_id = $1) < $7"
            " on conflict do nothing",
            shop_id,
            ids.share_code(shop_id)[:-1],
            kind,
            name,
            person_id,
            at,
            MOST,
        )
        found = [
            each for each in await of_shop(conn, shop_id) if (each.kind, each.name) == (kind, name)
        ]
        if found:
            return found[0]
    raise Refused("entrances_too_many", most=MOST)


async def of_shop(conn: db.Connection, shop_id: int) -> list[Entrance]:
    """A shop's entrances, the newest first."""
    return await db.all(
        conn,
        Entrance,
        f"select {_COLUMNS} from entrances where shop_id = $1 order by created_at desc, code",
        shop_id,
    )


async def find(conn: db.Connection, shop_id: int, code: str) -> Entrance | None:
    """The entrance of this shop with this code, or None."""
    return await db.one(
        conn,
        Entrance,
        f"select {_COLUMNS} from entrances where shop_id = $1 and code = $2",
        shop_id,
        code,
    )


async def get(conn: db.Connection, code: str) -> Entrance:
    """The entrance behind a code, in the shop that the code carries. Raises NotFound."""
    try:
        shop_id = ids.shop_of(code)
    except ValueError:
        raise NotFound("entrance") from None
    entrance = await find(conn, shop_id, code)
    if entrance is None:
        raise NotFound("entrance")
    return entrance
