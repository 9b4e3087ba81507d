"""Payouts over the rails' own wires, to the end: their books and ours agree to the fen."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from littleshop import db
from littleshop.clock import SHANGHAI, BusinessCalendar
from littleshop.errors import GatewayError
from littleshop.pay import payments
from littleshop.pay.gateways import (
    Escrow,
    alipay_escrow,
    alipay_transfers,
    wechat_pay_escrow,
    wechat_pay_transfers,
)
from littleshop.pay.gateways.contract import How
from littleshop.pay.payments import Payment
from littleshop.sale import paying, refunding, releasing, taking_back
from littleshop.sale.paying import Paid
from littleshop.sale.placing import Placed
from littleshop.settlement import daily, rails
from littleshop.settlement.by_transfer import ByTransfer
from littleshop.settlement.daily import Day
from littleshop.settlement.desks import Desk
from littleshop.settlement.remitters import PaysItself, Sending, Withdrawing
from littleshop.shop import payees
from tests import sandbox_process
from tests.cast import CNY, Town
from tests.pay.gateways import pockets
from tests.pay.gateways.stage import Stage
from tests.pay.gateways.stage_alipay import AlipayStage, alipay
from tests.pay.gateways.stage_wechat_pay import WechatPayStage, wechat_pay
from tests.sale.escrow import is_admitted
from tests.sandbox_process import Sandbox
from tests.settlement.paper_bank import sells, verify
from tests.settlement.test_settling import of_shop

FUNDS = CNY("5000000.00")  # what lies in either account for transfers at first


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all of them."""
    home: Path = tmp_path_factory.mktemp("sandbox")
    with sandbox_process.running(home) as found:
        yield found


class Days:
    """The town's and the sandbox's days, which go on together."""

    def __init__(self, town: Town, stage: Stage, rail: ByTransfer, usual: str = "bank") -> None:
        self.town, self.stage, self.rail, self.usual = town, stage, rail, usual

    async def pass_by(self, days: int = 1) -> Day:
        """So many days later: the run of that day."""
        await self.stage.passes(timedelta(days=days))
        town = self.town
        town.at = self.stage.clock.now()
        desk = Desk(town.database, None, town.keyring, town.calendar, (self.rail,), self.usual)
        day = await daily.settle_day(desk, town.at.astimezone(SHANGHAI).date(), town.at)
        assert day.problems == [], day.problems
        return day


@pytest_asyncio.fixture
async def small_town(town: Town, sandbox: Sandbox) -> AsyncIterator[Town]:
    """The town at this moment; every day works, whatever day this test runs on."""
    town.at = datetime.now(UTC)
    first = town.at.astimezone(SHANGHAI).date()
    town.calendar = BusinessCalendar({first + timedelta(days=n): True for n in range(15)})
    yield town
    await sandbox.control("/control/clock", {"offset_seconds": 0})


async def test_alipay_pays_a_card_and_a_closed_one_gives_it_back_days_later(
    small_town: Town, sandbox: Sandbox
) -> None:
    town = small_town
    async with alipay(sandbox, "cert") as stage:
        assert isinstance(stage, AlipayStage)
        wire = alipay_transfers.open_transfers(stage.rail, stage.clock)
        days = Days(town, stage, ByTransfer(Sending(rails.ALIPAY, wire)), "alipay")
        await verify(town)
        await sells(town, CNY("168.88"))
        first = town.shop_id
        await town.open_shop("远山茶铺", "yuanshan", "+8613900001003")
        await verify(town, number="6214830000000010")  # its bank sends everything back
        await sells(town, CNY("12.01"), "SF1408223100672")
        await days.pass_by(2)
        assert await wire.funds() == FUNDS - CNY("180.89")
        await days.pass_by()
        await days.pass_by(2)
        (back,) = await of_shop(town)
        assert (back.status, back.reason) == ("returned", "card_refused")
        assert await town.balance("payable") == CNY("12.01")
        assert await wire.funds() == FUNDS - CNY("168.88")
        town.shop_id = first
        (done,) = await of_shop(town)
        found = await wire.transfer_find(done.reference, "bank_card")
        assert (done.status, found.status, found.amount) == ("done", "done", done.amount)
        assert (await wire.transfer_find(done.reference, "account")).status == "unknown"
        assert await town.balance("gateway_clearing:alipay") == CNY("0")
        await town.books_balance()
        await wire.disconnect()


