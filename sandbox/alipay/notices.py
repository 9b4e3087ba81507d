"""Asynchronous notices: what is told, when it is told again, and what goes wrong on the way.

A notice keeps its notify_id over all sends (PROTOCOLS 2.3): at once, then after 4m, 10m,
10m, 1h, 2h, 6h and 15h by the sandbox's clock, until the body `success` comes back.
"""

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sandbox.alipay import apps, outgoing, trades
from sandbox.alipay.keys import GatewayKeys, new_private_key, sign, signed_text
from sandbox.clock import beijing, stamp, unstamp
from sandbox.store import Row
from sandbox.world import World, yuan

WAITS = [timedelta(minutes=m) for m in (4, 10, 10, 60, 120, 360, 900)]
LEFT_OUT = frozenset({"sign", "sign_type"})


@dataclass(frozen=True)
class Sending:
    """One send that has fallen due: where to, what, how many times."""

    notice_id: int
    url: str
    bodies: list[tuple[int, dict[str, str]]]


def announce(world: World, trade: Row, kind: str, extra: dict[str, str] | None = None) -> None:
    """Tell the merchant about a payment, a refund or the end of the refund window."""
    if not trade["notify_url"]:
        return
    now = world.clock.now()
    held = kind == "pay" and world.faults.get("alipay.notify.reorder") is True
    delay = timedelta(seconds=world.faults.number("alipay.notify.delay_seconds"))
    world.store.run(
        "insert into alipay_notices (notify_id, app_id, out_trade_no, kind, url, fields, state,"
        " next_at, made_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        now.strftime("%Y%m%d") + secrets.token_hex(13),
        trade["app_id"],
        trade["out_trade_no"],
        kind,
        trade["notify_url"],
        json.dumps(_fields(world, trade) | (extra or {}), ensure_ascii=False),
        "held" if held else "waiting",
        None if held else stamp(now + delay),
        stamp(now),
    )
    world.wake.set()


def _fields(world: World, trade: Row) -> dict[str, str]:
    app = apps.find(world, trade["app_id"])
    assert app is not None
    total = yuan(trade["total_minor"])
    fields = {
        "notify_type": "trade_status_sync",
        "app_id": app["app_id"],
        "auth_app_id": app["app_id"],
        "charset": "utf-8",
        "version": "1.0",
        "out_trade_no": trade["out_trade_no"],
        "trade_no": trade["trade_no"],
        "trade_status": trade["status"],
        "subject": trade["subject"],
        "total_amount": total,
        "receipt_amount": total,
        "buyer_pay_amount": total,
        "invoice_amount": total,
        "point_amount": "0.00",
        "seller_id": app["seller_id"],
        "buyer_id": "2088000000000001",
        "buyer_logon_id": "137******01",
        "gmt_create": beijing(trade["created_at"]),
        "fund_bill_list": json.dumps([{"amount": total, "fundChannel": "ALIPAYACCOUNT"}]),
    }
    if trade["paid_at"]:
        fields["gmt_payment"] = beijing(trade["paid_at"])
    if trade["status"] == "TRADE_CLOSED" and trade["closed_at"]:
        fields["gmt_close"] = beijing(trade["closed_at"])
    if trade["passback_params"]:
        fields["passback_params"] = trade["passback_params"]
    return fields


def announce_refund(world: World, trade: Row, request_no: str) -> None:
    """Tell the merchant about one refund: refund_fee is the sum of all so far."""
    done = trades.refund_of(world, trade, request_no)
    assert done is not None
    extra = {
        "refund_fee": yuan(trade["refunded_minor"]),
        "gmt_refund": beijing(done["refunded_at"]) + ".000",
        "out_biz_no": request_no,
    }
    announce(world, trade, "refund", extra)


def claim(world: World) -> list[Sending]:
    """Take what is due, decide its faults, plan the next send; all in one step."""
    store = world.store
    with store.transaction():
        if world.faults.get("alipay.notify.reorder") is not True:
            store.run(
                "update alipay_notices set state = 'waiting', next_at = ? where state = 'held'",
                stamp(world.clock.now()),
            )
        due = store.all(
            "select * from alipay_notices where next_at <= ? order by next_at, id limit 50",
            stamp(world.clock.now()),
        )
        return [sending for row in due if (sending := _prepare(world, row))]


