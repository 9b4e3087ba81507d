"""Notices by GET: what is told, when it is told again, and what goes wrong on the way.

The schedule is ours (none was found): at once, then after 1m, 5m, 10m, 30m, 1h and 6h, until a
page comes back whose head holds <meta name="VIP_BFB_PAYMENT" content="BAIFUBAO">.
"""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from datetime import timedelta

from sandbox.alipay import outgoing
from sandbox.baidu_wallet import merchants
from sandbox.clock import BEIJING, stamp, unstamp
from sandbox.store import Row
from sandbox.world import World

WAITS = [timedelta(minutes=m) for m in (1, 5, 10, 30, 60, 360)]
HEARD = '<meta name="VIP_BFB_PAYMENT" content="BAIFUBAO">'


@dataclass(frozen=True)
class Sending:
    """One send that has fallen due: the attempts and their addresses."""

    notice_id: int
    calls: list[tuple[int, str]]


def digits_of(text: str) -> str:
    """A stamp as Baidu writes times: Beijing's, digits only."""
    return unstamp(text).astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def payment(trade: Row) -> dict[str, str]:
    """What notices and queries say of a payment, without its state."""
    paid = {"pay_time": digits_of(trade["paid_at"])} if trade["paid_at"] else {}
    return {
        "sp_no": trade["sp_no"],
        "order_no": trade["order_no"],
        "bfb_order_no": trade["bfb_order_no"],
        "bfb_order_create_time": digits_of(trade["created_at"]),
        **paid,
        "pay_type": "2",
        "unit_amount": "",
        "total_amount": str(trade["total_minor"]),
        "fee_amount": str(trade["fee_minor"]),
        "currency": "1",
        "buyer_sp_username": "顾客",
    }


def fields_of(trade: Row) -> dict[str, str]:
    """What a notice of a payment and the way back through the browser say."""
    fixed = {"pay_result": "1", "input_charset": "1", "version": "2", "extra": ""}
    return {**payment(trade), **fixed, "sign_method": trade["sign_method"]}


def announce(world: World, trade: Row) -> None:
    """Tell the merchant about a payment."""
    _write(world, trade, "pay", trade["notify_url"], fields_of(trade))


def announce_refund(world: World, trade: Row, number: str, minor: int, url: str | None) -> None:
    """Tell the merchant about a refund, where the refund asked for it."""
    if not url:
        return
    fields = {
        "bfb_order_no": trade["bfb_order_no"],
        "cashback_amount": str(minor),
        "order_no": trade["order_no"],
        "ret_code": "1",
        "ret_detail": "退款成功",
        "sp_no": trade["sp_no"],
        "sp_refund_no": number,
        "sign_method": trade["sign_method"],
    }
    _write(world, trade, "refund", url, fields)


def _write(world: World, trade: Row, kind: str, url: str, fields: dict[str, str]) -> None:
    now = world.clock.now()
    held = kind == "pay" and world.faults.get("baidu_wallet.notify.reorder") is True
    delay = timedelta(seconds=world.faults.number("baidu_wallet.notify.delay_seconds"))
    world.store.run(
        "insert into baidu_notices (sp_no, order_no, kind, url, fields, state, next_at, made_at)"
        " values (?, ?, ?, ?, ?, ?, ?, ?)",
        trade["sp_no"],
        trade["order_no"],
        kind,
        url,
        json.dumps(fields, ensure_ascii=False),
        "held" if held else "waiting",
        None if held else stamp(now + delay),
        stamp(now),
    )
    world.wake.set()


def claim(world: World) -> list[Sending]:
    """Take what is due, decide its faults, plan the next send; all in one step."""
    now = stamp(world.clock.now())
    with world.store.transaction():
        if world.faults.get("baidu_wallet.notify.reorder") is not True:
            world.store.run(
                "update baidu_notices set state = 'waiting', next_at = ? where state = 'held'", now
            )
        due = world.store.all(
            "select * from baidu_notices where next_at <= ? order by next_at, id limit 50", now
        )
        return [sending for row in due if (sending := _prepare(world, row))]