async def test_wechat_pays_a_person_who_agrees_and_takes_back_what_nobody_took(
    small_town: Town, sandbox: Sandbox
) -> None:
    town = small_town
    async with wechat_pay(sandbox, "key") as stage:
        assert isinstance(stage, WechatPayStage)
        wire = wechat_pay_transfers.open_transfers(stage.rail, stage.clock)
        days = Days(town, stage, ByTransfer(Sending(rails.WECHAT_PAY, wire)))
        await verify(town)
        await chooses(town, stage.openid or "")
        await sells_by(town, "wechat_pay", "88.88")
        await days.pass_by(2)
        (waits,) = await of_shop(town)
        assert waits.status == "sent" and waits.confirm_sealed is not None
        await days.pass_by(2)  # nobody took it within a day
        found = await of_shop(town)
        assert [(one.status, one.reason) for one in found][-1] == ("rejected", "not_agreed")
        await days.pass_by(2)  # in the evening what came back is the next day's
        (again, _) = await of_shop(town)
        assert again.status == "sent"
        await sandbox.control(f"/control/wechat_pay/transfers/{again.reference}/confirm")
        await days.pass_by(0)
        assert [one.status for one in await of_shop(town)] == ["done", "rejected"]
        known = await wire.transfer_find(again.reference, "openid")
        assert (known.status, known.amount) == ("done", CNY("88.88"))
        assert (await wire.transfer_find("ABCDEFGHIJKLMNOPQRST", "openid")).status == "unknown"
        assert await wire.funds() == FUNDS - CNY("88.88")
        assert await town.balance("gateway_clearing:wechat_pay") == CNY("0")
        await town.books_balance()
        await wire.disconnect()


async def test_what_wechat_holds_is_withdrawn_and_comes_back_from_a_closed_card(
    small_town: Town, owner: db.Connection, sandbox: Sandbox
) -> None:
    town = small_town
    async with wechat_pay(sandbox, "key", ecommerce=True) as stage:
        assert isinstance(stage, WechatPayStage)
        seller = await stage.admits("6222020200112230010")  # its bank sends everything back
        await owner.execute("update shops set commission_bps = 300")
        await is_admitted(town, owner, "wechat_pay", seller)
        await verify(town)
        escrow = wechat_pay_escrow.open_escrow(stage.rail, stage.clock)
        placed = await held_and_received(town, stage, "100.00")
        await stage.passes(timedelta(minutes=1))
        town.at = stage.clock.now()
        async with town.database.connection() as conn:
            paid = await payments.accepted(conn, town.shop_id, placed.order_id)
        await releasing.send(
            town.database, {"wechat_pay": escrow}, town.shop_id, paid.payment_id, town.at
        )
        assert await escrow.balance(seller) == CNY("97.00")
        rail = ByTransfer(Withdrawing(rails.WECHAT_PAY_WITHDRAW, escrow))
        days = Days(town, stage, rail)
        await days.pass_by(2)
        (sent,) = await of_shop(town)
        assert (sent.held_for, sent.amount) == (seller, CNY("97.00"))
        assert (await escrow.balance(seller)).minor == 0
        await days.pass_by()
        assert [one.status for one in await of_shop(town)] == ["done"]
        assert await town.balance("withdrawable:wechat_pay") == CNY("0")
        await days.pass_by(3)
        assert "returned" in [one.status for one in await of_shop(town)]
        books = await escrow.balance(seller)
        assert await town.balance("withdrawable:wechat_pay") == books == CNY("97.00")
        await town.books_balance()
        await escrow.disconnect()


