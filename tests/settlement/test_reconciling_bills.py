"""A rail's bill against our books, to the fen: what differs is somebody's work, never dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import cast

import pytest

from littleshop import db
from littleshop.clock import SHANGHAI
from littleshop.errors import Conflict, GatewayError, Refused
from littleshop.money import Money
from littleshop.pay.gateways import (
    Bill,
    BillNotReady,
    BillRow,
    Gateway,
    RefundAnswer,
    RefundRequest,
)
from littleshop.sale import resending
from littleshop.settlement import bills, closing, reconciling_bills
from littleshop.settlement.bills import Difference
from tests.cast import CNY, Town
from tests.sale.after_sale import after
from tests.settlement.paper_bank import beijing

MON, TUE = date(2026, 11, 23), date(2026, 11, 24)
NOON = datetime(2026, 11, 23, 12, tzinfo=SHANGHAI)


@dataclass
class Biller:
    """A rail of which only the bills matter."""

    name: str = "alipay"
    has_bills: bool = True
    rows: dict[date, list[BillRow]] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    away: bool = False
    asked: list[date] = field(default_factory=list)

    def took(
        self,
        reference: str,
        amount: str,
        *,
        fee: str = "0.00",
        back: str | None = None,
        day: date = MON,
    ) -> None:
        kind = "payment" if back is None else "refund"
        self.rows.setdefault(day, []).append(
            BillRow(
                kind=kind,  # type: ignore[arg-type]
                reference=reference,
                refund_reference=back,
                gateway_trade_no=f"2026{reference}",
                amount=CNY(amount),
                fee=Money(CNY(fee.lstrip("-")).minor * (-1 if fee.startswith("-") else 1), "CNY"),
                at=NOON,
            )
        )

    async def fetch_bill(self, day: date) -> Bill:
        self.asked.append(day)
        if self.away:
            raise GatewayError("away", retryable=True)
        if day not in self.rows:
            raise BillNotReady(self.name, day)
        return Bill(
            gateway=self.name,
            day=day,
            rows=tuple(self.rows[day]),
            unread=self.unread,
            sha256="0" * 64,
        )


async def reads(town: Town, rail: Biller) -> list[str]:
    return await reconciling_bills.read(town.database, rail, town.at)  # type: ignore[arg-type]


async def left(town: Town) -> list[Difference]:
    async with town.database.connection() as conn:
        return await bills.unexplained(conn)


async def closes(town: Town, rail: Biller, day: date = MON) -> bool:
    return await town.database.transaction(
        lambda conn: closing.close_day(
            conn,
            [rail],  # type: ignore[list-item]
            day,
            by="operator",
            at=town.at,
        )
    )


async def sold(town: Town, owner: db.Connection, amount: str = "100.00") -> str:
    """Somebody paid on Monday; the payment's reference."""
    await after(town, amount)
    return str(
        await owner.fetchval(
            "select reference from payments where amount_minor = $1", CNY(amount).minor
        )
    )


