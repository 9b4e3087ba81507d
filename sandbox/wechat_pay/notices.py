"""Notices: what is told, when it is told again, and what goes wrong on the way (PROTOCOLS 1.3).

A notice keeps its id over all sends: at once, then after 15s, 15s, 30s, 3m, 10m, 20m, 30m, 30m,
30m, 60m, 3h, 3h, 3h, 6h and 6h by the sandbox's clock, until 200 or 204 comes back. The status
outranks the body: 200 with {"code":"FAIL"} ends it too.
"""

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sandbox.alipay import outgoing
from sandbox.alipay.keys import new_private_key
from sandbox.clock import stamp, unstamp
from sandbox.store import Row
from sandbox.wechat_pay import merchants, trades, views
from sandbox.wechat_pay.keys import rfc3339, sealed, sign_headers
from sandbox.world import World

SECONDS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
WAITS = [timedelta(seconds=seconds) for seconds in SECONDS]
OLD_SECONDS = 600
SUMS = ("total", "total_amount", "payer_total", "payer_amount")
Post = tuple[int, dict[str, str], bytes]  # attempt, headers, body


@dataclass(frozen=True)
class Sending:
    """One send that has fallen due: where to, and every copy of it."""

    notice_id: int
    url: str
    posts: list[Post]


def announce(world: World, trade: Row) -> None:
    """Tell the merchant about a payment."""
    merchant = _merchant(world, trade["mchid"])
    held = trade["sub_mchid"] is not None
    view = views.combined(merchant, trade) if held else views.direct(merchant, trade)
    _write(world, trade, "pay", "TRANSACTION.SUCCESS", "支付成功", trade["notify_url"], view)


def announce_refunds(world: World, refunds: list[Row]) -> None:
    """Tell the merchants what became of refunds, those who want to know."""
    for refund in refunds:
        if not refund["notify_url"]:
            continue
        merchant = _merchant(world, refund["mchid"])
        trade = trades.find(world, refund["mchid"], "out_trade_no", refund["out_trade_no"])
        view = views.refunded(merchant, trade, refund)
        event = f"REFUND.{refund['status']}"
        _write(world, trade, "refund", event, "退款结果", refund["notify_url"], view)


def _merchant(world: World, mchid: str) -> Row:
    merchant = merchants.find(world, mchid)
    assert merchant is not None
    return merchant


def _write(
    world: World,
    trade: Row,
    kind: str,
    event: str,
    summary: str,
    url: str,
    view: dict[str, object],
) -> None:
    now = world.clock.now()
    held = kind == "pay" and world.faults.get("wechat_pay.notify.reorder") is True
    delay = timedelta(seconds=world.faults.number("wechat_pay.notify.delay_seconds"))
    world.store.run(
        "insert into wechat_notices (event_id, mchid, out_trade_no, kind, event_type, summary,"
        " original_type, url, resource, state, next_at, made_at)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        f"EV-{now:%Y%m%d%H%M%S}{secrets.token_hex(8)}",
        trade["mchid"],
        trade["out_trade_no"],
        kind,
        event,
        summary,
        "transaction" if kind == "pay" else "refund",
        url,
        json.dumps(view, ensure_ascii=False),
        "held" if held else "waiting",
        None if held else stamp(now + delay),
        stamp(now),
    )
    world.wake.set()


def claim(world: World) -> list[Sending]:
    """Take what is due, decide its faults, plan the next send; all in one step."""
    store = world.store
    with store.transaction():
        if world.faults.get("wechat_pay.notify.reorder") is not True:
            store.run(
                "update wechat_notices set state = 'waiting', next_at = ? where state = 'held'",
                stamp(world.clock.now()),
            )
        due = store.all(
            "select * from wechat_notices where next_at <= ? order by next_at, id limit 50",
            stamp(world.clock.now()),
        )
        return [sending for row in due if (sending := _prepare(world, row))]


def _prepare(world: World, notice: Row) -> Sending | None:
    now = world.clock.now()
    sends = notice["sends"] + 1
    again = stamp(now + WAITS[sends - 1]) if sends <= len(WAITS) else None
    world.store.run(
        "update wechat_notices set sends = ?, next_at = ?, state = ? where id = ?",
        sends,
        again,
        "waiting" if again else "given_up",
        notice["id"],
    )
    if world.faults.strikes("wechat_pay.notify.drop"):
        _log(world, notice["id"], {}, b"", "dropped", "(never sent)")
        return None
    merchant = _merchant(world, notice["mchid"])
    body, twists = _body(world, merchant, notice)
    posts = []
    if world.faults.strikes("wechat_pay.notify.probe"):
        posts.append(_probe(world, merchant, notice, body))
    for _ in range(max(1, world.faults.number("wechat_pay.notify.copies"))):
        posts.append(_copy(world, merchant, notice, body, list(twists)))
    return Sending(notice["id"], notice["url"], posts)