def _prepare(world: World, notice: Row) -> Sending | None:
    now = world.clock.now()
    sends = notice["sends"] + 1
    again = stamp(now + WAITS[sends - 1]) if sends <= len(WAITS) else None
    world.store.run(
        "update alipay_notices set sends = ?, next_at = ?, state = ? where id = ?",
        sends,
        again,
        "waiting" if again else "given_up",
        notice["id"],
    )
    if world.faults.strikes("alipay.notify.drop"):
        _log(world, notice["id"], {}, "dropped", "(never sent)")
        return None
    params, twist = _twisted(world, notice)
    copies = max(1, world.faults.number("alipay.notify.copies"))
    bodies = [(_log(world, notice["id"], params, twist, None), params) for _ in range(copies)]
    return Sending(notice["id"], notice["url"], bodies)


def _twisted(world: World, notice: Row) -> tuple[dict[str, str], str]:
    """The signed form to send, bent by whatever faults strike, and their names."""
    faults = world.faults
    params: dict[str, str] = json.loads(notice["fields"])
    twists = []
    at = world.clock.now()
    if faults.strikes("alipay.notify.old"):
        at -= timedelta(days=3)
        twists.append("old")
    params |= {"notify_id": notice["notify_id"], "notify_time": beijing(stamp(at))}
    for name, field in (("amount", "total_amount"), ("app_id", "app_id")):
        wrong = faults.word(f"alipay.notify.{name}")
        if wrong is not None:
            params[field] = wrong
            twists.append(name)
    key = GatewayKeys(world.store).private
    if faults.strikes("alipay.notify.forge"):
        key = new_private_key()
        twists.append("forged")
    params["sign_type"] = "RSA2"
    params["sign"] = sign(key, signed_text(params, LEFT_OUT))
    return params, " ".join(twists)


def _log(
    world: World, notice_id: int, params: dict[str, str], twist: str, answer: str | None
) -> int:
    store = world.store
    store.run(
        "insert into alipay_attempts (notice_id, at, body, twist, answer) values (?, ?, ?, ?, ?)",
        notice_id,
        stamp(world.clock.now()),
        json.dumps(params, ensure_ascii=False),
        twist,
        answer,
    )
    return store.number("select last_insert_rowid()")


async def deliver(world: World, sending: Sending) -> None:
    """Send all copies at once and write down what came back."""
    answers = await asyncio.gather(
        *(outgoing.post_form(sending.url, params) for _, params in sending.bodies)
    )
    with world.store.transaction():
        for (attempt, _), (status, text) in zip(sending.bodies, answers, strict=True):
            world.store.run(
                "update alipay_attempts set status = ?, answer = ? where id = ?",
                status,
                text,
                attempt,
            )
        if any(status == 200 and text == "success" for status, text in answers):
            world.store.run(
                "update alipay_notices set state = 'delivered', next_at = null where id = ?",
                sending.notice_id,
            )
        _release(world, sending.notice_id)
    world.wake.set()


def _release(world: World, notice_id: int) -> None:
    """After a refund's notice has been sent, the payment's held one follows."""
    world.store.run(
        "update alipay_notices set state = 'waiting', next_at = ? where state = 'held'"
        " and (app_id, out_trade_no) in (select app_id, out_trade_no from alipay_notices"
        " where id = ? and kind = 'refund')",
        stamp(world.clock.now()),
        notice_id,
    )


def resend(world: World, app_id: str, out_trade_no: str) -> int:
    """Send every notice of a trade once more, now; returns how many."""
    count = world.store.run(
        "update alipay_notices set state = 'waiting', next_at = ?"
        " where app_id = ? and out_trade_no = ?",
        stamp(world.clock.now()),
        app_id,
        out_trade_no,
    )
    world.wake.set()
    return count


async def keep_sending(world: World) -> None:
    """Send what falls due until cancelled; wakes for news and for clock jumps."""
    running: set[asyncio.Task[None]] = set()
    while True:
        await world.rest()
        world.wake.clear()
        for trade in trades.finish_old(world):
            announce(world, trade, "finished")
        for sending in claim(world):
            task = asyncio.create_task(deliver(world, sending))
            running.add(task)
            task.add_done_callback(running.discard)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_until_next(world)):
                await world.wake.wait()


def _until_next(world: World) -> float:
    row = world.store.one("select min(next_at) from alipay_notices")
    if row is None or row[0] is None:
        return 30.0
    wait = (unstamp(row[0]) - world.clock.now()).total_seconds()
    return min(30.0, max(0.01, wait))
