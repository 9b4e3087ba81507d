"""Virtual goods: a text, a file, or a code of its own for each piece.

Codes are put in once and given once; what is left of them is the stock. All of it lies sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids
from littleshop.catalog import exceptions, stock
from littleshop.crypto import Keyring
from littleshop.errors import NotFound, Refused
from littleshop.shop import shops

KINDS = ("text", "file", "codes")
TEXT_LENGTH = 5000
CODE_LENGTH = 200
MOST_CODES = 2000  # of one paste
FILE_BYTES = 20 * 1024 * 1024


class Content(msgspec.Struct, frozen=True):
    """What a buyer of a product gets; `kind` None is a thing that is carried."""

    kind: str | None = None
    text_sealed: bytes | None = None
    file: str | None = None
    file_name: str = ""

    def text(self, keyring: Keyring) -> str:
        """Its words, "" for none."""
        return keyring.open(self.text_sealed) if self.text_sealed else ""


async def of(conn: db.Connection, shop_id: int, product_id: UUID) -> Content:
    """Raises NotFound for no product of this shop."""
    row = await db.one(
        conn,
        Content,
        "select p.virtual_kind as kind, g.text_sealed, g.file, coalesce(g.file_name, '') as"
        " file_name from products p left join virtual_goods g"
        "   on g.shop_id = p.shop_id and g.product_id = p.product_id"
        " where p.shop_id = $1 and p.product_id = $2",
        shop_id,
        product_id,
    )
    if row is None:
        raise NotFound("product")
    return row


async def say(
    conn: db.Connection, shop_id: int, product_id: UUID, content: Content, at: datetime
) -> None:
    """What a product is from now on, for orders to come. It cannot come back without a reason any
    more, as the law has it of digital goods.

    Raises Refused: virtual_kind, virtual_text_empty, virtual_file_empty, stock_promised(held=);
    NotFound.
    """
    before = await of(conn, shop_id, product_id)
    if content.kind not in (None, *KINDS):
        raise Refused("virtual_kind")
    if content.kind == "text" and not content.text_sealed:
        raise Refused("virtual_text_empty")
    if content.kind == "file" and not content.file:
        raise Refused("virtual_file_empty")
    await db.run(
        conn,
        "update products set virtual_kind = $3, updated_at = $4,"
        " no_return_why = case when $3::text is not null and no_return_why = '' then 'digital'"
        "   when $3::text is null and no_return_why = 'digital' then '' else no_return_why end,"
        " no_return_since = case when $3::text is not null and no_return_why = '' then $5"
        "   when $3::text is null and no_return_why = 'digital' then null"
        "   else no_return_since end"
        " where shop_id = $1 and product_id = $2",
        shop_id,
        product_id,
        content.kind,
        at,
        at + exceptions.A_MOMENT,
    )
    await _keep(conn, shop_id, product_id, content, at)
    if content.kind == "codes" and before.kind != "codes":
        await _count_codes(conn, shop_id, product_id, at)
    await shops.touch(conn, shop_id, pricing=True)


async def _keep(
    conn: db.Connection, shop_id: int, product_id: UUID, content: Content, at: datetime
) -> None:
    await db.run(
        conn,
        "insert into virtual_goods (shop_id, product_id, text_sealed, file, file_name, changed_at)"
        " values ($1, $2, $3, $4, $5, $6) on conflict on constraint virtual_goods_pkey do update"
        " set text_sealed = excluded.text_sealed, file = excluded.file,"
        " file_name = excluded.file_name, changed_at = excluded.changed_at",
        shop_id,
        product_id,
        content.text_sealed,
        content.file,
        content.file_name,
        at,
    )


async def _count_codes(conn: db.Connection, shop_id: int, product_id: UUID, at: datetime) -> None:
    """From now on there are as many pieces as codes. Raises Refused stock_promised(held=)."""
    rows = await conn.fetch(
        "select v.variant_id, v.on_hand, (select count(*) from virtual_codes c"
        "   where c.shop_id = v.shop_id and c.variant_id = v.variant_id and c.order_id is null)"
        "   ::integer as codes from variants v"
        " where v.shop_id = $1 and v.product_id = $2 order by v.variant_id"
        " for no key update of v",  # who moved them before us is counted, who comes after refused
        shop_id,
        product_id,
    )
    for row in rows:
        if change := row["codes"] - row["on_hand"]:
            await stock.move(
                conn, shop_id, row["variant_id"], change, reason="counted", at=at, of_codes=True
            )


async def add_codes(
    conn: db.Connection,
    keyring: Keyring,
    shop_id: int,
    variant_id: UUID,
    typed: Sequence[str],
    *,
    person_id: UUID | None,
    at: datetime,
) -> int:
    """Put codes in, one a piece; how many were new, which are pieces in stock. One that was put in
    before, for whatever thing, is not put in again.

    Raises Refused: codes_empty, codes_too_many(most=), code_too_long(most=).
    """
    codes = list(dict.fromkeys(code for line in typed if (code := line.strip())))
    if not codes:
        raise Refused("codes_empty")
    if len(codes) > MOST_CODES:
        raise Refused("codes_too_many", most=MOST_CODES)
    if any(len(code) > CODE_LENGTH for code in codes):
        raise Refused("code_too_long", most=CODE_LENGTH)
    written = await conn.fetch(
        "insert into virtual_codes"
        " (shop_id, code_id, variant_id, code_sealed, code_index, added_at)"
        " select $1, c.id, $2, c.sealed, c.index, $6"
        "   from unnest($3::uuid[], $4::bytea[], $5::bytea[]) as c(id, sealed, index)"
        " on conflict on constraint virtual_codes_once do nothing returning code_id",
        shop_id,
        variant_id,
        sorted(ids.uuid7(at) for _ in codes),  # given in the order in which they were typed
        [keyring.seal(code) for code in codes],
        [keyring.index(f"code {shop_id} {code}") for code in codes],
        at,
    )
    if written:
        await stock.move(
            conn, shop_id, variant_id, len(written), reason="received", at=at,
            person_id=person_id, of_codes=True,
        )  # fmt: skip
    return len(written)


class Left(msgspec.Struct, frozen=True):
    """How many codes of a variant are left, and how many were given."""

    variant_id: UUID
    left: int
    given: int


async def codes_of(conn: db.Connection, shop_id: int, product_id: UUID) -> dict[UUID, Left]:
    """By variant, those that have any."""
    rows = await db.all(
        conn,
        Left,
        "select c.variant_id, (count(*) filter (where c.order_id is null))::integer as left,"
        "       count(c.order_id)::integer as given"
        "  from virtual_codes c join variants v"
        "    on v.shop_id = c.shop_id and v.variant_id = c.variant_id"
        " where c.shop_id = $1 and v.product_id = $2 group by c.variant_id",
        shop_id,
        product_id,
    )
    return {row.variant_id: row for row in rows}


async def give(
    conn: db.Connection,
    shop_id: int,
    variant_id: UUID,
    quantity: int,
    *,
    order_id: UUID,
    position: int,
    at: datetime,
) -> int:
    """Give the oldest codes that are left to a line of an order; how many there were. Each is given
    once: a row that somebody else just took is passed over."""
    return await db.run(
        conn,
        "with free as materialized ("  # looked up once: a subquery may be asked for each row again
        "   select code_id from virtual_codes"
        "    where shop_id = $1 and variant_id = $2 and order_id is null"
        "    order by added_at, code_id limit $6 for update skip locked)"
        " update virtual_codes c set order_id = $3, position = $4, given_at = $5 from free f"
        "  where c.shop_id = $1 and c.code_id = f.code_id and c.order_id is null",
        shop_id,
        variant_id,
        order_id,
        position,
        at,
        quantity,
    )


async def given(
    conn: db.Connection, keyring: Keyring, shop_id: int, order_id: UUID
) -> dict[int, list[str]]:
    """The codes of an order by line. The caller has checked who asks."""
    rows = await conn.fetch(
        "select position, code_sealed from virtual_codes where shop_id = $1 and order_id = $2"
        " order by position, added_at, code_id",
        shop_id,
        order_id,
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row["position"], []).append(keyring.open(row["code_sealed"]))
    return found
