"""Admissions: a seller as a sub-merchant of an institution that holds money for him (psp_escrow).

asked -> signing -> admitted | refused. A later one, for a changed card, takes the place of the one
in force only when it is admitted; that one is `replaced` then.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db, ids

OPEN = ("asked", "signing")


class Admission(msgspec.Struct, frozen=True):
    """`merchant_id` is what payments name (sub_mchid, smid); `said` is the institution's why.
    While it `lacks_id_card` nobody is asked: photos of both sides are missing."""

    shop_id: int
    admission_id: UUID
    gateway: str
    reference: str
    card_id: UUID
    shop_name: str
    status: str
    merchant_id: str | None
    sign_url: str | None
    said: str
    asked_at: datetime
    heard_at: datetime | None
    admitted_at: datetime | None
    lacks_id_card: bool

    @property
    def stands(self) -> str:
        """Its status, or `photos` while those are what it waits for."""
        return "photos" if self.lacks_id_card else self.status


COLUMNS = ", ".join(Admission.__struct_fields__)


async def open_for(conn: db.Connection, shop_id: int) -> dict[str, str]:
    """The merchant id under which each institution holds money for this shop, by gateway."""
    rows = await conn.fetch(
        "select gateway, merchant_id from admissions where shop_id = $1 and status = 'admitted'",
        shop_id,
    )
    return {row["gateway"]: row["merchant_id"] for row in rows}


async def of_shop(conn: db.Connection, shop_id: int) -> list[Admission]:
    """Every admission of a shop, the latest first."""
    return await db.all(
        conn,
        Admission,
        f"select {COLUMNS} from admissions where shop_id = $1"
        " order by asked_at desc, admission_id desc",
        shop_id,
    )


async def latest(conn: db.Connection, shop_id: int, gateway: str) -> Admission | None:
    """The last one asked for at an institution, or None."""
    return await db.one(
        conn,
        Admission,
        f"select {COLUMNS} from admissions where shop_id = $1 and gateway = $2"
        " order by asked_at desc, admission_id desc limit 1",
        shop_id,
        gateway,
    )


async def get(conn: db.Connection, shop_id: int, admission_id: UUID) -> Admission | None:
    """An admission of this shop."""
    return await db.one(
        conn,
        Admission,
        f"select {COLUMNS} from admissions where shop_id = $1 and admission_id = $2",
        shop_id,
        admission_id,
    )


async def ask(
    conn: db.Connection,
    shop_id: int,
    gateway: str,
    *,
    card_id: UUID,
    shop_name: str,
    at: datetime,
) -> Admission | None:
    """Write an admission with its reference, before anybody is asked; None while one is open."""
    return await db.one(
        conn,
        Admission,
        "insert into admissions (shop_id, admission_id, gateway, reference, card_id, shop_name,"
        " asked_at) values ($1, $2, $3, $4, $5, $6, $7)"
        " on conflict (shop_id, gateway) where status in ('asked', 'signing') do nothing"
        f" returning {COLUMNS}",
        shop_id,
        ids.uuid7(at),
        gateway,
        ids.reference(),
        card_id,
        shop_name,
        at,
    )


async def hear(
    conn: db.Connection,
    admission: Admission,
    *,
    status: str,
    sign_url: str | None = None,
    said: str = "",
    at: datetime,
) -> bool:
    """asked | signing -> asked | signing | refused; False when it is final."""
    return await db.changed(
        conn,
        "update admissions set status = $3, sign_url = $4, said = $5, heard_at = $6,"
        " lacks_id_card = false"
        " where shop_id = $1 and admission_id = $2 and status in ('asked', 'signing')",
        admission.shop_id,
        admission.admission_id,
        status,
        sign_url,
        said,
        at,
    )


async def lack_id_card(conn: db.Connection, admission: Admission, *, lacks: bool) -> bool:
    """Say that photos of the id card are missing, or that they are there; False once asked."""
    return await db.changed(
        conn,
        "update admissions set lacks_id_card = $3"
        " where shop_id = $1 and admission_id = $2 and status = 'asked' and heard_at is null",
        admission.shop_id,
        admission.admission_id,
        lacks,
    )


async def admit(conn: db.Connection, admission: Admission, merchant_id: str, at: datetime) -> bool:
    """asked | signing -> admitted, in the place of the one before; False when it is final: then
    the one before stays."""
    is_open = await db.value(
        conn,
        "select status = any($3) from admissions where shop_id = $1 and admission_id = $2"
        " for update",
        admission.shop_id,
        admission.admission_id,
        list(OPEN),
    )
    if not is_open:
        return False
    await db.run(
        conn,
        "update admissions set status = 'replaced'"
        " where shop_id = $1 and gateway = $2 and status = 'admitted' and admission_id <> $3",
        admission.shop_id,
        admission.gateway,
        admission.admission_id,
    )
    return await db.changed(
        conn,
        "update admissions set status = 'admitted', merchant_id = $3, sign_url = null, said = '',"
        " heard_at = $4, admitted_at = $4, lacks_id_card = false"
        " where shop_id = $1 and admission_id = $2 and status in ('asked', 'signing')",
        admission.shop_id,
        admission.admission_id,
        merchant_id,
        at,
    )


async def unasked(conn: db.Connection, gateways: list[str], most: int = 200) -> list[int]:
    """Shops whose legal person and card are verified, and of whom one of these institutions was
    never asked with that card."""
    rows = await conn.fetch(
        "select /* all shops: a new institution is asked about them all */ c.shop_id"
        "  from cards c join merchants m on m.shop_id = c.shop_id"
        " where c.active and c.verdict = 'matched' and m.verdict = 'matched'"
        "   and exists (select from unnest($1::text[]) as g(gateway) where not exists ("
        "         select from admissions a where a.shop_id = c.shop_id"
        "            and a.gateway = g.gateway"
        "            and (a.card_id = c.card_id or a.status in ('asked', 'signing'))))"
        " order by c.shop_id limit $2",
        gateways,
        most,
    )
    return [row["shop_id"] for row in rows]


async def unheard(conn: db.Connection, before: datetime, most: int = 200) -> list[Admission]:
    """Open ones of all shops of which nothing was heard since `before`: their job is lost. Those
    that wait for photos have none."""
    return await db.all(
        conn,
        Admission,
        f"select {COLUMNS} from admissions /* all shops: the worker's sweep */"
        " where status in ('asked', 'signing') and coalesce(heard_at, asked_at) < $1"
        " and not lacks_id_card order by asked_at limit $2",
        before,
        most,
    )


async def every(conn: db.Connection, most: int = 200) -> list[Admission]:
    """Those of all shops that are open or were refused last, for the operator's desk, the oldest
    first; a no that was asked about again is no last word."""
    return await db.all(
        conn,
        Admission,
        f"select {COLUMNS} from admissions a /* all shops: the operator's desk */"
        " where status in ('asked', 'signing') or (status = 'refused' and not exists ("
        "   select from admissions n where n.shop_id = a.shop_id and n.gateway = a.gateway"
        "      and (n.asked_at, n.admission_id) > (a.asked_at, a.admission_id)))"
        " order by asked_at limit $1",
        most,
    )
