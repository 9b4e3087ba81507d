"""The control page: every switch, the clock, the trades and the notices, for one thumb."""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sandbox.alipay import cashier, notices, settling
from sandbox.alipay import transfers as alipay_transfers
from sandbox.bank import booking
from sandbox.clock import beijing, stamp
from sandbox.control import alipay, api, books, courier
from sandbox.faults import ALL, FLAGS, NUMBERS, SWITCHES, Setting, Unknown
from sandbox.pages import problem, render
from sandbox.stripe import checkout
from sandbox.world import World, world_of, yuan

STEPS = {"hour": 3600, "day": 86400, "week": 7 * 86400}


async def home(request: Request) -> Response:
    """GET / : all parts of the sandbox."""
    return render(request, "home.html", now=beijing(stamp(world_of(request).clock.now())))


async def show(request: Request) -> Response:
    """GET /control"""
    world = world_of(request)
    booking.settle_due(world)
    settling.settle_due(world)
    recent = world.store.all("select * from alipay_trades order by rowid desc limit 30")
    sends = world.store.all(
        "select a.at, a.status, a.answer, a.twist, n.kind, n.out_trade_no from alipay_attempts a"
        " join alipay_notices n on n.id = a.notice_id order by a.id desc limit 30"
    )
    transfers = world.store.all("select * from bank_transfers order by id desc limit 20")
    return render(
        request,
        "control.html",
        board=_board(world),
        trades=recent,
        sends=sends,
        wechat=world.store.all("select * from wechat_trades order by rowid desc limit 30"),
        stripe=world.store.all("select * from stripe_sessions order by rowid desc limit 30"),
        money=checkout.money,
        transfers=transfers,
        parcels=courier.shown(world),
        alipay_sellers=world.store.all("select * from alipay_sellers order by rowid desc limit 20"),
        alipay_transfers=world.store.all(
            "select * from alipay_transfers order by rowid desc limit 20"
        ),
        accounts=world.store.all("select account, name from bank_accounts"),
        balance=lambda account: yuan(booking.balance(world, account)),
        now=beijing(stamp(world.clock.now())),
        offset=world.clock.offset_seconds,
        yuan=yuan,
        beijing=beijing,
    )


_Switch = tuple[str, Setting, str, Setting]


def _board(world: World) -> list[tuple[str, list[_Switch], int]]:
    """The switches of each rail and wire, and how many of them are not as in peace."""
    areas: dict[str, list[_Switch]] = {}
    for path, normal in ALL.items():
        row = (path, world.faults.get(path), _kind(path), normal)
        areas.setdefault(path.partition(".")[0], []).append(row)
    return [
        (area, rows, sum(value != normal for _, value, _, normal in rows))
        for area, rows in areas.items()
    ]


async def show_trade(request: Request) -> Response:
    """GET /control/trades/{trade_no}: one trade and everything told about it."""
    world = world_of(request)
    row = world.store.one(
        "select * from alipay_trades where trade_no = ?", request.path_params["trade_no"]
    )
    if row is None:
        return problem(request, "ACQ.TRADE_NOT_EXIST", "交易不存在", 404)
    return render(
        request,
        "trade.html",
        trade=books.trade(world, row),
        notices=books.notices(world, row["app_id"], row["out_trade_no"]),
        yuan=yuan,
        beijing=beijing,
    )


def _kind(path: str) -> str:
    if path in FLAGS:
        return "flag"
    if path in SWITCHES:
        return "switch"
    return "number" if path in NUMBERS else "word"


async def change_faults(request: Request) -> Response:
    """POST /control/page/faults: the form of the whole board, or its clear button."""
    world = world_of(request)
    async with request.form() as form:
        try:
            if "clear" in form:
                world.faults.clear()
            else:
                world.faults.change(_patch(form))
        except (Unknown, ValueError) as no:
            return problem(request, "fault", str(no))
    world.wake.set()
    return RedirectResponse("/control#faults", 303)


def _patch(form: FormData) -> dict[str, object]:
    patch: dict[str, object] = {}
    for path in ALL:
        if path in form:
            patch[path] = _read(path, str(form[path]).strip())
    return patch


def _read(path: str, text: str) -> Setting:
    """What somebody typed or chose: on, off, a number, a word, or nothing."""
    kind = _kind(path)
    if kind == "word":
        return text or None
    if text in {"on", "off"} and kind in {"flag", "switch"}:
        return text == "on"
    return int(text or 0)


async def move_clock(request: Request) -> Response:
    """POST /control/page/clock: forward by an hour, a day, a week, or back to real time."""
    world = world_of(request)
    async with request.form() as form:
        step = str(form.get("step", ""))
    offset = world.clock.offset_seconds + STEPS[step] if step in STEPS else 0
    try:
        api.set_clock(world, offset)
    except ValueError as no:
        return problem(request, "clock", str(no))
    return RedirectResponse("/control#clock", 303)


async def act_on_trade(request: Request) -> Response:
    """POST /control/page/trades/{trade_no}/{act}: pay or resend."""
    world, trade_no = world_of(request), request.path_params["trade_no"]
    row = world.store.one("select * from alipay_trades where trade_no = ?", trade_no)
    if row is None:
        return problem(request, "ACQ.TRADE_NOT_EXIST", "交易不存在", 404)
    if request.path_params["act"] == "pay":
        cashier.pay_now(world, trade_no)
    else:
        notices.SENDER.resend(world, row["app_id"], row["out_trade_no"])
    return RedirectResponse(f"/control/trades/{trade_no}", 303)


async def send_back(request: Request) -> Response:
    """POST /control/page/alipay/transfers/{order_id}: the payee's bank sends it back."""
    world = world_of(request)
    settling.settle_due(world)
    row = world.store.one(
        "select * from alipay_transfers where order_id = ?", request.path_params["order_id"]
    )
    with world.store.transaction():
        if row is None or not alipay_transfers.send_back(world, row):
            return problem(request, "ORDER_NOT_EXIST", "没有可退回的转账", 404)
    return RedirectResponse("/control#payouts", 303)


async def decide(request: Request) -> Response:
    """POST /control/page/alipay/sellers/{external_id}/{act}: admit or refuse a seller."""
    world = world_of(request)
    try:
        with world.store.transaction():
            alipay.decide(world, request, {})
    except api.NotFound as no:
        return problem(request, "ORDER_NOT_EXIST", str(no), 404)
    return RedirectResponse("/control#sellers", 303)