def _body(world: World, merchant: Row, notice: Row) -> tuple[bytes, list[str]]:
    """The envelope around the sealed resource, bent by whatever faults strike; their names."""
    view: dict[str, object] = json.loads(notice["resource"])
    twists = []
    for name in ("amount", "appid", "mchid"):
        wrong = world.faults.word(f"wechat_pay.notify.{name}")
        if wrong is not None:
            _bend(view, name, wrong)
            twists.append(name)
    text = json.dumps(view, ensure_ascii=False)
    envelope = {
        "id": notice["event_id"],
        "create_time": rfc3339(unstamp(notice["made_at"])),
        "resource_type": "encrypt-resource",
        "event_type": notice["event_type"],
        "summary": notice["summary"],
        "resource": {
            "original_type": notice["original_type"],
            **sealed(merchant["apiv3_key"], notice["original_type"], text),
        },
    }
    return json.dumps(envelope, ensure_ascii=False).encode(), twists


def _bend(view: dict[str, object], name: str, wrong: str) -> None:
    """Say something false: another appid or mchid, or another sum in fen."""
    if name != "amount":
        for field in (name, f"combine_{name}", f"sp_{name}"):
            if field in view:
                view[field] = wrong
        return
    orders = view.get("sub_orders")
    amount = (orders[0] if isinstance(orders, list) else view)["amount"]
    assert isinstance(amount, dict)
    amount |= {field: int(wrong) for field in SUMS if field in amount}


def _probe(world: World, merchant: Row, notice: Row, body: bytes) -> Post:
    """WeChat tries out whether signatures are checked; this one must be refused."""
    headers = sign_headers(world, merchant, body)
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]
    return _log(world, notice["id"], headers, body, "probe", None), headers, body


def _copy(world: World, merchant: Row, notice: Row, body: bytes, twists: list[str]) -> Post:
    key, late = None, 0
    if world.faults.strikes("wechat_pay.notify.forge"):
        key = new_private_key()
        twists.append("forged")
    if world.faults.strikes("wechat_pay.notify.old"):
        late = OLD_SECONDS
        twists.append("old")
    headers = sign_headers(world, merchant, body, key, late)
    return _log(world, notice["id"], headers, body, " ".join(twists), None), headers, body


def _log(
    world: World,
    notice_id: int,
    headers: dict[str, str],
    body: bytes,
    twist: str,
    answer: str | None,
) -> int:
    store = world.store
    store.run(
        "insert into wechat_attempts (notice_id, at, headers, body, twist, answer)"
        " values (?, ?, ?, ?, ?, ?)",
        notice_id,
        stamp(world.clock.now()),
        json.dumps(headers),
        body.decode(),
        twist,
        answer,
    )
    return store.number("select last_insert_rowid()")


async def deliver(world: World, sending: Sending) -> None:
    """Send all copies at once and write down what came back."""
    answers = await asyncio.gather(
        *(outgoing.post_json(sending.url, headers, body) for _, headers, body in sending.posts)
    )
    with world.store.transaction():
        heard = False
        for (attempt, headers, _), (status, text) in zip(sending.posts, answers, strict=True):
            world.store.run(
                "update wechat_attempts set status = ?, answer = ? where id = ?",
                status,
                text,
                attempt,
            )
            probe = headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
            heard = heard or (status in (200, 204) and not probe)
        if heard:
            world.store.run(
                "update wechat_notices set state = 'delivered', next_at = null where id = ?",
                sending.notice_id,
            )
        _release(world, sending.notice_id)
    world.wake.set()


def _release(world: World, notice_id: int) -> None:
    """After a refund's notice has been sent, the payment's held one follows."""
    world.store.run(
        "update wechat_notices set state = 'waiting', next_at = ? where state = 'held'"
        " and (mchid, out_trade_no) in (select mchid, out_trade_no from wechat_notices"
        " where id = ? and kind = 'refund')",
        stamp(world.clock.now()),
        notice_id,
    )


def resend(world: World, mchid: str, out_trade_no: str) -> int:
    """Send every notice of a trade once more, now; returns how many."""
    count = world.store.run(
        "update wechat_notices set state = 'waiting', next_at = ?"
        " where mchid = ? and out_trade_no = ?",
        stamp(world.clock.now()),
        mchid,
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
        announce_refunds(world, trades.settle_refunds(world))
        for sending in claim(world):
            task = asyncio.create_task(deliver(world, sending))
            running.add(task)
            task.add_done_callback(running.discard)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_until_next(world)):
                await world.wake.wait()


def _until_next(world: World) -> float:
    row = world.store.one(
        "select min(at) from (select min(next_at) as at from wechat_notices"
        " union all select min(due_at) from wechat_refunds)"
    )
    if row is None or row[0] is None:
        return 30.0
    wait = (unstamp(row[0]) - world.clock.now()).total_seconds()
    return min(30.0, max(0.01, wait))