async def test_a_day_that_cannot_be_compared_keeps_no_later_one_waiting_and_is_never_forgotten(
    town: Town, owner: db.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    rail, compare = Biller(), reconciling_bills.compare
    rail.took(await sold(town, owner), "100.00")
    rail.rows[TUE] = []
    beijing(town, date(2026, 11, 25), 10)

    async def broken(database: db.Database, gateway: str, day: date, at: datetime) -> None:
        if day == MON:
            raise Conflict("a fee that was booked otherwise")
        await compare(database, gateway, day, at)

    monkeypatch.setattr(reconciling_bills, "compare", broken)
    with pytest.raises(Conflict):
        await reads(town, rail)
    compared = "select day from bills where compared_at is not null order by day"
    assert [row["day"] for row in await owner.fetch(compared)] == [TUE]
    monkeypatch.undo()
    beijing(town, date(2026, 12, 20), 10)  # no rail is asked for a day so long ago
    rail.asked.clear()
    await reads(town, rail)
    assert MON not in rail.asked
    assert [row["day"] for row in await owner.fetch(compared)] == [MON, TUE]
    assert await left(town) == []


async def test_a_bill_that_agrees_leaves_nothing_and_the_day_can_be_closed(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller()
    rail.took(await sold(town, owner), "100.00")
    beijing(town, TUE, 10)
    assert await reads(town, rail) == []
    assert await left(town) == []
    assert await closes(town, rail)
    assert not await closes(town, rail)
    await town.books_balance()


async def test_the_same_bill_twice_is_read_once(town: Town, owner: db.Connection) -> None:
    rail = Biller()
    rail.took(await sold(town, owner), "100.00", fee="0.60")
    beijing(town, TUE, 10)
    await reads(town, rail)
    await reads(town, rail)
    assert rail.asked == [MON]
    assert await owner.fetchval("select count(*) from bill_rows") == 1
    await reconciling_bills.compare(town.database, "alipay", MON, town.at)
    assert await town.balance("gateway_fee") == CNY("0.60")
    await town.books_balance()


async def test_the_fee_is_booked_and_a_refund_gives_it_back(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller()
    sale = await after(town)
    reference = str(await owner.fetchval("select reference from payments"))
    await sale.asks("refund", "100.00", "not_wanted")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    back = str(await owner.fetchval("select reference from refunds"))
    rail.took(reference, "100.00", fee="0.60")
    rail.took(reference, "100.00", back=back, fee="-0.60", day=MON)
    rail.took(await sold(town, owner, "50.00"), "50.00", fee="0.30")
    beijing(town, TUE, 10)
    await reads(town, rail)
    assert await left(town) == []
    assert await town.balance("gateway_fee") == CNY("0.30")
    # without a commission nobody but the platform can bear it: the order's money stays whole
    assert await town.balance("gateway_clearing:alipay") == CNY("50.00")
    assert await town.balance("due_to_shop") == CNY("0.30")
    await town.books_balance()


async def test_a_lost_notice_is_found_asked_about_and_explained_by_the_books(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller()
    placed = await town.place([await town.stock(price=CNY("100.00"))], CNY("100.00"))
    reference = await town.opens_cashier(placed)
    rail.took(reference, "100.00")
    beijing(town, TUE, 10)
    await reads(town, rail)
    (found,) = await left(town)
    assert (found.kind, found.of_shop_id, found.suggestion) == (
        "missing_here",
        town.shop_id,
        "ask_rail",
    )
    assert await owner.fetchval("select count(*) from jobs where name = 'paying.query'") == 1
    with pytest.raises(Refused, match="day_unexplained"):
        await closes(town, rail)
    await town.money_arrives(reference, CNY("100.00"))
    await reads(town, rail)
    assert await left(town) == []
    assert await owner.fetchval("select explained_by from differences") == "books"
    assert await closes(town, rail)
    await town.books_balance()


async def test_what_the_bill_does_not_know_is_missing_there(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller()
    reference = await sold(town, owner)
    rail.rows[MON] = []
    beijing(town, TUE, 10)
    await reads(town, rail)
    (found,) = await left(town)
    assert (found.kind, found.reference, found.ours_minor) == ("missing_there", reference, 100_00)


async def test_another_amount_is_a_difference(town: Town, owner: db.Connection) -> None:
    rail = Biller()
    rail.took(await sold(town, owner), "99.99")
    beijing(town, TUE, 10)
    await reads(town, rail)
    (found,) = await left(town)
    assert (found.kind, found.ours_minor, found.theirs_minor) == ("amount_differs", 100_00, 99_99)


async def test_a_strangers_row_and_one_nobody_can_read_wait_for_a_person(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller(unread=("支付宝优惠,-1.00",))
    rail.took(await sold(town, owner), "100.00")
    rail.took("NOT0OURS0000000000AA", "5.00")
    beijing(town, TUE, 10)
    await reads(town, rail)
    kinds = {one.kind: one for one in await left(town)}
    assert kinds["missing_here"].suggestion == "not_ours"
    assert kinds["unread"].words == "支付宝优惠,-1.00"
    for one in kinds.values():
        await town.database.transaction(
            lambda conn, one=one: bills.explain(  # type: ignore[misc]
                conn, one.difference_id, by="operator", why="another system's", at=town.at
            )
        )
    assert await closes(town, rail)


async def test_money_near_midnight_may_stand_on_the_next_days_bill(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller()
    beijing(town, MON, 23)
    town.later(minutes=50)
    reference = await sold(town, owner)
    rail.rows[MON] = []
    rail.took(reference, "100.00", day=TUE)
    beijing(town, TUE, 10)
    await reads(town, rail)
    assert await left(town) == []
    town.later(days=1)
    await reads(town, rail)
    assert await left(town) == []


async def test_a_rail_that_is_away_is_asked_again(town: Town, owner: db.Connection) -> None:
    rail = Biller(away=True)
    rail.took(await sold(town, owner), "100.00")
    beijing(town, TUE, 10)
    assert len(await reads(town, rail)) == 1
    with pytest.raises(Refused, match="day_bill_missing"):
        await closes(town, rail)
    rail.away = False
    assert await reads(town, rail) == []
    assert await closes(town, rail)


async def test_a_day_that_is_not_over_cannot_be_closed(town: Town) -> None:
    beijing(town, MON, 10)
    with pytest.raises(Refused, match="day_not_over"):
        await closes(town, Biller())


async def test_a_fee_larger_than_what_is_left_of_the_shops_clearing_is_lent(
    town: Town, owner: db.Connection
) -> None:
    rail = Biller()
    sale = await after(town)
    reference = str(await owner.fetchval("select reference from payments"))
    await sale.asks("refund", "100.00", "not_wanted")
    await sale.seller_agrees()
    await sale.rail_sends_all_back()
    rail.took(reference, "100.00", fee="0.60")  # this rail keeps its fee of a refunded payment
    back = str(await owner.fetchval("select reference from refunds"))
    rail.took(reference, "100.00", back=back)
    beijing(town, TUE, 10)
    await reads(town, rail)
    assert await town.balance("due_to_shop") == CNY("0.60")
    await town.books_balance()


async def test_our_commission_bears_the_fee_as_far_as_it_goes(
    town: Town, owner: db.Connection
) -> None:
    await owner.execute("update shops set commission_bps = 40")
    rail = Biller()
    sale = await after(town)
    await town.ships(sale.placed)
    await town.receives(sale.placed)
    rail.took(str(await owner.fetchval("select reference from payments")), "100.00", fee="0.60")
    beijing(town, TUE, 10)
    await reads(town, rail)
    assert await town.balance("gateway_clearing:alipay") == CNY("99.60")  # what the seller is owed
    assert await town.balance("due_to_shop") == CNY("0.20")
    await town.books_balance()


@dataclass
class Desk:
    """A rail that is asked about one refund."""

    status: str = "failed"

    async def refund_query(self, _request: RefundRequest) -> RefundAnswer:
        if self.status == "away":
            raise GatewayError("away", retryable=True)
        return RefundAnswer(status=self.status)  # type: ignore[arg-type]


async def asks_rail(town: Town, desk: Desk, reference: str) -> bool:
    rails = {"alipay": cast(Gateway, desk)}
    return await resending.ask(town.database, rails, town.shop_id, reference, town.at)


async def jobs_asking(owner: db.Connection) -> int:
    return int(await owner.fetchval("select count(*) from jobs where name = 'resending.ask'"))


async def test_a_stuck_refund_that_the_bill_has_is_asked_about_until_its_rail_has_sent_it(
    town: Town, owner: db.Connection
) -> None:
    rail, desk = Biller(), Desk()
    sale = await after(town)
    paid = str(await owner.fetchval("select reference from payments"))
    await sale.asks("refund", "100.00", "not_wanted")
    await sale.seller_agrees()
    back, refund_id = await owner.fetchrow("select reference, refund_id from refunds")
    await town.database.transaction(
        lambda conn: resending.hear_stuck(conn, town.shop_id, refund_id, town.at)
    )
    rail.took(paid, "100.00", fee="0.60")
    rail.took(paid, "100.00", fee="-0.60", back=back)  # as WeChat: of the day it was asked for
    beijing(town, TUE, 10)
    await reads(town, rail)
    assert await jobs_asking(owner) == 1

    async def asks() -> bool:
        return await asks_rail(town, desk, back)

    for desk.status in ("failed", "away"):
        assert not await asks()
    assert len(await left(town)) == 1
    await owner.execute("delete from jobs where name = 'resending.ask'")
    town.later(days=1)
    await reads(town, rail)
    assert await jobs_asking(owner) == 1  # again, though the row is an old one
    desk.status = "done"
    assert await asks() and not await asks()
    assert await sale.rail_sends_all_back() == 1
    assert await town.balance("gateway_fee") == CNY("0.60")
    await reads(town, rail)
    assert await left(town) == []
    assert await town.balance("gateway_fee") == CNY("0.00")  # the late row's fee is booked too
    await reconciling_bills.compare(town.database, "alipay", MON, town.at)
    assert await town.balance("gateway_fee") == CNY("0.00")
    await town.books_balance()


async def test_what_the_rail_may_have_sent_to_us_is_not_taken_for_the_buyers(
    town: Town, owner: db.Connection
) -> None:
    sale = await after(town)
    await sale.asks("refund", "100.00", "not_wanted")
    await sale.seller_agrees()
    back, refund_id = await owner.fetchrow("select reference, refund_id from refunds")
    it, later = (town.shop_id, refund_id), town.later(hours=1)
    await town.database.transaction(lambda conn: resending.hear_stuck(conn, *it, town.at))
    await town.database.transaction(lambda conn: resending.ask_redirect(conn, *it, "us"))
    assert not await asks_rail(town, Desk("done"), back)  # the answer about "us" was lost
    assert not await town.database.transaction(
        lambda conn: resending.look_again(conn, town.shop_id, back, told_at=later, at=later)
    )
    await town.books_balance()
