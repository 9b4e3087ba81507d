"""What a share brought, folded or not; and that a visitor is nobody's acquaintance elsewhere."""

from __future__ import annotations

from datetime import timedelta

from littleshop import db
from littleshop.insights import sharing, visits
from littleshop.insights.sharing import Brought
from littleshop.sale import refunding
from littleshop.sale.placing import Placed
from littleshop.social import shares
from littleshop.social.shares import Share
from littleshop.web import touches
from littleshop.web.console import brought
from tests.cast import CNY
from tests.sale.after_sale import AfterSale
from tests.web.street import Street

ALL, PART = 168_00, 30_00


async def made(street: Street, label: str = "周六市集", device: bytes | None = None) -> Share:
    """A share that the seller made and named, or a visitor's own."""

    async def work(conn: db.Connection) -> Share:
        return await shares.make(
            conn,
            street.shop_id,
            product_id=None,
            channel="link",
            label="" if device else label,
            device=device,
            person_id=None if device else street.person_id,
            at=street.at,
        )

    return await street.database.transaction(work)


async def told(street: Street, since_days: int = 7) -> dict[str, Brought]:
    """What every code of the shop brought."""
    since = street.today() - timedelta(days=since_days)
    async with street.database.connection() as conn:
        found = await sharing.brought(conn, street.shop_id, "Asia/Shanghai", since)
    return {each.code: each for each in found}


async def _called_off(street: Street, placed: Placed) -> None:
    async def work(conn: db.Connection) -> None:
        await refunding.call_off(
            conn, street.shop_id, placed.order_id, by="seller", reason="not_shipped", at=street.at
        )

    await street.database.transaction(work)


async def _three_buy(street: Street, code: str) -> list[Placed]:
    """Three buy by a share, a fourth only orders; one of the three has a part sent back."""
    item = await street.stock()
    paid = [
        await street.buys([item], CNY("168.00"), share_code=code, device=bytes([at]) * 32)
        for at in (1, 2, 3)
    ]
    await street.place([item], CNY("168.00"), share_code=code, device=b"4" * 32)
    await street.ships(paid[0])
    sale = AfterSale(street, paid[0])
    await sale.asks("refund", "30.00")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    return paid


async def test_orders_count_as_placed_paid_and_kept_before_and_after_the_day_is_folded(
    street: Street,
) -> None:
    share = await made(street)
    await street.stranger().get(f"/s/{share.code}")
    await street.counter.flush()
    paid = await _three_buy(street, share.code)
    before = await told(street)
    assert before[share.code] == Brought(
        share.code, views=1, visitors=1, placed=4, paid=3, kept=3,
        paid_minor=3 * ALL, kept_minor=3 * ALL - PART,
    )  # fmt: skip

    street.world.later(days=1, hours=1)
    street.at = street.world.at
    await visits.fold(street.database, street.at)
    assert await sharing.fold(street.database, street.at) == 1
    assert await sharing.fold(street.database, street.at) == 0
    assert await told(street) == before

    await _called_off(street, paid[1])  # goes back long after its day is folded
    after = (await told(street))[share.code]
    assert (after.paid, after.kept) == (3, 2)
    assert (after.paid_minor, after.kept_minor) == (3 * ALL, 2 * ALL - PART)
    assert await told(street, since_days=0) == {}
    await street.books_balance()


async def test_what_began_with_an_invitation_counts_for_it_and_not_for_the_share_touched(
    street: Street,
) -> None:
    share, item = await made(street), await street.stock()
    await street.buys([item], CNY("168.00"), share_code=share.code)
    async with street.database.connection() as conn:
        await conn.execute("update orders set kind = 'invitation'")
    found = await told(street)
    assert list(found) == [sharing.INVITATION]
    assert (found[sharing.INVITATION].paid, found[sharing.INVITATION].kept_minor) == (1, ALL)


async def test_nothing_links_what_a_visitor_does_in_two_shops(street: Street) -> None:
    first, one = await made(street), street.shop_id
    other = await street.open_shop("Ada’s Corner", "ada-corner", "+8613900001002")
    second = await made(street)
    someone = street.stranger()
    for share in (first, second):
        await someone.get(f"/s/{share.code}")
    await street.counter.flush()
    async with street.database.connection() as conn:
        rows = await conn.fetch("select shop_id, visitor, subject from visits")
    seen = [{row["visitor"] for row in rows if row["shop_id"] == shop} for shop in (one, other)]
    assert len(seen[0]) == len(seen[1]) == 1 and not seen[0] & seen[1]
    kept = dict(someone.cookies.items())
    assert set(kept) == {f"v{one}", f"v{other}", touches.name(one), touches.name(other)}
    assert len({value.partition(".")[0] for value in kept.values()}) == 4
    header = "; ".join(f"{name}={value}" for name, value in kept.items())
    assert [each.code for each in touches.remembered(header, one)] == [first.code]
    assert [each.code for each in touches.remembered(header, other)] == [second.code]


async def test_a_visitor_who_shares_has_another_sign_in_each_shop(street: Street) -> None:
    signs, device = [], b"d" * 32
    for slug, phone in (("", ""), ("ada-corner", "+8613900001002")):
        if slug:
            await street.open_shop("Ada’s Corner", slug, phone)
        share = await made(street, device=device)
        async with street.database.connection() as conn:
            known = await sharing.ways(conn, street.shop_id, [share.code])
        signs.append(brought.who(known[share.code], "zh-CN"))
    assert signs[0] != signs[1]
