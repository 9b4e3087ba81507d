"""`./run recover` says whom it asked, what is left and where, and what to do next."""

from __future__ import annotations

from datetime import date, timedelta

from littleshop import audit, db, recoveries, recovery_words
from littleshop.errors import GatewayError
from littleshop.pay.gateways import BillNotReady
from tests.cast import Town

DESK = "https://shop.example/operator/differences"


async def test_it_says_who_told_what_is_left_and_the_next_step(
    town: Town, owner: db.Connection
) -> None:
    recovery = await recoveries.begin(owner, town.at, town.at)
    found = await recovery_words.left(owner, recovery, ["alipay", "bank"], town.at)
    said = "\n".join(recovery_words.sentences(found, [], DESK))
    assert "Did not tell everything yet: alipay, bank." in said and "还没有全部答复" in said
    for name in ("alipay", "bank"):
        await recoveries.answered(owner, recovery, name, town.at)
    await owner.execute(
        "insert into differences (shop_id, difference_id, gateway, day, kind, reference, currency,"
        " found_at)"
        " values (0, gen_random_uuid(), 'alipay', $1, 'unread', 'R1', 'CNY', $2)",
        town.at.date(),
        town.at,
    )
    found = await recovery_words.left(owner, recovery, ["alipay", "bank"], town.at)
    said = "\n".join(recovery_words.sentences(found, [], DESK))
    assert DESK in said and "explain them at the desk" in said and "到工作台" in said
    await owner.execute("delete from differences")
    for days, step in ((0, "tomorrow"), (1, "Next: ./run recover --release")):
        at = town.at + timedelta(days=days)
        found = await recovery_words.left(owner, recovery, ["alipay", "bank"], at)
        assert step in "\n".join(recovery_words.sentences(found, [], DESK))
    assert await audit.prove(owner) == []


async def test_a_rail_without_bills_cannot_be_asked_about_what_the_backup_never_knew(
    town: Town, owner: db.Connection
) -> None:
    recovery = await recoveries.begin(owner, town.at, town.at)
    found = await recovery_words.left(owner, recovery, ["alipay"], town.at)
    assert "Give no bills" not in "\n".join(recovery_words.sentences(found, [], DESK))
    said = "\n".join(recovery_words.sentences(found, [], DESK, ["baidu_wallet"]))
    assert "Give no bills: baidu_wallet." in said and DESK in said
    assert "不提供账单：baidu_wallet" in said


def test_a_bill_that_is_not_there_and_a_clock_that_is_behind_say_what_to_do() -> None:
    said = recovery_words.fault("alipay", BillNotReady("alipay", date(2026, 11, 21)))
    assert "has no bill of 2026-11-21 yet" in said and "还没有 2026-11-21 的账单" in said
    no = GatewayError("40002 isv.invalid-timestamp 时间戳超出允许范围", retryable=False)
    said = recovery_words.fault("alipay", no)
    assert "./run clock --advance" in said and "时钟" in said
