"""Coupons of a shop: made, paused, kept by a device, and what they cost."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID

import msgspec

from littleshop import db
from littleshop.errors import NotFound, Refused
from littleshop.shop import shops

LONGEST = 40
MOST_KEPT = 20  # of one device in one shop
_CODE = re.compile(r"[A-Z0-9]{4,20}\Z")


class Draft(msgspec.Struct, frozen=True):
    """A coupon to make; `off_minor` or `off_bps`; `least_minor` of goods it asks for; `most_uses`
    None: as many as come; `channel`: the share or entrance by which its buyer has to come."""

    code: str
    label: str
    from_at: datetime
    off_minor: int | None = None
    off_bps: int | None = None
    least_minor: int = 0
    most_uses: int | None = None
    each_uses: int = 1
    channel: str | None = None
    below_cost: bool = False
    until_at: datetime | None = None


class Coupon(msgspec.Struct, frozen=True, kw_only=True):
    """A row of coupons."""

    coupon_id: UUID
    code: str
    label: str
    kind: str
    off_minor: int | None
    off_bps: int | None
    least_minor: int
    most_uses: int | None
    each_uses: int
    channel: str | None
    below_cost: bool
    from_at: datetime
    until_at: datetime | None
    paused: bool


class Used(Coupon, frozen=True, kw_only=True):
    """The same with the paid orders that used it, what was off them and what they came to."""

    uses: int
    cost_minor: int
    sold_minor: int


def code_of(text: str) -> str:
    """A code as people type it: in small letters, with spaces or hyphens."""
    return re.sub(r"[\s-]", "", text[:60]).upper()


def check(draft: Draft) -> None:
    """Raises Refused: coupon_code, coupon_label, coupon_off, coupon_least, coupon_uses,
    coupon_until."""
    if not _CODE.match(draft.code):
        raise Refused("coupon_code")
    if not 1 <= len(draft.label) <= LONGEST:
        raise Refused("coupon_label", most=LONGEST)
    if (draft.off_minor is None) == (draft.off_bps is None) or not (
        (draft.off_minor or 0) >= 1 or 100 <= (draft.off_bps or 0) <= 9900
    ):
        raise Refused("coupon_off")
    if draft.off_minor is not None and 0 < draft.least_minor < draft.off_minor:
        raise Refused("coupon_least")
    if not (
        1 <= draft.each_uses <= 1000
        and 1 <= (1 if draft.most_uses is None else draft.most_uses) <= 1_000_000
    ):
        raise Refused("coupon_uses")
    if draft.until_at is not None and draft.until_at <= draft.from_at:
        raise Refused("coupon_until")


async def make(
    conn: db.Connection,
    shop_id: int,
    coupon_id: UUID,
    draft: Draft,
    *,
    person_id: UUID,
    at: datetime,
) -> None:
    """Make it; the same id again is harmless. Raises Refused as check, coupon_taken."""
    check(draft)
    if not await db.changed(
        conn,
        "insert into coupons (shop_id, coupon_id, code, label, kind, off_minor, off_bps,"
        " least_minor, most_uses, each_uses, channel, below_cost, from_at, until_at, made_at,"
        " made_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        " on conflict do nothing",
        shop_id,
        coupon_id,
        draft.code,
        draft.label,
        "fixed" if draft.off_minor is not None else "percent",
        draft.off_minor,
        draft.off_bps,
        draft.least_minor,
        draft.most_uses,
        draft.each_uses,
        draft.channel,
        draft.below_cost,
        draft.from_at,
        draft.until_at,
        at,
        person_id,
    ):
        known = await by_code(conn, shop_id, draft.code)
        if known is None or known.coupon_id != coupon_id:
            raise Refused("coupon_taken")
        return
    await shops.say_offers(conn, shop_id)


async def pause(conn: db.Connection, shop_id: int, coupon_id: UUID, paused: bool) -> None:
    """Have nobody use it for now, or again. Raises NotFound."""
    if not await db.changed(
        conn,
        "update coupons set paused = $3 where shop_id = $1 and coupon_id = $2",
        shop_id,
        coupon_id,
        paused,
    ):
        raise NotFound("coupon")
    await shops.say_offers(conn, shop_id)


_COLUMNS = ", ".join(f"c.{name}" for name in Coupon.__struct_fields__)


async def _rows(conn: db.Connection, shop_id: int, coupon_id: UUID | None) -> list[Used]:
    return await db.all(
        conn,
        Used,
        f"select {_COLUMNS}, used.uses, used.cost_minor, used.sold_minor"
        "  from coupons c"
        "  cross join lateral (select count(*)::integer as uses,"
        "         coalesce(sum(d.amount_minor), 0)::bigint as cost_minor,"
        "         coalesce(sum(o.total_minor - o.refunded_minor), 0)::bigint as sold_minor"
        "    from order_discounts d join orders o on o.shop_id = $1 and o.order_id = d.order_id"
        "   where d.shop_id = $1 and d.source_id = c.coupon_id"
        "     and o.paid_at is not null and o.status <> 'refunded') as used"
        " where c.shop_id = $1 and ($2::uuid is null or c.coupon_id = $2)"
        " order by c.paused, c.made_at desc limit 200",
        shop_id,
        coupon_id,
    )


async def listing(conn: db.Connection, shop_id: int) -> list[Used]:
    """The coupons of a shop, paused ones last, the last one first."""
    return await _rows(conn, shop_id, None)


async def get(conn: db.Connection, shop_id: int, coupon_id: UUID) -> Used:
    """One of them. Raises NotFound."""
    rows = await _rows(conn, shop_id, coupon_id)
    if not rows:
        raise NotFound("coupon")
    return rows[0]


async def by_code(conn: db.Connection, shop_id: int, code: str) -> Coupon | None:
    """The coupon of a code as code_of has it."""
    return await db.one(
        conn, Coupon, f"select {_COLUMNS} from coupons c where c.shop_id = $1 and c.code = $2",
        shop_id, code,
    )  # fmt: skip


async def keep(
    conn: db.Connection, shop_id: int, device: bytes, coupon_id: UUID, at: datetime
) -> None:
    """This device has it at its next checkouts; again is harmless. Raises Refused(
    "coupons_kept_too_many", most)."""
    if await db.changed(
        conn,
        "insert into kept_coupons (shop_id, device, coupon_id, kept_at)"
        " select $1, $2, $3, $4 where $5 > (select count(*) from kept_coupons"
        "   where shop_id = $1 and device = $2)"
        " on conflict on constraint kept_coupons_pkey do nothing",
        shop_id,
        device,
        coupon_id,
        at,
        MOST_KEPT,
    ):
        return
    if not await db.value(
        conn,
        "select true from kept_coupons where shop_id = $1 and device = $2 and coupon_id = $3",
        shop_id,
        device,
        coupon_id,
    ):
        raise Refused("coupons_kept_too_many", most=MOST_KEPT)