def _prepare(world: World, notice: Row) -> Sending | None:
    now, sends = world.clock.now(), notice["sends"] + 1
    again = stamp(now + WAITS[sends - 1]) if sends <= len(WAITS) else None
    world.store.run(
        "update baidu_notices set sends = ?, next_at = ?, state = ? where id = ?",
        sends,
        again,
        "waiting" if again else "given_up",
        notice["id"],
    )
    if world.faults.strikes("baidu_wallet.notify.drop"):
        _log(world, notice["id"], "(never sent)")
        return None
    told = _query(world, notice)
    copies = max(1, world.faults.number("baidu_wallet.notify.copies"))
    url = f"{notice['url']}?{told}"
    return Sending(notice["id"], [(_log(world, notice["id"], told), url) for _ in range(copies)])


def _query(world: World, notice: Row) -> str:
    """The signed query to send, bent by whatever faults strike."""
    merchant = merchants.find(world, notice["sp_no"])
    assert merchant is not None
    fields: dict[str, str] = json.loads(notice["fields"])
    wrong = world.faults.word("baidu_wallet.notify.amount")
    if wrong is not None and "total_amount" in fields:
        fields["total_amount"] = wrong
    forged = world.faults.strikes("baidu_wallet.notify.forge")
    fields["sign"] = merchants.sign(fields, "0" * 32 if forged else merchant["key"])
    return merchants.query(fields)


def _log(world: World, notice_id: int, query: str) -> int:
    world.store.run(
        "insert into baidu_attempts (notice_id, at, query) values (?, ?, ?)",
        notice_id,
        stamp(world.clock.now()),
        query,
    )
    return world.store.number("select last_insert_rowid()")


async def deliver(world: World, sending: Sending) -> None:
    """Send all copies at once and write down what came back."""
    answers = await asyncio.gather(*(outgoing.get(url) for _, url in sending.calls))
    with world.store.transaction():
        for (attempt, _), (status, text) in zip(sending.calls, answers, strict=True):
            world.store.run(
                "update baidu_attempts set status = ?, answer = ? where id = ?",
                status,
                text,
                attempt,
            )
        if any(status == 200 and HEARD in text for status, text in answers):
            world.store.run(
                "update baidu_notices set state = 'delivered', next_at = null where id = ?",
                sending.notice_id,
            )
        world.store.run(  # after a refund's notice the payment's held one follows
            "update baidu_notices set state = 'waiting', next_at = ? where state = 'held'"
            " and (sp_no, order_no) in (select sp_no, order_no from baidu_notices"
            " where id = ? and kind = 'refund')",
            stamp(world.clock.now()),
            sending.notice_id,
        )
    world.wake.set()


def resend(world: World, sp_no: str, order_no: str) -> int:
    """Send every notice of a trade once more, now; returns how many."""
    count = world.store.run(
        "update baidu_notices set state = 'waiting', next_at = ? where sp_no = ? and order_no = ?",
        stamp(world.clock.now()),
        sp_no,
        order_no,
    )
    world.wake.set()
    return count


async def keep_sending(world: World) -> None:
    """Send what falls due until cancelled; wakes for news and for clock jumps."""
    running: set[asyncio.Task[None]] = set()
    while True:
        await world.rest()
        world.wake.clear()
        for sending in claim(world):
            task = asyncio.create_task(deliver(world, sending))
            running.add(task)
            task.add_done_callback(running.discard)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_until_next(world)):
                await world.wake.wait()


def _until_next(world: World) -> float:
    row = world.store.one("select min(next_at) from baidu_notices")
    if row is None or row[0] is None:
        return 30.0
    wait = (unstamp(row[0]) - world.clock.now()).total_seconds()
    return min(30.0, max(0.01, wait))
