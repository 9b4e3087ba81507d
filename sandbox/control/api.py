"""The control API: JSON for the demo's supervisor, for tests and for curious people."""

import json
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.alipay import apps, cashier, notices
from sandbox.alipay.keys import BadKey, GatewayKeys, public_of
from sandbox.bank import accounts, custody
from sandbox.clock import stamp
from sandbox.control import books
from sandbox.faults import Unknown
from sandbox.store import Row
from sandbox.wires import identity, sms
from sandbox.world import World, world_of

Handler = Callable[[World, Request, dict[str, object]], object]


class NotFound(Exception):
    """Nothing of that name."""


def answering(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A route out of a function of the world and the JSON told; errors become 400 and 404."""

    async def route(request: Request) -> Response:
        try:
            told = json.loads(await request.body() or b"{}")
            if not isinstance(told, dict):
                raise ValueError("not a JSON object")
            world = world_of(request)
            with world.store.transaction():
                answer = handler(world, request, told)
        except NotFound as no:
            return JSONResponse({"error": str(no)}, 404)
        except (ValueError, Unknown, BadKey) as no:
            return JSONResponse({"error": str(no)}, 400)
        return JSONResponse(answer)

    return route


def _text(told: dict[str, object], name: str, default: str = "") -> str:
    value = told.get(name, default)
    if not isinstance(value, str) or not 0 < len(value) <= 4000:
        raise ValueError(f"{name} is missing")
    return value


def alipay_app(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/alipay/apps"""
    name, mode = _text(told, "name", "shop"), _text(told, "mode", "key")
    platform = told.get("zft") is True
    answer = apps.register(world, _text(told, "public_key"), name, mode, platform=platform)
    accounts.pair(world)
    return answer


def rotate_keys(world: World, _request: Request, _told: dict[str, object]) -> object:
    """POST /control/alipay/keys/rotate: from now on the gateway signs with another key."""
    keys = GatewayKeys(world.store)
    keys.rotate()
    return {
        "alipay_public_key": public_of(keys.private),
        "alipay_cert": keys.cert,
        "alipay_root_cert": keys.root_cert,
    }


def bank_account(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/bank/accounts"""
    seller_id = told.get("seller_id")
    opening = told.get("opening_minor", accounts.OPENING_MINOR)
    if not isinstance(opening, int) or isinstance(opening, bool) or opening < 0:
        raise ValueError("opening_minor is whole fen")
    if seller_id is not None and not isinstance(seller_id, str):
        raise ValueError("seller_id is text")
    made = accounts.open_account(world, _text(told, "name", "shop"), seller_id, opening)
    if told.get("custody") is True:
        custody.appoint(world, made["account"])
    return made


def sms_key(world: World, _request: Request, _told: dict[str, object]) -> object:
    """POST /control/sms/keys"""
    return sms.new_key(world)


def sms_template(world: World, _request: Request, told: dict[str, object]) -> object:
    """POST /control/sms/templates {"code", "text"}: wording with ${places}."""
    world.store.run(
        "insert into sms_templates (code, text) values (?, ?)"
        " on conflict (code) do update set text = excluded.text",
        _text(told, "code"),
        _text(told, "text"),
    )
    return {"code": told["code"]}


def mail(world: World, _request: Request, _told: dict[str, object]) -> object:
    """Where letters are taken: {"host", "port"}."""
    return {"host": "127.0.0.1", "port": int(world.store.setting("mail port") or 0)}


def identity_key(world: World, _request: Request, _told: dict[str, object]) -> object:
    """POST /control/identity/keys"""
    return identity.new_key(world)


def clock(world: World, request: Request, told: dict[str, object]) -> object:
    """GET or POST /control/clock {"offset_seconds": int, "quiet_seconds"?: int}"""
    if request.method == "POST":
        quiet = told.get("quiet_seconds", 0)
        if not isinstance(quiet, int) or not 0 <= quiet <= 60:
            raise ValueError("quiet_seconds is a whole number, at most 60")
        world.quiet_until = time.monotonic() + quiet
        set_clock(world, told.get("offset_seconds"))
    now = stamp(world.clock.now())
    return {"offset_seconds": world.clock.offset_seconds, "now": now}


def set_clock(world: World, seconds: object) -> None:
    """Move the clock and wake whatever has fallen due. Raises ValueError."""
    ten_years = 315_360_000
    if not isinstance(seconds, int) or isinstance(seconds, bool) or abs(seconds) > ten_years:
        raise ValueError("offset_seconds is a whole number of seconds, at most ten years")
    world.clock.set_offset(seconds)
    world.wake.set()


def faults(world: World, request: Request, told: dict[str, object]) -> object:
    """GET or POST /control/faults"""
    if request.method == "POST":
        world.faults.change(told)
        world.wake.set()
    return world.faults.tree()


def clear_faults(world: World, _request: Request, _told: dict[str, object]) -> object:
    """POST /control/faults/clear: everything back to normal."""
    world.faults.clear()
    world.wake.set()
    return world.faults.tree()


def _trade(world: World, request: Request) -> Row:
    row = world.store.one(
        "select * from alipay_trades where out_trade_no = ? and ? in ('', app_id)"
        " order by created_at desc, rowid desc limit 1",
        request.path_params["out_trade_no"],
        request.query_params.get("app_id", ""),
    )
    if row is None:
        raise NotFound("no such trade (the buyer has not opened the cashier)")
    return row


def trade(world: World, request: Request, _told: dict[str, object]) -> object:
    """GET /control/alipay/trades/{out_trade_no}"""
    return books.trade(world, _trade(world, request))


def pay(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST .../pay: as the person pressing; the answer says how the trade stands now."""
    return books.trade(world, cashier.pay_now(world, _trade(world, request)["trade_no"]))


def resend(world: World, request: Request, _told: dict[str, object]) -> object:
    """POST .../resend: every notice of the trade once more, now."""
    row = _trade(world, request)
    return {"notices": notices.SENDER.resend(world, row["app_id"], row["out_trade_no"])}


def trade_notices(world: World, request: Request, _told: dict[str, object]) -> object:
    """GET or POST .../notices: what was sent and what was answered."""
    row = _trade(world, request)
    return books.notices(world, row["app_id"], row["out_trade_no"])