async def test_what_alipay_paid_the_seller_is_taken_from_his_own_account_for_a_refund(
    small_town: Town, owner: db.Connection, sandbox: Sandbox
) -> None:
    town = small_town
    async with alipay(sandbox, "cert", held=True) as stage:
        assert isinstance(stage, AlipayStage) and stage.held_for is not None
        await owner.execute("update shops set commission_bps = 300")
        await is_admitted(town, owner, "alipay", stage.held_for)
        await verify(town)
        escrow = alipay_escrow.open_escrow(stage.rail, stage.clock)
        escrows: dict[str, Escrow] = {"alipay": escrow}
        placed = await held_and_received(town, stage, "100.00")
        async with town.database.connection() as conn:
            paid = await payments.accepted(conn, town.shop_id, placed.order_id)
        await stage.passes(timedelta(minutes=1))
        with pytest.raises(GatewayError, match="settled just now"):
            await released(town, stage, escrows, paid)
        await stage.passes(timedelta(minutes=1))
        await released(town, stage, escrows, paid)
        days = Days(town, stage, ByTransfer(PaysItself(rails.ALIPAY_SETTLE, "alipay")))
        await days.pass_by(2)
        assert [(one.rail, one.status) for one in await of_shop(town)] == [
            (rails.ALIPAY_SETTLE, "done")
        ]
        assert (await town.balance("payable")).minor == 0
        order = await town.order(placed)
        refund = await town.database.transaction(
            lambda conn: refunding.give_back(
                conn, order, CNY("40.00"), reason="part", refund_id=uuid.uuid4(), at=town.at
            )
        )
        await taking_back.send(town.database, stage.gateway, escrows, paid, refund, town.at)
        await town.database.transaction(
            partial(refunding.hear, shop_id=town.shop_id, refund_id=refund.refund_id, at=town.at)
        )
        his = pockets.of_owner(await sandbox.read("/books.json"), "alipay", stage.held_for)[
            "account"
        ]
        assert his == 97_00 - 38_80, "it was his own money there"
        for account in ("payable", "due_to_shop", "withdrawable:alipay", "held_at:alipay"):
            assert (await town.balance(account)).minor == 0, account
        assert await town.balance("gateway_clearing:alipay") == CNY("1.80")
        await town.books_balance()
        await escrow.disconnect()


async def released(
    town: Town, stage: AlipayStage, escrows: dict[str, Escrow], payment: Payment
) -> None:
    """The job of releasing, once. Raises GatewayError."""
    town.at = stage.clock.now()
    await releasing.send(town.database, escrows, town.shop_id, payment.payment_id, town.at)


async def chooses(town: Town, openid: str) -> None:
    """The shop asks to be paid to its owner's WeChat."""
    assert town.person_id is not None
    by = town.person_id
    await town.database.transaction(
        lambda conn: payees.choose(
            conn, town.keyring, town.shop_id, uuid.uuid4(), "wechat_pay", openid,
            by=by, at=town.at,
        )
    )  # fmt: skip


async def sells_by(town: Town, gateway: str, price: str) -> None:
    """Somebody buys over another rail, gets it and says so."""
    placed = await town.place([await town.stock(price=CNY(price))], CNY(price))
    reference = await opens(town, placed, gateway)
    assert await town.money_arrives(reference, CNY(price)) == "accepted"
    await town.ships(placed)
    await town.receives(placed)


async def opens(town: Town, placed: Placed, gateway: str, escrow: str = "") -> str:
    more = {"escrow": escrow} if escrow else {}
    payment = await town.database.transaction(
        lambda conn: paying.ask(
            conn, town.shop_id, placed.order_id, gateway=gateway, method="qr", at=town.at,
            **more,  # type: ignore[arg-type]
        )
    )  # fmt: skip
    return payment.reference


async def held_and_received(town: Town, stage: WechatPayStage | AlipayStage, price: str) -> Placed:
    """Somebody pays what an institution holds, gets the thing and says so."""
    placed = await town.place([await town.stock(price=CNY(price))], CNY(price))
    reference = await opens(town, placed, stage.gateway.name, "psp_escrow")
    async with town.database.connection() as conn:
        payment = await payments.get(conn, town.shop_id, reference)
    assert payment is not None and payment.held_for is not None
    request = msgspec.structs.replace(
        stage.asked(1, How.QR), reference=reference, amount=CNY(price), held_for=payment.held_for
    )
    assert await stage.opens(await stage.gateway.pay(request))
    assert await stage.pays(reference)
    found = await stage.gateway.query(reference)
    assert found.gateway_trade_no is not None
    told = Paid(reference, CNY(price), found.gateway_trade_no, town.at)
    await town.database.transaction(lambda conn: paying.hear(conn, town.shop_id, told, town.at))
    await town.ships(placed)
    await town.receives(placed)
    return placed
